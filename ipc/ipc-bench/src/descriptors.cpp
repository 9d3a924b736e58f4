// SPDX-License-Identifier: Apache-2.0
#include "descriptors.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <unistd.h>

namespace symphony::ipc_bench {

NoSigpipe::NoSigpipe() noexcept {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before_);
}

NoSigpipe::~NoSigpipe() {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    const timespec none{};
    if (::sigismember(&before_, SIGPIPE) == 0) {
        while (::sigtimedwait(&pipe, nullptr, &none) > 0) {} // one that a write left pending
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool write_all(int fd, const char* from, std::size_t size) noexcept {
    while (size != 0) {
        const ssize_t wrote = ::write(fd, from, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        from += wrote;
        size -= static_cast<std::size_t>(wrote);
    }
    return true;
}

bool read_all(int fd, char* to, std::size_t size) noexcept {
    while (size != 0) {
        const ssize_t got = ::read(fd, to, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

bool round_trip(int in, int out, std::span<char> scratch, std::size_t size) noexcept {
    const std::uint64_t length = size;
    std::memcpy(scratch.data(), &length, sizeof length);
    return write_all(out, scratch.data(), length_bytes + size) && read_all(in, scratch.data(), length_bytes + size);
}

void echo_until_end(int in, int out, std::span<char> scratch) noexcept {
    std::uint64_t size = 0;
    while (read_all(in, scratch.data(), length_bytes)) {
        std::memcpy(&size, scratch.data(), sizeof size);
        if (size > scratch.size() - length_bytes || !read_all(in, scratch.data() + length_bytes, size)) return;
        if (!write_all(out, scratch.data(), length_bytes + size)) return;
    }
}

} // namespace symphony::ipc_bench
