// SPDX-License-Identifier: Apache-2.0
#include <symphony/permissions/prompt.hpp>

#include <symphony/utf8.hpp>

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

namespace symphony::permissions {
namespace {

constexpr std::size_t shown_bytes_max = 300;

/// On one line and without what a terminal obeys.
std::string plain(std::string_view text) {
    const bool cut = text.size() > shown_bytes_max;
    std::string valid = to_valid_utf8(text.substr(0, shown_bytes_max));
    std::string out;
    for (std::size_t i = 0; i < valid.size(); ++i) {
        const auto byte = static_cast<unsigned char>(valid[i]);
        const auto next = i + 1 < valid.size() ? static_cast<unsigned char>(valid[i + 1]) : 0u;
        const auto third = i + 2 < valid.size() ? static_cast<unsigned char>(valid[i + 2]) : 0u;
        if (byte < 0x20 || byte == 0x7F) {
            out += '?';
        } else if (byte == 0xC2 && next < 0xA0) { // C1 controls
            out += '?';
            ++i;
        } else if (byte == 0xE2 && ((next == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE))) || (next == 0x81 && third >= 0xA6 && third <= 0xA9))) {
            out += '?'; // marks that turn the writing direction round, and line ends of Unicode
            i += 2;
        } else {
            out += valid[i];
        }
    }
    return cut ? out + "..." : out;
}

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(fd, text.data(), text.size());
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
        else if (errno == EAGAIN) {
            pollfd ready{fd, POLLOUT, 0};
            ::poll(&ready, 1, 1000);
        } else if (errno != EINTR) return;
    }
}

constexpr int tries_max = 3;

} // namespace

std::string question_text(const Question& question) {
    std::string text = "\nThe plugin " + plain(question.name) + " " + plain(question.version);
    text += question.publisher == unsigned_publisher ? ", which nobody signed,\n" : ", of " + plain(question.publisher) + ",\n";
    text += "asks to " + plain(manifests::in_words(question.right)) + ".\n\n";
    text += "  right   " + plain(question.right.text()) + "\n";
    if (!question.object.empty() && question.object != question.right.text()) text += "  now     " + plain(question.object) + "\n";
    text += "  reason  " + (question.reason.empty() ? "its author gives none" : "\"" + plain(question.reason) + "\", says its author") + "\n";
    text += "  risk    " + std::string(name_of(manifests::risk_of(question.right))) + "\n\n";
    text += "  [1] this time   [2] this run   [3] always   [4] no\n";
    return text;
}

std::optional<Answer> read_answer(std::string_view line) {
    std::string word;
    for (const char c : line) {
        if (c != ' ' && c != '\t' && c != '\r') word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    const auto is = [&word](std::initializer_list<std::string_view> all) { return std::find(all.begin(), all.end(), word) != all.end(); };
    if (is({"1", "t", "time", "thistime", "once"})) return Answer::once;
    if (is({"2", "r", "run", "thisrun"})) return Answer::run;
    if (is({"3", "a", "always"})) return Answer::always;
    if (is({"", "4", "n", "no", "deny"})) return Answer::deny;
    return std::nullopt; // "y" and "yes" do not say for how long
}

TerminalPrompt::TerminalPrompt(int in, int out) : in_(in), out_(out), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
TerminalPrompt::~TerminalPrompt() {
    if (cancel_ >= 0) ::close(cancel_);
}

std::unique_ptr<TerminalPrompt> TerminalPrompt::if_interactive(bool json) {
    if (json || ::isatty(0) == 0 || ::isatty(2) == 0) return nullptr;
    return std::make_unique<TerminalPrompt>(0, 2);
}

void TerminalPrompt::cancel() noexcept {
    const std::uint64_t one = 1;
    const int before = errno;
    [[maybe_unused]] const auto count = ::write(cancel_, &one, sizeof one);
    errno = before;
}

Answer TerminalPrompt::ask(const Question& question) {
    const std::lock_guard lock(mutex_);
    const auto cancelled = [this] {
        pollfd event{cancel_, POLLIN, 0};
        return cancel_ < 0 || ::poll(&event, 1, 0) != 0; // the count is never read away: all to come are cancelled too
    };
    if (cancelled()) return Answer::nobody;
    // In the background a read would stop the whole process.
    if (const auto foreground = ::tcgetpgrp(in_); foreground >= 0 && foreground != ::getpgrp()) return Answer::nobody;
    if (asking_) asking_(true);
    const Answer answer = ask_now(question);
    if (asking_) asking_(false);
    return answer;
}

Answer TerminalPrompt::ask_now(const Question& question) {
    ::tcflush(in_, TCIFLUSH); // what was typed before the question is no answer to it
    typed_.clear();
    write_all(out_, question_text(question));
    for (int tries = 0; tries < tries_max; ++tries) {
        write_all(out_, "Allow it? [1/2/3/4, Enter is no] ");
        while (typed_.find('\n') == std::string::npos) {
            pollfd events[2]{{in_, POLLIN, 0}, {cancel_, POLLIN, 0}};
            if (::poll(events, 2, -1) < 0 && errno != EINTR) return Answer::nobody;
            if ((events[1].revents & POLLIN) != 0) {
                write_all(out_, "\n");
                return Answer::nobody;
            }
            if ((events[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) == 0) continue;
            char bytes[256];
            const auto count = ::read(in_, bytes, sizeof bytes);
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (count <= 0) { // nobody is there any more
                write_all(out_, "\n");
                return Answer::nobody;
            }
            typed_.append(bytes, static_cast<std::size_t>(count));
            if (typed_.size() > 4096) typed_.erase(0, typed_.size() - 1024);
        }
        const auto end = typed_.find('\n');
        const auto answer = read_answer(std::string_view(typed_).substr(0, end));
        typed_.erase(0, end + 1);
        if (answer) return *answer;
        write_all(out_, "1, 2, 3 or 4. ");
    }
    write_all(out_, "That is taken as no.\n");
    return Answer::deny;
}

} // namespace symphony::permissions
