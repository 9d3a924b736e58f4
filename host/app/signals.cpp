// SPDX-License-Identifier: Apache-2.0
#include "signals.hpp"

#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace symphony::app {

Signals::Signals(std::chrono::milliseconds patience) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    end_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this, patience] { watch(patience); });
}

Signals::~Signals() {
    const std::uint64_t one = 1;
    if (::write(end_, &one, sizeof one) == sizeof one) thread_.join();
    else thread_.detach();
    ::close(signals_);
    ::close(end_);
}

void Signals::on_stop(std::function<std::chrono::milliseconds()> stop) {
    const std::lock_guard lock(mutex_);
    stop_ = std::move(stop);
    if (received_ != 0) stop_(); // it came while there was nothing to stop
}

void Signals::disarm() {
    const std::lock_guard lock(mutex_);
    stop_ = nullptr;
}

void Signals::watch(std::chrono::milliseconds patience) {
    using clock = std::chrono::steady_clock;
    auto deadline = clock::time_point::max();
    while (true) {
        pollfd events[2]{{signals_, POLLIN, 0}, {end_, POLLIN, 0}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now()).count();
        const int timeout = received_ == 0 ? -1 : left > 0 ? static_cast<int>(left) : 0;
        if (::poll(events, 2, timeout) == 0) ::_exit(128 + received_);
        if ((events[1].revents & POLLIN) != 0) return;
        signalfd_siginfo info{};
        if (::read(signals_, &info, sizeof info) != sizeof info) continue;
        if (received_ != 0) ::_exit(128 + static_cast<int>(info.ssi_signo));
        received_ = static_cast<int>(info.ssi_signo);
        deadline = clock::now() + patience;
        const std::lock_guard lock(mutex_);
        if (stop_) deadline += stop_();
    }
}

} // namespace symphony::app
