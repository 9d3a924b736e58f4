// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>

namespace symphony::tracker {

/// Threads for work that blocks, apart from the compute workers. Started when needed. All methods [any thread].
class BlockingPool {
public:
    /// A place in the pool. Whoever knows that the work is over, though its function still hangs, leaves in its stead, and
    /// another thread takes the place.
    class Ticket {
    public:
        Ticket() = default;
        void leave() const noexcept;

    private:
        friend class BlockingPool;
        struct Shared;
        std::shared_ptr<Shared> shared_;
    };
    using Task = std::function<void(const Ticket&)>;

    /// @param busy_max     Tasks at a time.
    /// @param threads_max  Threads in all, hanging ones included; when they all hang, nothing new starts.
    BlockingPool(unsigned busy_max, unsigned threads_max);
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;
    /// Waits for tasks that run; those whose ticket was left are let go and end when they can.
    ~BlockingPool();

    void post(Task task);
    /// Threads that have not come back although their ticket was left.
    unsigned hanging() const noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace symphony::tracker
