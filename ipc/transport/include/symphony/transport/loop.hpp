// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace symphony::transport {

/// A file descriptor that is closed with its owner.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { reset(); }
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept;

private:
    int fd_ = -1;
};

/// Nanoseconds of the monotonic clock, as Host::now_ns().
std::uint64_t now_ns() noexcept;
/// The same clock to a few milliseconds, for a tenth of the price: where it only says how long something is left alone.
std::uint64_t coarse_now_ns() noexcept;
inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

/// One thread that waits for everything: descriptors, times, and what others want done on it. It starts with the first use.
class Loop {
public:
    /// Who is told. All functions on the loop's thread.
    class Client : public std::enable_shared_from_this<Client> {
    public:
        Client() = default;
        Client(const Client&) = delete;
        Client& operator=(const Client&) = delete;
        virtual ~Client() = default;
        /// @param tag  What was given to add(). @param events  Of epoll.
        virtual void on_events(std::uint32_t tag, std::uint32_t events) = 0;
        /// @return When to come again; `never`.
        virtual std::uint64_t on_time(std::uint64_t now) = 0;

    private:
        friend class Loop;
        std::atomic<std::uint64_t> scheduled_ns_{never};
    };

    Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    /// @return `io`, when the system gives no descriptor or thread. [any]
    Status start();
    /// No client is told anything after it, and all are let go. Not from the loop's thread.
    void stop();
    bool on_loop() const noexcept { return std::this_thread::get_id() == thread_.get_id(); }

    /// Watches a descriptor, level-triggered. The loop keeps the client until remove(). [any]
    /// @return The place of the descriptor for modify() and remove(), or `io`.
    Result<std::uint64_t> add(int fd, std::uint32_t events, std::shared_ptr<Client> client, std::uint32_t tag);
    void modify(std::uint64_t place, int fd, std::uint32_t events) noexcept;
    /// To be called before the descriptor is closed.
    void remove(std::uint64_t place, int fd) noexcept;

    /// Calls on_time() at `at_ns` or soon after; an earlier time that was asked for stays. Holds the client weakly. [any]
    void schedule(const std::shared_ptr<Client>& client, std::uint64_t at_ns);
    /// [any]
    void post(std::function<void()> work);

private:
    void run();
    void wake() noexcept;
    bool tell(std::uint64_t place, std::uint32_t events);
    void run_posted();
    std::uint64_t run_timers();

    struct Watched {
        std::shared_ptr<Client> client;
        std::uint32_t tag = 0;
    };
    std::mutex mutex_;
    Fd epoll_, wake_;
    bool running_ = false, stopping_ = false;
    std::unordered_map<std::uint64_t, Watched> watched_;
    std::uint64_t next_place_ = 1;  // 0: the wake descriptor
    std::multimap<std::uint64_t, std::weak_ptr<Client>> timers_;
    std::vector<std::function<void()>> posted_;
    std::atomic<std::uint64_t> sleeps_until_{0};  // 0: awake
    std::thread thread_;
};

} // namespace symphony::transport
