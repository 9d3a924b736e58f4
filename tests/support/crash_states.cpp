// SPDX-License-Identifier: Apache-2.0
#include "crash_states.hpp"

#include "crash_disk.hpp"

#include <algorithm>
#include <functional>
#include <random>
#include <set>

namespace symphony::test_support {
namespace {

/// What a crash leaves of a disk's unsynced changes.
struct Choice {
    bool contents = true;                 ///< of the files that are not in `files`: all changes, or none
    std::map<std::uint64_t, Kept> files;
    std::vector<bool> names;              ///< of name_changes
    std::string text;
};

class Search {
public:
    Search(const RecordingFolder::Recording& recording, const CrashOptions& options, const CrashCheck& check)
        : recording_(recording), options_(options), check_(check), random_(options.seed), disk_(recording) {
        report_.seed = options.seed;
        report_.operations = recording.operations.size();
    }

    CrashReport run() {
        const std::set<std::size_t> points = choose_points();
        for (std::size_t done = 0; done <= recording_.operations.size(); ++done) {
            if (done > 0) {
                const Operation& last = recording_.operations[done - 1];
                disk_.apply(last);
                if (last.kind == Operation::Kind::create || last.kind == Operation::Kind::rename) paths_[last.file] = last.kind == Operation::Kind::create ? last.path : last.to;
                if (last.kind == Operation::Kind::note) notes_.push_back(last.path);
            }
            if (!points.contains(done)) continue;
            ++report_.points;
            at_ = done;
            cut_here();
            if (is_over()) break;
        }
        return std::move(report_);
    }

private:
    std::set<std::size_t> choose_points() {
        std::vector<std::size_t> all(recording_.operations.size() + 1);
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
        if (options_.points_max != 0 && options_.points_max < all.size()) {
            std::shuffle(all.begin(), all.end() - 1, random_);
            std::swap(all.front(), all.back()); // the end is always looked at
            all.resize(options_.points_max);
        }
        return {all.begin(), all.end()};
    }
    bool is_over() const { return report_.failures.size() >= options_.failures_max; }

    void cut_here() {
        const std::size_t names = disk_.name_changes.size();
        const std::vector<bool> all(names, true), none(names, false);
        look({true, {}, all, "everything reached the disk"});
        look({false, {}, none, "nothing that was not synced reached the disk"});
        look({false, {}, all, "only names reached the disk"});
        look({true, {}, none, "only contents reached the disk"});
        for (std::size_t i = 0; i < names; ++i) {
            std::vector<bool> without = all, alone = none;
            without[i] = false;
            alone[i] = true;
            look({true, {}, without, "all but " + text_of(disk_.name_changes[i])});
            look({true, {}, alone, "of the names only " + text_of(disk_.name_changes[i])});
            std::vector<bool> first = none;
            std::fill(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(i) + 1, true);
            look({true, {}, first, "the names up to " + text_of(disk_.name_changes[i])});
        }
        for (const auto& [number, file] : disk_.files) cut_file(number, file, all);
        for (std::size_t i = 0; i < options_.samples_per_point; ++i) look(random_choice());
    }

    void cut_file(std::uint64_t number, const DiskFile& file, const std::vector<bool>& names) {
        const std::size_t count = file.changes.size();
        if (count == 0) return;
        const std::string what = paths_.contains(number) ? paths_.at(number) : "file " + std::to_string(number);
        look({true, {{number, {0, {}, 0}}}, names, "all but what was written to " + what});
        look({true, {{number, {0, {}, count}}}, names, "the size of " + what + " without its contents"});
        look({true, {{number, {count, {}, 0}}}, names, "the contents of " + what + " without its size"});
        // The last ones only: older ones had their turn at the points before.
        constexpr std::size_t changes_max = 6;
        for (std::size_t i = count - std::min(count, changes_max); i < count; ++i) {
            const std::string which = "write " + std::to_string(i + 1) + " of " + std::to_string(count) + " to " + what;
            const std::set<std::uint64_t> blocks = file.blocks_of(i);
            look({true, {{number, {i, {}, i}}}, names, "all up to " + which});
            look({true, {{number, {count, same(blocks, i), count}}}, names, "all but " + which});
            look({true, {{number, {0, same(blocks, i + 1), count}}}, names, "only " + which});
            for (const std::uint64_t unit : {std::uint64_t{1}, 4096 / block_bytes}) look_torn(number, i, blocks, unit, names, which);
        }
    }

