// SPDX-License-Identifier: Apache-2.0
#include <symphony/sandbox/violations.hpp>

#include "policy.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

namespace symphony::sandbox {

std::string Violation::text() const {
    std::string text = name + "(";
    for (std::size_t i = 0; i < args.size(); ++i) {
        char word[24];
        std::snprintf(word, sizeof word, args[i] < 4096 ? "%llu" : "0x%llx", static_cast<unsigned long long>(args[i]));
        text += (i == 0 ? "" : ", ") + std::string(word);
    }
    return text + ")";
}

Violations::Violations(Violations&& other) noexcept : fd_(std::exchange(other.fd_, -1)), forgeable_(other.forgeable_) {}
Violations& Violations::operator=(Violations&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(forgeable_, other.forgeable_);
    return *this;
}
Violations::~Violations() {
    if (fd_ >= 0) ::close(fd_);
}

Result<std::optional<Violation>> Violations::next() {
    const auto gone = [] { return Error(Code::not_found, "the plugin's process is gone"); };
    pollfd wait{fd_, POLLIN, 0};
    if (fd_ < 0 || ::poll(&wait, 1, 0) < 0) return gone();
    if ((wait.revents & POLLIN) == 0) {
        if ((wait.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return gone();
        return std::optional<Violation>{};
    }
    Violation violation;
    if (forgeable_) {
        std::array<std::uint64_t, 7> record{};
        const ssize_t n = ::read(fd_, record.data(), sizeof record);
        if (n == 0) return gone();
        if (n != static_cast<ssize_t>(sizeof record)) return std::optional<Violation>{};
        violation.number = static_cast<int>(record[0]);
        std::copy(record.begin() + 1, record.end(), violation.args.begin());
    } else {
        // The kernel of the day may know more than our header, and wants the room for it.
        union {
            seccomp_notif notification;
            std::array<char, 512> room;
        } buffer;
        std::memset(&buffer, 0, sizeof buffer);
        if (::ioctl(fd_, SECCOMP_IOCTL_NOTIF_RECV, &buffer.notification) != 0) {
            // Its thread was killed in between.
            if (errno == ENOENT || errno == EINTR || errno == EAGAIN) return std::optional<Violation>{};
            return gone();
        }
        const seccomp_notif& notification = buffer.notification;
        violation.number = notification.data.nr;
        std::memcpy(violation.args.data(), notification.data.args, sizeof notification.data.args);
        violation.tid = static_cast<pid_t>(notification.pid);
        violation.cookie = notification.id;
    }
    violation.name = policy::name_of(violation.number);
    violation.grave = policy::is_grave(violation.name);
    return std::optional<Violation>(std::move(violation));
}

void Violations::deny(const Violation& violation, int error_number) {
    if (forgeable_) return;
    union {
        seccomp_notif_resp response;
        std::array<char, 256> room;
    } buffer;
    std::memset(&buffer, 0, sizeof buffer);
    buffer.response.id = violation.cookie;
    buffer.response.error = -error_number;
    while (::ioctl(fd_, SECCOMP_IOCTL_NOTIF_SEND, &buffer.response) != 0 && errno == EINTR) {}
}

int Violations::usual_error(const Violation& violation) noexcept { return policy::usual_error(violation.name); }

} // namespace symphony::sandbox
