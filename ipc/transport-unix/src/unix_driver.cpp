// SPDX-License-Identifier: Apache-2.0
#include "unix_driver.hpp"

#include <symphony/transport/stream_carrier.hpp>

#include <symphony/transport/unix_socket.hpp>

#include <sys/socket.h>

namespace symphony::transport {
namespace {

Dialed dialed(UnixPeer peer, std::uint64_t buffer_bytes) {
    const int size = static_cast<int>(std::min<std::uint64_t>(buffer_bytes, 1 << 30));
    // The system may give less; that is slower and not wrong.
    ::setsockopt(peer.socket.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ::setsockopt(peer.socket.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return {std::make_unique<StreamCarrier>(std::move(peer.socket)), peer.peer};
}

class UnixAcceptor final : public Acceptor {
public:
    UnixAcceptor(UnixListener listener, std::uint64_t buffer_bytes) : listener_(std::move(listener)), buffer_bytes_(buffer_bytes) {}
    int descriptor() const noexcept override { return listener_.descriptor(); }
    Result<std::optional<Dialed>> accept() override {
        auto came = SYMPHONY_TRY(listener_.accept());
        if (!came) return std::optional<Dialed>();
        return std::optional<Dialed>(dialed(std::move(*came), buffer_bytes_));
    }

private:
    UnixListener listener_;
    const std::uint64_t buffer_bytes_;
};

} // namespace

Status UnixDriver::check(const ports::Address& address) const {
    SYMPHONY_TRY(check_options(address, {}));
    return check_socket_path(address);
}

Result<Dialed> UnixDriver::dial(const ports::Address& address) {
    auto peer = SYMPHONY_TRY(dial_unix(address, SOCK_STREAM));
    return dialed(std::move(peer), socket_buffer_bytes_);
}

Result<std::unique_ptr<Acceptor>> UnixDriver::listen(const ports::Address& address) {
    auto listener = SYMPHONY_TRY(UnixListener::listen(address, SOCK_STREAM));
    return std::unique_ptr<Acceptor>(std::make_unique<UnixAcceptor>(std::move(listener), socket_buffer_bytes_));
}

} // namespace symphony::transport
