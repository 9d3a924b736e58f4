// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assemble.hpp"
#include "command_line.hpp"

#include <symphony/packaging/user_registries.hpp>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace symphony::composer {

/// Why no distribution was made, in a form that people and scripts read: diagnostics with places, or a conflict of versions.
using Problems = std::vector<Diagnostic>;

/// One distribution on its way from its file to a tree. Used step by step; each step is fine with what the one before left.
class Workshop {
public:
    /// @param typed  The file, as typed. @param mode  How the lock is used.
    Workshop(const CommandLine& line, std::string typed, packaging::LockMode mode);
    ~Workshop();

    /// Reads file and lock, finds and reads all plugins, checks all of it. @return What files, registries and packages say. What is wrong with the
    /// distribution itself is in problems().
    Status prepare();
    const Problems& problems() const noexcept { return problems_; }
    /// Whether the lock is not what was read.
    bool lock_changed() const noexcept { return changed_; }
    const std::vector<packaging::PlanChange>& changes() const noexcept { return changes_; }
    /// Writes distribution.lock beside the file, if it changed.
    Status write_lock() const;
    Result<Tree> assemble() const;

    const std::filesystem::path& file() const noexcept { return file_; }
    const std::filesystem::path& lock_file() const noexcept { return lock_file_; }
    const Distribution& distribution() const noexcept { return *distribution_; }
    const packaging::Lock& lock() const noexcept { return lock_; }
    /// After prepare() without problems.
    const Composition& composition() const noexcept { return *composition_; }
    const HostFiles& host() const noexcept { return host_; }

private:
    Status read_file();
    Status read_lock();
    Status plan();
    Result<std::vector<packaging::Registry*>> open_registries();
    Status refresh_local();
    Status fill_lock(packaging::Lock lock);

    const CommandLine& line_;
    const std::string typed_;
    packaging::LockMode mode_;
    std::filesystem::path file_, lock_file_;
    std::string text_;
    std::optional<Distribution> distribution_;
    std::optional<packaging::Lock> old_lock_;
    packaging::Lock lock_;
    packaging::Publishers publishers_;
    std::optional<packaging::UserRegistries> registries_; ///< opened when a plugin is left for them
    std::unique_ptr<Inputs> inputs_;
    std::vector<const Input*> taken_;
    HostFiles host_;
    std::optional<Composition> composition_;
    Problems problems_;
    bool changed_ = false;
    std::vector<packaging::PlanChange> changes_;
};

} // namespace symphony::composer
