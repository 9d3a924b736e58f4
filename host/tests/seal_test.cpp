// SPDX-License-Identifier: Apache-2.0
#include "seal.hpp"

#include "digest.hpp"
#include "folders.hpp"

#include <gmock/gmock.h>

#include <map>

namespace symphony::host {
namespace {

using test::TemporaryFolder;
using test::write_file;
using testing::HasSubstr;

/// A prefix as composing leaves it.
class SealTest : public testing::Test {
protected:
    void SetUp() override {
        for (const auto& [path, bytes] : files) write_file(prefix.path() / path, bytes);
        seal();
    }
    void seal() {
        std::string text = "# acme\n";
        for (const auto& [path, bytes] : files) text += hex(sha256(bytes)) + "  " + path + "\n";
        write_file(prefix.path() / seal_name, text + "# sealed " + hex(sha256(text)) + "\n");
    }
    Status check() const { return check_seal(prefix.path(), cache.path()); }
    void expect_good() const {
        const auto done = check();
        EXPECT_TRUE(done) << done.error().message();
    }
    void expect_damage(const std::string& words) const {
        const auto done = check();
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().reason(), "damaged-distribution");
        EXPECT_EQ(done.error().code(), Code::refused);
        EXPECT_THAT(done.error().message(), HasSubstr(words));
        EXPECT_FALSE(done.error().hint().empty());
    }

    std::map<std::string, std::string> files{{"bin/symphony", "program"}, {"distribution.lock", "lock"}, {"etc/symphony/policy.toml", ""}, {"plugins/a/liba.so", "library"}};
    TemporaryFolder prefix, cache;
};

TEST_F(SealTest, WhatIsAsItWasIsFineAgainAndAgain) {
    for (int i = 0; i < 3; ++i) expect_good();
    EXPECT_TRUE(check_seal(prefix.path(), {}));
}

TEST_F(SealTest, APrefixWithoutOneIsNoDistribution) {
    TemporaryFolder plain;
    write_file(plain.path() / "bin/symphony", "x");
    EXPECT_TRUE(check_seal(plain.path(), cache.path()));
    write_file(plain.path() / seal_name, hex(sha256("x")) + "  other.iso\n");
    EXPECT_TRUE(check_seal(plain.path(), cache.path())) << "somebody else's list";
}

TEST_F(SealTest, WhatWasAlteredIsNamedThoughItsTimesAreKept) {
    expect_good();
    for (const auto& [path, bytes] : files) {
        SCOPED_TRACE(path);
        const auto file = prefix.path() / path;
        const auto time = std::filesystem::last_write_time(file);
        auto other = bytes.empty() ? std::string("x") : bytes;
        other[0] = static_cast<char>(static_cast<unsigned char>(other[0]) ^ 1u);
        write_file(file, other);
        std::filesystem::last_write_time(file, time);
        expect_damage(path + " was altered");
        write_file(file, bytes);
        expect_good();
    }
}

TEST_F(SealTest, WhatIsMissingOrDoesNotBelongIsNamed) {
    std::filesystem::rename(prefix.path() / "plugins/a/liba.so", prefix.path() / "liba.so"); // at the top it is in nobody's way
    expect_damage("plugins/a/liba.so is missing");
    std::filesystem::rename(prefix.path() / "liba.so", prefix.path() / "plugins/a/liba.so");
    write_file(prefix.path() / "notes.txt", "mine");
    expect_good();
    write_file(prefix.path() / "lib/symphony/plugins/evil/manifest.toml", "");
    expect_damage("lib/symphony/plugins/evil/manifest.toml is not of the distribution");
    std::filesystem::remove_all(prefix.path() / "lib");
    std::filesystem::create_symlink("/etc", prefix.path() / "plugins/b");
    expect_damage("plugins/b is not of the distribution");
    std::filesystem::remove(prefix.path() / "plugins/b");
    std::filesystem::remove(prefix.path() / "plugins/a/liba.so");
    std::filesystem::create_symlink("/etc/hostname", prefix.path() / "plugins/a/liba.so");
    expect_damage("plugins/a/liba.so is missing");
}

TEST_F(SealTest, TheSealItselfIsSealed) {
    std::filesystem::remove(prefix.path() / seal_name);
    expect_damage("SHA256SUMS is missing");
    write_file(prefix.path() / seal_name, "");
    expect_damage("SHA256SUMS is not as it was written");
    files["plugins/a/liba.so"] = "another"; // a seal that says so is one, whatever the file has
    seal();
    expect_damage("plugins/a/liba.so was altered");
}

TEST_F(SealTest, AForgedMemoryDoesNotHideWhatChanged) {
    expect_good();
    for (const auto& item : std::filesystem::directory_iterator(cache.path())) write_file(item.path(), std::string(64, 'a'));
    write_file(prefix.path() / "bin/symphony", "Program");
    expect_damage("bin/symphony was altered");
}

} // namespace
} // namespace symphony::host
