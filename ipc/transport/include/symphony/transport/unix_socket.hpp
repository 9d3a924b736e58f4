// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>

namespace symphony::transport {

/// A connected socket, and who is at its other end as the system says.
struct UnixPeer {
    Fd socket;
    ports::Peer peer;
};

/// What is wrong with a socket file's path: `bad-address`.
Status check_socket_path(const ports::Address& address);
/// Connects to a socket file without waiting. @param type  SOCK_STREAM or SOCK_SEQPACKET
/// @return `no-listener`, `backlog-full`, `other-user`, `io`
Result<UnixPeer> dial_unix(const ports::Address& address, int type);

/// A socket file of our own: 0600, in a folder in which nobody else may write. A file beside it, locked as long as we listen, tells the
/// living from the dead, so that two who start at once do not take each other's place.
class UnixListener {
public:
    /// Makes the folder, 0700, if it is not there. @return `address-in-use`, `open-folder`, `bad-address`, `io`
    static Result<UnixListener> listen(const ports::Address& address, int type);
    UnixListener(UnixListener&&) noexcept = default;
    UnixListener& operator=(UnixListener&&) = delete;
    /// Removes both files.
    ~UnixListener();
    int descriptor() const noexcept { return socket_.get(); }
    /// @return Nothing when nobody comes; `not_granted` for another user; `exhausted` when no descriptor is left.
    Result<std::optional<UnixPeer>> accept();

private:
    UnixListener(std::string path, Fd lock, Fd socket) : path_(std::move(path)), lock_(std::move(lock)), socket_(std::move(socket)) {}
    std::string path_;
    Fd lock_, socket_;
};

} // namespace symphony::transport