    /// The first part of a write without the rest, and the rest without the first part.
    void look_torn(std::uint64_t number, std::size_t change, const std::set<std::uint64_t>& blocks, std::uint64_t unit, const std::vector<bool>& names, const std::string& which) {
        std::set<std::uint64_t> units;
        for (const std::uint64_t block : blocks) units.insert(block / unit);
        if (units.size() < 2) return;
        auto middle = units.begin();
        std::advance(middle, 1 + pick(units.size() - 1));
        for (const bool first : {true, false}) {
            Kept kept{change, {}, change + 1};
            for (const std::uint64_t block : blocks) {
                if ((block / unit < *middle) == first) kept.blocks[block] = change + 1;
            }
            look({true, {{number, kept}}, names, std::string(first ? "the first" : "the last") + " part of " + which + " in units of " + std::to_string(unit * block_bytes)});
        }
    }

    Choice random_choice() {
        Choice choice{true, {}, {}, "a random choice"};
        for (std::size_t i = 0; i < disk_.name_changes.size(); ++i) choice.names.push_back(pick(2) == 0);
        const std::uint64_t unit = pick(2) == 0 ? 1 : 4096 / block_bytes;
        for (const auto& [number, file] : disk_.files) {
            const std::size_t count = file.changes.size();
            if (count == 0) continue;
            Kept kept{pick(count + 1), {}, pick(count + 1)};
            if (pick(2) == 0) kept.size_cut = count;
            std::map<std::uint64_t, std::size_t> units;
            for (std::size_t i = 0; i < count; ++i) {
                for (const std::uint64_t block : file.blocks_of(i)) {
                    const auto [at, is_new] = units.try_emplace(block / unit, 0);
                    if (is_new) at->second = pick(count + 1);
                    kept.blocks[block] = at->second;
                }
            }
            choice.files[number] = std::move(kept);
        }
        return choice;
    }

    void look(const Choice& choice) {
        if (is_over()) return;
        MemoryFolder folder;
        std::map<std::string, std::uint64_t> names = disk_.names;
        for (std::size_t i = 0; i < choice.names.size(); ++i) {
            if (choice.names[i]) disk_.name_changes[i].apply(names);
        }
        std::size_t hash = std::hash<std::size_t>()(notes_.size());
        for (const auto& [path, number] : names) {
            const DiskFile& file = disk_.files.at(number);
            const auto chosen = choice.files.find(number);
            const std::size_t count = choice.contents ? file.changes.size() : 0;
            const auto content = file.after(chosen != choice.files.end() ? chosen->second : Kept{count, {}, count});
            hash = hash * 1'000'003 ^ std::hash<std::string>()(path);
            hash = hash * 1'000'003 ^ std::hash<std::string_view>()(symphony::text_of(Bytes(*content)));
            folder.put(path, std::make_shared<MemoryNode>(content));
        }
        if (!seen_.insert(hash).second) return;
        ++report_.states;
        const std::string where = at_ == 0 ? "before the first operation" : "after operation " + std::to_string(at_) + " (" + recording_.operations[at_ - 1].text() + ")";
        CrashState state{folder, notes_, where + ": " + choice.text};
        const std::string problem = check_(state);
        if (!problem.empty()) report_.failures.push_back(state.text + ": " + problem);
    }

    static std::map<std::uint64_t, std::size_t> same(const std::set<std::uint64_t>& blocks, std::size_t cut) {
        std::map<std::uint64_t, std::size_t> out;
        for (const std::uint64_t block : blocks) out[block] = cut;
        return out;
    }
    static std::string text_of(const NameChange& change) {
        switch (change.kind) {
        case NameChange::Kind::link: return "the new name " + change.path;
        case NameChange::Kind::rename: return "the renaming of " + change.path + " to " + change.to;
        case NameChange::Kind::unlink: return "the removal of " + change.path;
        }
        return "";
    }
    /// 0 to `below` - 1. Not a standard distribution: its numbers differ between libraries.
    std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

    const RecordingFolder::Recording& recording_;
    const CrashOptions& options_;
    const CrashCheck& check_;
    std::mt19937_64 random_;
    CrashDisk disk_;
    std::map<std::uint64_t, std::string> paths_;
    std::vector<std::string> notes_;
    std::set<std::size_t> seen_;
    std::size_t at_ = 0;
    CrashReport report_;
};

} // namespace

std::string CrashReport::text() const {
    std::string out = std::to_string(states) + " states at " + std::to_string(points) + " of " + std::to_string(operations) + " operations, seed " + std::to_string(seed);
    for (const std::string& failure : failures) out += "\n  " + failure;
    return out;
}

CrashReport try_crash_states(const RecordingFolder& folder, const CrashOptions& options, const CrashCheck& check) {
    const RecordingFolder::Recording recording = folder.recording();
    return Search(recording, options, check).run();
}

} // namespace symphony::test_support
