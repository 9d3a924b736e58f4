// SPDX-License-Identifier: Apache-2.0
// `registry create|show|sign|yank|advise|rotate`: a registry as who runs it sees it.
#include "keys.hpp"
#include "registry_signing.hpp"

#include <symphony/packaging/disk.hpp>

#include <algorithm>

namespace symphony::kit {
namespace {

using packaging::RegistryFolder;
using packaging::RegistryRoot;

constexpr std::uint64_t file_bytes_max = 16 * 1024 * 1024;

/// The public halves of some keys, and keys of which only the public half is here.
Result<packaging::KeyRole> role_of(const Typed& typed, const RegistryKeys& secret, std::string_view public_flag, std::uint64_t threshold) {
    packaging::KeyRole role;
    role.threshold = threshold;
    for (const auto& key : secret.keys) role.keys.push_back(key.public_key());
    if (!public_flag.empty()) {
        for (const auto& word : typed.texts(public_flag)) role.keys.push_back(SYMPHONY_TRY(public_key(typed, word)));
    }
    std::sort(role.keys.begin(), role.keys.end());
    role.keys.erase(std::unique(role.keys.begin(), role.keys.end()), role.keys.end());
    return role;
}

void tell_snapshot(const Typed& typed, const RegistryFolder& registry, Data::Map more, const std::string& what) {
    const auto& snapshot = registry.snapshot();
    Data::Map all{{"registry", registry.config().name}, {"snapshot", static_cast<std::int64_t>(snapshot.number)}, {"expires", packaging::time_text(snapshot.expires)}};
    all.insert(all.end(), more.begin(), more.end());
    typed.answer(to_json(Data(std::move(all))));
    typed.out(what + "; snapshot " + std::to_string(snapshot.number) + " is good until " + packaging::time_text(snapshot.expires));
}

} // namespace

Result<std::int32_t> registry_create_command(const Typed& typed) {
    const auto folder = typed.path(typed.text("folder"));
    RegistryRoot root;
    root.registry = typed.text("name");
    const auto threshold = SYMPHONY_TRY(typed.number("threshold", 1, 1, 16));
    const auto root_days = SYMPHONY_TRY(typed.number("root-days", 365, 1, 3650));
    const auto days = SYMPHONY_TRY(typed.number("days", 14, 1, 3650));
    if (root.registry.empty()) return usage("a registry needs a name", "--name NAME, such as main; it is for ever");
    std::error_code failed;
    if (std::filesystem::exists(folder / "snapshot.toml", failed)) return Error(Code::conflict, "exists", folder.string() + " is a registry already", "symphony registry show tells which");
    const auto root_keys = SYMPHONY_TRY(read_keys(typed, "root-key"));
    auto online = typed.given("snapshot-key") || typed.given("root-key") ? SYMPHONY_TRY(read_keys(typed, "snapshot-key")) : root_keys; // asked once
    online.days = static_cast<std::int64_t>(days);
    root.root = SYMPHONY_TRY(role_of(typed, root_keys, "root-public", threshold));
    root.snapshot = SYMPHONY_TRY(role_of(typed, online, {}, 1));
    root.expires = unix_now() + static_cast<std::int64_t>(root_days) * day_s;
    // As its readers will see it: what they refuse must not be made.
    SYMPHONY_TRY(packaging::parse_root(print(root), "the new root"));
    const packaging::RegistryConfig config{root.registry, typed.text("title", root.registry)};
    SYMPHONY_TRY(packaging::parse_config(print(config), "the new registry"));
    SYMPHONY_TRY(RegistryFolder::create(folder, config, root, root_keys.pointers(), online.signing()));
    const auto registry = SYMPHONY_TRY(RegistryFolder::open(folder));
    Data::List keys;
    for (const auto& key : root.root.keys) keys.emplace_back(key.text());
    tell_snapshot(typed, registry, {{"folder", folder.string()}, {"root_keys", std::move(keys)}}, "made the registry " + root.registry);
    if (typed.json()) return 0;
    for (const auto& key : root.root.keys) typed.err("its readers need: symphony packages registry add " + root.registry + " " + folder.string() + " --root-key " + key.text());
    if (std::any_of(root.root.keys.begin(), root.root.keys.end(), [&](const auto& key) { return std::find(root.snapshot.keys.begin(), root.snapshot.keys.end(), key) != root.snapshot.keys.end(); })) {
        typed.err("note: one key signs root and snapshots; a registry that others rely on has a root key that is kept offline: --root-key FILE, --snapshot-key FILE");
    }
    return 0;
}

Result<std::int32_t> registry_show_command(const Typed& typed) {
    const auto registry = SYMPHONY_TRY(open_registry(typed, "folder"));
    const auto& root = registry.root();
    const auto& snapshot = registry.snapshot();
    Data::List root_keys, online;
    for (const auto& key : root.root.keys) root_keys.emplace_back(key.text());
    for (const auto& key : root.snapshot.keys) online.emplace_back(key.text());
    const bool over = snapshot.expires <= unix_now();
    typed.answer(to_json(Data::Map{{"name", registry.config().name}, {"title", registry.config().title}, {"root", static_cast<std::int64_t>(root.version)},
                                   {"root_expires", packaging::time_text(root.expires)}, {"threshold", static_cast<std::int64_t>(root.root.threshold)}, {"root_keys", root_keys},
                                   {"snapshot_keys", online}, {"snapshot", static_cast<std::int64_t>(snapshot.number)}, {"expires", packaging::time_text(snapshot.expires)}, {"expired", over}}));
    typed.out(registry.config().name + ": " + shown(registry.config().title));
    typed.out("root      " + std::to_string(root.version) + ", until " + packaging::time_text(root.expires) + ", " + std::to_string(root.root.threshold) + " of " + std::to_string(root.root.keys.size()) + " keys");
    for (const auto& key : root.root.keys) typed.out("          " + key.text());
    typed.out("snapshot  " + std::to_string(snapshot.number) + ", until " + packaging::time_text(snapshot.expires) + (over ? ", which is over" : ""));
    for (const auto& key : root.snapshot.keys) typed.out("          " + key.text());
    if (over && !typed.json()) typed.err("its readers refuse it: symphony registry sign " + shown(typed.text("folder")));
    return 0;
}

Result<std::int32_t> registry_sign_command(const Typed& typed) {
    auto registry = SYMPHONY_TRY(open_registry(typed, "folder"));
    const auto keys = SYMPHONY_TRY(snapshot_keys(typed, registry.root()));
    SYMPHONY_TRY(registry.sign_again(keys.signing()));
    tell_snapshot(typed, registry, {}, "signed " + registry.config().name + " again");
    return 0;
}

Result<std::int32_t> registry_yank_command(const Typed& typed) {
    auto registry = SYMPHONY_TRY(open_registry(typed, "folder"));
    const std::string id = typed.text("id"), version = typed.text("version");
    const bool back = typed.on("undo");
    const auto keys = SYMPHONY_TRY(snapshot_keys(typed, registry.root()));
    SYMPHONY_TRY(registry.yank(id, version, !back, keys.signing()));
    tell_snapshot(typed, registry, {{"id", id}, {"version", version}, {"yanked", !back}}, id + " " + version + (back ? " is given again" : " is given to nobody new"));
    return 0;
}

Result<std::int32_t> registry_advise_command(const Typed& typed) {
    auto registry = SYMPHONY_TRY(open_registry(typed, "folder"));
    const auto file = typed.path(typed.text("advisory"));
    const auto advisory = SYMPHONY_TRY(packaging::parse_advisory(SYMPHONY_TRY(packaging::read_file(file, file_bytes_max)), file.string()));
    std::vector<std::pair<std::string, std::string>> versions;
    Data::List affected;
    for (const auto& word : typed.texts("affects")) {
        const auto at = word.find('@');
        if (at == std::string::npos || at == 0 || at + 1 == word.size()) return usage("--affects " + shown(word) + " is no ID@VERSION", "such as org.example.greet@1.0.0");
        versions.emplace_back(word.substr(0, at), word.substr(at + 1));
        affected.emplace_back(word);
    }
    const auto keys = SYMPHONY_TRY(snapshot_keys(typed, registry.root()));
    SYMPHONY_TRY(registry.advise(advisory, versions, keys.signing()));
    tell_snapshot(typed, registry, {{"advisory", advisory.id}, {"affects", std::move(affected)}}, advisory.id + " is told of " + std::to_string(versions.size()) + " versions");
    return 0;
}

Result<std::int32_t> registry_rotate_command(const Typed& typed) {
    auto registry = SYMPHONY_TRY(open_registry(typed, "folder"));
    const auto file = typed.path(typed.text("root"));
    const auto root = SYMPHONY_TRY(packaging::parse_root(SYMPHONY_TRY(packaging::read_file(file, file_bytes_max)), file.string()));
    const auto root_keys = SYMPHONY_TRY(read_keys(typed, "root-key"));
    const auto keys = SYMPHONY_TRY(snapshot_keys(typed, root));
    SYMPHONY_TRY(registry.rotate(root, root_keys.pointers(), keys.signing()));
    tell_snapshot(typed, registry, {{"root", static_cast<std::int64_t>(root.version)}}, "root " + std::to_string(root.version) + " is in force");
    return 0;
}

} // namespace symphony::kit
