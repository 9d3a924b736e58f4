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

/// What the system names a thing by that can be waited for: a file descriptor; of Windows, the handle of an event or a pipe.
#ifdef _WIN32
using Descriptor = void*;
inline constexpr Descriptor no_descriptor = nullptr;
#else
using Descriptor = int;
inline constexpr Descriptor no_descriptor = -1;
#endif

/// One that is closed with its owner.
class Fd {
public:
    Fd() = default;
    explicit Fd(Descriptor fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, no_descriptor)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { reset(); }
    Descriptor get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ != no_descriptor; }
    Descriptor release() noexcept { return std::exchange(fd_, no_descriptor); }
    void reset() noexcept;

private:
    Descriptor fd_ = no_descriptor;
};

/// Something that one thread sets and another one waits for: an eventfd, or an event that is reset by who waited. Empty: the system gives none.
Fd make_event() noexcept;

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
        /// @param tag  What was given to add(). @param events  Of epoll; of Windows, `readable`.
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

    static constexpr std::uint32_t readable = 1; ///< EPOLLIN
#ifdef _WIN32
    static constexpr std::uint32_t completions = 2; ///< of a pipe: each operation that is over
#endif
    /// Watches a descriptor, level-triggered; of Windows, an event, which is told of each time that it is set, or a pipe. The loop keeps the client until remove(). [any]
    /// @return The place of the descriptor for modify() and remove(), or `io`.
    Result<std::uint64_t> add(Descriptor fd, std::uint32_t events, std::shared_ptr<Client> client, std::uint32_t tag);
    /// Of Windows, turning `events` on again also tells at once.
    void modify(std::uint64_t place, Descriptor fd, std::uint32_t events) noexcept;
    /// To be called before the descriptor is closed.
    void remove(std::uint64_t place, Descriptor fd) noexcept;

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
#ifdef _WIN32
        std::uint32_t events = 0;
        void* wait = nullptr; // of the thread pool
        std::unique_ptr<std::pair<Loop*, std::uint64_t>> signal{};
#endif
    };
    std::mutex mutex_;
#ifdef _WIN32
    static void signalled(void* signal, unsigned char) noexcept;
    static void unwait(Watched& watched) noexcept;
    Fd port_;
#else
    Fd epoll_, wake_;
#endif
    bool running_ = false, stopping_ = false;
    std::unordered_map<std::uint64_t, Watched> watched_;
    std::uint64_t next_place_ = 1;  // 0: the wake descriptor
    std::multimap<std::uint64_t, std::weak_ptr<Client>> timers_;
    std::vector<std::function<void()>> posted_;
    std::atomic<std::uint64_t> sleeps_until_{0};  // 0: awake
    std::thread thread_;
};

} // namespace symphony::transport
