// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include <symphony/packaging/package.hpp>

#include <filesystem>
#include <string_view>

namespace symphony::kit {

/// Holds the built plugin in a folder to the rules of the contract, as `symphony-checker` does; what it says of broken ones goes to people. [blocks]
/// @param level    1 to 10. @param run_code  False: the rules that need none of the plugin's code.
/// @return `refused`, "check-failed"; `not_found`, "no-program"; `cancelled`.
Status hold_to_the_contract(const Typed& typed, const std::filesystem::path& folder, std::uint64_t level, bool run_code);

/// A folder that goes with its content, whatever the modes in it.
class WorkFolder {
public:
    /// In the folder for temporary files. @return `io`, when there is no room.
    static Result<WorkFolder> make();
    WorkFolder(WorkFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    WorkFolder& operator=(WorkFolder&&) = delete;
    ~WorkFolder();
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

/// Unpacks a package into an empty folder and packs it again. @return `refused`, "not-reproducible", when other bytes come out.
Status pack_again(std::string_view package, const std::filesystem::path& folder);

} // namespace symphony::kit
