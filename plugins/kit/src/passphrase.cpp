// SPDX-License-Identifier: Apache-2.0
#include "passphrase.hpp"

#include <symphony/packaging/disk.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace symphony::kit {
namespace {

constexpr std::string_view remedy = "give it by --passphrase-file FILE or --passphrase-fd N, or run the command at a terminal";

/// The terminal, which does not show what is typed until this ends.
class Quiet {
public:
    explicit Quiet(int fd) : fd_(fd), known_(::tcgetattr(fd, &before_) == 0) {
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (known_) known_ = ::tcsetattr(fd, TCSAFLUSH, &quiet) == 0;
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet() {
        if (known_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    }
    bool works() const noexcept { return known_; }

private:
    int fd_;
    termios before_{};
    bool known_;
};

Error bad(std::string message) { return {Code::invalid_argument, "bad-passphrase", std::move(message), "a passphrase is one line of at most 1024 bytes"}; }

/// One line, looking at the call ten times a second.
Result<Secret> read_line(const Typed& typed, int fd, const std::string& from) {
    std::string text;
    text.reserve(passphrase_bytes_max + 1); // so that no copy of a part is left behind
    while (true) {
        if (typed.cancelled()) return Error(Code::cancelled, "cancelled");
        pollfd waiting{fd, POLLIN, 0};
        constexpr int look_every_ms = 100;
        if (::poll(&waiting, 1, look_every_ms) == 0) continue;
        char c = 0;
        const ssize_t n = ::read(fd, &c, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return packaging::disk_error("cannot read the passphrase from", from, errno);
        if (n == 0 || c == '\n') return Secret(std::move(text));
        if (text.size() == passphrase_bytes_max) return bad("the passphrase from " + from + " is too long");
        text += c;
    }
}

Result<Secret> from_terminal(const Typed& typed, const std::string& what) {
    const packaging::Descriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!terminal) return packaging::disk_error("cannot open", "/dev/tty", errno);
    const std::string prompt = what + ": ";
    const auto say = [&](std::string_view text) { return ::write(terminal.get(), text.data(), text.size()) >= 0; };
    const Quiet quiet(terminal.get()); // first: it drops what was typed before anybody was asked
    if (!quiet.works()) return Error(Code::io, "no-terminal", "the terminal cannot be told to hide a passphrase", std::string(remedy));
    if (!say(prompt)) return packaging::disk_error("cannot write to", "/dev/tty", errno);
    auto line = read_line(typed, terminal.get(), "the terminal");
    static_cast<void>(say("\n"));
    return line;
}

/// Only what the host was started with: its own descriptors are closed in children, and so are marked.
Result<Secret> from_descriptor(const Typed& typed, int fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0 || fd == STDOUT_FILENO || fd == STDERR_FILENO) {
        return Error(Code::invalid_argument, "no-descriptor", "nothing was given to symphony as descriptor " + std::to_string(fd), "such as: --passphrase-fd 3 3<FILE");
    }
    return read_line(typed, fd, "descriptor " + std::to_string(fd));
}

} // namespace

Secret& Secret::operator=(Secret&& other) noexcept {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
    return *this;
}

void Secret::wipe() noexcept {
    if (text_.capacity() > 0) ::explicit_bzero(text_.data(), text_.capacity());
    text_.clear();
}

bool can_ask(const Typed& typed) { return !typed.json() && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

Result<Secret> ask_passphrase(const Typed& typed, const std::string& what, bool twice) {
    Secret secret;
    if (typed.given("passphrase-file")) {
        const auto file = typed.path(typed.text("passphrase-file"));
        const packaging::Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd) return packaging::disk_error("cannot open", file, errno);
        secret = SYMPHONY_TRY(read_line(typed, fd.get(), file.string()));
    } else if (typed.given("passphrase-fd")) {
        const auto fd = SYMPHONY_TRY(typed.number("passphrase-fd", 0, 0, 1'000'000));
        secret = SYMPHONY_TRY(from_descriptor(typed, static_cast<int>(fd)));
    } else if (!can_ask(typed)) {
        return Error(Code::invalid_argument, "passphrase-needed", what + " is needed, and there is nobody to ask", std::string(remedy));
    } else {
        secret = SYMPHONY_TRY(from_terminal(typed, what));
        if (twice && SYMPHONY_TRY(from_terminal(typed, what + ", again")).text() != secret.text()) return bad("the two passphrases are not the same");
    }
    if (secret.empty()) return bad(what + " is empty");
    return secret;
}

} // namespace symphony::kit
