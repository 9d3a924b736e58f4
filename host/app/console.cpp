// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace symphony::app {
namespace {

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; // characters begin where no byte continues
    }));
}

std::uint32_t columns_of(int fd) {
    winsize size{};
    return ::isatty(fd) != 0 && ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? (size.ws_col != 0 ? size.ws_col : 80u) : 0u;
}

/// A terminal that knows colours and movements.
bool is_capable() {
    const char* terminal = std::getenv("TERM");
    return terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::uint32_t rows_of(int fd) {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 ? size.ws_row : 24u;
}

std::string first_characters(std::string_view text, std::size_t count) {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0u) != 0x80u && count-- == 0) break;
    }
    return std::string(text.substr(0, at));
}

} // namespace

Console::Console() {
    std::signal(SIGPIPE, SIG_IGN); // a closed reader is an error of write(), not the end of the process
    bool out_given = true;
    for (int fd = 0; fd < 3; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        if (fd == 1) out_given = false;
        // The lowest free number is this one: without it a file that is opened later would become a standard stream.
        if (::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) break;
    }
    if (out_given) out_ = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
    if (out_ < 0) out_error_ = EPIPE;
    ::dup2(2, 1);
    // For the one plugin that speaks over standard output instead of printing to it (transport-stdio); of this process and not of those that it starts.
    ::setenv("SYMPHONY_STDOUT_FD", std::to_string(out_).c_str(), 1);
    ::setenv("SYMPHONY_STDOUT_PID", std::to_string(::getpid()).c_str(), 1);
    out_terminal_ = out_ >= 0 && ::isatty(out_) != 0;
    err_terminal_ = ::isatty(2) != 0;
    err_moves_ = err_terminal_ && is_capable();
}

Console::~Console() {
    if (out_ >= 0) ::close(out_);
}

void Console::use_color(bool allowed) noexcept {
    const char* no_color = std::getenv("NO_COLOR");
    allowed = allowed && is_capable() && (no_color == nullptr || *no_color == '\0');
    out_color_ = allowed && out_terminal_;
    err_color_ = allowed && err_terminal_;
}

std::uint32_t Console::columns() const noexcept { return out_ >= 0 ? columns_of(out_) : 0; }

bool Console::write_all(int fd, std::string_view text, int& reason) {
    while (!text.empty()) {
        const auto count = ::write(fd, text.data(), text.size());
        if (count >= 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd ready{fd, POLLOUT, 0};
            ::poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            reason = errno;
            return false;
        }
    }
    return true;
}

void Console::out(std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (text.empty() || out_error_ != 0) return;
    if (out_terminal_) erase_bar();
    write_all(out_, text, out_error_);
}

void Console::err(std::string_view text) {
    const std::lock_guard lock(mutex_);
    erase_bar();
    int ignored = 0;
    write_all(2, text, ignored);
}

void Console::json(const manifests::Data& data) { out(manifests::to_pretty_json(data) + "\n"); }

void Console::warning(std::string_view text) {
    err((err_color_ ? "\x1b[33mwarning:\x1b[0m " : "warning: ") + host::printable(text) + "\n");
}

void Console::error(const Error& error) {
    std::string text = err_color_ ? "\x1b[31merror:\x1b[0m " : "error: ";
    text += host::printable(error.message()) + " [" + host::printable(error.reason()) + "]\n";
    if (!error.hint().empty()) text += (err_color_ ? "\x1b[36mhint:\x1b[0m " : "hint: ") + host::printable(error.hint()) + "\n";
    err(text);
}

void Console::progress(std::uint32_t permille, std::string_view note) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (!err_moves_ || bar_held_ || (bar_ && now - bar_time_ < std::chrono::milliseconds(100))) return;
    const auto columns = columns_of(2);
    if (columns < 20) return;
    bar_time_ = now;
    constexpr std::size_t cells = 24, lines_max = 12;
    const auto filled = cells * std::min(permille, 1000u) / 1000u;
    const auto first = note.substr(0, note.find('\n'));
    std::string text = "\r" + first_characters("[" + std::string(filled, '#') + std::string(cells - filled, '-') + "] " + std::to_string(std::min(permille, 1000u) / 10u) + "% " +
                                               host::printable(first), columns - 1) + "\x1b[K";
    std::size_t lines = 0;
    for (note.remove_prefix(first.size()); !note.empty() && lines < std::min<std::size_t>(lines_max, rows_of(2) / 2); ++lines) {
        note.remove_prefix(1);
        const auto line = note.substr(0, note.find('\n'));
        text += "\r\n" + first_characters(host::printable(line), columns - 1) + "\x1b[K";
        note.remove_prefix(line.size());
    }
    text += "\x1b[J\r";  // what was below before
    if (lines > 0) text += "\x1b[" + std::to_string(lines) + "A";
    int ignored = 0;
    write_all(2, text, ignored);
    bar_ = true;
}

void Console::end_progress() {
    const std::lock_guard lock(mutex_);
    erase_bar();
}

void Console::hold_progress(bool hold) {
    const std::lock_guard lock(mutex_);
    bar_held_ = hold;
    erase_bar();
}

void Console::erase_bar() {
    if (!std::exchange(bar_, false)) return;
    int ignored = 0;
    write_all(2, "\r\x1b[J", ignored);
}

bool Console::broken() const noexcept {
    const std::lock_guard lock(mutex_);
    return out_error_ != 0 && out_ >= 0;
}

bool Console::finish() {
    end_progress();
    // Some file systems tell of a full disk only now.
    if (out_ >= 0 && ::close(out_) != 0 && out_error_ == 0) out_error_ = errno;
    const bool had = out_ >= 0;
    out_ = -1;
    if (out_error_ == 0) return true;
    if (had && out_error_ != EPIPE) {
        error(Error(Code::io, "io", std::string("standard output: ") + std::strerror(out_error_)));
    }
    return false;
}

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows, bool color) {
    std::vector<std::size_t> widths;
    for (const auto& cell : header) widths.push_back(width(cell));
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    const auto line = [&widths](const std::vector<std::string>& cells) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            text += cells[i];
            if (i + 1 < cells.size()) text.append(widths[i] - width(cells[i]) + 2, ' ');
        }
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    };
    std::string text = bold(line(header), color) + "\n";
    for (const auto& row : rows) text += line(row) + "\n";
    return text;
}

std::string indented(std::string_view text, std::size_t blanks) {
    std::string result;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (end > 0) result += std::string(blanks, ' ') + std::string(text.substr(0, end));
        result += '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

std::string bold(std::string_view text, bool color) {
    return color ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}

} // namespace symphony::app
