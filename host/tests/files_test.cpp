// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include "files.hpp"

#include <symphony/abi/services/fs.h>
#include <symphony/files.hpp>

#include <gmock/gmock.h>

#include <csignal>
#include <sys/resource.h>
#include <sys/syscall.h>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;

namespace {

std::vector<std::string>* synced = nullptr; // what fsync() is called for, while a test wants to know

} // namespace

/// Takes the place of the library's in this program.
extern "C" int fsync(int fd) {
    std::error_code failed;
    if (synced != nullptr) synced->push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), failed).string());
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

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
    host::Files files(std::initializer_list<const char*> rights) {
        manifests::Manifest manifest;
        manifest.extension.id = manifest.extension.name = "probe";
        for (const char* right : rights) manifest.capabilities.push_back({manifests::CapabilityKind::file_access, right, "", false, {}});
        return host::Files(manifest, grants_, {folder_.path() / "config", folder_.path() / "cache", folder_.path() / "state/data/probe", folder_.path() / "temp"}, rules_);
    }
    /// The content, or "[reason]".
    static std::string read(const host::Files& files, std::string_view root, std::string_view path) {
        const auto fd = files.open(root, path, SYMPHONY_FS_READ);
        if (!fd && fd.error().code() == Code::not_granted && fd.error().reason() != "withdrawn") {
            EXPECT_NE(fd.error().hint(), "") << fd.error().message();
        }
        if (!fd) return "[" + std::string(fd.error().reason()) + "]";
        std::string out = read_file("/proc/self/fd/" + std::to_string(*fd));
        ::close(*fd);
        return out;
    }
    static std::string write(const host::Files& files, std::string_view root, std::string_view path, std::uint32_t flags = write_new) {
        const auto fd = files.open(root, path, flags);
        if (!fd) return "[" + std::string(fd.error().reason()) + "]";
        EXPECT_EQ(::write(*fd, "new", 3), 3);
        ::close(*fd);
        return "";
    }
    static std::string names(const host::Files& files, std::string_view root, std::string_view path) {
        const auto listing = files.list(root, path);
        if (!listing) return "[" + std::string(listing.error().reason()) + "]";
        std::string out;
        for (const ValueView entry : listing->items()) {
            out += std::string(text_of(entry["name"].as_bytes())) + ":" + std::string(entry["kind"].as_text()) + " ";
        }
        return out;
    }

    /// What is in a folder, dot files too, sorted.
    std::string on_disk(const char* name) const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder_ / name)) all.push_back(entry.path().filename().string());
        std::sort(all.begin(), all.end());
        std::string out;
        for (const std::string& one : all) out += one + " ";
        return out;
    }

    TemporaryFolder folder_;
    Grants grants_;
    host::Files::Rules rules_;
};

/// The service as a plugin's SDK sees it.
constexpr symphony_host_fs service{
    sizeof(symphony_host_fs), 0,
    [](void* ctx, symphony_str root, symphony_str path, std::uint32_t flags, std::int32_t* fd, symphony_error* error) -> symphony_status {
        const auto opened = static_cast<const host::Files*>(ctx)->open(from_c(root), from_c(path), flags);
        if (!opened) return to_c(opened.error(), error);
        *fd = *opened;
        return SYMPHONY_OK;
    },
    nullptr,
    [](void* ctx, symphony_str root, symphony_str from, symphony_str to, symphony_error* error) -> symphony_status {
        const auto done = static_cast<const host::Files*>(ctx)->rename(from_c(root), from_c(from), from_c(to));
        return done ? SYMPHONY_OK : to_c(done.error(), error);
    },
    [](void* ctx, symphony_str root, symphony_str path, symphony_error* error) -> symphony_status {
        const auto done = static_cast<const host::Files*>(ctx)->remove(from_c(root), from_c(path));
        return done ? SYMPHONY_OK : to_c(done.error(), error);
    },
    [](void* ctx, symphony_str root, symphony_str path, symphony_error* error) -> symphony_status {
        const auto done = static_cast<const host::Files*>(ctx)->sync_folder(from_c(root), from_c(path));
        return done ? SYMPHONY_OK : to_c(done.error(), error);
    }};
