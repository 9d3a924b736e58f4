// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/diagnostic.hpp>
#include <symphony/packaging/package.hpp>
#include <symphony/packaging/plan.hpp>
#include <symphony/ports/command.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::composer {

using manifests::Data;

Error usage(std::string message, std::string hint = {});
/// For a terminal: at most 200 bytes, without control characters.
std::string shown(std::string_view text);

/// One command as it was typed: its words, and where its output goes.
class CommandLine {
public:
    CommandLine(Host host, Call& call, const About& about, const Value& arguments, const ports::CommandContext& context)
        : host_(host), call_(call), about_(about), arguments_(arguments), context_(context) {}

    bool json() const noexcept { return context_.json; }
    const About& about() const noexcept { return about_; }
    Host host() const noexcept { return host_; }
    bool cancelled() const noexcept { return call_.cancelled(); }
    /// The ABI that this host offers.
    std::pair<std::uint32_t, std::uint32_t> abi() const noexcept;

    // What was typed.
    bool on(std::string_view name) const { return arguments_[name].as_bool(false); }
    std::string text(std::string_view name) const { return std::string(arguments_[name].as_text()); }
    std::vector<std::string> texts(std::string_view name) const;
    /// A path as the person means it, who is in a folder of his own.
    std::filesystem::path path(std::string_view typed) const;
    /// --locked, --offline, --frozen, --minimal, --update.
    packaging::LockMode lock_mode() const;

    // Output: stdout is data, stderr is for people. With --json, `out` and `err` say nothing, and `json` is said once.
    void out(std::string_view line) const;
    void err(std::string_view line) const;
    void json(Data data) const;
    /// For long work; false when the person gave up.
    packaging::Progress progress(std::string what) const;
    /// Tells all that is wrong, one line each with its remedy beneath. @return The exit status: 1.
    std::int32_t report(const std::vector<manifests::Diagnostic>& problems) const;

private:
    void emit(std::uint8_t stream, std::string text) const;

    const Host host_;
    Call& call_;
    const About& about_;
    const Value& arguments_;
    const ports::CommandContext& context_;
};

} // namespace symphony::composer
