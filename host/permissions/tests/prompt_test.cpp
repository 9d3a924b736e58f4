// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <pty.h>
#include <termios.h>
#include <thread>
#include <unistd.h>

namespace symphony::permissions {
namespace {

using namespace test;

Question question(std::string_view what = "read:workspace") {
    return {"word-count", "org.example.word-count", "1.2.0", "unsigned", right(what), "read:workspace/notes.txt", "to count the words"};
}

TEST(Prompt, IsInPlainWords) {
    EXPECT_EQ(question_text(question()),
              "\nThe plugin word-count 1.2.0, which nobody signed,\n"
              "asks to read every file in the project folder.\n\n"
              "  right   read:workspace\n"
              "  now     read:workspace/notes.txt\n"
              "  reason  \"to count the words\", says its author\n"
              "  risk    medium\n\n"
              "  [1] this time   [2] this run   [3] always   [4] no\n");
    Question signed_one = question("network:*.example.com:443");
    signed_one.publisher = "key:5f3a";
    signed_one.object = "";
    signed_one.reason = "";
    EXPECT_EQ(question_text(signed_one),
              "\nThe plugin word-count 1.2.0, of key:5f3a,\n"
              "asks to connect to any host below example.com, port 443.\n\n"
              "  right   network:*.example.com:443\n"
              "  reason  its author gives none\n"
              "  risk    medium\n\n"
              "  [1] this time   [2] this run   [3] always   [4] no\n");
    EXPECT_NE(question_text(question("process:git")).find("asks to run the program git, with all your rights.\n"), std::string::npos);
    EXPECT_NE(question_text(question("process:git")).find("  risk    high\n"), std::string::npos);
}

TEST(Prompt, PrintsNothingThatATerminalObeys) {
    Question evil = question();
    evil.name = "x\x1b[2J\r\nrisk low";
    evil.reason = "a\xC2\x9B"
                  "31m \xE2\x80\xAE"
                  "b\n  [1] no" + std::string(5000, 'y');
    const auto text = question_text(evil);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
    EXPECT_EQ(text.find("\xE2\x80\xAE"), std::string::npos);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
    EXPECT_LT(text.size(), 1000u);
}

TEST(Prompt, TakesOnlyClearAnswers) {
    EXPECT_EQ(read_answer("1"), Answer::once);
    EXPECT_EQ(read_answer(" This time "), Answer::once);
    EXPECT_EQ(read_answer("R"), Answer::run);
    EXPECT_EQ(read_answer("always\r"), Answer::always);
    EXPECT_EQ(read_answer(""), Answer::deny);
    EXPECT_EQ(read_answer("no"), Answer::deny);
    for (const auto* unclear : {"y", "yes", "5", "12", "allow"}) EXPECT_FALSE(read_answer(unclear)) << unclear;
}

/// A terminal with somebody in front of it.
class Terminal {
public:
    Terminal() {
        if (::openpty(&person_, &program_, nullptr, nullptr, nullptr) != 0) std::abort();
        termios settings{};
        ::tcgetattr(program_, &settings);
        settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
        ::tcsetattr(program_, TCSANOW, &settings);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        hang_up();
        ::close(program_);
    }
    int program() const { return program_; }
    void type(std::string_view text) const { ASSERT_EQ(::write(person_, text.data(), text.size()), static_cast<ssize_t>(text.size())); }
    /// Reads until the program has said this, and forgets what came before its end.
    std::string wait_for(std::string_view text) {
        while (seen_.find(text) == std::string::npos) {
            char bytes[512];
            const auto count = ::read(person_, bytes, sizeof bytes);
            if (count <= 0) return seen_;
            seen_.append(bytes, static_cast<std::size_t>(count));
        }
        const auto end = seen_.find(text) + text.size();
        const auto said = seen_.substr(0, end);
        seen_.erase(0, end);
        return said;
    }
    void hang_up() {
        if (person_ >= 0) ::close(std::exchange(person_, -1));
    }

private:
    int person_ = -1, program_ = -1;
    std::string seen_;
};

TEST(Prompt, AsksOnATerminal) {
    Terminal terminal;
    TerminalPrompt prompt(terminal.program(), terminal.program());
    std::vector<bool> asking;
    prompt.on_asking([&](bool now) { asking.push_back(now); });
    terminal.type("3\n"); // typed before anybody asked: no answer
    Answer answer = Answer::nobody;
    std::thread thread([&] { answer = prompt.ask(question()); });
    EXPECT_NE(terminal.wait_for("Enter is no] ").find("The plugin word-count"), std::string::npos);
    terminal.type("yes\n");
    terminal.wait_for("Enter is no] ");
    terminal.type("2\n");
    thread.join();
    EXPECT_EQ(answer, Answer::run);
    EXPECT_EQ(asking, (std::vector<bool>{true, false}));
}

TEST(Prompt, TakesThreeUnclearAnswersForNo) {
    Terminal terminal;
    TerminalPrompt prompt(terminal.program(), terminal.program());
    Answer answer = Answer::nobody;
    std::thread thread([&] { answer = prompt.ask(question()); });
    for (int i = 0; i < 3; ++i) {
        terminal.wait_for("Enter is no] ");
        terminal.type("perhaps\n");
    }
    terminal.wait_for("taken as no");
    thread.join();
    EXPECT_EQ(answer, Answer::deny);
}

TEST(Prompt, IsEndedByWhoeverEndsTheRun) {
    Terminal terminal;
    TerminalPrompt prompt(terminal.program(), terminal.program());
    std::vector<std::thread> threads;
    std::atomic<int> nobody{0};
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { nobody += prompt.ask(question()) == Answer::nobody; });
    terminal.wait_for("Enter is no] ");
    prompt.cancel();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(nobody, 3) << "the open one and those that wait for their turn";
    EXPECT_EQ(prompt.ask(question()), Answer::nobody);
}

TEST(Prompt, IsOverWhenThePersonLeaves) {
    Terminal terminal;
    TerminalPrompt prompt(terminal.program(), terminal.program());
    Answer answer = Answer::deny;
    std::thread thread([&] { answer = prompt.ask(question()); });
    terminal.wait_for("Enter is no] ");
    terminal.hang_up();
    thread.join();
    EXPECT_EQ(answer, Answer::nobody);
}

TEST(Prompt, IsNotMadeWhereNobodyCanAnswer) {
    EXPECT_EQ(TerminalPrompt::if_interactive(true), nullptr);
    int pipes[2];
    ASSERT_EQ(::pipe(pipes), 0);
    const int kept = ::dup(0);
    ::dup2(pipes[0], 0);
    EXPECT_EQ(TerminalPrompt::if_interactive(false), nullptr);
    ::dup2(kept, 0);
    for (const int fd : {pipes[0], pipes[1], kept}) ::close(fd);
}

} // namespace
} // namespace symphony::permissions
