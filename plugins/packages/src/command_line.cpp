// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <charconv>

namespace symphony::packages {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t emit_bytes_max = 1u << 20u;
constexpr std::uint64_t key_bytes_max = 4096;

} // namespace

Error usage(std::string message, std::string hint) { return {Code::invalid_argument, "usage", std::move(message), std::move(hint)}; }

std::string shown(std::string_view text) {
    std::string out(text.substr(0, 200));
    out.resize(valid_utf8_prefix(out));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return out;
}

std::pair<std::uint32_t, std::uint32_t> CommandLine::abi() const noexcept {
    const symphony_host* host = host_.context() == nullptr ? nullptr : host_.context()->host();
    if (host == nullptr) return {SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR};
    return {host->abi_major, host->abi_minor};
}

manifests::Version CommandLine::host_version() const {
    const auto [major, minor] = abi();
    return {major, minor, 0, {}, {}};
}

std::vector<std::string> CommandLine::texts(std::string_view name) const {
    std::vector<std::string> out;
    const ValueView value = arguments_[name];
    if (value.is_text()) out.emplace_back(value.as_text());
    if (value.is_list()) {
        for (const ValueView item : value.items()) out.emplace_back(item.as_text());
    }
    return out;
}

Result<std::uint64_t> CommandLine::number(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const {
    const std::string typed = text(name);
    if (typed.empty()) return otherwise;
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(typed.data(), typed.data() + typed.size(), value);
    if (fault != std::errc() || end != typed.data() + typed.size() || value < low || value > high) {
        return usage("--" + std::string(name) + " " + shown(typed) + " is no number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return value;
}

fs::path CommandLine::path(std::string_view typed) const { return (fs::path(context_.cwd) / typed).lexically_normal(); }

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

void CommandLine::emit(std::uint8_t stream, std::string text) const {
    for (std::size_t at = 0; at < text.size(); at += emit_bytes_max) {
        ports::CommandOutput output;
        output.stream = stream;
        output.text = Buffer::copy(std::string_view(text).substr(at, emit_bytes_max));
        call_.emit(output);
    }
}

void CommandLine::out(std::string_view line) const {
    if (!json()) emit(ports::CommandStream::out, std::string(line) + "\n");
}

void CommandLine::err(std::string_view line) const { emit(ports::CommandStream::err, std::string(line) + "\n"); }

void CommandLine::json(Data data) const {
    if (json()) emit(ports::CommandStream::out, to_json(data) + "\n");
}

packaging::Progress CommandLine::progress(std::string what) const {
    return [this, what = std::move(what)](std::uint64_t done, std::uint64_t total) {
        call_.progress(static_cast<std::uint32_t>(total == 0 ? 1000 : std::min<std::uint64_t>(1000, done * 1000 / total)), what);
        return !call_.cancelled();
    };
}

Result<packaging::Change> CommandLine::begin() const {
    const std::chrono::milliseconds longest(host_.config()["lock_wait"].as_uint(10'000));
    auto change = packaging::Change::begin(folder(), longest, [this] { return call_.cancelled(); });
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
