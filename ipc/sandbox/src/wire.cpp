// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace symphony::sandbox::wire {

static_assert(std::is_trivially_copyable_v<Launch> && std::is_trivially_copyable_v<Hello> && std::is_trivially_copyable_v<Ready> &&
              std::is_trivially_copyable_v<Failed> && std::is_trivially_copyable_v<Died> && std::is_trivially_copyable_v<Step>);

bool send(int socket, const void* message, std::size_t size, const int* fds, std::size_t fd_count) noexcept {
    iovec part{const_cast<void*>(message), size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * fds_max)] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (fd_count > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        std::memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
    }
    for (;;) {
        const ssize_t n = ::sendmsg(socket, &header, MSG_NOSIGNAL);
        if (n >= 0) return static_cast<std::size_t>(n) == size;
        if (errno != EINTR) return false;
    }
}

Kind Received::kind() const noexcept {
    if (size < sizeof(Head)) return Kind{};
    Head head;
    std::memcpy(&head, bytes.data(), sizeof head);
    return head.size == size ? head.kind : Kind{};
}

Got receive(int socket, Received& into, int flags) noexcept {
    for (Fd& fd : into.fds) fd.reset();
    into.size = 0;
    into.fd_count = 0;
    iovec part{into.bytes.data(), into.bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * fds_max)] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    ssize_t n = 0;
    do {
        n = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Got::nothing;
    if (n <= 0) return Got::end;
    into.size = static_cast<std::size_t>(n);
    for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr; rights = CMSG_NXTHDR(&header, rights)) {
        if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
            if (into.fd_count < fds_max) into.fds[into.fd_count++].reset(fd);
            else ::close(fd);
        }
    }
    return Got::message;
}

} // namespace symphony::sandbox::wire
