// SPDX-License-Identifier: Apache-2.0
// symphony remove, symphony rollback
#include "commands.hpp"
#include "dependencies.hpp"

#include <algorithm>
#include <set>

namespace symphony::packages {
namespace {

using packaging::Installed;
using packaging::Profile;

/// One line for each plugin in which two profiles differ.
std::vector<std::string> differences(const Profile& from, const Profile& to) {
    std::vector<std::string> out;
    std::set<std::string> ids;
    for (const auto* profile : {&from, &to}) {
        for (const auto& package : profile->packages) ids.insert(package.id);
    }
    for (const auto& id : ids) {
        const Installed *before = from.find(id), *after = to.find(id);
        if (before != nullptr && after != nullptr && *before == *after) continue;
        out.push_back(id + " " + (before == nullptr ? "comes back: " + after->version : after == nullptr ? before->version + " goes" : before->version + " -> " + after->version));
    }
    return out;
}

Data changes_data(const std::vector<std::string>& lines) {
    Data::List out;
    for (const auto& line : lines) out.emplace_back(line);
    return out;
}

/// Whether it may be a part of a path.
bool is_id(const std::string& text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
    return plain && !text.empty() && text.front() != '.' && text.find("..") == std::string::npos;
}

/// What a plugin leaves behind outside of the packages.
struct Left {
    std::vector<std::filesystem::path> folders; ///< its own, that are there
    const packaging::Publisher* publisher = nullptr;
};

Left left_by(const CommandLine& line, const packaging::Publishers& publishers, const std::string& id) {
    Left left;
    const auto& about = line.about();
    for (const auto& folder : {std::filesystem::path(about.config) / "plugins" / id, std::filesystem::path(about.cache) / "plugins" / id, std::filesystem::path(about.state) / "data" / id}) {
        std::error_code error;
        if (std::filesystem::is_directory(std::filesystem::symlink_status(folder, error))) left.folders.push_back(folder);
    }
    left.publisher = publishers.pinned(id);
    return left;
}

struct Gone {
    std::vector<Installed> named, orphans; ///< what was typed; what came along for it alone
    std::vector<Installed> absent;         ///< not installed any more, and something of it is still there
};

Result<Gone> without(const CommandLine& line, Profile& profile, const packaging::Store& store) {
    const auto orphans_before = orphans_in(profile, from_store(store));
    Gone all;
    auto& gone = all.named;
    for (const auto& typed : line.texts("plugin")) {
        auto found = installed_as(profile, typed);
        if (!found && line.on("purge") && found.error().code() == Code::not_found) {
            const auto publishers = SYMPHONY_TRY(packaging::Publishers::load(line.publishers_file()));
            const auto left = is_id(typed) ? left_by(line, publishers, typed) : Left();
            if (left.folders.empty() && left.publisher == nullptr) return std::move(found).error();
            all.absent.push_back({typed, "", "", "", "", "", ""});
            continue;
        }
        if (!found) return std::move(found).error();
        profile.remove(found->id);
        gone.push_back(*std::move(found));
    }
    for (const auto& unmet : unmet_in(line, profile, from_store(store))) {
        const bool by_us = std::any_of(gone.begin(), gone.end(), [&](const Installed& one) { return one.id == unmet.needs; });
        if (by_us) return Error(Code::conflict, "needed", "plugin \"" + unmet.plugin + "\" needs " + unmet.needs + " " + unmet.range, "remove both: symphony remove " + unmet.needs + " " + unmet.plugin);
    }
    for (const auto& id : orphans_in(profile, from_store(store))) {
        if (std::find(orphans_before.begin(), orphans_before.end(), id) == orphans_before.end()) all.orphans.push_back(*profile.find(id));
    }
    for (const auto& one : all.orphans) profile.remove(one.id);
    return all;
}

/// Says what stays of a plugin, or with --purge removes what is ours to remove; its grants and settings are the host's and the person's.
Result<Data> purge(const CommandLine& line, const Installed& package, packaging::Publishers& publishers, bool purging) {
    const auto left = left_by(line, publishers, package.id);
    Data::List folders;
    for (const auto& folder : left.folders) {
        if (purging) SYMPHONY_TRY(packaging::Disk().remove(folder));
        line.err("  " + folder.string() + (purging ? " goes" : " stays"));
        folders.emplace_back(folder.string());
    }
    const std::string key = left.publisher == nullptr ? std::string() : left.publisher->key.text();
    if (!key.empty()) {
        if (purging) publishers.unpin(package.id);
        line.err(purging ? "  it is not pinned to the key " + key + " any more" : "  its packages still have to be signed with " + key);
    }
    return Data(Data::Map{{"id", package.id}, {"folders", folders}, {"key", key.empty() ? Data() : Data(key)}, {"purged", purging}});
}

/// Where `rollback` goes to.
Result<std::uint64_t> target_of(const CommandLine& line, const packaging::Change& change) {
    const std::uint64_t to = SYMPHONY_TRY(line.number("to", 0, 1, UINT64_MAX));
    if (to != 0) return to;
    if (change.current() == 0 || change.profile().previous == 0) {
        return Error(Code::not_found, "no-generation", "there is no generation before the current one", "symphony generations lists them");
    }
    const auto numbers = SYMPHONY_TRY(change.generations().numbers());
    if (std::find(numbers.begin(), numbers.end(), change.profile().previous) != numbers.end()) return change.profile().previous;
    return Error(Code::not_found, "no-generation", "generation " + std::to_string(change.profile().previous) + ", from which the current one was made, was removed by packages gc",
                 "symphony generations lists the others, symphony rollback --to N goes to one");
}

/// Switches; where the generation trusts a key that was revoked since, a new one like it is made that does not.
Result<std::uint64_t> make_current(const CommandLine& line, packaging::Change& change, std::uint64_t to, Profile target) {
    const auto publishers = SYMPHONY_TRY(packaging::Publishers::load(line.publishers_file()));
    bool revoked = false;
    for (auto& package : target.packages) {
        const auto key = packaging::PublicKey::parse(package.publisher);
        const auto* publisher = key ? publishers.find(*key) : nullptr;
        if (publisher == nullptr || !publisher->revoked) continue;
        line.err(package.id + " runs isolated: the key that signed it was revoked");
        package.publisher.clear();
        revoked = true;
    }
    if (!revoked) {
        SYMPHONY_TRY(change.generations().switch_to(to));
        return to;
    }
    change.profile() = std::move(target);
    return change.commit("rollback to " + std::to_string(to) + " without revoked keys");
}

} // namespace

Result<std::int32_t> command_remove(CommandLine& line) {
    auto change = SYMPHONY_TRY(line.begin());
    const auto gone = SYMPHONY_TRY(without(line, change.profile(), change.store()));
    std::string action = "remove";
    Data::List list, orphans, left;
    for (const auto& one : gone.named) {
        action += " " + one.id;
        list.push_back(Data(Data::Map{{"id", one.id}, {"version", one.version}}));
        line.err(one.id + " " + one.version + " goes");
    }
    for (const auto& one : gone.orphans) {
        orphans.emplace_back(one.id);
        line.err(one.id + " " + one.version + " goes: nothing needs it any more");
    }
    const bool dry = line.on("dry-run"), purging = line.on("purge") && !dry;
    const std::uint64_t number = dry ? 0 : gone.named.empty() ? change.current() : SYMPHONY_TRY(change.commit(action));
    // After the switch: a plugin that is still there keeps what it has.
    auto publishers = SYMPHONY_TRY(packaging::Publishers::load(line.publishers_file()));
    auto all = gone.named;
    all.insert(all.end(), gone.orphans.begin(), gone.orphans.end());
    all.insert(all.end(), gone.absent.begin(), gone.absent.end());
    for (const auto& one : all) left.push_back(SYMPHONY_TRY(purge(line, one, publishers, purging)));
    if (purging) SYMPHONY_TRY(publishers.save(line.publishers_file()));
    if (!dry) line.err("hint: what was granted stays until symphony permission revoke ID" + std::string(purging ? "" : "; --purge takes the rest away"));
    line.answer(to_json(Data::Map{{"generation", dry ? Data() : Data(static_cast<std::int64_t>(number))}, {"dry_run", dry}, {"removed", list}, {"orphans", orphans}, {"left", left}}));
    line.out(dry ? "nothing was changed: --dry-run" : "removed as generation " + std::to_string(number) + "; symphony rollback goes back");
    return 0;
}

Result<std::int32_t> command_rollback(CommandLine& line) {
    auto begun = line.begin();
    // The way out of a profile that cannot be read, when the person says where to.
    if (!begun && begun.error().code() == Code::data_corrupt && !line.text("to").empty()) {
        const std::uint64_t to = SYMPHONY_TRY(line.number("to", 0, 1, UINT64_MAX));
        SYMPHONY_TRY(line.generations().read(to));
        SYMPHONY_TRY(line.generations().switch_to(to));
        line.answer(to_json(Data::Map{{"generation", static_cast<std::int64_t>(to)}, {"dry_run", false}, {"changes", Data::List{}}}));
        line.out("generation " + std::to_string(to) + " is current");
        return 0;
    }
    if (!begun) return std::move(begun).error();
    auto& change = *begun;
    const std::uint64_t to = SYMPHONY_TRY(target_of(line, change));
    const auto target = SYMPHONY_TRY(change.generations().read(to));
    for (const auto& package : target.packages) {
        if (!change.store().contains(package.digest)) {
            return Error(Code::data_corrupt, "not-in-store", "generation " + std::to_string(to) + " needs " + package.id + " " + package.version + ", which the store has not", "symphony generations lists the others");
        }
    }
    const auto changes = differences(change.profile(), target);
    for (const auto& text : changes) line.err(text);
    const bool dry = line.on("dry-run");
    const std::uint64_t before = change.current();
    const std::uint64_t now = dry ? to : SYMPHONY_TRY(make_current(line, change, to, target));
    line.answer(to_json(Data::Map{{"generation", static_cast<std::int64_t>(now)}, {"before", static_cast<std::int64_t>(before)}, {"dry_run", dry}, {"changes", changes_data(changes)}}));
    line.out(dry ? "nothing was changed: --dry-run" : "generation " + std::to_string(now) + " is current; symphony rollback --to " + std::to_string(before) + " goes forward again");
    return 0;
}

} // namespace symphony::packages
