// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <sys/types.h>

namespace symphony::test_support {

/// A mounted symphony-forgetful-fs, for real binaries: files in memory that are gone after command("forget") unless they were
/// synced, with their names and folders. Unmounted at the end of its life, also when files in it are open.
class ForgetfulMount {
public:
    /// In a new temporary folder.
    /// @return `unsupported` with a sentence for GTEST_SKIP(): no /dev/fuse, not built, or mounting is refused.
    static Result<std::unique_ptr<ForgetfulMount>> start();
    ForgetfulMount(const ForgetfulMount&) = delete;
    ForgetfulMount& operator=(const ForgetfulMount&) = delete;
    ~ForgetfulMount();

    const std::filesystem::path& path() const noexcept { return path_; }
    /// - "forget": the power goes. End the programs that use it first.
    /// - "fail OPERATION NTH ERROR GLOB [sticky]", such as "fail write 3 ENOSPC *.pack": see FailRule.
    /// - "well": no call fails any more. "room BYTES": the disk is full beyond; 0 = no limit.
    /// @return `invalid_argument` for other words.
    Status command(const std::string& line);
    /// How many calls were made to fail.
    std::uint64_t fired();

private:
    ForgetfulMount(pid_t pid, std::filesystem::path path) : pid_(pid), path_(std::move(path)) {}
    const pid_t pid_;
    const std::filesystem::path path_;
};

} // namespace symphony::test_support
