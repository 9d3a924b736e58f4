// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace symphony::permissions {

/// A value that many read and few replace. Readers take no lock and never wait: they count themselves in one of two counters
/// and take the pointer. A writer puts the new value up, then waits until each counter has been empty once, so that nobody
/// can hold the old one. Sleepable read-copy-update with two counters (McKenney, "Sleepable RCU", 2006).
template <class T>
class Snapshot {
public:
    explicit Snapshot(std::unique_ptr<const T> first) : value_(first.release()) {}
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() { delete value_.load(); }

    /// A look at the value, which stays while the reader lives. Short: writers wait for it.
    class Reader {
    public:
        explicit Reader(const Snapshot& of) : counter_(of.readers_[of.side_.load() & 1U].count) {
            counter_.fetch_add(1);
            value_ = of.value_.load();
        }
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;
        ~Reader() { counter_.fetch_sub(1); }
        const T& operator*() const noexcept { return *value_; }
        const T* operator->() const noexcept { return value_; }

    private:
        std::atomic<std::uint64_t>& counter_;
        const T* value_;
    };

    /// Not while the calling thread is a reader.
    void replace(std::unique_ptr<const T> next) {
        const std::lock_guard lock(writer_);
        const T* old = value_.exchange(next.release());
        for (int round = 0; round < 2; ++round) {
            const auto side = side_.fetch_add(1) & 1U; // new readers go to the other side, so this one runs empty
            while (readers_[side].count.load() != 0) std::this_thread::yield();
        }
        delete old;
    }

private:
    struct alignas(64) Count {
        std::atomic<std::uint64_t> count{0};
    };
    std::atomic<const T*> value_;
    alignas(64) std::atomic<std::uint32_t> side_{0};
    mutable Count readers_[2];
    std::mutex writer_;
};

} // namespace symphony::permissions
