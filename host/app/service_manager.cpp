// SPDX-License-Identifier: Apache-2.0
#include "service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace symphony::app {
namespace {

std::string take(const char* name) {
    const char* value = std::getenv(name);
    std::string text = value == nullptr ? "" : value;
    ::unsetenv(name);
    return text;
}

std::uint64_t number(const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    return fault == std::errc() && end == text.data() + text.size() ? value : 0;
}

bool allowed(std::string_view line) {
    return line == "READY=1" || line == "STOPPING=1" || line == "WATCHDOG=1" || line.starts_with("STATUS=");
}

} // namespace

ServiceManager::ServiceManager() : socket_(take("NOTIFY_SOCKET")) {
    const std::uint64_t watchdog_us = number(take("WATCHDOG_USEC"));
    const std::string pid = take("WATCHDOG_PID");
    if (socket_.empty() || (!pid.empty() && number(pid) != static_cast<std::uint64_t>(::getpid()))) return;
    constexpr std::uint64_t most = 0xFFFFFFFFu;
    watchdog_ms_ = static_cast<std::uint32_t>(std::min(watchdog_us / 1000, most));
}

void ServiceManager::tell(std::string_view notice) const noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.size() < 2 || socket_.size() > sizeof address.sun_path - 1 || !allowed(notice.substr(0, notice.find('\n')))) return;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0'; // an abstract one
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto line = notice.substr(0, notice.find('\n'));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    static_cast<void>(::sendto(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&address), size));
    ::close(fd);
}

} // namespace symphony::app
