// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/disk.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>

namespace symphony::kit {

/// Tells when files beneath a folder change (inotify). Folders whose names begin with a dot, and those named, are not looked at. [one thread]
class Watch {
public:
    static constexpr std::size_t folders_max = 4096;

    /// @param without  Folders beneath `folder` that are left out, such as the one where it is built.
    /// @return `exhausted`, "too-many-folders", beyond `folders_max` or what the system allows; `io`.
    static Result<Watch> open(const std::filesystem::path& folder, std::vector<std::filesystem::path> without);

    /// Whether something changed since it was last asked; waits for it at most that long. Changes that come together are one: it waits until
    /// nothing has come for `quiet`, and no longer than a second.
    bool changed(std::chrono::milliseconds longest, std::chrono::milliseconds quiet = std::chrono::milliseconds(30));

private:
    Watch(packaging::Descriptor fd, std::filesystem::path folder, std::vector<std::filesystem::path> without)
        : fd_(std::move(fd)), folder_(std::move(folder)), without_(std::move(without)) {}
    Status add(const std::filesystem::path& folder);
    bool take();

    packaging::Descriptor fd_;
    std::filesystem::path folder_;
    std::vector<std::filesystem::path> without_;
    std::map<int, std::filesystem::path> folders_; // by watch
};

} // namespace symphony::kit
