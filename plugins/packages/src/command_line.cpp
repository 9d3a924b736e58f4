// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

namespace symphony::packages {
namespace {

constexpr std::uint64_t key_bytes_max = 4096;

} // namespace

Result<packaging::PublicKey> CommandLine::key(const std::string& typed) const {
    if (const auto key = packaging::PublicKey::parse(typed)) return key;
    const auto file = packaging::read_file(path(typed), key_bytes_max);
    if (!file) return packaging::PublicKey::parse(typed).error().code() == Code::invalid_argument && file.error().code() == Code::not_found
                          ? Error(Code::invalid_argument, "bad-public-key", "\"" + shown(typed) + "\" is neither a public key nor a file that has one",
                                  "a public key is 56 characters that begin with RW")
                          : file.error();
    auto key = packaging::PublicKey::parse(*file);
    if (!key) return std::move(key).error().in(shown(typed));
    return key;
}

Result<packaging::Change> CommandLine::begin() const {
    const std::chrono::milliseconds longest(host().config()["lock_wait"].as_uint(10'000));
    auto change = packaging::Change::begin(folder(), longest, [this] { return cancelled(); });
    if (change) change->set_host(host_version());
    return change;
}

Result<packaging::Installed> installed_as(const packaging::Profile& profile, const std::string& typed) {
    if (const auto* found = profile.find(typed)) return *found;
    std::vector<const packaging::Installed*> named;
    for (const auto& package : profile.packages) {
        if (package.id.ends_with("." + typed)) named.push_back(&package);
    }
    if (named.size() == 1) return *named.front();
    if (named.empty()) {
        return Error(Code::not_found, "not-installed", "plugin \"" + shown(typed) + "\" is not installed by symphony install", "symphony generations --json lists what is; symphony list has every plugin");
    }
    return Error(Code::conflict, "ambiguous-plugin", "\"" + shown(typed) + "\" is the name of several plugins: " + named[0]->id + ", " + named[1]->id, "use the id");
}

} // namespace symphony::packages
