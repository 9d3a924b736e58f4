// SPDX-License-Identifier: Apache-2.0
// symphony compose verify: every file against its digest; an archive against what would be written; with --from against what its sources give now.
#include "archive.hpp"
#include "composer.hpp"
#include "workshop.hpp"

#include <algorithm>

namespace symphony::composer {
namespace fs = std::filesystem;
namespace {

struct Verified {
    std::string path;
    std::vector<Damage> damages;
    std::optional<Tree> tree;
};

std::string sentence(const Damage& damage) {
    if (damage.reason == "missing") return damage.path + " is missing";
    if (damage.reason == "foreign") return damage.path + " is not of the distribution";
    if (damage.reason == "mode") return damage.path + " has another mode";
    if (damage.reason == "damaged-seal") return damage.path + " is not as it was written";
    if (damage.reason == "other-bytes") return damage.path + " is not what its sources give now";
    if (damage.reason == "not-canonical") return damage.path + " has other bytes than this symphony writes for its content";
    return damage.path + " was altered";
}

Result<Verified> verify_folder(const CommandLine& line, const fs::path& folder) {
    auto tree = SYMPHONY_TRY(read_tree(folder, line.progress("reading " + folder.filename().string())));
    Verified out{folder.string(), {}, std::move(tree)};
    out.damages = check_seal(*out.tree);
    return out;
}

Result<Verified> verify_archive(const fs::path& file) {
    constexpr std::uint64_t archive_bytes_max = packaging::payload_bytes_max;
    Verified out{file.string(), {}, {}};
    std::error_code error;
    const auto real = fs::canonical(file, error);
    const auto bytes = SYMPHONY_TRY(packaging::read_file(error ? file : real, archive_bytes_max));
    auto read = read_archive(bytes);
    if (!read) {
        if (read.error().reason() != "damaged-archive") return std::move(read).error().in(file.string());
        out.damages.push_back({"altered", file.filename().string()});
        return out;
    }
    out.damages = check_seal(read->tree);
    if (out.damages.empty()) {
        const auto facts = SYMPHONY_TRY(facts_of(read->tree));
        if (SYMPHONY_TRY(archive_of(read->tree, facts, read->format)) != bytes) out.damages.push_back({"not-canonical", file.filename().string()});
    }
    out.tree = std::move(read->tree);
    return out;
}

/// What is to be verified: the thing itself, or all outputs in a folder.
Result<std::vector<fs::path>> things_in(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error) || fs::exists(path / seal_name, error) || fs::exists(path / "distribution.lock", error)) return std::vector{path};
    std::vector<fs::path> out;
    for (fs::directory_iterator item(path, error), end; !error && item != end; item.increment(error)) {
        const std::string name = item->path().filename().string();
        const bool archive = name.ends_with(".tar.zst") || name.ends_with(".deb") || name.ends_with(".run");
        if (name.front() != '.' && (archive || fs::exists(item->path() / seal_name, error))) out.push_back(item->path());
    }
    std::sort(out.begin(), out.end());
    if (out.empty()) return Error(Code::not_found, "not-a-distribution", path.string() + " has no distribution in it", "name a folder or archive that symphony compose build made");
    return out;
}

/// File by file with what is composed now.
void compare(const Tree& now, Verified& with) {
    for (const auto& [path, file] : now.files()) {
        const auto* there = with.tree->find(path);
        if (there == nullptr || *there != file) with.damages.push_back({"other-bytes", path});
    }
    for (const auto& [path, file] : with.tree->files()) {
        if (now.find(path) == nullptr) with.damages.push_back({"foreign", path});
    }
}

} // namespace

Result<std::int32_t> command_verify(CommandLine& line) {
    const fs::path path = line.path(line.text("path"));
    std::error_code error;
    if (!fs::exists(path, error)) return Error(Code::not_found, "no-such-file", "there is no \"" + shown(line.text("path")) + "\"", "name a folder or archive that symphony compose build made");
    std::optional<Tree> now;
    if (const auto from = line.text("from"); !from.empty()) {
        auto mode = line.lock_mode();
        mode.locked = true;
        Workshop shop(line, from, mode);
        SYMPHONY_TRY(shop.prepare());
        if (!shop.problems().empty()) return line.report(shop.problems());
        now = SYMPHONY_TRY(shop.assemble());
    }
    bool good = true;
    Data::List list;
    for (const auto& thing : SYMPHONY_TRY(things_in(path))) {
        auto verified = SYMPHONY_TRY(fs::is_directory(thing, error) ? verify_folder(line, thing) : verify_archive(thing));
        if (now && verified.damages.empty()) compare(*now, verified);
        Data::List damages;
        for (const auto& damage : verified.damages) {
            damages.emplace_back(Data::Map{{"reason", damage.reason}, {"path", shown(damage.path)}});
            if (!line.json()) line.err("error: " + verified.path + ": " + shown(sentence(damage)) + " [" + damage.reason + "]");
        }
        if (!verified.damages.empty() && !line.json()) line.err("hint: take it from where it came from again, or compose it again");
        if (verified.damages.empty()) line.out(verified.path + (now ? " is what its sources give, to the byte" : " is as it was composed"));
        good = good && verified.damages.empty();
        list.emplace_back(Data::Map{{"path", verified.path}, {"ok", verified.damages.empty()}, {"damages", std::move(damages)}});
    }
    line.answer(to_json(Data::Map{{"ok", good}, {"outputs", std::move(list)}}));
    return good ? 0 : 1;
}

} // namespace symphony::composer
