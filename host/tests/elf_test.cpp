// SPDX-License-Identifier: Apache-2.0
#include "elf.hpp"
#include "rig.hpp"

#include <random>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;

TEST(Elf, TellsIdentityExportsAndNeededLibraries) {
    const std::string bytes = read_file(std::filesystem::path(PROBES) / "libprobe.so");
    const auto facts = read_elf(bytes_of(bytes));
    ASSERT_TRUE(facts) << facts.error().message();
    EXPECT_STREQ(facts->note.id, "probe");
    EXPECT_STREQ(facts->note.version, "1.2.3");
    EXPECT_EQ(facts->exports, std::vector<std::string_view>{"symphony_plugin_v1"});
    EXPECT_EQ(std::count(facts->needed.begin(), facts->needed.end(), "libc.so.6"), 1);
    EXPECT_EQ(facts->build_id.size(), 20u);
}

TEST(Elf, TellsWhatTheLibraryWantsOfOthers) {
    const std::string bytes = read_file(std::filesystem::path(PROBES) / "libprobe.so");
    const auto facts = read_elf(bytes_of(bytes));
    ASSERT_TRUE(facts) << facts.error().message();
    const auto imported = [&](std::string_view name) { return std::count(facts->imports.begin(), facts->imports.end(), name) == 1; };
    EXPECT_TRUE(imported("free"));
    EXPECT_FALSE(imported("symphony_plugin_v1"));
    EXPECT_TRUE(std::any_of(facts->versions.begin(), facts->versions.end(), [](const ElfVersion& one) {
        return one.library == "libc.so.6" && one.version.starts_with("GLIBC_2.");
    }));
    EXPECT_FALSE(facts->executable_stack);
    EXPECT_FALSE(facts->text_relocations);
    EXPECT_LE(facts->constructors, 2u); // the one of the compiler, and that of a sanitizer
    EXPECT_TRUE(facts->unique.empty());
    EXPECT_TRUE(facts->search.empty());
}

TEST(Elf, SurvivesEveryTruncation) {
    const std::string bytes = read_file(std::filesystem::path(PROBES) / "libprobe.so");
    std::size_t refused = 0;
    for (std::size_t size = 0; size < bytes.size(); size += size < 4096 ? 1 : 97) {
        const std::vector<std::uint8_t> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)); // its own block, so that a sanitizer sees its end
        refused += read_elf(part) ? 0u : 1u;
    }
    EXPECT_GT(refused, 64u); // at least what has no whole header
}

TEST(Elf, SurvivesBytesChangedAtRandom) {
    const std::string bytes = read_file(std::filesystem::path(PROBES) / "libprobe.so");
    constexpr unsigned seed = 20261124;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::size_t refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::vector<std::uint8_t> changed(bytes.begin(), bytes.end());
        for (unsigned n = 1 + random() % 4; n-- > 0;) {
            // Half of the hits go where the structure is.
            const std::size_t at = random() % 2 == 0 ? random() % 0x400 : random() % changed.size();
            changed[at] = static_cast<std::uint8_t>(random());
        }
        refused += read_elf(changed) ? 0u : 1u;
    }
    EXPECT_GT(refused, 0u);
}
