// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/net.h>
#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace symphony {

/// A connected stream, relayed by the host. Movable; closes itself. Blocks like a socket.
class Stream {
public:
    explicit Stream(int fd) noexcept : fd_(fd) {}
    Stream(Stream&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Stream& operator=(Stream&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Stream() {
        if (fd_ >= 0) ::close(fd_);
    }

    int fd() const noexcept { return fd_; }
    /// Gives the descriptor away.
    int release() noexcept { return std::exchange(fd_, -1); }

    /// What has come, at least one byte. @return How many; 0 = the peer has finished. `peer_died` when the stream was cut.
    Result<std::size_t> read(std::span<std::uint8_t> to) const {
        for (;;) {
            const ssize_t n = ::read(fd_, to.data(), to.size());
            if (n >= 0) return static_cast<std::size_t>(n);
            if (errno != EINTR) return failed("read");
        }
    }
    /// All of it.
    Status write(Bytes from) const {
        while (!from.empty()) {
            const ssize_t n = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return failed("write");
            from = from.subspan(static_cast<std::size_t>(n));
        }
        return {};
    }
    Status write(std::string_view text) const { return write(bytes_of(text)); }
    /// The peer sees the end; reading goes on.
    Status finish_writing() const {
        if (::shutdown(fd_, SHUT_WR) != 0) return failed("finish");
        return {};
    }

private:
    static Error failed(const char* what) {
        const int number = errno;
        const bool cut = number == ECONNRESET || number == EPIPE;
        return {cut ? Code::peer_died : Code::io, cut ? "stream-cut" : "io", std::string("cannot ") + what + " the stream: " + std::strerror(number),
                cut ? "the host's log says who ended it" : ""};
    }
    int fd_ = -1;
};

/// Streams to granted hosts. [any, may block]
class Net {
public:
    Net(const symphony_host_net* service, void* ctx) noexcept : service_(service), ctx_(ctx) {}

    static constexpr std::uint32_t tls = SYMPHONY_NET_TLS;          ///< the host speaks TLS; bytes here are plain
    static constexpr std::uint32_t own_tls = SYMPHONY_NET_OWN_TLS;  ///< the plugin does, and the host checks the name

    /// @param deadline_ns  On the host's clock: Host::deadline_in(); 0 = the host's own limit.
    /// @return As in services/net.h.
    Result<Stream> connect(std::string_view host, std::uint16_t port, std::uint32_t flags = 0, std::uint64_t deadline_ns = 0) const {
        if (!callable(service_, &symphony_host_net::connect)) return Error(Code::unsupported, "host-too-old", "this host's net service has no connect");
        std::int32_t fd = -1;
        symphony_error error{};
        error.struct_size = sizeof error;
        const auto status = service_->connect(ctx_, to_c(host), port, flags, deadline_ns, &fd, &error);
        if (status < 0) return from_c(error, status);
        return Stream(fd);
    }

private:
    const symphony_host_net* service_;
    void* ctx_;
};

} // namespace symphony
