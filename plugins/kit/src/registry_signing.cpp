// SPDX-License-Identifier: Apache-2.0
#include "registry_signing.hpp"

#include "keys.hpp"

#include <algorithm>
#include <chrono>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> files_of(const Typed& typed, std::string_view flag) {
    std::vector<fs::path> files;
    for (const auto& word : typed.texts(flag)) files.push_back(typed.path(word));
    if (files.empty()) files.push_back(default_key(typed));
    return files;
}

} // namespace

packaging::UnixTime unix_now() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::vector<const packaging::SecretKey*> RegistryKeys::pointers() const {
    std::vector<const packaging::SecretKey*> out;
    for (const auto& key : keys) out.push_back(&key);
    return out;
}

packaging::RegistryFolder::Signing RegistryKeys::signing() const {
    const auto now = unix_now();
    return {pointers(), now, now + days * day_s};
}

Result<RegistryKeys> read_keys(const Typed& typed, std::string_view flag) {
    RegistryKeys out;
    for (const auto& file : files_of(typed, flag)) out.keys.push_back(SYMPHONY_TRY(read_key(typed, file)));
    return out;
}

Result<RegistryKeys> snapshot_keys(const Typed& typed, const packaging::RegistryRoot& root) {
    const auto days = SYMPHONY_TRY(typed.number("days", 14, 1, 3650));
    if (!typed.given("snapshot-key")) {
        const auto own = public_half(default_key(typed));
        if (!own || std::find(root.snapshot.keys.begin(), root.snapshot.keys.end(), *own) == root.snapshot.keys.end()) {
            return Error(Code::invalid_argument, "missing-key", "your signing key does not sign snapshots of the registry " + root.registry, "name one that does: --snapshot-key FILE");
        }
    }
    auto out = SYMPHONY_TRY(read_keys(typed, "snapshot-key"));
    out.days = static_cast<std::int64_t>(days);
    return out;
}

Result<packaging::RegistryFolder> open_registry(const Typed& typed, std::string_view argument) {
    auto opened = packaging::RegistryFolder::open(typed.path(typed.text(argument)));
    if (!opened && opened.error().reason() == "no-registry") return std::move(opened).error().with_hint("symphony registry create FOLDER --name NAME makes one");
    return opened;
}

} // namespace symphony::kit
