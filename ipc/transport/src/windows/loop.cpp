// SPDX-License-Identifier: Apache-2.0
// The loop for Windows: a completion port, which operations of pipes, events (by way of the system's thread pool) and other threads post to.
#include <symphony/transport/loop.hpp>

#include <algorithm>
#include <system_error>
#include <windows.h>

namespace symphony::transport {

void Fd::reset() noexcept {
    if (fd_ != no_descriptor) ::CloseHandle(std::exchange(fd_, no_descriptor));
}

Fd make_event() noexcept { return Fd(::CreateEventW(nullptr, FALSE, FALSE, nullptr)); }

std::uint64_t now_ns() noexcept {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}
std::uint64_t coarse_now_ns() noexcept { return now_ns(); }

namespace {

Error no_loop(const char* what) {
    return {Code::io, "no-descriptor", std::string("cannot make ") + what + " for connections: error " + std::to_string(::GetLastError()) + " of the system"};
}

} // namespace

Loop::~Loop() { stop(); }

Status Loop::start() {
    const std::lock_guard lock(mutex_);
    if (running_) return {};
    if (stopping_) return Error(Code::cancelled, "stopping", "the transport is stopping");
    port_ = Fd(::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1));
    if (!port_) return no_loop("a completion port");
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
    for (auto& [place, one] : watched) unwait(one);
}

void Loop::wake() noexcept { ::PostQueuedCompletionStatus(port_.get(), 0, 0, nullptr); }

void Loop::signalled(void* signal, unsigned char) noexcept {
    const auto& [self, place] = *static_cast<std::pair<Loop*, std::uint64_t>*>(signal);
    ::PostQueuedCompletionStatus(self->port_.get(), 0, place, nullptr);
}

/// Returns when the pool tells nothing more.
void Loop::unwait(Watched& watched) noexcept {
    if (watched.wait != nullptr) ::UnregisterWaitEx(std::exchange(watched.wait, nullptr), INVALID_HANDLE_VALUE);
}

Result<std::uint64_t> Loop::add(Descriptor what, std::uint32_t events, std::shared_ptr<Client> client, std::uint32_t tag) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return no_loop("a place to wait");
    const std::uint64_t place = next_place_++;
    Watched watched{std::move(client), tag, events, nullptr, nullptr};
    if (events == completions) {
        if (::CreateIoCompletionPort(what, port_.get(), place, 0) == nullptr) return no_loop("a place to wait");
    } else {
        watched.signal = std::make_unique<std::pair<Loop*, std::uint64_t>>(this, place);
        if (::RegisterWaitForSingleObject(&watched.wait, what, &signalled, watched.signal.get(), INFINITE, WT_EXECUTEINWAITTHREAD) == 0) return no_loop("a place to wait");
    }
    watched_.emplace(place, std::move(watched));
    return place;
}

void Loop::modify(std::uint64_t place, Descriptor, std::uint32_t events) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(place);
    if (found == watched_.end()) return;
    if (found->second.events == 0 && events != 0) ::PostQueuedCompletionStatus(port_.get(), 0, place, nullptr);
    found->second.events = events;
}

void Loop::remove(std::uint64_t place, Descriptor) noexcept {
    Watched dying; // outside the lock, since it may come back here
    {
        const std::lock_guard lock(mutex_);
        const auto found = watched_.find(place);
        if (found == watched_.end()) return;
        dying = std::move(found->second);
        watched_.erase(found);
    }
    unwait(dying);
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
    std::shared_ptr<Client> client;
    std::uint32_t tag = 0;
    {
        const std::lock_guard lock(mutex_);
        const auto found = watched_.find(place);
        if (found == watched_.end() || found->second.events == 0) return false; // removed, or not wanted now
        client = found->second.client;
        tag = found->second.tag;
    }
    client->on_events(tag, events);
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
    for (;;) {
        std::shared_ptr<Client> client;
        const std::uint64_t now = now_ns();
        {
            const std::lock_guard lock(mutex_);
            if (timers_.empty()) return never;
            const auto first = timers_.begin();
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
    for (;;) {
        const std::uint64_t next = run_timers();
        sleeps_until_.store(next, std::memory_order_seq_cst);
        DWORD wait_ms = INFINITE;
        bool stops = false;
        {
            const std::lock_guard lock(mutex_);
            stops = stopping_;
            if (!posted_.empty()) wait_ms = 0;
            else if (!timers_.empty()) {
                const std::uint64_t due = timers_.begin()->first, now = now_ns();
                wait_ms = due <= now ? 0 : static_cast<DWORD>(std::min<std::uint64_t>((due - now) / 1'000'000 + 1, 60'000));
            }
        }
        if (stops) return run_posted(); // what was asked for before the stop
        DWORD bytes = 0;
        ULONG_PTR place = 0;
        OVERLAPPED* operation = nullptr; // not looked at: it may be gone by now
        ::GetQueuedCompletionStatus(port_.get(), &bytes, &place, &operation, wait_ms);
        sleeps_until_.store(0, std::memory_order_seq_cst);
        if (place != 0) tell(place, readable);
        run_posted();
    }
}

} // namespace symphony::transport
