// SPDX-License-Identifier: Apache-2.0
#include <symphony/command_line.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

namespace symphony {
namespace {

using namespace std::string_literals;

/// What the greetings have in common.
class Greeting : public CommandLine {
public:
    using CommandLine::CommandLine;
    std::string whom() const { return text("name", "world"); }
};

Result<std::int32_t> greet(Greeting& line) {
    const auto times = SYMPHONY_TRY(line.number("times", 1, 1, 3));
    for (std::uint64_t i = 0; i < times; ++i) line.out("hello, " + line.whom());
    line.answer("{\"greeted\": \"" + line.whom() + "\"}");
    if (line.on("loud")) line.err("that was loud");
    return 0;
}

Result<std::int32_t> greet_in_colour(Greeting& line) {
    for (const auto& colour : line.texts("colour")) {
        if (colour != "green" && colour != "red") return unknown_word("colour", colour, {"green", "red"});
        line.out(colour);
    }
    return 0;
}

/// Shows what it was given, and is in no hurry.
Result<std::int32_t> greet_slowly(Greeting& line) {
    line.write(ports::CommandStream::out, std::string((2u << 20u) + 1, 'x'));
    line.problem(Error(Code::io, "no-voice", "cannot shout\x1b", "drink tea"));
    line.err(line.path(line.text("file")).string() + (line.given("file") ? " was given" : " is the folder"));
    const auto tell = line.progress("half of it");
    return tell(1, 2) && line.progress(0, 0, "all of it") ? 1 : 0;
}

class Greeter final : public ports::Command {
public:
    explicit Greeter(Host host) : host_(host) {}
    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override {
        static constexpr std::array commands{NamedCommand<Greeting>{"greet", &greet}, NamedCommand<Greeting>{"greet colour", &greet_in_colour}, NamedCommand<Greeting>{"greet slowly", &greet_slowly}};
        const auto found = SYMPHONY_TRY(find_command(commands, command));
        Greeting line(host_, call, command, arguments, context);
        return found(line);
    }

private:
    Host host_;
};

struct Said {
    std::int32_t status = -1;
    std::string error, out, err, progress;
    std::size_t parts = 0;
};

class Commands : public ::testing::Test {
protected:
    using Words = std::map<std::string, std::string>; ///< "a,b" is a list, "" a switch

    void SetUp() override { ASSERT_TRUE(host_.add<Greeter>("greeter")); }

    Said run(std::string_view command, const Words& words = {}, bool json = false) const {
        ValueBuilder arguments;
        arguments.map();
        for (const auto& [name, word] : words) {
            const auto comma = word.find(',');
            arguments.key(name);
            if (word.empty()) arguments.boolean(true);
            else if (comma == std::string::npos) arguments.text(word);
            else arguments.list().text(word.substr(0, comma)).text(word.substr(comma + 1)).end();
        }
        Said said;
        CallOptions<ports::CommandOutput> options;
        options.on_part = [&](const ports::CommandOutput& part) {
            (part.stream == ports::CommandStream::out ? said.out : said.err) += part.text.text();
            ++said.parts;
        };
        options.on_progress = [&](std::uint32_t permille, std::string_view note) { said.progress += std::to_string(permille) + " " + std::string(note) + "\n"; };
        ports::CommandContext context;
        context.cwd = "/home/ann";
        context.json = json;
        const auto status = ports::CommandClient::acquire(host_.host(), "greeter")->run(command, arguments.end().build(), context, options);
        if (status) said.status = *status;
        else said.error = std::string(status.error().reason()) + ": " + status.error().message() + " (" + status.error().hint() + ")";
        return said;
    }
    void expect_error(std::string_view command, const Words& words, std::string_view error) const {
        const Said said = run(command, words);
        EXPECT_EQ(said.error, error);
        EXPECT_EQ(said.out, "");
    }