symphony::Files sdk(const host::Files& files) { return {&service, const_cast<host::Files*>(&files)}; }

} // namespace

TEST_F(FilesTest, ReadsBeneathTheRoot) {
    const host::Files f = files({"read:workspace"});
    EXPECT_EQ(read(f, "workspace", "a.txt"), "alpha");
    EXPECT_EQ(read(f, "workspace", "deep/../deep/er/b.txt"), "beta");
    EXPECT_EQ(names(f, "workspace", ""), "a.txt:file deep:folder link.txt:symlink up:symlink ");
    EXPECT_EQ(names(f, "workspace", "deep"), "er:folder ");
}

TEST_F(FilesTest, NeverLeavesTheRoot) {
    const host::Files f = files({"read:workspace", "write:workspace"});
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
    const host::Files f = files({"read:workspace", "write:workspace"});
    EXPECT_EQ(read(f, "workspace", "pipe"), "[not-a-file]");
    EXPECT_EQ(read(f, "workspace", "deep"), "[not-a-file]");
    EXPECT_EQ(read(f, "workspace", "hard.txt"), "outside");
    EXPECT_EQ(write(f, "workspace", "hard.txt"), "[hard-link]");
    EXPECT_EQ(read_file(folder_ / "outside.txt"), "outside");
}

