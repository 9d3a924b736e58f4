// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"
#include "program.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

using namespace symphony;
using namespace symphony::kit;

namespace {

struct Said {
    std::string out, err;
    ProgramOptions options() {
        ProgramOptions made;
        made.on_output = [this](bool error, std::string_view text) { (error ? err : out) += text; };
        return made;
    }
};

TEST(Program, GivesItsStatusAndWhatItSays) {
    Said said;
    auto options = said.options();
    options.folder = "/";
    options.environment = {"SYMPHONY_TEST_WORD=here"};
    const auto status = run_program({"sh", "-c", "pwd; echo $SYMPHONY_TEST_WORD; echo there >&2; exit 7"}, options);
    ASSERT_TRUE(status) << status.error().message();
    EXPECT_EQ(*status, 7);
    EXPECT_EQ(said.out, "/\nhere\n");
    EXPECT_EQ(said.err, "there\n");
}

TEST(Program, TellsWhatIsNotThere) {
    const auto status = run_program({"no-such-program-of-symphony"}, {});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().reason(), "no-program");
    EXPECT_NE(status.error().message().find("no-such-program-of-symphony"), std::string::npos);
}

TEST(Program, IsKilledWithWhatItStartedWhenItIsCancelled) {
    ProgramOptions options;
    options.cancelled = [] { return true; };
    const auto status = run_program({"sh", "-c", "sleep 1000 & wait"}, options);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), Code::cancelled);
}

TEST(Program, MayEndByItselfInItsTimeOfGrace) {
    Said said;
    auto options = said.options();
    options.cancelled = [&] { return said.out.starts_with("ready"); };
    options.grace = std::chrono::minutes(1);
    const auto status = run_program({"sh", "-c", "trap 'echo ended; exit 0' TERM; echo ready; while :; do sleep 0.01; done"}, options);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), Code::cancelled);
    EXPECT_EQ(said.out, "ready\nended\n");
}

TEST(Program, EndsBySignalsAsShellsTellIt) {
    const auto status = run_program({"sh", "-c", "kill -9 $$"}, {});
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, 128 + 9);
}

TEST(Kit, TellsWhatIsWrongBeforeItWritesAnything) {
    symphony::testing::FakeHost fake;
    ASSERT_TRUE(fake.add<Kit>("kit"));
    const auto client = ports::CommandClient::acquire(fake.host(), "kit");
    ASSERT_TRUE(client) << client.error().message();
    symphony::testing::TempFolder folder;
    ports::CommandContext context;
    context.cwd = folder.path().string();
    const auto expect = [&](std::string_view command, const Value& arguments, std::string_view reason) {
        const auto status = client->run(command, arguments, context);
        ASSERT_FALSE(status) << command;
        EXPECT_EQ(status.error().reason(), reason);
        EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    };
    const auto with = [](std::string_view name, std::string_view type) { return ValueBuilder().map().add("name", name).add("type", type).end().build(); };
    expect("new", with("Word", "operator"), "bad-name");
    expect("new", with("../word", "operator"), "bad-name");
    expect("new", with("word", "opera"), "unknown-type");
    expect("new", ValueBuilder().map().add("name", "word").add("into", ".").end().build(), "exists");
    expect("test", ValueBuilder().map().end().build(), "no-plugin");
    expect("nothing", ValueBuilder().map().end().build(), "unknown-command");
}

TEST(Kit, MakesAPluginOfEveryType) {
    symphony::testing::FakeHost fake;
    ASSERT_TRUE(fake.add<Kit>("kit"));
    const auto client = ports::CommandClient::acquire(fake.host(), "kit");
    symphony::testing::TempFolder folder;
    ports::CommandContext context;
    context.cwd = folder.path().string();
    for (const std::string_view type : {"operator", "instrument", "transport", "c", "rust"}) {
        SCOPED_TRACE(type);
        const auto status = client->run("new", ValueBuilder().map().add("name", "my-" + std::string(type)).add("type", type).end().build(), context);
        ASSERT_TRUE(status) << status.error().message();
        const auto made = folder.path() / ("my-" + std::string(type));
        for (const char* file : {"manifest.toml", "CMakeLists.txt", "CMakePresets.json", "README.md",
            ".ci/run"}) EXPECT_TRUE(std::filesystem::is_regular_file(made / file)) << file;
        EXPECT_NE(std::filesystem::status(made / ".ci/run").permissions() & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()), 1);
        std::filesystem::remove_all(made);
    }
}

} // namespace
