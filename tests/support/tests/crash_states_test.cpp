// SPDX-License-Identifier: Apache-2.0
#include "support/crash_states.hpp"

#include <symphony/sqlite_files/fd_file.hpp>
#include "toy_store.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace symphony;
using namespace symphony::test_support;
using Mode = sqlite_files::Folder::Mode;

namespace {

constexpr const char* ids[] = {"one", "two", "three"};

/// Every state after three puts with these habits, looked at by the notes.
CrashReport crash_toy(const Habits& habits, std::uint64_t seed = 1) {
    RecordingFolder folder;
    for (const char* id : ids) {
        EXPECT_TRUE(toy_put(folder, id, toy_text(id), habits));
        folder.note(id);
    }
    return try_crash_states(folder, {.seed = seed}, [](CrashState& state) {
        for (const std::string& id : state.notes) {
            if (std::string problem = toy_check(state.folder, id); !problem.empty()) return problem;
        }
        return std::string();
    });
}

/// The contents that "f" may have after `work`, of which nothing is synced by the harness.
std::set<std::string> contents_of(const std::function<void(RecordingFolder&)>& work, const CrashOptions& options = {}) {
    RecordingFolder folder;
    work(folder);
    folder.note("worked");
    std::set<std::string> contents;
    const auto report = try_crash_states(folder, options, [&](CrashState& state) {
        if (!state.notes.empty()) contents.insert(state.folder.text("f"));
        return std::string();
    });
    EXPECT_TRUE(report.good()) << report.text();
    return contents;
}

void write(sqlite_files::Folder& folder, std::string_view path, std::uint64_t offset, std::string_view text, bool sync = false) {
    const auto file = *folder.open(path, Mode::create);
    EXPECT_TRUE(file->write_at(offset, bytes_of(text)));
    EXPECT_TRUE(!sync || file->sync());
}

} // namespace

TEST(CrashStates, FindNothingInACorrectWriter) {
    const CrashReport report = crash_toy({});
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_GT(report.states, 25u) << report.text();
}

TEST(CrashStates, FindEachThingThatIsForgotten) {
    const std::pair<const char*, Habits> planted[] = {
        {"the file's sync", {.syncs_file = false}}, {"the folder's sync", {.syncs_folder = false}}};
    for (const auto& [what, habits] : planted) {
        SCOPED_TRACE(what);
        EXPECT_FALSE(crash_toy(habits).good()) << "no state shows that it is missing";
    }
}

TEST(CrashStates, FindARenameBeforeTheSync) {
    // Acknowledged things are safe, but what replaces another one may come up empty: the old one must be looked for.
    const auto crash = [](const Habits& habits) {
        RecordingFolder folder;
        EXPECT_TRUE(toy_put(folder, "one", "old old old", habits));
        folder.note("old");
        EXPECT_TRUE(toy_put(folder, "one", "new new new", habits));
        folder.note("new");
        return try_crash_states(folder, {}, [](CrashState& state) {
            const std::string text = state.folder.text("things/one");
            const bool good = text == "new new new" || (text == "old old old" && state.notes.size() < 2) || state.notes.empty();
            return good ? std::string() : "it is \"" + text + "\"";
        });
    };
    EXPECT_TRUE(crash({}).good()) << crash({}).text();
    EXPECT_FALSE(crash({.syncs_before_renaming = false}).good());
}

TEST(CrashStates, AreTheSameForTheSameSeed) {
    const CrashReport first = crash_toy({.syncs_folder = false}, 7), second = crash_toy({.syncs_folder = false}, 7);
    EXPECT_EQ(first.states, second.states);
    EXPECT_EQ(first.failures, second.failures);
    EXPECT_NE(first.text().find("seed 7"), std::string::npos) << first.text();
}

TEST(CrashStates, LoseTearAndReorderWrites) {
    const std::string a(512, 'a'), b(512, 'b');
    const auto contents = contents_of([&](RecordingFolder& folder) {
        write(folder, "f", 0, "", true);
        EXPECT_TRUE(folder.sync_folder(""));
        write(folder, "f", 0, a + a);
        write(folder, "f", 1024, b);
    }, {.samples_per_point = 200});
    const std::string zero(512, '\0');
    for (const std::string& expected : {std::string(), a + a, a + a + b, zero + zero + b, a + zero + b, zero + a, a + a + zero, zero + zero + zero}) {
        EXPECT_TRUE(contents.contains(expected)) << expected.size() << " bytes, among " << contents.size() << " contents";
    }
}

TEST(CrashStates, NeverLoseWhatIsSyncedAndNeverTearABlock) {
    const std::string old(600, 'o'), fresh(100, 'n');
    const auto contents = contents_of([&](RecordingFolder& folder) {
        write(folder, "f", 0, old, true);
        EXPECT_TRUE(folder.sync_folder(""));
        write(folder, "f", 50, fresh);
    });
    const std::string changed = old.substr(0, 50) + fresh + old.substr(150);
    EXPECT_EQ(contents, (std::set<std::string>{old, changed})) << "a write within a block is there or not, and what is around it stays";
}

