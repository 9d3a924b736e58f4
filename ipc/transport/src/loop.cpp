// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/loop.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace symphony::transport {

void Fd::reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Fd make_event() noexcept { return Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

static_assert(Loop::readable == EPOLLIN);

namespace {

std::uint64_t read_clock(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

Error no_loop(const char* what) {
    return {Code::io, "no-descriptor", std::string("cannot make ") + what + " for connections: " + std::strerror(errno), "check the limits on open files and threads"};
}

} // namespace

std::uint64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }
std::uint64_t coarse_now_ns() noexcept { return read_clock(CLOCK_MONOTONIC_COARSE); }

Loop::~Loop() { stop(); }

Status Loop::start() {
    const std::lock_guard lock(mutex_);
    if (running_) return {};
    if (stopping_) return Error(Code::cancelled, "stopping", "the transport is stopping");
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    wake_ = make_event();
    epoll_event event{};
    event.events = EPOLLIN;
    if (!epoll_ || !wake_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) return no_loop("an epoll descriptor");
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        return no_loop("a thread");
    }
    running_ = true;
    return {};
}

void Loop::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        if (!running_) return;
    }
    wake();
    if (thread_.joinable()) thread_.join();
    std::unordered_map<std::uint64_t, Watched> watched;
    std::vector<std::function<void()>> posted;
    {
        const std::lock_guard lock(mutex_);
        running_ = false;
        watched.swap(watched_);
        posted.swap(posted_);
        timers_.clear();
    }
}

void Loop::wake() noexcept {
    const std::uint64_t one = 1;
    while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {}
}

Result<std::uint64_t> Loop::add(Descriptor fd, std::uint32_t events, std::shared_ptr<Client> client, std::uint32_t tag) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t place = next_place_++;
    epoll_event event{};
    event.events = events;
    event.data.u64 = place;
    if (stopping_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return no_loop("a place in epoll");
    watched_.emplace(place, Watched{std::move(client), tag});
    return place;
}

void Loop::modify(std::uint64_t place, Descriptor fd, std::uint32_t events) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.u64 = place;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::remove(std::uint64_t place, Descriptor fd) noexcept {
    std::shared_ptr<Client> dying; // outside the lock, since it may come back here
    const std::lock_guard lock(mutex_);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    const auto found = watched_.find(place);
    if (found == watched_.end()) return;
    dying = std::move(found->second.client);
    watched_.erase(found);
}

void Loop::schedule(const std::shared_ptr<Client>& client, std::uint64_t at_ns) {
    if (at_ns == never) return;
    {
        const std::lock_guard lock(mutex_);
        if (at_ns >= client->scheduled_ns_.load(std::memory_order_relaxed)) return;
        client->scheduled_ns_.store(at_ns, std::memory_order_relaxed);
        timers_.emplace(at_ns, client);
    }
    if (at_ns < sleeps_until_.load(std::memory_order_seq_cst)) wake();
}

void Loop::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        posted_.push_back(std::move(work));
        if (posted_.size() > 1) return;
    }
    wake();
}

bool Loop::tell(std::uint64_t place, std::uint32_t events) {
    Watched watched;
    {
        const std::lock_guard lock(mutex_);
        const auto found = watched_.find(place);
        if (found == watched_.end()) return false; // removed by one before it
        watched = found->second;
    }
    watched.client->on_events(watched.tag, events);
    return true;
}

void Loop::run_posted() {
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(posted_);
    }
    for (const auto& one : work) one();
}

/// @return When the next one is due.
std::uint64_t Loop::run_timers() {
    std::uint64_t now = 0;
    for (;;) {
        std::shared_ptr<Client> client;
        {
            const std::lock_guard lock(mutex_);
            if (timers_.empty()) return never;
            const auto first = timers_.begin();
            if (now == 0) now = now_ns();
            if (first->first > now) return first->first;
            client = first->second.lock();
            const std::uint64_t at = first->first;
            timers_.erase(first);
            if (client == nullptr || client->scheduled_ns_.load(std::memory_order_relaxed) != at) continue; // an earlier one took its place
            client->scheduled_ns_.store(never, std::memory_order_relaxed);
        }
        schedule(client, client->on_time(now));
    }
}

void Loop::run() {
    std::array<epoll_event, 128> events;
    for (;;) {
        const std::uint64_t next = run_timers();
        sleeps_until_.store(next, std::memory_order_seq_cst);
        int wait_ms = -1;
        bool stops = false;
        {
            const std::lock_guard lock(mutex_);
            stops = stopping_;
            if (!posted_.empty()) wait_ms = 0;
            else if (!timers_.empty()) {
                const std::uint64_t due = timers_.begin()->first, now = now_ns();
                wait_ms = due <= now ? 0 : static_cast<int>(std::min<std::uint64_t>((due - now) / 1'000'000 + 1, 60'000));
            }
        }
        if (stops) return run_posted(); // what was asked for before the stop
        const int got = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms);
        sleeps_until_.store(0, std::memory_order_seq_cst);
        for (int i = 0; i < got; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 != 0) {
                tell(event.data.u64, event.events);
                continue;
            }
            std::uint64_t count;
            while (::read(wake_.get(), &count, sizeof count) < 0 && errno == EINTR) {}
        }
        run_posted();
    }
}

} // namespace symphony::transport
