// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include "files.hpp"

#include <symphony/abi/services/fs.h>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;

namespace {

constexpr std::uint32_t write_new = SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE | SYMPHONY_FS_TRUNCATE;

/// A plugin's files over a folder with some content, with the rights given.
class FilesTest : public testing::Test {
protected:
    void SetUp() override {
        write_file(folder_ / "work/a.txt", "alpha");
        write_file(folder_ / "work/deep/er/b.txt", "beta");
        write_file(folder_ / "outside.txt", "outside");
        std::filesystem::create_symlink("../outside.txt", folder_ / "work/link.txt");
        std::filesystem::create_symlink("..", folder_ / "work/up");
        grants_.workspace = folder_.path() / "work";
    }
    Files files(std::initializer_list<const char*> rights) {
        manifests::Manifest manifest;
        manifest.extension.id = manifest.extension.name = "probe";
        for (const char* right : rights) manifest.capabilities.push_back({manifests::CapabilityKind::file_access, right, "", false, {}});
        return Files(manifest, grants_, {folder_.path() / "config", folder_.path() / "cache", {}, folder_.path() / "temp"});
    }
    /// The content, or "[reason]".
    static std::string read(const Files& files, std::string_view root, std::string_view path) {
        const auto fd = files.open(root, path, SYMPHONY_FS_READ);
        if (!fd) return "[" + std::string(fd.error().reason()) + "]";
        std::string out = read_file("/proc/self/fd/" + std::to_string(*fd));
        ::close(*fd);
        return out;
    }
    static std::string write(const Files& files, std::string_view root, std::string_view path, std::uint32_t flags = write_new) {
        const auto fd = files.open(root, path, flags);
        if (!fd) return "[" + std::string(fd.error().reason()) + "]";
        EXPECT_EQ(::write(*fd, "new", 3), 3);
        ::close(*fd);
        return "";
    }
    static std::string names(const Files& files, std::string_view root, std::string_view path) {
        const auto listing = files.list(root, path);
        if (!listing) return "[" + std::string(listing.error().reason()) + "]";
        std::string out;
        for (const ValueView entry : listing->items()) {
            out += std::string(text_of(entry["name"].as_bytes())) + ":" + std::string(entry["kind"].as_text()) + " ";
        }
        return out;
    }

    TemporaryFolder folder_;
    Grants grants_;
};

} // namespace

TEST_F(FilesTest, ReadsBeneathTheRoot) {
    const Files f = files({"read:workspace"});
    EXPECT_EQ(read(f, "workspace", "a.txt"), "alpha");
    EXPECT_EQ(read(f, "workspace", "deep/../deep/er/b.txt"), "beta");
    EXPECT_EQ(names(f, "workspace", ""), "a.txt:file deep:folder link.txt:symlink up:symlink ");
    EXPECT_EQ(names(f, "workspace", "deep"), "er:folder ");
}

TEST_F(FilesTest, NeverLeavesTheRoot) {
    const Files f = files({"read:workspace", "write:workspace"});
    for (const char* path : {"../outside.txt", "/etc/passwd", "link.txt", "up/outside.txt", "deep/../../outside.txt"}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(read(f, "workspace", path), "[path-escape]");
        EXPECT_EQ(write(f, "workspace", path), "[path-escape]");
    }
    EXPECT_EQ(write(f, "workspace", "new/../../x/y.txt"), "[path-escape]");
    EXPECT_EQ(read(f, "workspace", std::string_view("a.txt\0b", 7)), "[invalid-argument]");
    EXPECT_EQ(read_file(folder_ / "outside.txt"), "outside");
}

