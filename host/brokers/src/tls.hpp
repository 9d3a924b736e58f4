// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/manifests/host_name.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;
using BIO_METHOD = struct bio_method_st;

namespace symphony::brokers {

/// One attempt to move bytes through a socket that does not block.
struct Io {
    enum What : unsigned char { moved, wants_read, wants_write, end, failed } what = failed;
    std::size_t bytes = 0;
};

/// recv and send with the errors sorted; a signal never interrupts, a broken pipe never signals.
Io receive(int fd, std::span<std::uint8_t> to) noexcept;
Io transmit(int fd, Bytes from) noexcept;
/// Waits until `fd` can be read or written. @return Whether it can, in time.
bool wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) noexcept;

class TlsSession;

/// What all TLS sessions share: versions, and whom to trust. [any]
class TlsContext {
public:
    /// @param ca_file  Empty: the certificates of the system, or those that SSL_CERT_FILE and SSL_CERT_DIR name, as for most programs.
    /// @return `io` with reason "tls-failed" when they cannot be read.
    static Result<std::shared_ptr<TlsContext>> make(const std::filesystem::path& ca_file);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    /// Shakes hands on a connected socket that does not block; the server's certificate must be valid for `host`.
    /// @return `io` with reason "tls-failed", or `deadline`.
    Result<std::unique_ptr<TlsSession>> connect(int fd, const manifests::HostName& host, std::chrono::steady_clock::time_point deadline) const;

private:
    TlsContext(SSL_CTX* context, BIO_METHOD* socket) : context_(context), socket_(socket) {}
    SSL_CTX* context_;
    BIO_METHOD* socket_; // like OpenSSL's own, without SIGPIPE
};

/// A session on a socket that somebody else owns. Used by one thread at a time.
class TlsSession {
public:
    TlsSession(std::shared_ptr<SSL> ssl) : ssl_(std::move(ssl)) {}
    Io receive(std::span<std::uint8_t> to);
    Io transmit(Bytes from);
    /// Tells the peer that nothing follows. `moved` when it is told.
    Io finish();

private:
    Io sorted(int result);
    std::shared_ptr<SSL> ssl_;
};

} // namespace symphony::brokers
