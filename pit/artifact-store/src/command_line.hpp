// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "feeder.hpp"
#include "session.hpp"

#include <symphony/command_line.hpp>

#include <optional>

namespace symphony::store {

enum Exit : std::int32_t { done = 0, work_failed = 1 };

/// One command about a store: the plugin's own, or the one that --store names.
class CommandLine : public symphony::CommandLine {
public:
    using symphony::CommandLine::CommandLine;

    bool color() const noexcept { return context().color; }
    bool terminal() const noexcept { return context().columns != 0; }

    // What was typed.
    Result<std::uint64_t> bytes(std::string_view name, std::uint64_t otherwise) const;
    /// A date such as 2026-05-01, or a duration before now such as 2d; milliseconds since 1970.
    Result<std::uint64_t> moment(std::string_view name, std::uint64_t otherwise) const;

    // Output.
    void note(std::string_view text) const { err("note: " + std::string(text)); }
    Status json_out(const Value& value) const;
    std::string bold(std::string_view text) const;
    std::string faint(std::string_view text) const;

    // The store.
    Session& session();
    Result<std::shared_ptr<Store>> reading();
    Result<std::shared_ptr<Store>> writing(bool make = false);
    /// Tells people what the store had to say while it was opened.
    void tell_notices();
    /// "" or " --store DIR", for hints.
    std::string store_words() const;
    /// For work of a store: tells WHAT, its stage, and how far it is.
    ProgressFn telling(std::string_view what) const;
    /// The secret out of the files that --NAMEpassphrase-file and --NAMEkey-file name; nothing when neither was given.
    Result<std::optional<Secret>> secret_given(const std::string& prefix = {}) const;

    /// A store of its own, typed like --store.
    std::unique_ptr<Session> session_at(std::string path, SecretSource secret) const;

private:
    std::string author() const { return "symphony " + std::string(command()); }

    std::unique_ptr<Session> session_;
};

} // namespace symphony::store