    testing::FakeHost host_;
};

TEST_F(Commands, AreFoundByTheirNames) {
    EXPECT_EQ(run("greet").out, "hello, world\n");
    EXPECT_EQ(run("greet").status, 0);
    expect_error("leave", {}, "unknown-command: there is no command \"leave\" (known: greet, greet colour, greet slowly)");
    expect_error("gret", {}, "unknown-command: there is no command \"gret\" (did you mean greet?)");
}

TEST_F(Commands, ReadWhatWasTyped) {
    EXPECT_EQ(run("greet", {{"name", "Ann"}, {"times", "2"}}).out, "hello, Ann\nhello, Ann\n");
    EXPECT_EQ(run("greet", {{"loud", ""}}).err, "that was loud\n");
    EXPECT_EQ(run("greet colour", {{"colour", "red"}}).out, "red\n");
    EXPECT_EQ(run("greet colour", {{"colour", "red,green"}}).out, "red\ngreen\n");
    EXPECT_EQ(run("greet colour", {}).out, "");
    EXPECT_EQ(run("greet slowly").err, "error: cannot shout\\x1B [no-voice]\nhint: drink tea\n/home/ann/ is the folder\n");
    EXPECT_NE(run("greet slowly", {{"file", "../bob/x"}}).err.find("\n/home/bob/x was given\n"), std::string::npos);
    EXPECT_NE(run("greet slowly", {{"file", "/tmp/./x"}}).err.find("\n/tmp/x was given\n"), std::string::npos);
}

TEST_F(Commands, TellWrongUsageWithItsRemedy) {
    for (const std::string typed : {"0", "4", "-1", "+1", "1.5", "1 ", "two", "18446744073709551617"}) {
        expect_error("greet", {{"times", typed}}, "usage: --times " + typed + " is no number from 1 to 3 (give such a number, or leave the flag out)");
    }
    expect_error("greet", {{"times", "\x1b[31m"}}, "usage: --times \\x1B[31m is no number from 1 to 3 (give such a number, or leave the flag out)");
    expect_error("greet colour", {{"colour", "gren"}}, "usage: --colour gren: there is no such colour (did you mean green?)");
    expect_error("greet colour", {{"colour", "mauve"}}, "usage: --colour mauve: there is no such colour (known: green, red)");
}

TEST_F(Commands, AnswerInOneWayAtATime) {
    const Said plain = run("greet", {{"loud", ""}}), json = run("greet", {{"loud", ""}}, true);
    EXPECT_EQ(plain.out, "hello, world\n");
    EXPECT_EQ(json.out, "{\"greeted\": \"world\"}\n");
    EXPECT_EQ(json.err, plain.err) << "standard error is for people, whatever the data is";
}

TEST_F(Commands, SayMuchInPartsAndTellHowFarTheyAre) {
    const Said said = run("greet slowly");
    EXPECT_EQ(said.status, 1);
    EXPECT_EQ(said.out, std::string((2u << 20u) + 1, 'x'));
    EXPECT_EQ(said.parts, 3u + 3u);
    EXPECT_EQ(said.progress, "500 half of it\n1000 all of it\n");
}

TEST_F(Commands, StopWhenNobodyWaits) {
    CancelSource stop;
    CallOptions<ports::CommandOutput> options;
    options.cancel = stop.token();
    options.on_progress = [&](std::uint32_t, std::string_view) { stop.cancel(); };
    const auto status = ports::CommandClient::acquire(host_.host(), "greeter")->run("greet slowly", ValueBuilder().map().end().build(), {}, options);
    ASSERT_TRUE(status) << status.error().message();
    EXPECT_EQ(*status, 0) << "progress() said: go on";
}

TEST(Shown, IsWhatATerminalDoesNotObey) {
    EXPECT_EQ(shown("plain"), "plain");
    EXPECT_EQ(shown("a\x1b[31mb\n\x7f"), "a\\x1B[31mb\\x0A\\x7F");
    EXPECT_EQ(shown("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82"), "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82");
    EXPECT_EQ(shown("c1\xC2\x9B"), "c1\\xC2\\x9B");
    EXPECT_EQ(shown("txt\u202Eexe"), "txt\\xE2\\x80\\xAEexe") << "it would turn what follows";
    EXPECT_EQ(shown("bad\xFF\xC3"), "bad\\xFF\\xC3");
    EXPECT_EQ(shown("\xC3\xA9\xA9"), "\xC3\xA9\\xA9") << "what is whole stays";
    EXPECT_EQ(shown("\xE2\x82 "), "\\xE2\\x82 ");
    EXPECT_EQ(shown("a\0b"s), "a\\x00b");
}

TEST(Shown, IsCutBetweenCharacters) {
    EXPECT_EQ(shown(std::string(10, 'x'), 10), std::string(10, 'x'));
    EXPECT_EQ(shown(std::string(11, 'x'), 10), std::string(7, 'x') + "...");
    EXPECT_EQ(shown("12345\xE2\x82\xAC\xE2\x82\xAC", 10), "12345...");
    EXPECT_EQ(shown("12345\x01\x01\x01", 10), "12345...") << "an escape is whole, too";
    EXPECT_EQ(shown(std::string(100'000, '\x1b')).size(), 4092u + 3u);
}

TEST(EditDistance, CountsWhatHasToBeDone) {
    const auto expect = [](std::string_view left, std::string_view right, std::size_t distance) {
        SCOPED_TRACE(std::string(left) + " and " + std::string(right));
        EXPECT_EQ(edit_distance(left, right, 9), distance);
        EXPECT_EQ(edit_distance(right, left, 9), distance);
        if (distance == 0) return;
        EXPECT_EQ(edit_distance(left, right, distance - 1), distance) << "what is above the limit is one more than it";
    };
    expect("", "", 0);
    expect("", "abc", 3);
    expect("abc", "abc", 0);
    expect("abc", "abcd", 1);
    expect("abc", "axc", 1);
    expect("abc", "acb", 1);
    expect("ca", "abc", 3); // edits do not overlap
    expect("kitten", "sitting", 3);
    EXPECT_EQ(edit_distance(std::string(128, 'x'), std::string(128, 'x'), 1), 0u);
    EXPECT_EQ(edit_distance(std::string(129, 'x'), std::string(129, 'x'), 1), 2u);
}

TEST(Nearest, IsTheOneThatWasMeant) {
    constexpr std::array<std::string_view, 5> known{"name", "version", "min", "red", "rod"};
    const auto expect = [&](std::string_view typed, std::string_view near) { EXPECT_EQ(nearest(typed, known), near) << typed; };
    expect("vresion", "version");
    expect("versions", "version");
    expect("nmae", "name");
    expect("mim", "min");
    expect("rxd", "red"); // of equals the first
    expect("prio", "");
    expect("x", "");
    expect("", "");
    expect(std::string(1000, 'x'), "");
    EXPECT_EQ(meant("x", std::vector<std::string>()), "");
}

} // namespace
} // namespace symphony
