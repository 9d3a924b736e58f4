// SPDX-License-Identifier: Apache-2.0
#include "tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace symphony::brokers {
namespace {

int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    const Io io = transmit(fd_of(bio), {reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(std::max(size, 0))});
    if (io.what == Io::wants_write) BIO_set_retry_write(bio);
    return io.what == Io::moved ? static_cast<int>(io.bytes) : -1;
}
int bio_read(BIO* bio, char* to, int size) {
    BIO_clear_retry_flags(bio);
    const Io io = receive(fd_of(bio), {reinterpret_cast<std::uint8_t*>(to), static_cast<std::size_t>(std::max(size, 0))});
    if (io.what == Io::wants_read) BIO_set_retry_read(bio);
    if (io.what == Io::end) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return io.what == Io::moved ? static_cast<int>(io.bytes) : io.what == Io::end ? 0 : -1;
}
long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

std::string last_error() {
    char text[160] = "unknown error";
    if (const unsigned long code = ERR_peek_last_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
    return text;
}

Error tls_failed(const manifests::HostName& host, const std::string& what, const char* hint = "see whether host and port are right, and tell who runs the server") {
    return Error(Code::io, "tls-failed", "host \"" + host.text() + "\": " + what, hint);
}

/// What would mend it depends on why the certificate is not accepted (X509_V_ERR_*).
const char* remedy(long why) {
    switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return "tell who runs the server, and see whether this machine's clock is right";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "use the name that the certificate is for, or tell who runs the server";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "if an authority of your own signed it, name the file with its certificate: SSL_CERT_FILE=FILE in the environment, or update-ca-certificates for all programs";
    default: return "tell who runs the server";
    }
}

Error not_shaken(const manifests::HostName& host) {
    const unsigned long code = ERR_peek_last_error();
    if (code == 0) return tls_failed(host, "no TLS handshake: the server closed the connection");
    if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) return tls_failed(host, "no TLS handshake: the server does not speak TLS there");
    return tls_failed(host, "no TLS handshake: " + last_error());
}

/// The machine's certificates, or those that OpenSSL's variables name. Of a file that cannot be read OpenSSL itself says nothing, and trusts less.
Status trust_system(SSL_CTX* context) {
    const char* variable = X509_get_default_cert_file_env();
    const char* named = ::secure_getenv(variable);
    if (named == nullptr || *named == '\0') {
        if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
        return Error(Code::io, "tls-failed", "cannot read the trusted certificates: " + last_error(), "install the package ca-certificates");
    }
    if (SSL_CTX_load_verify_file(context, named) == 1 && SSL_CTX_set_default_verify_dir(context) == 1) return {};
    return Error(Code::io, "tls-failed", "cannot read trusted certificates in " + std::string(named) + ", which " + variable + " names: " + last_error(),
                 "name a file of certificates in PEM, or unset " + std::string(variable));
}

} // namespace

Io receive(int fd, std::span<std::uint8_t> to) noexcept {
    for (;;) {
        const ssize_t n = ::recv(fd, to.data(), to.size(), 0);
        if (n > 0) return {Io::moved, static_cast<std::size_t>(n)};
        if (n == 0) return {Io::end, 0};
        if (errno == EAGAIN) return {Io::wants_read, 0};
        if (errno != EINTR) return {Io::failed, 0};
    }
}

Io transmit(int fd, Bytes from) noexcept {
    for (;;) {
        const ssize_t n = ::send(fd, from.data(), from.size(), MSG_NOSIGNAL);
        if (n >= 0) return {Io::moved, static_cast<std::size_t>(n)};
        if (errno == EAGAIN || errno == ENOBUFS) return {Io::wants_write, 0};
        if (errno != EINTR) return {Io::failed, 0};
    }
}

bool wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) noexcept {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        if (left <= 0) return false;
        pollfd item{fd, events, 0};
        const int ready = ::poll(&item, 1, static_cast<int>(std::min<long long>(left, 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

Result<std::shared_ptr<TlsContext>> TlsContext::make(const std::filesystem::path& ca_file) {
    ERR_clear_error();
    BIO_METHOD* socket = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "symphony socket");
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    std::shared_ptr<TlsContext> made(new TlsContext(context, socket));
    if (context == nullptr || socket == nullptr) return Error(Code::io, "tls-failed", "cannot set up TLS: " + last_error());
    BIO_meth_set_write(socket, &bio_write);
    BIO_meth_set_read(socket, &bio_read);
    BIO_meth_set_ctrl(socket, &bio_control);
    if (ca_file.empty()) {
        SYMPHONY_TRY(trust_system(context));
    } else if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
        return Error(Code::io, "tls-failed", "cannot read the trusted certificates in " + ca_file.string() + ": " + last_error());
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return made;
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
    BIO_meth_free(socket_);
}

Result<std::unique_ptr<TlsSession>> TlsContext::connect(int fd, const manifests::HostName& host, std::chrono::steady_clock::time_point deadline) const {
    ERR_clear_error();
    const std::shared_ptr<SSL> ssl(SSL_new(context_), &SSL_free);
    BIO* bio = ssl == nullptr ? nullptr : BIO_new(socket_);
    if (bio == nullptr) return tls_failed(host, "no memory for a TLS session");
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool named = false;
    if (host.address()) {
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.text().c_str()) == 1;
    } else {
        std::string name = host.text(); // SSL_set_tlsext_host_name is a macro with a C cast
        named = SSL_set1_host(ssl.get(), name.c_str()) == 1 &&
                SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
    }
    if (!named) return tls_failed(host, "TLS cannot check this name: " + last_error());
    for (;;) {
        ERR_clear_error();
        const int result = SSL_connect(ssl.get());
        if (result == 1) break;
        const int why = SSL_get_error(ssl.get(), result);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
            if (wait_for(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) continue;
            return Error(Code::deadline, "tls-slow", "host \"" + host.text() + "\": no TLS handshake in time");
        }
        if (const long verified = SSL_get_verify_result(ssl.get()); verified != X509_V_OK) {
            return tls_failed(host, std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verified), remedy(verified));
        }
        return not_shaken(host);
    }
    return std::make_unique<TlsSession>(ssl);
}

Io TlsSession::sorted(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {Io::wants_read, 0};
    case SSL_ERROR_WANT_WRITE: return {Io::wants_write, 0};
    case SSL_ERROR_ZERO_RETURN: return {Io::end, 0};
    default: return {Io::failed, 0};
    }
}

Io TlsSession::receive(std::span<std::uint8_t> to) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(ssl_.get(), to.data(), to.size(), &bytes);
    return result == 1 ? Io{Io::moved, bytes} : sorted(result);
}

Io TlsSession::transmit(Bytes from) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_write_ex(ssl_.get(), from.data(), from.size(), &bytes);
    return result == 1 ? Io{Io::moved, bytes} : sorted(result);
}

Io TlsSession::finish() {
    ERR_clear_error();
    const int result = SSL_shutdown(ssl_.get());
    return result >= 0 ? Io{Io::moved, 0} : sorted(result);
}

} // namespace symphony::brokers
