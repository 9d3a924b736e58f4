// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/nearest.hpp>
#include <symphony/ports/command.hpp>
#include <symphony/shown.hpp>

#include <charconv>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

/// What a command answers to words that are right for the manifest and wrong for the command: `invalid_argument`, reason "usage". The
/// program then ends with status 2.
inline Error usage(std::string message, std::string hint = {}) { return {Code::invalid_argument, "usage", std::move(message), std::move(hint)}; }

/// Wrong usage: a flag's word is none of those that the flag takes. `--colour gren: there is no such colour`, and which one was meant.
inline Error unknown_word(std::string_view flag, std::string_view typed, std::initializer_list<std::string_view> known) {
    return usage("--" + std::string(flag) + " " + shown(typed, 100) + ": there is no such " + std::string(flag), meant(typed, known));
}

/// One command as a person typed it: its words, and where its output goes. The host has checked the words against the manifest's
/// [[command]]: each has a name from there, and is a text, a list of texts where it may be repeated, or true for a switch.
/// Standard output is for data, so that it can be piped; standard error is for people. With --json the data is one JSON value.
/// It refers to what run() was called with, and ends before run() returns. Const methods may be called by several threads.
class CommandLine {
public:
    /// @param host  The plugin's own; what follows is what run() was called with.
    CommandLine(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) noexcept
        : host_(host), call_(call), command_(command), arguments_(arguments), context_(context) {}

    Host host() const noexcept { return host_; }
    Call& call() const noexcept { return call_; }
    std::string_view command() const noexcept { return command_; } ///< "greet"
    const ports::CommandContext& context() const noexcept { return context_; }
    bool json() const noexcept { return context_.json; }
    /// The person gave up, or nobody waits any more: end soon.
    bool cancelled() const noexcept { return call_.cancelled(); }

    // What was typed, by the name of an argument or flag.

    bool given(std::string_view name) const noexcept { return !arguments_[name].is_null(); }
    /// A switch.
    bool on(std::string_view name) const noexcept { return arguments_[name].as_bool(false); }
    std::string text(std::string_view name, std::string_view otherwise = {}) const { return std::string(arguments_[name].as_text(otherwise)); }
    /// Of what may be repeated; empty when it was not given.
    std::vector<std::string> texts(std::string_view name) const {
        std::vector<std::string> out;
        const ValueView value = arguments_[name];
        if (value.is_text()) out.emplace_back(value.as_text());
        if (value.is_list()) {
            for (const ValueView item : value.items()) out.emplace_back(item.as_text());
        }
        return out;
    }
    /// The number of a flag. @return Wrong usage when it is no whole number from `low` to `high`.
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const {
        if (!given(name)) return otherwise;
        const std::string_view typed = arguments_[name].as_text();
        std::uint64_t value = 0;
        const auto [end, fault] = std::from_chars(typed.data(), typed.data() + typed.size(), value);
        if (fault == std::errc() && end == typed.data() + typed.size() && value >= low && value <= high) return value;
        return usage("--" + std::string(name) + " " + shown(typed, 100) + " is no number from " + std::to_string(low) + " to " + std::to_string(high), "give such a number, or leave the flag out");
    }
    /// A path as the person means it, who is in a folder of his own. To open it through Host::files(), take the words as they were typed.
    std::filesystem::path path(std::string_view typed) const { return (std::filesystem::path(context_.cwd) / typed).lexically_normal(); }

    // What is said.

    /// Bytes as they are. @param stream  One of ports::CommandStream.
    void write(std::uint8_t stream, const Buffer& bytes) const {
        constexpr std::size_t part_bytes_max = 1u << 20u; // so that long answers begin to arrive before they are whole
        for (std::size_t at = 0; at < bytes.size(); at += part_bytes_max) call_.emit(ports::CommandOutput{stream, bytes.slice(at, part_bytes_max)});
    }
    void write(std::uint8_t stream, std::string_view text) const { write(stream, Buffer::copy(text)); }
    /// A line of data. With --json it is not said: answer() has it all.
    void out(std::string_view line) const {
        if (!json()) write(ports::CommandStream::out, std::string(line) + "\n");
    }
    /// A line for people.
    void err(std::string_view line) const { write(ports::CommandStream::err, std::string(line) + "\n"); }
    /// An error that does not end the command, for people.
    void problem(const Error& error) const {
        err("error: " + shown(error.message()) + " [" + std::string(error.reason()) + "]");
        if (!error.hint().empty()) err("hint: " + shown(error.hint()));
    }
    /// With --json, the answer; else nothing. @param value  The text of one JSON value (print_json() of symphony/json.hpp makes it).
    void answer(std::string_view value) const {
        if (json()) write(ports::CommandStream::out, std::string(value) + "\n");
    }
    /// How far long work is, which the host shows. @param what  One short line. @return False: stop, as with cancelled().
    bool progress(std::uint64_t done, std::uint64_t total, std::string_view what) const {
        const bool all = done >= total;
        call_.progress(all ? 1000 : static_cast<std::uint32_t>(static_cast<double>(done) * 1000 / static_cast<double>(total)), what);
        return !cancelled();
    }
    /// The same for work that wants a function. It refers to this.
    std::function<bool(std::uint64_t done, std::uint64_t total)> progress(std::string what) const {
        return [this, what = std::move(what)](std::uint64_t done, std::uint64_t total) { return progress(done, total, what); };
    }

private:
    Host host_;
    Call& call_;
    std::string_view command_;
    const Value& arguments_;
    const ports::CommandContext& context_;
};

/// A command of the manifest and the function that runs it. @tparam Line  CommandLine, or a class over it with what all commands of a plugin need.
template <class Line = CommandLine>
struct NamedCommand {
    std::string_view name; ///< as in the manifest, such as "greet"
    Result<std::int32_t> (*run)(Line& line); ///< @return Exit status: 0 done, 1 the work failed
};

/// The function of a command. @param commands  A list of NamedCommand. @return `not_found`, reason "unknown-command", when it is in none of them.
template <class Commands>
auto find_command(const Commands& commands, std::string_view name) -> Result<decltype(std::begin(commands)->run)> {
    std::vector<std::string_view> known;
    for (const auto& one : commands) {
        if (one.name == name) return one.run;
        known.push_back(one.name);
    }
    return Error(Code::not_found, "unknown-command", "there is no command \"" + shown(name, 100) + "\"", meant(name, known));
}

} // namespace symphony
