// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::app {

/// The process's standard streams. Data goes to the real standard output, which is kept on a descriptor of its own:
/// descriptor 1 is pointed at standard error, so that a plugin that prints cannot spoil the data. [any]
class Console {
public:
    /// Takes the streams over. Once, before anything else opens files: missing streams are replaced by /dev/null.
    Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;
    ~Console();

    void use_color(bool allowed) noexcept;
    bool out_color() const noexcept { return out_color_; }
    bool err_color() const noexcept { return err_color_; }
    /// Width of the terminal on standard output, 0 when it is none.
    std::uint32_t columns() const noexcept;

    void out(std::string_view text);
    void err(std::string_view text); // text ends with a line end
    void json(const manifests::Data& data);
    void warning(std::string_view text);
    /// `error:` and `hint:` lines.
    void error(const Error& error);

    /// On a terminal whose cursor can be moved, at most ten times a second; nothing elsewhere. The first line of the note stands beside a bar, further ones below it: at most
    /// twelve, and no more than half the terminal.
    void progress(std::uint32_t permille, std::string_view note);
    void end_progress();
    /// None while a question is on the terminal.
    void hold_progress(bool hold);

    /// Whoever read the output is gone, or the disk is full: more output is of no use.
    bool broken() const noexcept;
    /// @return False when output was lost; says why once, unless the reader simply went away.
    bool finish();

private:
    void erase_bar();
    static bool write_all(int fd, std::string_view text, int& reason);

    mutable std::mutex mutex_;
    int out_ = -1;
    int out_error_ = 0; // errno of the first failed write
    bool out_color_ = false, err_color_ = false, err_terminal_ = false, out_terminal_ = false;
    bool err_moves_ = false; // its cursor can be moved
    bool bar_ = false, bar_held_ = false;
    std::chrono::steady_clock::time_point bar_time_{};
};

/// Columns as wide as their widest cell, two blanks between them, a header line in front.
std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows, bool color);
/// "text" -> "  text", for every line.
std::string indented(std::string_view text, std::size_t blanks);
std::string bold(std::string_view text, bool color);

} // namespace symphony::app
