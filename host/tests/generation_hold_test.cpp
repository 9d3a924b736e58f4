// SPDX-License-Identifier: Apache-2.0
#include "generation_hold.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace symphony::host {
namespace {

namespace fs = std::filesystem;

class GenerationHoldTest : public ::testing::Test {
protected:
    void switch_to(const std::string& number) const {
        fs::create_directories(folder.path() / "generations" / number);
        fs::remove(current());
        fs::create_symlink("generations/" + number, current());
    }
    fs::path current() const { return folder.path() / "current"; }
    /// As `symphony packages gc` asks.
    bool in_use(const std::string& number) const {
        const int fd = ::open((folder.path() / "generations" / number).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool used = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
        ::close(fd);
        return used;
    }
    testing::TempFolder folder;
};

TEST_F(GenerationHoldTest, WhatWasLookedAtIsHeldUntilTheEnd) {
    switch_to("1");
    {
        GenerationHold hold;
        hold.take(current());
        EXPECT_TRUE(in_use("1"));
        switch_to("2");
        EXPECT_FALSE(in_use("2"));
        hold.take(current());
        hold.take(current());
        EXPECT_TRUE(in_use("2"));
        EXPECT_TRUE(in_use("1")) << "its plugins may still run";
    }
    EXPECT_FALSE(in_use("1"));
    EXPECT_FALSE(in_use("2"));
}

TEST_F(GenerationHoldTest, WithoutPackagesNothingIsHeld) {
    GenerationHold hold;
    hold.take(current());
    fs::create_symlink("generations/7", current());
    hold.take(current());
    EXPECT_FALSE(fs::exists(folder.path() / "generations"));
}

} // namespace
} // namespace symphony::host
