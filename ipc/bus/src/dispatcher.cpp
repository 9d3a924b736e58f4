// SPDX-License-Identifier: Apache-2.0
#include "dispatcher.hpp"

namespace symphony::bus {

Dispatcher::Dispatcher(const Options& options, std::function<bool()> tick) : options_(options), tick_(std::move(tick)) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
    watcher_ = std::thread([this] { watch(); });
}

void Dispatcher::post(std::shared_ptr<Job> job) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    queue_.push_back({std::move(job), Clock::now()});
    call_for_hands();
}

void Dispatcher::call_for_hands() {
    if (queue_.size() <= idle_) {
        work_.notify_one();
    } else if (!std::exchange(poked_, true)) {
        clock_.notify_one(); // who may find that the threads are too few: each that is woken takes one job, and may keep it
    }
}

void Dispatcher::poke() {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(poked_, true)) clock_.notify_one();
}

void Dispatcher::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (stopping_) return;
        std::shared_ptr<Job> job = std::move(queue_.front().job);
        queue_.pop_front();
        lock.unlock();
        const bool more = job->work();
        lock.lock();
        if (more && !stopping_) {
            queue_.push_back({std::move(job), Clock::now()});
            call_for_hands(); // this thread takes another one first
        }
    }
}

void Dispatcher::watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        clock_.wait(lock, [this] { return stopping_ || poked_; });
        while (!stopping_) {
            clock_.wait_for(lock, options_.tick, [this] { return stopping_; });
            if (stopping_) return;
            if (!queue_.empty() && idle_ == 0 && Clock::now() - queue_.front().since >= options_.patience && threads_.size() < options_.threads_max) {
                threads_.emplace_back([this] { run(); });
            }
            poked_ = false;
            lock.unlock();
            const bool more = tick_();
            lock.lock();
            if (!more && !poked_ && queue_.empty()) break;
        }
    }
}

void Dispatcher::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
        work_.notify_all();
        clock_.notify_all();
    }
    watcher_.join(); // who alone starts further threads
    for (auto& thread : threads_) thread.join();
    for (const auto& waiting : queue_) { // such as an end that somebody waits for
        while (waiting.job->work()) {}
    }
    queue_.clear();
}

} // namespace symphony::bus
