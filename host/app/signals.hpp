// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

namespace symphony::app {

/// While it lives, SIGINT and SIGTERM are answered by a thread: the first calls `stop`, which says how long what it stops may take. The second, or `patience`
/// after the end of that, ends the process at once with status 130 or 143. Made before any other thread, which inherit the blocked signals.
class Signals {
public:
    explicit Signals(std::chrono::milliseconds patience);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// What the first signal does; called on the signals' thread.
    void on_stop(std::function<std::chrono::milliseconds()> stop);
    /// From now on a signal only ends the process in time; waits for what the first one does. Before that goes away.
    void disarm();
    /// The first signal's number, 0 before it.
    int received() const noexcept { return received_; }

private:
    void watch(std::chrono::milliseconds patience);

    std::function<std::chrono::milliseconds()> stop_;
    std::mutex mutex_; // while it is called, and changed
    std::atomic<int> received_ = 0;
    int signals_ = -1; // signalfd
    int end_ = -1;     // eventfd
    std::thread thread_;
};

} // namespace symphony::app