TEST_F(FilesTest, GivesOnlyWhatWasAskedForAndGranted) {
    EXPECT_EQ(read(files({}), "workspace", "a.txt"), "[not-granted]");
    EXPECT_EQ(read(files({"write:workspace"}), "workspace", "a.txt"), "[not-granted]");
    EXPECT_EQ(write(files({"read:workspace"}), "workspace", "a.txt"), "[not-granted]");
    EXPECT_EQ(read(files({"read:workspace"}), "etc", "passwd"), "[not-granted]");
    grants_.allows = [](std::string_view plugin, std::string_view right) { return plugin == "probe" && right == "read:cache"; };
    EXPECT_EQ(read(files({"read:workspace"}), "workspace", "a.txt"), "[not-granted]");
    EXPECT_EQ(names(files({"read:cache"}), "cache", ""), "") << "its own folders are made when they are first used";
    EXPECT_FALSE(files({"read:workspace"}).any());
}

TEST_F(FilesTest, HandsOutRegularFilesOnly) {
    ASSERT_EQ(::mkfifo((folder_ / "work/pipe").c_str(), 0600), 0);
    std::filesystem::create_hard_link(folder_ / "outside.txt", folder_ / "work/hard.txt");
    const Files f = files({"read:workspace", "write:workspace"});
    EXPECT_EQ(read(f, "workspace", "pipe"), "[not-a-file]");
    EXPECT_EQ(read(f, "workspace", "deep"), "[not-a-file]");
    EXPECT_EQ(read(f, "workspace", "hard.txt"), "outside");
    EXPECT_EQ(write(f, "workspace", "hard.txt"), "[hard-link]");
    EXPECT_EQ(read_file(folder_ / "outside.txt"), "outside");
}

TEST_F(FilesTest, MakesFoldersRenamesAndRemoves) {
    const Files f = files({"read:workspace", "write:workspace", "write:temp"});
    EXPECT_EQ(write(f, "workspace", "out/of/nothing.txt"), "");
    EXPECT_EQ(read(f, "workspace", "out/of/nothing.txt"), "new");
    EXPECT_TRUE(f.rename("workspace", "out/of/nothing.txt", "a.txt"));
    EXPECT_EQ(read(f, "workspace", "a.txt"), "new");
    EXPECT_EQ(f.rename("workspace", "link.txt", "b.txt").error().reason(), "not-a-file");
    EXPECT_EQ(f.rename("workspace", "a.txt", "../b.txt").error().reason(), "path-escape");
    EXPECT_TRUE(f.remove("workspace", "out/of"));
    EXPECT_TRUE(f.remove("workspace", "a.txt"));
    EXPECT_EQ(f.remove("workspace", "a.txt").error().reason(), "not-found");
    EXPECT_EQ(write(f, "temp", "scratch"), "");
    EXPECT_EQ(write(f, "workspace", "missing", SYMPHONY_FS_WRITE), "[not-found]");
}

TEST_F(FilesTest, TakesATypedPathAsItsGrant) {
    grants_.selected = {{"work", folder_.path() / "work", true, false},
                        {"out", folder_.path() / "out", false, true},
                        {"one.txt", folder_.path() / "outside.txt", true, false}};
    const Files f = files({"read:selected", "write:selected"});
    EXPECT_EQ(read(f, "selected", "work/deep/er/b.txt"), "beta");
    EXPECT_EQ(read(f, "selected", "one.txt"), "outside");
    EXPECT_EQ(names(f, "selected", "work/deep"), "er:folder ");
    EXPECT_EQ(names(f, "selected", ""), "work:folder one.txt:file ");
    EXPECT_EQ(read(f, "selected", "work/../outside.txt"), "[path-escape]");
    EXPECT_EQ(read(f, "selected", "workshop.txt"), "[not-granted]") << "a name that begins alike is another name";
    EXPECT_EQ(write(f, "selected", "work/a.txt"), "[not-granted]") << "typed to be read";
    EXPECT_EQ(write(f, "selected", "out/report/index.html"), "");
    EXPECT_EQ(read_file(folder_ / "out/report/index.html"), "new");
    EXPECT_EQ(read(files({}), "selected", "one.txt"), "[not-granted]");
}
