// SPDX-License-Identifier: Apache-2.0
#include "fake_fs.hpp"

#include <symphony/testing.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

namespace {

using symphony::Code;
using symphony::Value;
using symphony::ValueView;

/// "path:kind path:kind", and problems as "path:reason".
std::string files_of(ValueView list) {
    std::string out;
    for (const ValueView file : list.items()) out += (out.empty() ? "" : " ") + std::string(file["path"].as_text()) + ":" + std::string(file["kind"].as_text());
    return out;
}
std::string problems_of(const Value& walked) {
    std::string out;
    for (const ValueView problem : walked["problems"].items()) {
        out += (out.empty() ? "" : " ") + std::string(problem["path"].as_text()) + ":" + std::string(problem["reason"].as_text());
    }
    return out;
}

void expect_walk(FakeFs& fs, std::string_view input, std::string_view files, std::string_view problems) {
    SCOPED_TRACE(input);
    const auto walked = fs.run("walk", input);
    ASSERT_TRUE(walked) << walked.error().message();
    EXPECT_EQ(files_of((*walked)["files"]), files);
    EXPECT_EQ(problems_of(*walked), problems);
    EXPECT_EQ((*walked)["count"].as_uint(), (*walked)["files"].size());
}

const std::string png = "\x89PNG\r\n\x1A\n----";

TEST(Walk, ListsFilesInTheOrderOfPathBytes) {
    FakeFs fs;
    fs.add("b.txt", "b").add("a/x.md", "x").add("a.txt", "a").add("a/b/c.png", png).add("ä", "ä").add("Z", "z");
    expect_walk(fs, R"({"folder":"."})", "Z:text a.txt:text a/b/c.png:image a/x.md:text b.txt:text ä:text", "");
    const auto walked = fs.run("walk", R"({"folder":"."})");
    EXPECT_EQ(files_of((*walked)["images"]), "a/b/c.png:image");
    EXPECT_EQ(files_of((*walked)["texts"]), "Z:text a.txt:text a/x.md:text b.txt:text ä:text");
    EXPECT_EQ(*symphony::print_json((*walked)["files"].at(2)), R"({"kind":"image","mime":"image/png","name":"c.png","path":"a/b/c.png","root":"workspace","size":12})");
}

TEST(Walk, PutsTheFolderInFrontOfPaths) {
    FakeFs fs;
    fs.add("docs/a", "a").add("docs/x/b", "b").add("other", "o");
    expect_walk(fs, R"({"folder":"docs"})", "docs/a:text docs/x/b:text", "");
    expect_walk(fs, R"({"folder":"docs/"})", "docs/a:text docs/x/b:text", "");
}

TEST(Walk, TakesWhatWasNamedOnTheCommandLineBeforeTheWorkspace) {
    FakeFs fs;
    fs.add("docs/mine", "w").add("docs/named", "s", "selected").add("/abs/a", "a", "selected").add("plain.txt", "p", "selected");
    expect_walk(fs, R"({"folder":"docs"})", "docs/named:text", "");
    expect_walk(fs, R"({"folder":"/abs"})", "/abs/a:text", "");
    expect_walk(fs, R"({"folder":"plain.txt"})", "plain.txt:text", "");
    expect_walk(fs, R"({"folder":""})", "docs/mine:text", "");
}

TEST(Walk, TellsKindsByTheWholeContent) {
    FakeFs fs;
    const std::string long_text(100'000, 'x');
    fs.add("binary-late", long_text + std::string("\0", 1)).add("cut.png", "\x89PN").add("empty", "").add("image.txt", png);
    fs.add("latin1.txt", "Gr\xF6\xDF" "e und Mühe, viel Text davor und danach").add("noise", "\x80\x81\x82\x83\x84").add("utf16.txt", std::string("\xFF\xFEx\0", 4));
    fs.add("text-late", long_text + "\xFF");
    expect_walk(fs, R"({"folder":"."})",
                "binary-late:binary cut.png:binary empty:empty image.txt:image latin1.txt:binary noise:binary text-late:binary utf16.txt:text",
                "cut.png:not-an-image empty:empty latin1.txt:not-utf8 text-late:not-utf8");
}

TEST(Walk, NamesEveryProblemAndGoesOn) {
    FakeFs fs;
    fs.add("good.txt", "good").add("two\nlines.txt", "x").add("\xFFlatin", "y");
    fs.add_other("link", "symlink").add_other("pipe", "other").add_other("io", "unreadable");
    fs.add_failing("gone.txt", "file", Code::not_found, "").add_failing("secret.txt", "file", Code::io, "permission-denied");
    fs.add_failing("locked", "folder", Code::io, "permission-denied").add_failing("now-a-pipe", "file", Code::invalid_argument, "not-a-file");
    expect_walk(fs, R"({"folder":"."})", "good.txt:text two\\x0Alines.txt:text \\xFFlatin:text",
                "gone.txt:vanished io:unreadable link:symbolic-link locked:permission-denied now-a-pipe:not-a-file pipe:special-file "
                "secret.txt:permission-denied two\\x0Alines.txt:odd-name \\xFFlatin:odd-name");
}

TEST(Walk, ExcludesHiddenAndBuildFoldersUnlessTold) {
    FakeFs fs;
    fs.add(".git/config", "g").add("build/x.o", "o").add("src/build/y", "y").add("src/a.c", "a").add(".hidden", "h").add("builder/z", "z");
    expect_walk(fs, R"({"folder":"."})", ".hidden:text builder/z:text src/a.c:text", "");
    EXPECT_EQ(*symphony::print_json((*fs.run("walk", R"({"folder":"."})"))["skipped"]), R"({"excluded_files":0,"excluded_folders":3,"not_included":0,"over_total":0})");
    expect_walk(fs, R"({"folder":".","exclude":[]})", ".git/config:text .hidden:text build/x.o:text builder/z:text src/a.c:text src/build/y:text", "");
    expect_walk(fs, R"({"folder":".","exclude":["src/**/y",".*"]})", "build/x.o:text builder/z:text src/a.c:text", "");
}

TEST(Walk, IncludesOnlyWhatIsAskedFor) {
    FakeFs fs;
    fs.add("a.md", "a").add("b.txt", "b").add("c/d.md", "d").add_other("link", "symlink");
    expect_walk(fs, R"({"folder":".","include":["*.md"]})", "a.md:text c/d.md:text", "");
    expect_walk(fs, R"({"folder":".","include":["c/**","*.txt"]})", "b.txt:text c/d.md:text", "");
    EXPECT_EQ((*fs.run("walk", R"({"folder":".","include":["*.md"]})"))["skipped"]["not_included"].as_uint(), 2u);
}

TEST(Walk, StopsAtEachLimitAndSaysSo) {
    FakeFs fs;
    fs.add("a", "12345").add("b", "123").add("c/d/e", "1").add("f.png", png);
    expect_walk(fs, R"({"folder":".","max_files":2})", "a:text b:text", "c/d/e:too-many-files");
    expect_walk(fs, R"({"folder":".","max_depth":1})", "a:text b:text f.png:image", "c/d:too-deep");
    EXPECT_EQ(problems_of(*fs.run("walk", R"({"folder":".","max_depth":0})")), "c:too-deep");
    expect_walk(fs, R"({"folder":".","max_file_bytes":4})", "a:text b:text c/d/e:text f.png:image", "a:too-large f.png:too-large");
    expect_walk(fs, R"({"folder":".","max_total_bytes":6})", "a:text b:text c/d/e:text f.png:image", "b:over-total");
    const auto walked = fs.run("walk", R"({"folder":".","max_total_bytes":6})");
    EXPECT_EQ(files_of((*walked)["texts"]), "a:text c/d/e:text");
    EXPECT_EQ((*walked)["total_bytes"].as_uint(), 6u);
    EXPECT_EQ((*walked)["skipped"]["over_total"].as_uint(), 2u);
    EXPECT_TRUE((*walked)["truncated"].as_bool());
    EXPECT_FALSE((*fs.run("walk", R"({"folder":"."})"))["truncated"].as_bool());
}

TEST(Walk, BoundsTheListOfProblems) {
    FakeFs fs;
    for (int i = 0; i < 10'005; ++i) fs.add_other("link" + std::to_string(i), "symlink");
    const auto walked = fs.run("walk", R"({"folder":"."})");
    ASSERT_TRUE(walked);
    EXPECT_EQ((*walked)["problems"].size(), 10'001u);
    EXPECT_EQ((*walked)["problems"].at(10'000)["message"].as_text(), "5 more problems are not listed");
    EXPECT_TRUE((*walked)["truncated"].as_bool());
}

void expect_refused(FakeFs& fs, std::string_view input, std::string_view reason, std::string_view message) {
    SCOPED_TRACE(input);
    const auto walked = fs.run("walk", input);
    ASSERT_FALSE(walked);
    EXPECT_EQ(walked.error().reason(), reason);
    EXPECT_EQ(walked.error().message(), message);
}

TEST(Walk, RefusesWrongInputsByName) {
    FakeFs fs;
    fs.add("a", "a");
    expect_refused(fs, "{}", "missing-input", R"(walk: input "folder" is missing)");
    expect_refused(fs, R"({"folder":1})", "wrong-kind", R"(walk: input "folder" is integer, not text)");
    expect_refused(fs, R"({"folder":"nowhere"})", "not-found", R"(walk: input "folder": cannot list: it is not there)");
    expect_refused(fs, R"({"folder":"/etc"})", "not-granted", R"(walk: input "folder": no right to read)");
    expect_refused(fs, R"({"folder":"a\u0000b"})", "bad-path", R"(walk: input "folder" is a path with a zero byte)");
    expect_refused(fs, R"({"folder":".","include":["["]})", "bad-pattern", R"(walk: input "include": pattern "[" has a [ without its ])");
    expect_refused(fs, R"({"folder":".","max_files":0})", "out-of-range", R"(walk: input "max_files" is 0, not in 1 to 1000000)");
    FakeFs nothing;
    expect_refused(nothing, R"({"folder":"."})", "not-granted", R"(walk: input "folder": no right to read)");
}

TEST(Walk, StopsWhenCancelled) {
    FakeFs fs;
    fs.add("a", "a");
    const auto walked = files::apply("walk", symphony::parse_json(R"({"folder":"."})")->view(), fs.context([] { return true; }));
    ASSERT_FALSE(walked);
    EXPECT_EQ(walked.error().code(), Code::cancelled);
}

/// A folder on the disk with everything that a disk can hold and a test may make.
class OnDisk : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-files-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        host_.grant_files("workspace", folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void put(const std::string& path, std::string_view content) {
        std::filesystem::create_directories((folder_ / path).parent_path());
        std::ofstream(folder_ / path, std::ios::binary) << content;
    }
    symphony::Result<Value> run(std::string_view operation, std::string_view json) {
        const files::Context context{*host_.host().files(), [] { return false; }, [](std::uint32_t, std::string_view) {}};
        return files::apply(operation, symphony::parse_json(json)->view(), context);
    }

    std::filesystem::path folder_;
    symphony::testing::FakeHost host_;
};

TEST_F(OnDisk, WalkSurvivesLoopsPipesSocketsHolesAndLongNames) {
    put("a.txt", "a");
    put("deep/" + std::string(255, 'n'), "long name");
    put("new\nline", "n");
    std::filesystem::create_directory_symlink("..", folder_ / "deep/loop");
    std::filesystem::create_symlink("/etc/passwd", folder_ / "escape");
    std::filesystem::create_symlink("nowhere", folder_ / "dangling");
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    symphony::copy_cut(address.sun_path, (folder_ / "socket").string());
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(socket);
    put("big.txt", "text");
    std::filesystem::resize_file(folder_ / "big.txt", std::uintmax_t{200} << 20);
    const auto walked = run("walk", R"({"folder":"."})");
    ASSERT_TRUE(walked) << walked.error().message();
    EXPECT_EQ(files_of((*walked)["files"]), "a.txt:text big.txt:binary deep/" + std::string(255, 'n') + ":text new\\x0Aline:text");
    EXPECT_EQ(problems_of(*walked), "big.txt:too-large dangling:symbolic-link deep/loop:symbolic-link escape:symbolic-link fifo:special-file "
                                    "new\\x0Aline:odd-name socket:special-file");
}

TEST_F(OnDisk, WalkGoesAsDeepAsPathsCanBe) {
    std::filesystem::path at = folder_;
    std::filesystem::create_directories(at);
    int levels = 0;
    for (; at.native().size() < 3900; ++levels) at /= "ffffffffff";
    std::filesystem::create_directories(at);
    std::ofstream(at / "end") << "x";
    const auto walked = run("walk", R"({"folder":".","max_depth":1000})");
    ASSERT_TRUE(walked);
    EXPECT_EQ((*walked)["count"].as_uint(), 1u);
    EXPECT_EQ((*walked)["problems"].size(), 0u);
    EXPECT_EQ((*run("walk", R"({"folder":"."})"))["problems"].at(0)["reason"].as_text(), "too-deep");
}

TEST_F(OnDisk, ReadsWhatWalkFoundUnderOddNames) {
    put("new\nline \xFF", "content");
    const auto walked = run("walk", R"({"folder":"."})");
    ASSERT_TRUE(walked);
    const auto path = *symphony::print_json((*walked)["files"].at(0)["path"]);
    const auto text = run("read", R"({"file":)" + path + "}");
    ASSERT_TRUE(text) << text.error().message();
    EXPECT_EQ((*text)["text"].as_text(), "content");
}

} // namespace
