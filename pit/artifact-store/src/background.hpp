// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "feeder.hpp"
#include "uploads.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace symphony::store {

/// One thread beside the calls: abandons silent uploads, feeds the index, checks a little of the store now and then, and lets
/// the writer's lock go when nobody needs it. It does nothing before the store was used.
class Background {
public:
    Background(Session& session, Feeder& feeder, Uploads& uploads) : session_(session), feeder_(feeder), uploads_(uploads) {}
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background() { stop(); }

    /// Again and again is once. Nothing after stop().
    void start();
    /// Returns when the thread has ended: after the step it is in, which is bounded.
    void stop();

private:
    void run();
    void step(std::chrono::steady_clock::time_point now);
    void feed();
    void scrub();
    bool stopping() const;

    Session& session_;
    Feeder& feeder_;
    Uploads& uploads_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;

    // The thread's own.
    std::chrono::steady_clock::time_point next_feed_{}, next_scrub_{};
};

} // namespace symphony::store
