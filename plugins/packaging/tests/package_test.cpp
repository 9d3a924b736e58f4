// SPDX-License-Identifier: Apache-2.0
#include "archives.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace symphony::packaging {
namespace {

using rig::archive_of;
using rig::entries_of;
using rig::Entry;
using rig::Plugin;
using testing::TempFolder;

void expect_refused(const Result<PackageInfo>& read, std::string_view reason) {
    ASSERT_FALSE(read) << "expected " << reason;
    EXPECT_EQ(read.error().reason(), reason) << read.error().message();
    EXPECT_FALSE(read.error().hint().empty());
}

void expect_refused(const std::vector<Entry>& entries, std::string_view reason) { expect_refused(read_package(archive_of(entries)), reason); }

Plugin with_files() {
    Plugin plugin;
    plugin.more = "[package]\ninclude = [\"data\", \"tool\"]\n";
    plugin.files = {{"data/a.txt", "a"}, {"data/deep/b.txt", std::string(10'000, 'b')}, {"tool", "#!/bin/sh\n"}, {"workflows/w.toml", "w"}, {"README.md", "read me"}, {"notes.txt", "not asked for"}};
    return plugin;
}

TEST(Pack, TakesWhatTheManifestNamesAndTellsWhatItLeft) {
    const auto packed = with_files().packed();
    std::string paths;
    for (const auto& file : packed.info.files.files()) paths += file.path + " ";
    EXPECT_EQ(paths, "LICENSE README.md data/a.txt data/deep/b.txt libgreet.so manifest.toml sbom.cdx.json tool workflows/w.toml ");
    EXPECT_EQ(packed.left_out, std::vector<std::string>{"notes.txt"});
    EXPECT_EQ(packed.info.file_name(), "org.example.greet-1.0.0-x86_64-linux-gnu.sympkg");
    EXPECT_TRUE(packed.notes.empty());
    EXPECT_EQ(packed.info.claim().digest, packed.info.files.digest());
}

TEST(Pack, TheSameFilesGiveTheSameBytesWhateverIsAroundThem) {
    const auto expected = with_files().packed().bytes;
    for (const mode_t mask : {0u, 077u, 027u}) {
        const TempFolder folder;
        const mode_t before = ::umask(mask);
        with_files().put(folder.path() / "some" / "where");
        ::umask(before);
        for (const auto& item : std::filesystem::recursive_directory_iterator(folder.path())) std::filesystem::last_write_time(item, std::filesystem::file_time_type() + std::chrono::hours(mask));
        ::setenv("TZ", mask == 0 ? "Asia/Tokyo" : "America/Lima", 1);
        const auto packed = pack(folder.path() / "some" / "where");
        ASSERT_TRUE(packed) << packed.error().message();
        EXPECT_TRUE(packed->bytes == expected) << mask;
    }
}

TEST(Pack, WhatWasUnpackedGivesTheSameBytesAgain) {
    const auto packed = with_files().packed();
    const TempFolder folder;
    ASSERT_TRUE(unpack(packed.bytes, folder.path()));
    const auto again = pack(folder.path());
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->bytes == packed.bytes);
}

TEST(Pack, WritesABillOfMaterialsOrTakesTheAuthors) {
    auto plugin = with_files();
    plugin.more = "[dependencies]\n\"org.example.words\" = \"^1.2\"\n" + plugin.more;
    const TempFolder folder;
    ASSERT_TRUE(unpack(plugin.packed().bytes, folder.path()));
    const auto sbom = rig::read(folder.path() / "sbom.cdx.json");
    for (const auto* words : {"\"bomFormat\": \"CycloneDX\"", "\"specVersion\": \"1.5\"", "plugin:org.example.words", "^1.2", "\"expression\": \"MIT\"", "file:data/a.txt"}) {
        EXPECT_NE(sbom.find(words), std::string::npos) << words;
    }
    plugin.files["sbom.cdx.json"] = "{\"mine\": true}";
    const TempFolder own;
    ASSERT_TRUE(unpack(plugin.packed().bytes, own.path()));
    EXPECT_EQ(rig::read(own.path() / "sbom.cdx.json"), "{\"mine\": true}");
}

void expect_unpackable(const TempFolder& folder, std::string_view reason, std::string_view triple = {}) {
    const auto packed = pack(folder.path(), triple);
    ASSERT_FALSE(packed);
    EXPECT_EQ(packed.error().reason(), reason) << packed.error().message();
    EXPECT_FALSE(packed.error().hint().empty());
}

TEST(Pack, SaysWhatIsMissing) {
    const TempFolder folder;
    expect_unpackable(folder, "no-manifest");
    Plugin plugin;
    plugin.put(folder.path());
    expect_unpackable(folder, "no-library", "riscv64-linux-gnu");
    rig::write(folder.path() / "libgreet.so", "changed since");
    expect_unpackable(folder, "library-mismatch");
    std::filesystem::remove(folder.path() / "libgreet.so");
    expect_unpackable(folder, "no-library");
    std::filesystem::create_symlink("/etc/passwd", folder.path() / "libgreet.so");
    expect_unpackable(folder, "link-in-package");
    plugin.more = "[package]\ninclude = [\"models\"]\n";
    std::filesystem::remove(folder.path() / "libgreet.so");
    plugin.put(folder.path());
    expect_unpackable(folder, "missing");
    std::filesystem::create_directory(folder.path() / "models");
    std::filesystem::create_symlink("..", folder.path() / "models/up");
    expect_unpackable(folder, "link-in-package");
    rig::write(folder.path() / "manifest.toml", "[extension]\n");
    expect_unpackable(folder, "bad-manifest");
}

TEST(Pack, LongPathsFitOrAreRefused) {
    const TempFolder folder;
    Plugin plugin;
    plugin.more = "[package]\ninclude = [\"data\"]\n";
    const std::string long_folder = "data/" + std::string(120, 'd');
    plugin.files = {{long_folder + "/" + std::string(100, 'f'), "x"}};
    plugin.put(folder.path());
    const auto packed = pack(folder.path());
    ASSERT_TRUE(packed) << packed.error().message();
    EXPECT_NE(packed->info.files.find(long_folder + "/" + std::string(100, 'f')), nullptr);
    rig::write(folder.path() / "data" / std::string(101, 'f'), "x");
    expect_unpackable(folder, "path-too-long");
}

TEST(ReadPackage, ReadsWhatOthersPacked) {
    auto plugin = with_files();
    auto entries = entries_of(plugin);
    entries.insert(entries.begin() + 2, {"data/", "", 0755, AE_IFDIR});
    const auto info = read_package(archive_of(entries));
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->id(), "org.example.greet");
    EXPECT_EQ(info->triples, std::vector<std::string>{"x86_64-linux-gnu"});
}

TEST(ReadPackage, RefusesWhatIsNoPackage) {
    const auto entries = entries_of({});
    expect_refused(read_package(""), "not-a-package");
    expect_refused(read_package("PK\x03\x04 or so"), "not-a-package");
    expect_refused(read_package(archive_of(entries, ARCHIVE_FILTER_GZIP)), "not-a-package");
    expect_refused(read_package(archive_of(entries, ARCHIVE_FILTER_NONE)), "not-a-package");
    expect_refused(read_package(archive_of(entries, ARCHIVE_FILTER_ZSTD, ARCHIVE_FORMAT_ZIP)), "not-a-package");
    expect_refused(std::vector<Entry>{}, "not-a-package");
    expect_refused({entries[1], entries[0], entries[2]}, "not-a-package");
    expect_refused({entries[0], entries[2], entries[1]}, "not-a-package");
    const auto whole = archive_of(entries);
    for (std::size_t size = 4; size < whole.size(); size += 7) EXPECT_FALSE(read_package(std::string_view(whole).substr(0, size))) << size;
}

TEST(ReadPackage, RefusesEntriesThatAreNeitherFileNorFolder) {
    const auto entries = entries_of({});
    const auto with = [&](const Entry& more) {
        auto all = entries;
        all.push_back(more);
        return all;
    };
    expect_refused(with({"link", "", 0777, AE_IFLNK, "/etc/passwd"}), "bad-entry");
    expect_refused(with({"hard", "", 0644, AE_IFREG, "manifest.toml", true}), "bad-entry");
    expect_refused(with({"pipe", "", 0644, AE_IFIFO}), "bad-entry");
    expect_refused(with({"device", "", 0644, AE_IFCHR}), "bad-entry");
    expect_refused(with({"/etc/cron.d/x", "x"}), "bad-path");
    expect_refused(with({"../x", "x"}), "bad-path");
    expect_refused(with({"a/../../x", "x"}), "bad-path");
    expect_refused(with({"./x", "x"}), "bad-path");
    expect_refused(with({"\xff\xfe", "x"}), "bad-path");
    expect_refused(with({"not-listed", "x"}), "file-mismatch");
    expect_refused(with(entries[2]), "bad-path");
    auto setuid = entries;
    setuid[2].mode = 04644;
    expect_refused(setuid, "file-mismatch");
    auto missing = entries;
    missing.pop_back();
    expect_refused(missing, "file-mismatch");
    auto longer = entries;
    longer[2].bytes += "!";
    expect_refused(longer, "file-mismatch");
    auto changed = entries;
    changed[2].bytes[0] ^= 1;
    expect_refused(changed, "file-mismatch");
}

TEST(ReadPackage, RefusesALibraryThatTheManifestDoesNotMean) {
    Plugin plugin;
    auto entries = entries_of(plugin);
    Plugin other = plugin;
    other.library = "other bytes";
    const auto others = entries_of(other); // FILES and library fit, the manifest is the first one's
    auto manifest_entry = FileEntry{0644, plugin.manifest().size(), sha256_of(plugin.manifest()), "manifest.toml"};
    auto list = *FileList::of({manifest_entry, FileEntry{0644, other.library.size(), sha256_of(other.library), "libgreet.so"}});
    expect_refused({entries[0], {"FILES", list.text()}, others[2]}, "library-mismatch");
    list = *FileList::of({manifest_entry});
    expect_refused({entries[0], {"FILES", list.text()}}, "no-library");
}

TEST(ReadPackage, RefusesWhatGrowsTooMuch) {
    Plugin plugin;
    plugin.files["zeros"] = std::string(3u << 20u, '\0');
    expect_refused(entries_of(plugin), "too-compressed");
    std::vector<Entry> many = entries_of({});
    for (int i = 0; i < 10'001; ++i) many.push_back({"d" + std::to_string(i), "", 0755, AE_IFDIR});
    expect_refused(many, "too-many-files");
}

TEST(ReadPackage, ASinkThatFailsStopsIt) {
    const auto packed = with_files().packed();
    struct Full final : PackageSink {
        Status begin(const PackageInfo&) override { return {}; }
        Status file(const FileEntry&) override { return {}; }
        Status write(std::string_view) override { return Error(Code::exhausted, "disk-full", "full", "make room"); }
        Status file_end() override { return {}; }
    } full;
    expect_refused(read_package(packed.bytes, &full), "disk-full");
    const auto stopped = read_package(packed.bytes, nullptr, [](std::uint64_t, std::uint64_t) { return false; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code(), Code::cancelled);
}

TEST(Unpack, WritesTheFilesAsTheyAreListed) {
    const TempFolder folder;
    auto plugin = with_files();
    const auto packed = plugin.packed();
    const auto info = unpack(packed.bytes, folder.path());
    ASSERT_TRUE(info) << info.error().message();
    for (const auto& file : info->files.files()) {
        EXPECT_EQ(sha256_of(rig::read(folder.path() / file.path)), file.sha256) << file.path;
        struct stat status{};
        ASSERT_EQ(::stat((folder.path() / file.path).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777u, file.mode) << file.path;
    }
    EXPECT_EQ(rig::read(folder.path() / "FILES"), info->files.text());
    EXPECT_EQ(rig::read(folder.path() / "data/a.txt"), "a");
}

TEST(Package, IsReadByTheProgramsThatTheDocumentNames) {
    if (std::system("command -v zstd tar sha256sum awk > /dev/null 2>&1") != 0) GTEST_SKIP() << "this machine lacks zstd, tar, sha256sum or awk";
    const TempFolder folder;
    const auto packed = with_files().packed();
    rig::write(folder.path() / "p.sympkg", packed.bytes);
    const std::string in = "cd '" + folder.path().string() + "' && ";
    ASSERT_EQ(std::system((in + "zstd -dc p.sympkg | tar xf - 2> said && ! test -s said").c_str()), 0);
    EXPECT_EQ(std::system((in + "awk '{print $3 \"  \" substr($0, length($1 $2 $3) + 4)}' FILES | sha256sum --quiet -c -").c_str()), 0);
    EXPECT_EQ(std::system((in + "test \"$(sha256sum < FILES)\" = '" + packed.info.digest + "  -'").c_str()), 0);
    EXPECT_EQ(std::system((in + "test \"$(zstd -dc p.sympkg | tar tf - | head -2 | tr '\\n' ' ')\" = 'manifest.toml FILES '").c_str()), 0);
}

} // namespace
} // namespace symphony::packaging
