// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace symphony::permissions {
namespace {

using clock = std::chrono::steady_clock;

// SQLite writes a transaction's pages to its log first and tells of them through shared memory, which nobody is woken by:
// after an event the file is asked a few times more.
constexpr std::chrono::milliseconds linger{150};
constexpr int linger_every_ms = 10;
constexpr int without_inotify_every_ms = 50;

} // namespace

Watch::Watch(const std::filesystem::path& folder, std::string prefix, std::function<std::int64_t()> look)
    : prefix_(std::move(prefix)), look_(std::move(look)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!folder.empty()) {
        changes_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (changes_ >= 0 && ::inotify_add_watch(changes_, folder.c_str(), IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO) < 0) {
            ::close(changes_);
            changes_ = -1;
        }
    }
    thread_ = std::jthread([this, watched = !folder.empty()](std::stop_token stop) { run(stop, watched); });
}

Watch::~Watch() {
    thread_.request_stop();
    wake();
    thread_ = {};
    if (changes_ >= 0) ::close(changes_);
    if (wake_ >= 0) ::close(wake_);
}

void Watch::wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto count = ::write(wake_, &one, sizeof one);
}

/// @return Whether a file that we watch was among them.
bool Watch::read_events() {
    bool ours = false;
    alignas(inotify_event) char bytes[4096];
    for (;;) {
        const auto count = ::read(changes_, bytes, sizeof bytes);
        if (count <= 0) return ours;
        for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
            inotify_event event{};
            std::memcpy(&event, bytes + at, sizeof event);
            const char* name = bytes + at + sizeof event;
            if (event.len > 0 && std::string_view(name, ::strnlen(name, event.len)).starts_with(prefix_)) ours = true;
            if ((event.mask & IN_Q_OVERFLOW) != 0) ours = true;
            at += sizeof event + event.len;
        }
    }
}

void Watch::run(const std::stop_token& stop, bool watched) {
    auto lively_until = clock::now();
    while (!stop.stop_requested()) {
        std::int64_t wait = look_();
        if (clock::now() < lively_until) wait = wait < 0 ? linger_every_ms : std::min<std::int64_t>(wait, linger_every_ms);
        if (watched && changes_ < 0) wait = wait < 0 ? without_inotify_every_ms : std::min<std::int64_t>(wait, without_inotify_every_ms);
        wait = std::min<std::int64_t>(wait, 3'600'000);
        pollfd events[2]{{wake_, POLLIN, 0}, {changes_, POLLIN, 0}};
        if (::poll(events, changes_ >= 0 ? 2 : 1, static_cast<int>(wait)) <= 0) continue;
        if ((events[0].revents & POLLIN) != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const auto size = ::read(wake_, &count, sizeof count);
        }
        if (changes_ >= 0 && (events[1].revents & POLLIN) != 0 && read_events()) lively_until = clock::now() + linger;
    }
}

} // namespace symphony::permissions
