// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/about.hpp>
#include <symphony/command_line.hpp>
#include <symphony/manifests/data.hpp>
#include <symphony/packaging/change.hpp>
#include <symphony/packaging/host_abi.hpp>
#include <symphony/packaging/publishers.hpp>

#include <filesystem>
#include <string>
#include <utility>

namespace symphony::packages {

using manifests::Data;

/// One command about packages, and the folders that it is about.
class CommandLine : public symphony::CommandLine {
public:
    CommandLine(const symphony::CommandLine& line, About about) : symphony::CommandLine(line), about_(std::move(about)) {}

    const About& about() const noexcept { return about_; }
    /// The ABI that this host offers.
    std::pair<std::uint32_t, std::uint32_t> abi() const noexcept { return packaging::abi_of(host()); }
    manifests::Version host_version() const { return {abi().first, abi().second, 0, {}, {}}; } ///< the same as a version, for ranges
    /// A public key: its 56 characters, or the file that has it.
    Result<packaging::PublicKey> key(const std::string& typed) const;

    // Folders.
    std::filesystem::path folder() const { return std::filesystem::path(about_.data) / "packages"; }
    packaging::Store store() const { return packaging::Store(folder()); }
    packaging::Generations generations() const { return packaging::Generations(folder()); }
    Result<packaging::Change> begin() const;
    std::filesystem::path publishers_file() const { return std::filesystem::path(about_.config) / "publishers.toml"; }
    std::uint64_t keep() const { return host().config()["keep"].as_uint(5); }

private:
    About about_;
};

/// The installed package with that id, or the only one whose id ends in ".NAME". @return `not_found`, reason "not-installed"; `conflict`, "ambiguous-plugin".
Result<packaging::Installed> installed_as(const packaging::Profile& profile, const std::string& typed);

} // namespace symphony::packages
