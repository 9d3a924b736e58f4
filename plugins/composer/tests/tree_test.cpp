// SPDX-License-Identifier: Apache-2.0
// Trees, their seals, and their archives.
#include "archive.hpp"
#include "elf_needs.hpp"
#include "libraries.hpp"
#include "single_file.hpp"
#include "tar.hpp"
#include "tree.hpp"

#include "../../packaging/tests/rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace symphony::composer {
namespace {

using packaging::rig::TempFolder;
using packaging::rig::read;
using packaging::rig::write;

Tree some_tree() {
    Tree tree;
    packaging::Lock lock;
    lock.inputs = packaging::sha256_of("");
    lock.host_abi = "1.0";
    lock.hosts.push_back({"x86_64-linux-gnu", "1.0.0", {{"bin/symphony", 7, packaging::sha256_of("program")}}, {}});
    EXPECT_TRUE(tree.add("bin/symphony", 0755, "program"));
    EXPECT_TRUE(tree.add("distribution.toml", 0644, "[distribution]\nname = \"acme\"\nversion = \"1.0.0-rc.1\"\n[plugins]\n\"org.a\" = \"*\"\n"));
    EXPECT_TRUE(tree.add("distribution.lock", 0644, print(lock)));
    EXPECT_TRUE(tree.add("plugins/a/deep/" + std::string(120, 'n') + "/file", 0644, std::string("a\0b", 3)));
    EXPECT_TRUE(tree.add("empty", 0644, ""));
    EXPECT_TRUE(tree.seal("acme"));
    return tree;
}

TEST(Tree, TakesNoPathTwiceAndNoneThatLeadsOut) {
    Tree tree;
    EXPECT_TRUE(tree.add("a/b", 0644, "x"));
    EXPECT_EQ(tree.add("a/b", 0644, "y").error().reason(), "duplicate-entry");
    for (const auto* path : {"../x", "/x", "a//b", "", "a\\b", "a\nb"}) EXPECT_FALSE(tree.add(path, 0644, "x")) << path;
}

TEST(Seal, NamesEveryFileThatIsNotAsItWas) {
    const auto good = some_tree();
    EXPECT_TRUE(check_seal(good).empty());
    const auto without = [&](const std::string& path, const std::string& bytes, std::uint32_t mode) {
        Tree out;
        for (const auto& [name, file] : good.files()) {
            if (name == path) continue;
            EXPECT_TRUE(out.add(name, file.mode, file.bytes));
        }
        EXPECT_TRUE(mode == 0 || out.add(path, mode, bytes));
        return check_seal(out);
    };
    EXPECT_EQ(without("empty", "", 0), (std::vector<Damage>{{"missing", "empty"}}));
    EXPECT_EQ(without("empty", "x", 0644), (std::vector<Damage>{{"altered", "empty"}}));
    EXPECT_EQ(without("bin/symphony", "program", 0644), (std::vector<Damage>{{"mode", "bin/symphony"}}));
    EXPECT_EQ(without("bin/other", "x", 0755), (std::vector<Damage>{{"foreign", "bin/other"}}));
    EXPECT_EQ(without(std::string(seal_name), "", 0), (std::vector<Damage>{{"missing", std::string(seal_name)}}));
}

TEST(Seal, EveryFlippedBitInItIsFound) {
    const std::string text = some_tree().find(seal_name)->bytes;
    ASSERT_TRUE(read_seal(text));
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto flipped = text;
            flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1u << bit));
            EXPECT_FALSE(read_seal(flipped)) << at << "." << bit;
        }
    }
}

TEST(Tree, IsWrittenAsAFolderAndReadBack) {
    const TempFolder folder;
    const auto tree = some_tree();
    ASSERT_TRUE(write_tree(tree, folder.path() / "out"));
    const auto back = read_tree(folder.path() / "out");
    ASSERT_TRUE(back);
    EXPECT_TRUE(*back == tree);
    ASSERT_TRUE(write_tree(tree, folder.path() / "out")) << "an older one is replaced";
    write(folder.path() / "mine/file", "x");
    EXPECT_EQ(write_tree(tree, folder.path() / "mine").error().reason(), "output-exists");
    EXPECT_EQ(read(folder.path() / "mine/file"), "x");
}

TEST(Tree, WhoGivesUpLeavesNothing) {
    const TempFolder folder;
    const auto tree = some_tree();
    for (int calls = 0; calls < 5; ++calls) {
        int left = calls;
        const auto done = write_tree(tree, folder.path() / "out", [&](std::uint64_t, std::uint64_t) { return left-- > 0; });
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code(), Code::cancelled);
        EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    }
}

