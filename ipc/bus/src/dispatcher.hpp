// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace symphony::bus {

/// Something that a thread of the bus does when it is woken.
class Job {
public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;
    /// A bounded piece of work. @return True when there is more: it is queued again, behind the others.
    virtual bool work() = 0;
};

/// The threads of the bus: a few that hand messages to receivers, and one that looks at the clock. Receivers that hold their thread do not keep others waiting for long:
/// when a job has waited `patience` while all threads are busy, another thread is started, up to `threads_max`.
class Dispatcher {
public:
    struct Options {
        std::size_t threads = 2, threads_max = 64;
        std::chrono::milliseconds patience{20}, tick{10};
    };
    /// @param tick  Called every `tick` milliseconds after poke(), until it says that there is nothing to come back for. Must not throw.
    Dispatcher(const Options& options, std::function<bool()> tick);
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;
    ~Dispatcher() { stop(); }

    /// A job that is queued already must not be posted again. After stop() it is dropped. [any]
    void post(std::shared_ptr<Job> job);
    /// There is something that time changes. [any]
    void poke();
    /// Waits for what the threads are doing, and does what is queued. Not from a job.
    void stop();

private:
    using Clock = std::chrono::steady_clock;
    struct Waiting {
        std::shared_ptr<Job> job;
        Clock::time_point since;
    };
    void run();
    void watch();
    void call_for_hands(); // with mutex_ held, after a job was queued

    const Options options_;
    const std::function<bool()> tick_;
    std::mutex mutex_;
    std::condition_variable work_, clock_;
    std::deque<Waiting> queue_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    bool stopping_ = false, poked_ = false;
    std::thread watcher_;
};

} // namespace symphony::bus
