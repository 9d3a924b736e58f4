// SPDX-License-Identifier: Apache-2.0
#include "blocking_pool.hpp"

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace symphony::tracker {

struct BlockingPool::State : std::enable_shared_from_this<State> {
    struct Worker {
        std::thread thread;
        bool hangs = false;
        bool ended = false;
    };

    mutable std::mutex mutex;
    std::condition_variable work;   // something to do, or closing
    std::condition_variable ended;  // a worker went
    std::deque<Task> queue;
    std::list<Worker> workers;
    unsigned busy = 0;
    unsigned hanging = 0;
    unsigned idle = 0;
    unsigned busy_max = 1;
    unsigned threads_max = 1;
    bool closing = false;

    /// Under the lock.
    void wake() {
        if (queue.empty() || busy >= busy_max) return;
        if (idle > 0) {
            work.notify_one();
            return;
        }
        std::size_t alive = 0;
        for (const auto& worker : workers) alive += worker.ended ? 0 : 1;
        if (alive >= threads_max) return;
        workers.emplace_back();
        Worker& worker = workers.back();
        try {
            worker.thread = std::thread([self = shared_from_this(), &worker] { self->run(worker); });
        } catch (const std::exception&) {
            workers.pop_back();  // no thread to be had: a busy one takes the task when it is free
        }
    }

    void run(Worker& worker);
};

struct BlockingPool::Ticket::Shared {
    std::shared_ptr<State> pool;
    State::Worker* worker;
    bool left = false;  // under the pool's lock
};

void BlockingPool::Ticket::leave() const noexcept {
    if (shared_ == nullptr) return;
    State& pool = *shared_->pool;
    const std::lock_guard lock(pool.mutex);
    if (std::exchange(shared_->left, true)) return;
    shared_->worker->hangs = true;
    ++pool.hanging;
    --pool.busy;
    pool.wake();
    pool.ended.notify_all();
}

void BlockingPool::State::run(Worker& worker) {
    std::unique_lock lock(mutex);
    for (;;) {
        ++idle;
        work.wait(lock, [&] { return closing || (!queue.empty() && busy < busy_max); });
        --idle;
        if (queue.empty() || busy >= busy_max) break;  // closing
        const Task task = std::move(queue.front());
        queue.pop_front();
        ++busy;
        wake();
        Ticket ticket;
        ticket.shared_ = std::make_shared<Ticket::Shared>(Ticket::Shared{shared_from_this(), &worker});
        lock.unlock();
        task(ticket);
        lock.lock();
        if (!std::exchange(ticket.shared_->left, true)) {
            --busy;
        } else {
            worker.hangs = false;
            --hanging;
        }
        wake();
    }
    worker.ended = true;
    ended.notify_all();
}

BlockingPool::BlockingPool(unsigned busy_max, unsigned threads_max) : state_(std::make_shared<State>()) {
    state_->busy_max = busy_max == 0 ? 1 : busy_max;
    state_->threads_max = threads_max < state_->busy_max ? state_->busy_max : threads_max;
}

BlockingPool::~BlockingPool() {
    std::unique_lock lock(state_->mutex);
    state_->closing = true;
    state_->work.notify_all();
    state_->ended.wait(lock, [&] {
        for (const auto& worker : state_->workers) {
            if (!worker.ended && !worker.hangs) return false;
        }
        return state_->queue.empty() || state_->busy == 0;
    });
    std::list<std::thread> threads;
    for (auto& worker : state_->workers) {
        if (worker.ended) threads.push_back(std::move(worker.thread));
        else worker.thread.detach();
    }
    lock.unlock();
    for (auto& thread : threads) thread.join();
}

void BlockingPool::post(Task task) {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(task));
    state_->wake();
}

unsigned BlockingPool::hanging() const noexcept {
    const std::lock_guard lock(state_->mutex);
    return state_->hanging;
}

} // namespace symphony::tracker
