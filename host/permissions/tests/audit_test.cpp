// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <thread>

namespace symphony::permissions {
namespace {

using namespace test;
using Damage = Verification::Damage;

std::unique_ptr<Audit> open(const std::filesystem::path& folder, Clock clock = {}, std::size_t queue_max = 4096) {
    return std::make_unique<Audit>(Audit::Options{folder, queue_max, 1000, clock.function()});
}

Record violation(std::string object, std::string plugin = "word-count") {
    Record record;
    record.plugin = std::move(plugin);
    record.kind = Happening::violation;
    record.object = std::move(object);
    record.layer = "L4 seccomp";
    return record;
}

std::vector<Row> rows(const Audit& audit, const Audit::Filter& filter = {}) {
    std::vector<Row> all;
    EXPECT_TRUE(audit.each(filter, [&](const Row& row) {
        all.push_back(row);
        return true;
    }));
    return all;
}

/// Ten rows, then what somebody with the file in their hands does.
Verification after(std::string_view sql) {
    const Folder folder;
    {
        const auto audit = open(folder);
        for (int i = 1; i <= 10; ++i) {
            audit->append(violation("call " + std::to_string(i)));
            EXPECT_TRUE(audit->flush());
        }
        EXPECT_EQ(audit->verify()->damage, Damage::none);
        EXPECT_EQ(audit->verify()->rows, 10);
    }
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open((folder / "audit.sqlite").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, std::string(sql).c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return *open(folder)->verify();
}

TEST(Audit, NamesTheFirstBrokenRowAndTheKindOfDamage) {
    struct Case {
        const char* sql;
        Damage damage;
        std::int64_t row;
    };
    const Case cases[] = {
        {"UPDATE rows SET record = replace(record, 'call 4', 'call x') WHERE number = 4", Damage::changed, 4},
        {"UPDATE rows SET record = replace(record, 'denied', 'allowed') WHERE number = 1", Damage::changed, 1},
        {"UPDATE rows SET hash = replace(hash, substr(hash, 1, 1), 'z') WHERE number = 10", Damage::changed, 10},
        {"DELETE FROM rows WHERE number = 3", Damage::removed, 3},
        {"DELETE FROM rows WHERE number = 1", Damage::removed, 1},
        {"DELETE FROM rows WHERE number IN (5, 6)", Damage::removed, 5},
        {"DELETE FROM rows WHERE number = 3; UPDATE rows SET number = number - 1 WHERE number > 3", Damage::removed, 3},
        {"UPDATE rows SET number = -4 WHERE number = 4; UPDATE rows SET number = 4 WHERE number = 5; UPDATE rows SET number = 5 WHERE number = -4", Damage::removed, 4},
        {"DELETE FROM rows WHERE number > 8", Damage::cut, 9},
        {"DELETE FROM rows", Damage::cut, 1},
        {"DELETE FROM rows WHERE number > 8; UPDATE head SET count = 8, hash = (SELECT hash FROM rows WHERE number = 8)", Damage::head, 8},
        {"DELETE FROM head", Damage::head, 10},
        {"UPDATE head SET mac = ''", Damage::head, 10},
        {"INSERT INTO rows SELECT 11, hash, 'abc', record FROM rows WHERE number = 10", Damage::changed, 11},
        {"UPDATE rows SET record = json_remove(record, '$.plugin') WHERE number = 7", Damage::changed, 7},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.sql);
        const auto found = after(one.sql);
        EXPECT_EQ(name_of(found.damage), name_of(one.damage)) << found.text;
        EXPECT_EQ(found.row, one.row) << found.text;
        EXPECT_FALSE(found.text.empty());
    }
    EXPECT_EQ(after("UPDATE rows SET record = record").damage, Damage::none);
}

TEST(Audit, RecordsAllThatHappened) {
    const Folder folder;
    const Clock clock;
    const auto audit = open(folder, clock);
    Record record = violation("socket(AF_INET)");
    record.publisher = "key:A";
    record.version = "1.2.3";
    record.digest = std::string(64, 'e');
    record.instance = "word-count#2";
    record.rule = "seccomp";
    record.chain = {"first", "second"};
    record.count = 3;
    record.text = "a \"sentence\"\nwith a line end and \xFF";
    audit->append(record);
    ASSERT_TRUE(audit->flush());
    const auto all = rows(*audit);
    ASSERT_EQ(all.size(), 1u);
    const Record& back = all[0].record;
    EXPECT_EQ(back.time_ms, *clock.time);
    EXPECT_EQ(back.kind, Happening::violation);
    EXPECT_EQ(back.object, record.object);
    EXPECT_EQ(back.chain, record.chain);
    EXPECT_EQ(back.count, 3u);
    EXPECT_EQ(back.instance, record.instance);
    EXPECT_EQ(canonical(back), canonical([&] {
                  record.time_ms = *clock.time;
                  return record;
              }()));
    EXPECT_EQ(canonical(back).find('\n'), std::string::npos) << "one line for one record";
}

TEST(Audit, AnswersQuestions) {
    const Folder folder;
    const Clock clock;
    const auto audit = open(folder, clock);
    for (int i = 0; i < 6; ++i) {
        Record record = violation("x", i % 2 == 0 ? "a" : "b");
        if (i >= 4) record.kind = Happening::refused;
        record.time_ms = 1000 + i;
        audit->append(std::move(record));
    }
    ASSERT_TRUE(audit->flush());
    EXPECT_EQ(rows(*audit, {"a", {}, 0, 0}).size(), 3u);
    EXPECT_EQ(rows(*audit, {"a", Happening::refused, 0, 0}).size(), 1u);
    EXPECT_EQ(rows(*audit, {"", {}, 1003, 0}).size(), 3u);
    const auto last = rows(*audit, {"", {}, 0, 2});
    ASSERT_EQ(last.size(), 2u);
    EXPECT_EQ(last[0].number, 5);
    EXPECT_EQ(last[1].number, 6);
    EXPECT_EQ(last[1].previous, last[0].hash);
}

TEST(Audit, CountsExactlyWhatItSamples) {
    const Folder folder;
    const Clock clock;
    const Subject plugin = subject("file_access = [\"read:workspace\"]");
    const auto total = [&](const Audit& audit) {
        std::uint64_t sum = 0;
        for (const auto& row : rows(audit)) sum += row.record.allowed ? row.record.count : 0;
        return sum;
    };
    const auto audit = open(folder, clock);
    for (int i = 0; i < 500; ++i) audit->allowed(plugin, right("read:workspace/a"), "grant:1", "L6 broker");
    for (int i = 0; i < 20; ++i) audit->allowed(plugin, right("read:workspace/b"), "grant:1", "L6 broker");
    ASSERT_TRUE(audit->flush());
    EXPECT_EQ(total(*audit), 520u);
    EXPECT_EQ(rows(*audit).size(), 4u) << "the first of each, and how many more";
    *clock.time += 5000;
    for (int i = 0; i < 30; ++i) audit->allowed(plugin, right("read:workspace/a"), "grant:1", "L6 broker");
    ASSERT_TRUE(audit->flush());
    EXPECT_EQ(total(*audit), 550u);
    for (int i = 0; i < 20'000; ++i) { // more objects than are remembered
        audit->allowed(plugin, *Right::file(manifests::FileAccess::read, "workspace", "f" + std::to_string(i)), "grant:1", "L6 broker");
        if (i % 500 == 0) {
            ASSERT_TRUE(audit->flush());
        }
    }
    ASSERT_TRUE(audit->flush());
    EXPECT_EQ(total(*audit), 20'550u);
    EXPECT_LT(rows(*audit).size(), 9'000u);
    EXPECT_EQ(audit->verify()->damage, Damage::none);
}

TEST(Audit, LosesNoDenialHoweverManyThereAre) {
    const Folder folder;
    const auto audit = open(folder, {}, 64);
    constexpr std::uint64_t denials = 20'000, reads = 5'000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            for (std::uint64_t i = 0; i < denials / 2; ++i) audit->append(violation("call " + std::to_string(i)));
            for (std::uint64_t i = 0; i < reads / 2; ++i) {
                Record record = violation("file");
                record.kind = Happening::decision;
                record.allowed = true;
                audit->append(std::move(record));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(audit->flush());
    std::uint64_t seen = 0, allowed = 0, lost = 0;
    for (const auto& row : rows(*audit)) {
        if (row.record.kind == Happening::violation) seen += row.record.count;
        if (row.record.kind == Happening::decision) allowed += row.record.count;
        if (row.record.kind == Happening::lost) lost += row.record.count;
    }
    EXPECT_EQ(seen, denials);
    EXPECT_EQ(allowed + lost, reads) << "what was lost is counted";
    EXPECT_EQ(audit->verify()->damage, Damage::none);
}

TEST(Audit, AskingWithoutAnEndDoesNotFillTheDisk) {
    const Folder folder;
    const auto audit = open(folder);
    for (int i = 0; i < 5'000; ++i) audit->append(violation("file:workspace/" + std::to_string(i), "endless"));
    audit->append(violation("ptrace", "another"));
    ASSERT_TRUE(audit->flush());
    std::uint64_t seen = 0;
    for (const auto& row : rows(*audit, {.plugin = "endless"})) seen += row.record.count;
    EXPECT_EQ(seen, 5'000u) << "none is missing";
    EXPECT_EQ(rows(*audit, {.plugin = "endless"}).size(), 101u) << "a hundred by themselves, the others together";
    EXPECT_EQ(rows(*audit, {.plugin = "another"}).size(), 1u);
}

TEST(Audit, GoesOnWithTheChainAndSaysWhenItBeganAnew) {
    const Folder folder;
    open(folder)->append(violation("one"));
    open(folder)->append(violation("two"));
    {
        const auto audit = open(folder);
        EXPECT_EQ(audit->verify()->rows, 2);
        EXPECT_TRUE(audit->warnings().empty());
    }
    std::filesystem::remove(folder / "audit.sqlite");
    {
        const auto audit = open(folder);
        ASSERT_TRUE(audit->flush());
        const auto all = rows(*audit);
        ASSERT_EQ(all.size(), 1u) << "the log that was taken away is not taken away in silence";
        EXPECT_EQ(all[0].record.kind, Happening::lost);
    }
    folder.write("audit.sqlite", std::string(5000, 'x'));
    const auto audit = open(folder);
    ASSERT_EQ(audit->warnings().size(), 1u);
    EXPECT_NE(audit->warnings()[0].find("audit.sqlite.damaged-"), std::string::npos);
    ASSERT_TRUE(audit->flush());
    EXPECT_EQ(rows(*audit).size(), 1u);
}

TEST(Audit, MeetsTheDamageOfALargeFileWhenItWrites) {
    const Folder folder;
    {
        const auto audit = open(folder);
        for (int i = 0; i < 12'000; ++i) {
            Record record = violation("x");
            record.object = std::to_string(i);
            record.kind = Happening::grant; // each is a row
            record.text = std::string(600, 'y');
            audit->append(std::move(record));
            if (i % 1000 == 999) {
                ASSERT_TRUE(audit->flush());
            }
        }
    }
    const auto file = folder / "audit.sqlite";
    ASSERT_GT(std::filesystem::file_size(file), 4u << 20) << "else it is read as a whole when it is opened";
    {
        std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
        damaged.seekp(4096);
        const std::string noise(static_cast<std::size_t>(std::filesystem::file_size(file)) - 4096, 'x'); // all but the first page
        damaged.write(noise.data(), static_cast<std::streamsize>(noise.size()));
    }
    const auto audit = open(folder);
    audit->append(violation("after"));
    ASSERT_TRUE(audit->flush());
    ASSERT_EQ(audit->warnings().size(), 1u);
    EXPECT_NE(audit->warnings()[0].find("audit.sqlite.damaged-"), std::string::npos) << audit->warnings()[0];
    ASSERT_TRUE(audit->flush());
    const auto all = rows(*audit);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Row& row) { return row.record.kind == Happening::lost; }));
}

/// Grants are never counted together: each is a row.
void fill(Audit& audit, int rows) {
    for (int i = 0; i < rows; ++i) {
        Record record = violation(std::to_string(i));
        record.kind = Happening::grant;
        record.text = std::string(1000, 'y');
        audit.append(std::move(record));
        if (i % 100 == 99) {
            ASSERT_TRUE(audit.flush());
        }
    }
    ASSERT_TRUE(audit.flush());
}

constexpr std::int64_t small_bytes_max = 1 << 20;

std::unique_ptr<Audit> open_small(const std::filesystem::path& folder) {
    return std::make_unique<Audit>(Audit::Options{.state_dir = folder, .bytes_max = small_bytes_max});
}

std::string damaged_file_in(const std::filesystem::path& folder) {
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const std::string name = file.path().filename().string();
        if (name.starts_with("audit.sqlite.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")) return name;
    }
    return {};
}

TEST(Audit, IsBoundedAndSaysWhatItLetGo) {
    const Folder folder;
    constexpr int written = 6'000;
    {
        const auto audit = open_small(folder);
        fill(*audit, written);
        const auto found = audit->verify();
        ASSERT_TRUE(found);
        EXPECT_EQ(found->damage, Damage::none) << found->text;
        EXPECT_GT(found->dropped, 0);
        EXPECT_GT(found->rows, 200);
        EXPECT_EQ(found->dropped + found->rows, written);
        const auto all = rows(*audit);
        ASSERT_EQ(static_cast<std::int64_t>(all.size()), found->rows);
        EXPECT_EQ(all.front().number, found->dropped + 1);
        EXPECT_EQ(all.back().number, written);
        EXPECT_TRUE(audit->warnings().empty());
    }
    EXPECT_LT(std::filesystem::file_size(folder / "audit.sqlite"), 2 * static_cast<std::uintmax_t>(small_bytes_max));
    const auto again = open_small(folder);
    again->append(violation("and on"));
    ASSERT_TRUE(again->flush());
    EXPECT_EQ(again->verify()->damage, Damage::none) << again->verify()->text;
    EXPECT_EQ(rows(*again).back().number, written + 1);
}

TEST(Audit, TellsWhatWasLetGoFromWhatWasTakenAway) {
    const char* const begin = "(SELECT min(number) FROM rows)";
    struct Case {
        std::string sql;
        Damage damage;
    };
    const Case cases[] = {
        {std::string("DELETE FROM rows WHERE number = ") + begin, Damage::removed},
        {std::string("UPDATE start SET number = number + 1, hash = (SELECT hash FROM rows WHERE number = ") + begin + "); DELETE FROM rows WHERE number = " + begin, Damage::head},
        {"UPDATE start SET mac = (SELECT mac FROM head)", Damage::head},
        {"DELETE FROM start", Damage::removed},
        {"DELETE FROM rows", Damage::cut},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.sql);
        const Folder folder;
        fill(*open_small(folder), 2'000);
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open((folder / "audit.sqlite").c_str(), &db), SQLITE_OK);
        ASSERT_EQ(sqlite3_exec(db, one.sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
        sqlite3_close(db);
        const auto found = open_small(folder)->verify();
        ASSERT_TRUE(found);
        EXPECT_EQ(name_of(found->damage), name_of(one.damage)) << found->text;
    }
}

TEST(Audit, TheBoundHidesNothingThatWasChanged) {
    const Folder folder;
    fill(*open_small(folder), 200); // below the bound
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "audit.sqlite").c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, "UPDATE rows SET record = replace(record, 'denied', 'allowed') WHERE number = 7", nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    EXPECT_EQ(damaged_file_in(folder), "");
    const auto audit = open_small(folder);
    fill(*audit, 700);
    EXPECT_NE(damaged_file_in(folder), "") << "the whole of it is kept for whoever looks into it";
    const auto warnings = audit->warnings();
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("row 7 was changed"), std::string::npos) << warnings[0];
    const auto all = rows(*audit);
    ASSERT_FALSE(all.empty());
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Row& row) { return row.record.kind == Happening::lost; }));
    EXPECT_EQ(audit->verify()->damage, Damage::none);
}

TEST(Audit, WithoutAFolderIsOneWarningAndNoError) {
    const auto audit = open({});
    audit->append(violation("x"));
    EXPECT_EQ(audit->warnings().size(), 1u);
    EXPECT_FALSE(audit->flush());
    const auto verified = audit->verify();
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().reason(), "not-kept");
}

} // namespace
} // namespace symphony::permissions