TEST(CrashStates, KnowTruncation) {
    // A journal that is cut to nothing is there or gone, and what is then written to it is never mixed with the old.
    const auto journals = contents_of([&](RecordingFolder& folder) {
        write(folder, "f", 0, std::string(2048, 'o'), true);
        EXPECT_TRUE(folder.sync_folder(""));
        EXPECT_TRUE((*folder.open("f", Mode::write))->truncate(0));
        write(folder, "f", 0, std::string(1024, 'n'));
    });
    EXPECT_TRUE(journals.contains(std::string(2048, 'o')) && journals.contains("") && journals.contains(std::string(1024, 'n')));
    for (const std::string& one : journals) EXPECT_TRUE(one.find('o') == std::string::npos || one == std::string(2048, 'o'));

    const auto contents = contents_of([&](RecordingFolder& folder) {
        write(folder, "f", 0, std::string(1000, 'o'), true);
        EXPECT_TRUE(folder.sync_folder(""));
        EXPECT_TRUE((*folder.open("f", Mode::write))->truncate(100));
    });
    EXPECT_TRUE(contents.contains(std::string(1000, 'o')));
    EXPECT_TRUE(contents.contains(std::string(100, 'o')));
    for (const std::string& one : contents) EXPECT_TRUE(one.size() == 100 || one.size() == 1000);
}

TEST(CrashStates, LoseNamesOneByOne) {
    RecordingFolder folder;
    write(folder, "a/f", 0, "f", true);
    write(folder, "a/g", 0, "g", true);
    EXPECT_TRUE(folder.rename("a/g", "b/g"));
    folder.note("renamed");
    EXPECT_TRUE(folder.sync_folder("b"));
    folder.note("synced");
    std::set<std::string> renamed, synced;
    const auto look = [&](CrashState& state) {
        std::string names;
        for (const std::string& path : state.folder.paths()) names += path + " ";
        if (state.notes.size() == 1) renamed.insert(names);
        if (state.notes.size() == 2) synced.insert(names);
        return std::string();
    };
    EXPECT_TRUE(try_crash_states(folder, {}, look).good());
    EXPECT_EQ(renamed, (std::set<std::string>{"", "a/f ", "a/f a/g ", "a/f b/g ", "a/g ", "b/g "})) << "a renaming is whole, and a file is never in two places";
    EXPECT_EQ(synced, (std::set<std::string>{"a/f b/g ", "b/g "})) << "the sync of the new folder keeps the renaming";
}

TEST(CrashStates, BringARemovedFileBack) {
    MemoryFolder begin;
    write(begin, "f", 0, "old");
    RecordingFolder folder(begin);
    EXPECT_TRUE(folder.remove("f"));
    folder.note("removed");
    std::set<std::string> seen;
    const auto look = [&](CrashState& state) {
        if (!state.notes.empty()) seen.insert(state.folder.text("f"));
        return std::string();
    };
    EXPECT_TRUE(try_crash_states(folder, {}, look).good());
    EXPECT_EQ(seen, (std::set<std::string>{"(none)", "old"}));
}

TEST(CrashStates, KnowThatAFailedSyncIsNotRepeated) {
    // Planted: a writer that syncs again until it is told what it wants to hear.
    const auto crash = [](bool tries_again, bool writes_back = false) {
        RecordingFolder folder;
        folder.fail_sync(1);
        for (int tries = 0; tries < 2; ++tries) {
            const std::string path = tries_again ? "f" : "f" + std::to_string(tries);
            const auto file = *folder.open(path, Mode::create);
            EXPECT_TRUE((tries == 1 && tries_again) || file->write_at(0, bytes_of("content")));
            EXPECT_TRUE(!writes_back || sqlite_files::write_back(*file, 100));
            if (!file->sync()) continue;
            EXPECT_TRUE(folder.sync_folder(""));
            folder.note(path);
        }
        EXPECT_TRUE(folder.sync_failed());
        return try_crash_states(folder, {}, [](CrashState& state) {
            for (const std::string& path : state.notes) {
                if (state.folder.text(path) != "content") return path + " is \"" + state.folder.text(path) + "\"";
            }
            return std::string();
        });
    };
    EXPECT_TRUE(crash(false).good()) << crash(false).text();
    EXPECT_FALSE(crash(true).good());
    EXPECT_TRUE(crash(true, true).good()) << "what is written once more is synced";
}

TEST(CrashStates, WriteAPageWholeThatIsWrittenToAgain) {
    const auto contents = contents_of([](RecordingFolder& folder) {
        folder.fail_sync(1);
        EXPECT_FALSE((write(folder, "f", 0, "ab"), (*folder.open("f", Mode::write))->sync()));
        write(folder, "f", 5000, "far", true);
        write(folder, "f", 1, "B", true);
        EXPECT_TRUE(folder.sync_folder(""));
    });
    EXPECT_TRUE(contents.contains("aB" + std::string(4998, '\0') + "far"));
    EXPECT_EQ(contents.size(), 1u);
}
