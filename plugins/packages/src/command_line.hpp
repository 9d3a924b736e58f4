// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/packaging/change.hpp>
#include <symphony/packaging/publishers.hpp>
#include <symphony/ports/command.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packages {

using manifests::Data;

Error usage(std::string message, std::string hint = {});
/// For a terminal: at most 200 bytes, without control characters.
std::string shown(std::string_view text);

/// One command as it was typed: its words, where its output goes, and the folders that it is about.
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
    manifests::Version host_version() const; ///< the same as a version, for ranges

    // What was typed.
    bool on(std::string_view name) const { return arguments_[name].as_bool(false); }
    std::string text(std::string_view name) const { return std::string(arguments_[name].as_text()); }
    std::vector<std::string> texts(std::string_view name) const;
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const;
    /// A path as the person means it, who is in a folder of his own.
    std::filesystem::path path(std::string_view typed) const;
    /// A public key: its 56 characters, or the file that has it.
    Result<packaging::PublicKey> key(const std::string& typed) const;

    // Output: stdout is data, stderr is for people. With --json, `out` is not for this.
    void out(std::string_view line) const;
    void err(std::string_view line) const;
    void json(Data data) const;
    /// For long work; false when the person gave up.
    packaging::Progress progress(std::string what) const;

    // Folders.
    std::filesystem::path folder() const { return std::filesystem::path(about_.data) / "packages"; }
    packaging::Store store() const { return packaging::Store(folder()); }
    packaging::Generations generations() const { return packaging::Generations(folder()); }
    Result<packaging::Change> begin() const;
    std::filesystem::path publishers_file() const { return std::filesystem::path(about_.config) / "publishers.toml"; }
    std::uint64_t keep() const { return host_.config()["keep"].as_uint(5); }

private:
    void emit(std::uint8_t stream, std::string text) const;

    const Host host_;
    Call& call_;
    const About& about_;
    const Value& arguments_;
    const ports::CommandContext& context_;
};

/// The installed package with that id, or the only one whose id ends in ".NAME". @return `not_found`, reason "not-installed"; `conflict`, "ambiguous-plugin".
Result<packaging::Installed> installed_as(const packaging::Profile& profile, const std::string& typed);

} // namespace symphony::packages
