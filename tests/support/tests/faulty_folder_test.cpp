// SPDX-License-Identifier: Apache-2.0
#include "support/faulty_folder.hpp"

#include "toy_store.hpp"

#include <gtest/gtest.h>

using namespace symphony;
using namespace symphony::test_support;
using Mode = sqlite_files::Folder::Mode;

namespace {

/// Two puts under a fault: what was acknowledged must be right, and what was not must have said why.
FaultWork toy_work(const Habits& habits) {
    return [habits](FaultyFolder& folder) -> std::string {
        std::vector<std::string> acknowledged;
        std::string problem;
        for (const char* id : {"one", "two"}) {
            const Status done = toy_put(folder, id, toy_text(id), habits);
            if (done) acknowledged.emplace_back(id);
            else if (done.error().code() != Code::io && done.error().code() != Code::exhausted) problem = "an unclear error: " + done.error().message();
        }
        folder.heal();
        for (const std::string& id : acknowledged) {
            if (problem.empty()) problem = toy_check(folder, id);
        }
        return problem;
    };
}

} // namespace

TEST(FaultyFolder, FindsNothingInACorrectWriter) {
    for (const FaultKind kind : {FaultKind::io, FaultKind::disk_full, FaultKind::sync}) {
        for (const bool sticky : {false, true}) {
            SCOPED_TRACE(name_of(kind));
            const FaultReport report = try_fault_at_every_call(kind, sticky, {}, toy_work({}));
            EXPECT_TRUE(report.good()) << report.text();
            EXPECT_EQ(report.runs, kind == FaultKind::io ? 12u : kind == FaultKind::disk_full ? 12u : 2u) << report.text();
        }
    }
}

TEST(FaultyFolder, FindsAWriterThatDoesNotLookAtAnswers) {
    for (const FaultKind kind : {FaultKind::io, FaultKind::disk_full, FaultKind::sync}) {
        SCOPED_TRACE(name_of(kind));
        EXPECT_FALSE(try_fault_at_every_call(kind, false, {}, toy_work({.checks_writes = false})).good());
    }
}

TEST(FaultyFolder, LosesWhatASyncCouldNotWriteAndRefusesASecond) {
    MemoryFolder inner;
    FaultyFolder folder(inner);
    const auto file = *folder.open("f", Mode::create);
    EXPECT_TRUE(file->write_at(0, bytes_of("kept kept")));
    EXPECT_TRUE(file->sync());
    EXPECT_TRUE(file->write_at(5, bytes_of("lost and longer")));
    EXPECT_TRUE(file->truncate(7));
    EXPECT_TRUE(file->write_at(100, bytes_of("far")));
    folder.arm({FaultKind::sync, 1, false});
    EXPECT_EQ(file->sync().error().code(), Code::io);
    EXPECT_EQ(inner.text("f"), "kept kept");
    EXPECT_EQ(file->sync().error().reason(), "sync-failed") << "a second sync would say yes to what is gone";
    EXPECT_EQ(file->write_at(0, bytes_of("x")).error().reason(), "sync-failed");
    const auto again = *folder.open("f", Mode::write);
    EXPECT_TRUE(again->write_at(0, bytes_of("anew")));
    EXPECT_TRUE(again->sync());
}

TEST(FaultyFolder, WritesHalfOnAFullDisk) {
    MemoryFolder inner;
    FaultyFolder folder(inner);
    const auto file = *folder.open("f", Mode::create);
    folder.arm({FaultKind::disk_full, 1, true});
    EXPECT_EQ(file->write_at(0, bytes_of("12345678")).error().reason(), "disk-full");
    EXPECT_EQ(inner.text("f"), "1234");
    EXPECT_TRUE(folder.remove("f")) << "removing needs no room";
    EXPECT_EQ(folder.fired_at(), "write \"f\"");
}

TEST(FaultyFolder, SaysWhenItGaveUp) {
    const auto endless = [](FaultyFolder& folder) {
        while (!folder.fired()) static_cast<void>(folder.list(""));
        return std::string();
    };
    const FaultReport report = try_fault_at_every_call(FaultKind::io, false, {}, endless, 5);
    EXPECT_EQ(report.runs, 5u);
    EXPECT_FALSE(report.good()) << "a search that was cut short is no proof";
}