TEST_F(FilesTest, MakesFoldersRenamesAndRemoves) {
    const host::Files f = files({"read:workspace", "write:workspace", "write:temp"});
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

TEST_F(FilesTest, MakesWhatMustNotBeThere) {
    const host::Files f = files({"read:workspace", "write:workspace"});
    constexpr std::uint32_t make = SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE | SYMPHONY_FS_EXCLUSIVE;
    EXPECT_EQ(write(f, "workspace", "packs/ab/one", make), "");
    EXPECT_EQ(write(f, "workspace", "packs/ab/one", make), "[exists]");
    EXPECT_EQ(write(f, "workspace", "link.txt", make), "[exists]") << "a link is something, wherever it leads";
    EXPECT_EQ(write(f, "workspace", "b.txt", SYMPHONY_FS_WRITE | SYMPHONY_FS_EXCLUSIVE), "[invalid-argument]");
    EXPECT_TRUE(f.rename("workspace", "packs/ab/one", "trash/bin/one")) << "folders above the new name are made";
    EXPECT_EQ(read(f, "workspace", "trash/bin/one"), "new");
}

TEST_F(FilesTest, SyncsFoldersThatMayBeWritten) {
    const auto sync = [&](const host::Files& f, std::string_view root, std::string_view path) {
        const Status done = sdk(f).sync_folder(root, path);
        return done ? std::string() : std::string(done.error().reason());
    };
    const host::Files all = files({"write:workspace", "write:state"});
    EXPECT_EQ(sync(all, "workspace", ""), "");
    EXPECT_EQ(sync(all, "workspace", "deep/er"), "");
    EXPECT_EQ(sync(all, "state", ""), "") << "its own root, which is made by that";
    EXPECT_EQ(sync(all, "workspace", "nowhere"), "not-found");
    EXPECT_EQ(sync(all, "workspace", "a.txt"), "invalid-argument");
    EXPECT_EQ(sync(all, "workspace", "up"), "path-escape");
    EXPECT_EQ(sync(all, "workspace", "../"), "path-escape");
    EXPECT_EQ(sync(files({"read:workspace"}), "workspace", ""), "not-granted");
    const host::Files some = files({"write:workspace/deep/er/*.txt"});
    EXPECT_EQ(sync(some, "workspace", "deep/er"), "") << "what it writes there needs it";
    EXPECT_EQ(sync(some, "workspace", "other"), "not-granted");
    std::filesystem::create_directories(folder_ / "work/state");
    rules_.kept_out = {folder_ / "work/state"};
    EXPECT_EQ(sync(files({"write:workspace"}), "workspace", "state"), "host-state");
    rules_.kept_out.clear();
    std::vector<std::string> asked;
    rules_.require = [&](const manifests::Right& right) {
        asked.push_back(right.text());
        return Status(Error(Code::not_granted, "denied", "no"));
    };
    EXPECT_EQ(sync(files({"write:workspace"}), "workspace", "deep"), "denied");
    EXPECT_EQ(asked, std::vector<std::string>{"write:workspace/deep"});
}

TEST_F(FilesTest, SyncsTheNamesOfFoldersThatItMadeAboveATypedOne) {
    const std::string root = std::filesystem::canonical(folder_.path()).string();
    grants_.selected = {{"new/store", folder_.path() / "new/store", true, true}};
    const host::Files f = files({"write:selected"});
    ASSERT_EQ(write(f, "selected", "new/store/packs/one"), "");
    std::vector<std::string> all;
    synced = &all;
    EXPECT_TRUE(f.sync_folder("selected", "new/store/packs"));
    EXPECT_EQ(all, std::vector<std::string>{root + "/new/store/packs"}) << "beneath it, whoever makes folders syncs them";
    all.clear();
    EXPECT_TRUE(f.sync_folder("selected", "new/store"));
    synced = nullptr;
    ASSERT_GE(all.size(), 3u);
    EXPECT_THAT((std::vector<std::string>(all.begin(), all.begin() + 3)), testing::ElementsAre(root + "/new/store", root + "/new", root));
}

TEST_F(FilesTest, TakesATypedPathAsItsGrant) {
    grants_.selected = {{"work", folder_.path() / "work", true, false},
                        {"out", folder_.path() / "out", false, true},
                        {"one.txt", folder_.path() / "outside.txt", true, false}};
    const host::Files f = files({"read:selected", "write:selected"});
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

TEST_F(FilesTest, KeepsToThePatternsThatWereAskedFor) {
    write_file(folder_ / "work/docs/a.md", "A");
    write_file(folder_ / "work/docs/deep/b.md", "B");
    write_file(folder_ / "work/docs/c.txt", "C");
    write_file(folder_ / "work/docs2/d.md", "D");
    const host::Files tree = files({"read:workspace/docs/**"});
    EXPECT_EQ(read(tree, "workspace", "docs/a.md"), "A");
    EXPECT_EQ(read(tree, "workspace", "./docs//deep/../deep/b.md"), "B");
    for (const char* path : {"a.txt", "docs/../a.txt", "docs2/d.md", "docs/../docs2/d.md"}) EXPECT_EQ(read(tree, "workspace", path), "[not-granted]") << path;
    EXPECT_EQ(read(tree, "workspace", "docs/../../outside.txt"), "[path-escape]");
    EXPECT_EQ(names(tree, "workspace", ""), "docs:folder ") << "only what leads there";
    EXPECT_EQ(names(tree, "workspace", "docs"), "a.md:file c.txt:file deep:folder ");
    EXPECT_EQ(names(tree, "workspace", "docs2"), "[not-granted]");
    EXPECT_EQ(write(tree, "workspace", "docs/a.md"), "[not-granted]");

    const host::Files kind = files({"read:workspace/**/*.md", "write:workspace/out/*.txt"});
    EXPECT_EQ(read(kind, "workspace", "docs/deep/b.md"), "B");
    EXPECT_EQ(read(kind, "workspace", "docs/c.txt"), "[not-granted]");
    EXPECT_EQ(names(kind, "workspace", "docs"), "a.md:file deep:folder ");
    EXPECT_EQ(write(kind, "workspace", "out/x.txt"), "");
    EXPECT_EQ(write(kind, "workspace", "out/deep/x.txt"), "[not-granted]");
    EXPECT_EQ(write(kind, "workspace", "out/x.md"), "[not-granted]");
    EXPECT_EQ(kind.rename("workspace", "out/x.txt", "docs/a.md").error().reason(), "not-granted");
    EXPECT_EQ(kind.remove("workspace", "docs/a.md").error().reason(), "not-granted");
    EXPECT_TRUE(kind.remove("workspace", "out/x.txt"));

    std::filesystem::create_symlink("../a.txt", folder_ / "work/docs/link.md");
    EXPECT_EQ(read(kind, "workspace", "docs/link.md"), "[path-escape]") << "a pattern says nothing of what a link leads to";
}

TEST_F(FilesTest, AsksForTheGrantOfTheMomentEachTime) {
    std::vector<std::string> asked;
    bool granted = true;
    rules_.require = [&](const manifests::Right& right) -> Status {
        asked.push_back(right.text());
        if (granted) return {};
        return Error(Code::not_granted, "withdrawn", "not any more");
    };
    rules_.allows = [&](const manifests::Right&) { return granted; };
    const host::Files f = files({"read:workspace", "write:workspace/deep/**"});
    EXPECT_EQ(read(f, "workspace", "a.txt"), "alpha");
    EXPECT_EQ(write(f, "workspace", "deep/er/b.txt"), "");
    granted = false;
    EXPECT_EQ(read(f, "workspace", "a.txt"), "[withdrawn]");
    EXPECT_EQ(names(f, "workspace", ""), "[withdrawn]");
    EXPECT_EQ(f.remove("workspace", "deep/er/b.txt").error().reason(), "withdrawn");
    EXPECT_THAT(asked, testing::ElementsAre("read:workspace/a.txt", "write:workspace/deep/er/b.txt", "read:workspace/a.txt", "read:workspace/.", "write:workspace/deep/er/b.txt"));
}

TEST_F(FilesTest, NeverHandsOutTheHostsOwnState) {
    write_file(folder_ / "state/permissions.sqlite", "grants");
    write_file(folder_ / "state/quarantine/probe", "bad");
    write_file(folder_ / "state/data/probe/mine", "own");
    write_file(folder_ / "work/.policy.toml", "policy");
    std::filesystem::create_hard_link(folder_ / "state/permissions.sqlite", folder_ / "work/harmless.txt");
    std::filesystem::create_hard_link(folder_ / "work/a.txt", folder_ / "work/twin.txt");
    rules_.kept_out = {folder_.path() / "state", folder_.path() / "work/.policy.toml", folder_.path() / "not-there"};
    const auto rights = {"read:workspace", "write:workspace", "read:state", "write:state"};
    {
        grants_.workspace = folder_.path(); // somebody works in a folder that has the state in it
        const host::Files f = files(rights);
        for (const char* path : {"state/permissions.sqlite", "state/quarantine/probe", "state/data/probe/mine", "work/../state/permissions.sqlite", "work/.policy.toml"}) {
            SCOPED_TRACE(path);
            EXPECT_EQ(read(f, "workspace", path), "[host-state]");
            EXPECT_EQ(write(f, "workspace", path), "[host-state]");
            EXPECT_EQ(f.remove("workspace", path).error().reason(), "host-state");
            EXPECT_EQ(f.rename("workspace", path, "stolen").error().reason(), "host-state");
            EXPECT_EQ(f.rename("workspace", "work/deep/er/b.txt", path).error().reason(), "host-state");
        }
        EXPECT_EQ(names(f, "workspace", "state"), "[host-state]");
        EXPECT_EQ(write(f, "workspace", "state/new/file"), "[host-state]");
        EXPECT_EQ(read(f, "workspace", "work/harmless.txt"), "[host-state]") << "under another name it is the same file";
        EXPECT_EQ(read(f, "workspace", "work/twin.txt"), "alpha") << "two names are no crime";
        EXPECT_EQ(read(f, "workspace", "outside.txt"), "outside");
        EXPECT_EQ(read(f, "state", "mine"), "own") << "its own folder is its own";
        EXPECT_EQ(write(f, "state", "new"), "");
    }
    grants_.workspace = folder_.path() / "state/quarantine"; // or inside of it
    EXPECT_EQ(read(files(rights), "workspace", "probe"), "[host-state]");
    EXPECT_EQ(read_file(folder_ / "state/permissions.sqlite"), "grants");
    EXPECT_EQ(read_file(folder_ / "work/.policy.toml"), "policy");
}

TEST_F(FilesTest, MakesNothingWhereTheHostWillKeepItsOwn) {
    write_file(folder_ / "state/data/other/b.txt", "other");
    std::filesystem::create_hard_link(folder_ / "state/data/other/b.txt", folder_ / "work/backup.txt");
    rules_.kept_out = {folder_.path() / "state", folder_.path() / "work/home/.config/symphony", folder_.path() / "work/policy.toml"};
    const host::Files f = files({"read:workspace", "write:workspace"});
    for (const char* path : {"home/.config/symphony/policy.toml", "home/.config/symphony", "home", "policy.toml"}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(write(f, "workspace", path), "[host-state]");
        EXPECT_EQ(f.rename("workspace", "a.txt", path).error().reason(), "host-state");
    }
    EXPECT_EQ(write(f, "workspace", "house/a.txt"), "");
    EXPECT_EQ(write(f, "workspace", "deep/policy.toml"), "") << "of the same name, in another folder";
    write_file(folder_ / "work/home/b.txt", "mine");
    EXPECT_EQ(write(f, "workspace", "home/.config/symphony/policy.toml"), "[host-state]");
    EXPECT_EQ(write(f, "workspace", "home/new.txt"), "");
    EXPECT_EQ(read(f, "workspace", "backup.txt"), "other") << "what a plugin keeps is no state of the host";
}

TEST_F(FilesTest, HandsOutNoMemoryOfAProcess) {
    grants_.workspace = "/";
    const host::Files f = files({"read:workspace", "write:workspace"});
    const std::string own = "proc/" + std::to_string(::getpid());
    EXPECT_EQ(read(f, "workspace", own + "/mem"), "[host-state]");
    EXPECT_EQ(read(f, "workspace", own + "/environ"), "[host-state]");
    EXPECT_EQ(write(f, "workspace", own + "/oom_score_adj", SYMPHONY_FS_WRITE), "[host-state]");
}

TEST_F(FilesTest, ReplacesATypedFileWhole) {
    write_file(folder_ / "out/a.svg", "old");
    ::chmod((folder_ / "out/a.svg").c_str(), 0640);
    grants_.selected = {{"out/a.svg", folder_.path() / "out/a.svg", false, true}};
    {
        const host::Files f = files({"write:selected"});
        ASSERT_TRUE(sdk(f).write_atomic("selected", "out/a.svg", "new and longer"));
        EXPECT_EQ(read_file(folder_ / "out/a.svg"), "new and longer");
        EXPECT_EQ(std::filesystem::status(folder_ / "out/a.svg").permissions(), std::filesystem::perms(0640));
        EXPECT_EQ(on_disk("out"), "a.svg ");

        // The disk is full: a limit on this process's files stands for it.
        rlimit limit{};
        ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
        const auto handler = std::signal(SIGXFSZ, SIG_IGN);
        rlimit small = limit;
        small.rlim_cur = 1000;
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
        const Status written = sdk(f).write_atomic("selected", "out/a.svg", std::string(5000, 'x'));
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        std::signal(SIGXFSZ, handler);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().reason(), "disk-full");
        EXPECT_EQ(read_file(folder_ / "out/a.svg"), "new and longer") << "whole, as it was";
        EXPECT_EQ(on_disk("out"), "a.svg ");

        EXPECT_EQ(write(f, "selected", "out/.a.svg.7-7.new", SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE), "");
        EXPECT_EQ(on_disk("out"), ".a.svg.7-7.new a.svg ");
    }
    EXPECT_EQ(on_disk("out"), "a.svg ") << "what never took its place goes with the plugin";
}

TEST_F(FilesTest, GrantsNothingElseBesideATypedFile) {
    write_file(folder_ / "out/a.svg", "old");
    write_file(folder_ / "out/other.txt", "other");
    write_file(folder_ / "out/.a.svg.1.new", "somebody's");
    write_file(folder_ / "out/.other.txt.1.new", "somebody's");
    grants_.selected = {{"out/a.svg", folder_.path() / "out/a.svg", true, true}, {"out/none.svg", folder_.path() / "out/none.svg", false, true}};
    const host::Files f = files({"read:selected", "write:selected"});
    for (const char* name : {"out/other.txt", "out/.a.svg..new", "out/.a.svg.new", "out/.a.svg.x.new", "out/.a.svg.1.new2", "out/.a.svg.1/../other.new", "out/.b.svg.1.new", ".a.svg.1.new",
                             "out/.other.txt.1.new", "out/sub/.a.svg.1.new"}) {
        EXPECT_EQ(write(f, "selected", name), "[not-granted]") << name;
    }
    EXPECT_EQ(write(f, "selected", "out/.a.svg.1.new"), "[exists]") << "never over something that was there";
    EXPECT_EQ(write(f, "selected", "out/.a.svg.2.new", SYMPHONY_FS_WRITE), "[not-granted]");
    EXPECT_EQ(read(f, "selected", "out/.a.svg.1.new"), "[not-granted]");
    EXPECT_EQ(f.remove("selected", "out/.a.svg.1.new").error().reason(), "not-granted") << "not made here";
    EXPECT_EQ(f.rename("selected", "out/.a.svg.1.new", "out/a.svg").error().reason(), "not-granted");
    EXPECT_EQ(write(f, "selected", "out/.a.svg.2.new"), "");
    EXPECT_EQ(f.rename("selected", "out/.a.svg.2.new", "out/none.svg").error().reason(), "not-granted") << "it is beside another one";
    EXPECT_EQ(f.rename("selected", "out/a.svg", "out/.a.svg.2.new").error().reason(), "not-a-file");
    EXPECT_TRUE(f.rename("selected", "out/.a.svg.2.new", "out/a.svg"));
    EXPECT_TRUE(sdk(f).write_atomic("selected", "out/none.svg", "fresh"));
    EXPECT_EQ(read_file(folder_ / "out/none.svg"), "fresh");
    EXPECT_EQ(on_disk("out"), ".a.svg.1.new .other.txt.1.new a.svg none.svg other.txt ");
    for (int i = 0; i < 40; ++i) {
        if (write(f, "selected", "out/.a.svg." + std::to_string(100 + i) + ".new") == "[too-many-files]") return;
    }
    ADD_FAILURE() << "a folder can be filled";
}

TEST_F(FilesTest, ReplacesNoDeviceAndKeepsALink) {
    ASSERT_EQ(::mkfifo((folder_ / "work/pipe").c_str(), 0600), 0);
    write_file(folder_ / "real/target.svg", "old");
    std::filesystem::create_symlink("../real/target.svg", folder_ / "work/link.svg");
    grants_.selected = {{"pipe", folder_.path() / "work/pipe", false, true}, {"link.svg", folder_.path() / "work/link.svg", false, true}};
    const host::Files f = files({"write:selected"});
    EXPECT_EQ(sdk(f).write_atomic("selected", "pipe", "x").error().reason(), "not-a-file");
    EXPECT_TRUE(std::filesystem::is_fifo(folder_ / "work/pipe"));
    EXPECT_TRUE(sdk(f).write_atomic("selected", "link.svg", "new"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "work/link.svg")) << "what was typed is where it leads";
    EXPECT_EQ(read_file(folder_ / "real/target.svg"), "new");
}
