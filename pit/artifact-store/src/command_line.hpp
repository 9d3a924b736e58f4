// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "feeder.hpp"
#include "session.hpp"

#include <symphony/ports/command.hpp>

#include <optional>

namespace symphony::store {

enum Exit : std::int32_t { done = 0, work_failed = 1 };

Error usage(std::string message, std::string hint = {});

/// One command as it was typed: its words, where its output goes, and the store that it is about.
class CommandLine {
public:
    CommandLine(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context);

    Call& call() const noexcept { return call_; }
    Host host() const noexcept { return host_; }
    bool json() const noexcept { return context_.json; }
    bool color() const noexcept { return context_.color; }
    bool terminal() const noexcept { return context_.columns != 0; }

    // What was typed. Wrong usage is reason "usage".
    bool has(std::string_view name) const { return arguments_[name].exists() && !arguments_[name].is_null(); }
    bool on(std::string_view name) const { return arguments_[name].as_bool(false); }
    std::string text(std::string_view name) const { return std::string(arguments_[name].as_text()); }
    std::vector<std::string> texts(std::string_view name) const;
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const;
    Result<std::uint64_t> bytes(std::string_view name, std::uint64_t otherwise) const;
    /// A date such as 2026-05-01, or a duration before now such as 2d; milliseconds since 1970.
    Result<std::uint64_t> moment(std::string_view name, std::uint64_t otherwise) const;

    // Output: stdout is data, stderr is for people.
    void out(std::string_view text) const { emit(ports::CommandStream::out, Buffer::copy(text)); }
    void out(Buffer bytes) const { emit(ports::CommandStream::out, std::move(bytes)); }
    void err(std::string_view text) const { emit(ports::CommandStream::err, Buffer::copy(text)); }
    void note(std::string_view text) const { err("note: " + std::string(text) + "\n"); }
    /// An error that does not end the command: `error:`, `hint:`.
    void problem(const Error& error) const;
    Status json_out(const Value& value) const;
    std::string bold(std::string_view text) const;
    std::string faint(std::string_view text) const;

    // The store: the plugin's own, or what --store names.
    Session& session();
    Result<std::shared_ptr<Store>> reading();
    Result<std::shared_ptr<Store>> writing(bool make = false);
    /// Tells people what the store had to say while it was opened.
    void tell_notices();
    /// "" or " --store DIR", for hints.
    std::string store_words() const;
    ProgressFn progress(std::string_view what) const;
    /// The secret out of the files that --NAMEpassphrase-file and --NAMEkey-file name; nothing when neither was given.
    Result<std::optional<Secret>> secret_given(const std::string& prefix = {}) const;

    /// A store of its own, typed like --store.
    std::unique_ptr<Session> session_at(std::string path, SecretSource secret) const;

private:
    void emit(std::uint8_t stream, Buffer bytes) const;

    const Host host_;
    Call& call_;
    const std::string command_;
    const Value& arguments_;
    const ports::CommandContext& context_;
    std::unique_ptr<Session> session_;
};

} // namespace symphony::store
