// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

namespace symphony::permissions {

/// A thread that calls `look` when files whose names begin with `prefix` change in a folder, and when a time has come.
class Watch {
public:
    /// @param look  Looks for changes. @return Milliseconds until it wants to look again anyway, -1: never.
    Watch(const std::filesystem::path& folder, std::string prefix, std::function<std::int64_t()> look);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();
    /// Looks soon: the time may have changed. [any]
    void wake() noexcept;

private:
    void run(const std::stop_token& stop, bool watched);
    bool read_events();

    std::string prefix_;
    std::function<std::int64_t()> look_;
    int changes_ = -1; // inotify
    int wake_ = -1;    // eventfd
    std::jthread thread_;
};

} // namespace symphony::permissions
