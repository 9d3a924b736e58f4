// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/posix_folder.hpp>

#include <symphony/sqlite_files/fd_file.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace symphony;
using namespace symphony::sqlite_files;
using Mode = Folder::Mode;

namespace {

class PosixFolderTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-folder-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        top_ = name;
        auto opened = PosixFolder::open(top_ / "store");
        ASSERT_TRUE(opened) << opened.error().message();
        folder_ = *std::move(opened);
    }
    void TearDown() override { std::filesystem::remove_all(top_); }

    /// "" or the reason.
    std::string write(std::string_view path, std::string_view text, Mode mode = Mode::create) {
        auto file = folder_->open(path, mode);
        if (!file) return std::string(file.error().reason());
        const Status done = (*file)->write_at(0, bytes_of(text));
        return done ? "" : std::string(done.error().reason());
    }
    /// The content, or "[reason]".
    std::string read(std::string_view path) {
        auto file = folder_->open(path, Mode::read);
        if (!file) return "[" + std::string(file.error().reason()) + "]";
        std::vector<std::uint8_t> bytes(64);
        const auto n = (*file)->read_at(0, bytes);
        return n ? std::string(text_of(Bytes(bytes.data(), *n))) : "[" + std::string(n.error().reason()) + "]";
    }
    std::string names(std::string_view path) {
        const auto entries = folder_->list(path);
        if (!entries) return "[" + std::string(entries.error().reason()) + "]";
        std::string out;
        for (const Entry& entry : *entries) out += entry.name + (entry.folder ? "/ " : ":" + std::to_string(entry.size) + " ");
        return out;
    }
    static std::string reason(const Status& status) { return status ? "" : std::string(status.error().reason()); }

    std::filesystem::path top_;
    std::unique_ptr<PosixFolder> folder_;
};

} // namespace

TEST_F(PosixFolderTest, MakesReadsRenamesAndRemoves) {
    EXPECT_EQ(write("packs/ab/one", "alpha"), "");
    EXPECT_EQ(write("packs/ab/one", "x", Mode::create_new), "exists");
    EXPECT_EQ(write("two", "b", Mode::create_new), "");
    EXPECT_EQ(write("three", "c", Mode::write), "not-found");
    EXPECT_EQ(names(""), "packs/ two:1 ");
    EXPECT_EQ(names("packs/ab"), "one:5 ");
    EXPECT_EQ(names("nowhere"), "") << "a folder that is not there has no entries";
    EXPECT_EQ(names("two"), "[not-a-file]");
    EXPECT_EQ(reason(folder_->rename("packs/ab/one", "trash/one")), "");
    EXPECT_EQ(read("trash/one"), "alpha");
    EXPECT_EQ(reason(folder_->rename("two", "trash/one")), "");
    EXPECT_EQ(read("trash/one"), "b");
    EXPECT_EQ(reason(folder_->remove("trash/one")), "");
    EXPECT_EQ(reason(folder_->remove("trash/one")), "not-found");
    EXPECT_EQ(reason(folder_->rename("packs", "other")), "not-a-file");
    EXPECT_EQ(reason(folder_->sync_folder("packs/ab")), "");
    EXPECT_EQ(reason(folder_->sync_folder("")), "");
    EXPECT_EQ(reason(folder_->sync_folder("nowhere/at/all")), "") << "nothing is in it, and that is on the disk";
}

TEST_F(PosixFolderTest, ReadsAndWritesAtOffsets) {
    auto file = *folder_->open("f", Mode::create);
    EXPECT_TRUE(file->write_at(5, bytes_of("world")));
    EXPECT_EQ(*file->size(), 10u);
    EXPECT_TRUE(file->truncate(7));
    std::vector<std::uint8_t> bytes(20, 9);
    EXPECT_EQ(*file->read_at(4, bytes), 3u) << "fewer at the end of the file";
    EXPECT_EQ(text_of(Bytes(bytes.data(), 3)), std::string_view("\0wo", 3));
    EXPECT_EQ(*file->read_at(100, bytes), 0u);
    EXPECT_TRUE(file->sync());
    EXPECT_EQ(reason(file->write_at(~std::uint64_t{0}, bytes_of("x"))), "file-too-large");
    auto reader = *folder_->open("f", Mode::read);
    EXPECT_FALSE(reader->write_at(0, bytes_of("x"))) << "was opened to read";
}

TEST_F(PosixFolderTest, NeverLeavesItsFolder) {
    std::ofstream(top_ / "outside") << "outside";
    std::filesystem::create_symlink("../outside", top_ / "store/link");
    std::filesystem::create_symlink("..", top_ / "store/up");
    ASSERT_EQ(::mkfifo((top_ / "store/pipe").c_str(), 0600), 0);
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"../outside", "bad-path"}, {"/etc/passwd", "bad-path"}, {"a//b", "bad-path"}, {"./a", "bad-path"}, {"a/", "bad-path"},
        {std::string_view("a\0b", 3), "bad-path"}, {"", "not-a-file"}, {"link", "path-escape"}, {"up/outside", "path-escape"}, {"pipe", "not-a-file"}};
    for (const auto& [path, expected] : cases) {
        SCOPED_TRACE(path);
        EXPECT_EQ(read(path), "[" + std::string(expected) + "]");
        EXPECT_EQ(write(path, "x"), expected);
    }
    EXPECT_EQ(reason(folder_->rename("link", "../x")), "bad-path");
    EXPECT_EQ(reason(folder_->sync_folder("up")), "path-escape");
    EXPECT_EQ(names(""), "") << "neither links nor pipes are files of a store";
}

TEST_F(PosixFolderTest, NamesWhatThisUserMayNot) {
    ASSERT_TRUE(::geteuid() != 0 || ::seteuid(65534) == 0);
    EXPECT_EQ(write("f", "x"), "permission-denied");
    EXPECT_EQ(reason(folder_->remove("f")), "not-found");
    static_cast<void>(::seteuid(0));
}

TEST_F(PosixFolderTest, FailsClearlyWhenTheFileMayNotGrow) {
    rlimit old{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    auto file = *folder_->open("f", Mode::create);
    // The kernel writes the part that fits and says so: the rest is tried, and that fails.
    const Status done = file->write_at(4000, bytes_of(std::string(200, 'x')));
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(reason(done), "file-too-large");
    EXPECT_EQ(*file->size(), 4096u);
}

TEST(FdFile, IsPoisonedByAFailedSync) {
    // A pipe cannot be synced: the failure is real, whatever the disk.
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    FdFile file(ends[1], "pipe");
    EXPECT_FALSE(file.sync());
    ASSERT_FALSE(file.sync());
    EXPECT_EQ(file.sync().error().reason(), "sync-failed");
    EXPECT_EQ(file.write_at(0, bytes_of("x")).error().reason(), "sync-failed");
    ::close(ends[0]);
}
