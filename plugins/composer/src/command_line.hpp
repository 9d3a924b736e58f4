// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/about.hpp>
#include <symphony/command_line.hpp>
#include <symphony/manifests/data.hpp>
#include <symphony/manifests/diagnostic.hpp>
#include <symphony/packaging/host_abi.hpp>
#include <symphony/packaging/package.hpp>
#include <symphony/packaging/plan.hpp>

#include <utility>
#include <vector>

namespace symphony::composer {

using manifests::Data;

/// One command of the composer, and the symphony that composes.
class CommandLine : public symphony::CommandLine {
public:
    CommandLine(const symphony::CommandLine& line, About about) : symphony::CommandLine(line), about_(std::move(about)) {}

    const About& about() const noexcept { return about_; }
    /// The ABI that this host offers.
    std::pair<std::uint32_t, std::uint32_t> abi() const noexcept { return packaging::abi_of(host()); }
    /// --locked, --offline, --frozen, --minimal, --update.
    packaging::LockMode lock_mode() const;
    /// Tells all that is wrong, one line each with its remedy beneath, or as JSON. @return The exit status: 1.
    std::int32_t report(const std::vector<manifests::Diagnostic>& problems) const;

private:
    About about_;
};

} // namespace symphony::composer