TEST(Archive, EachFormatGivesTheTreeBackAndIsTheSameTwice) {
    const auto tree = some_tree();
    const auto facts = facts_of(tree);
    ASSERT_TRUE(facts) << facts.error().message();
    EXPECT_EQ(facts->triple, "x86_64-linux-gnu");
    for (const auto format : {Format::tar_zst, Format::deb, Format::single_file}) {
        SCOPED_TRACE(name_of(format));
        const auto bytes = archive_of(tree, *facts, format);
        ASSERT_TRUE(bytes) << bytes.error().message();
        EXPECT_EQ(*archive_of(tree, *facts, format), *bytes);
        const auto back = read_archive(*bytes);
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(back->format, format);
        EXPECT_TRUE(back->tree == tree);
    }
    EXPECT_EQ(file_name_of(*facts, Format::deb), "acme_1.0.0~rc.1_amd64.deb");
}

TEST(Archive, ADebianPackageListsItsFilesAsDpkgExpectsThem) {
    EXPECT_EQ(*packaging::md5_of("abc"), "900150983cd24fb0d6963f7d28e17f72") << "RFC 1321";
    const auto tree = some_tree();
    const auto deb = *archive_of(tree, *facts_of(tree), Format::deb);
    constexpr std::size_t header = 60, magic = 8, binary = 4; // of ar; the first member is "2.0\n"
    const auto at = magic + header + binary;
    ASSERT_EQ(deb.substr(at, 15), "control.tar.zst");
    const auto control = read_tar(std::string_view(deb).substr(at + header, std::stoul(deb.substr(at + 48, 10))));
    ASSERT_TRUE(control) << control.error().message();
    std::string wanted;
    for (const auto& [path, file] : tree.files()) wanted += *packaging::md5_of(file.bytes) + "  opt/acme/" + path + "\n";
    EXPECT_EQ(control->find("md5sums")->bytes, wanted);
}

TEST(Archive, CutAndAlteredOnesAreErrorsOrOtherTrees) {
    const auto tree = some_tree();
    const auto facts = *facts_of(tree);
    const std::uint32_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (const auto format : {Format::tar_zst, Format::deb, Format::single_file}) {
        const auto good = *archive_of(tree, facts, format);
        for (int i = 0; i < 200; ++i) {
            auto bytes = good;
            if (i % 2 == 0) bytes.resize(random() % bytes.size());
            else bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
            const auto back = read_archive(bytes);
            const bool same = back && check_seal(back->tree).empty() && facts_of(back->tree) && *archive_of(back->tree, *facts_of(back->tree), back->format) == bytes;
            EXPECT_FALSE(same) << name_of(format) << " " << i;
        }
    }
}

TEST(ElfNeeds, AreThoseThatTheLinkerWrote) {
    const auto bytes = read("/proc/self/exe");
    const auto needs = read_needs(bytes);
    ASSERT_TRUE(needs) << needs.error().message();
    EXPECT_THAT(needs->libraries, ::testing::Contains("libc.so.6"));
    EXPECT_THAT(needs->versions, ::testing::Contains(::testing::Pair("libc.so.6", ::testing::StartsWith("GLIBC_2."))));
    EXPECT_EQ(read_needs("no ELF").error().reason(), "bad-elf");
    for (const std::size_t size : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{200}, bytes.size() / 2}) {
        const auto cut = read_needs(std::string_view(bytes).substr(0, size)); // an error, or what is left; never more than there is
        EXPECT_TRUE(!cut || cut->libraries.size() <= needs->libraries.size());
    }
}

TEST(Libraries, VersionsAreComparedAsNumbers) {
    EXPECT_TRUE(is_newer("2.36", "2.9"));
    EXPECT_TRUE(is_newer("3.4.30", "3.4.29"));
    EXPECT_TRUE(is_newer("2.2.5", "2.2"));
    EXPECT_FALSE(is_newer("2.9", "2.36"));
    EXPECT_FALSE(is_newer("2.36", "2.36"));
    EXPECT_TRUE(is_newer("2.3", ""));
}

TEST(Libraries, DebianSaysWhoBroughtThem) {
    const TempFolder folder;
    write(folder.path() / "info/libz:amd64.list", "/.\n/usr\n/usr/lib/x86_64-linux-gnu/libz.so.1\n");
    write(folder.path() / "status", "Package: other\nVersion: 1\n\nPackage: libz\nStatus: x\nVersion: 1:1.2.13-1\n");
    std::vector<packaging::Lock::Host::Library> found{{"libz.so.1", 1, "", "", ""}, {"libown.so", 1, "", "", ""}};
    DebianPackages(folder.path()).identify(found, {{"libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1"}, {"libown.so", "/opt/libown.so"}});
    EXPECT_EQ(found[0].package + " " + found[0].version, "libz 1:1.2.13-1");
    EXPECT_EQ(found[1].package, "");
}

} // namespace
} // namespace symphony::composer
