// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <future>

using namespace symphony;
using namespace symphony::brokers;
using namespace symphony::brokers::test;

namespace {

/// A certificate that signs itself, valid for `names` ("DNS:api.example.com,IP:127.0.0.1"), and the server that shows it.
class TlsServer {
public:
    explicit TlsServer(const char* names, bool answers = true, bool expired = false) {
        key_ = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
        certificate_ = X509_new();
        X509_set_version(certificate_, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate_), -7200);
        X509_gmtime_adj(X509_getm_notAfter(certificate_), expired ? -3600 : 3600);
        X509_set_pubkey(certificate_, key_);
        X509_NAME* subject = X509_get_subject_name(certificate_);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
        X509_set_issuer_name(certificate_, subject);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
        X509_add_ext(certificate_, extension, -1);
        X509_EXTENSION_free(extension);
        X509_sign(certificate_, key_, EVP_sha256());
        context_ = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(context_, certificate_);
        SSL_CTX_use_PrivateKey(context_, key_);
        std::string name = (std::filesystem::temp_directory_path() / "symphony-ca-XXXXXX").string();
        const Socket file(::mkstemp(name.data()));
        ca_file = name;
        std::FILE* out = std::fopen(name.c_str(), "w");
        PEM_write_X509(out, certificate_);
        std::fclose(out);
        server_ = std::make_unique<Server>([this, answers](int fd) {
            if (!answers) {
                read_all(fd);
                return;
            }
            SSL* ssl = SSL_new(context_);
            SSL_set_fd(ssl, fd);
            if (SSL_accept(ssl) == 1) {
                const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
                {
                    const std::lock_guard lock(mutex_);
                    server_name = asked == nullptr ? "" : asked;
                }
                std::string text;
                char part[16384];
                for (int n = 0; (n = SSL_read(ssl, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
                text += "|done";
                for (std::size_t at = 0; at < text.size();) {
                    const int n = SSL_write(ssl, text.data() + at, static_cast<int>(std::min<std::size_t>(text.size() - at, 100'000)));
                    if (n <= 0) break;
                    at += static_cast<std::size_t>(n);
                }
                SSL_shutdown(ssl);
            }
            SSL_free(ssl);
            ERR_clear_error();
        });
        port = server_->port;
    }
    ~TlsServer() {
        server_.reset();
        std::filesystem::remove(ca_file);
        SSL_CTX_free(context_);
        X509_free(certificate_);
        EVP_PKEY_free(key_);
    }
    std::filesystem::path ca_file;
    std::uint16_t port = 0;
    std::string server_name;
    std::string asked() {
        const std::lock_guard lock(mutex_);
        return server_name;
    }

private:
    EVP_PKEY* key_ = nullptr;
    X509* certificate_ = nullptr;
    SSL_CTX* context_ = nullptr;
    std::mutex mutex_;
    std::unique_ptr<Server> server_;
};

} // namespace

TEST(Tls, IsSpokenByTheHostForThePlugin) {
    TlsServer server("DNS:api.example.com");
    Rig rig(server.ca_file);
    rig.grant_all();
    rig.resolver->names["api.example.com"] = {"127.0.0.1"};
    const Socket stream = rig.connect("Api.Example.com", server.port, SYMPHONY_NET_TLS);
    const std::string sent(2'000'000, 'p');
    std::thread writer([&] {
        EXPECT_TRUE(send_all(stream.fd, sent));
        ::shutdown(stream.fd, SHUT_WR);
    });
    EXPECT_TRUE(read_all(stream.fd) == sent + "|done");
    writer.join();
    EXPECT_EQ(server.asked(), "api.example.com");
    const StreamEnd end = rig.next_end();
    EXPECT_EQ(end.reason, "finished");
    EXPECT_EQ(end.bytes_sent, sent.size());
}

TEST(Tls, RefusesACertificateThatIsNotTheHosts) {
    const auto refusal = [](TlsServer& server, std::string_view host, bool trusted = true) {
        Rig rig(trusted ? server.ca_file : std::filesystem::path());
        rig.grant_all();
        rig.resolver->names["api.example.com"] = rig.resolver->names["deep.api.example.com"] = {"127.0.0.1"};
        return rig.refusal(host, server.port, SYMPHONY_NET_TLS);
    };
    TlsServer good("DNS:api.example.com,IP:127.0.0.1");
    EXPECT_EQ(refusal(good, "api.example.com"), "");
    EXPECT_EQ(refusal(good, "127.0.0.1"), "");
    EXPECT_EQ(refusal(good, "127.0.0.2"), "[cannot-connect]");
    EXPECT_EQ(refusal(good, "deep.api.example.com"), "[tls-failed]");
    EXPECT_EQ(refusal(good, "api.example.com", false), "[tls-failed]") << "signed by nobody that the system trusts";
    TlsServer other("DNS:example.org");
    EXPECT_EQ(refusal(other, "api.example.com"), "[tls-failed]");
    EXPECT_EQ(refusal(other, "127.0.0.1"), "[tls-failed]");
    TlsServer wild("DNS:*.example.com");
    EXPECT_EQ(refusal(wild, "api.example.com"), "");
    EXPECT_EQ(refusal(wild, "deep.api.example.com"), "[tls-failed]");
    TlsServer old("DNS:api.example.com", true, true);
    EXPECT_EQ(refusal(old, "api.example.com"), "[tls-failed]");
}

TEST(Tls, GivesUpOnAServerThatDoesNotSpeakIt) {
    Server plain([](int fd) { send_all(fd, "220 hello\r\n"); read_all(fd); });
    TlsServer silent("DNS:a.test", false);
    Rig rig(silent.ca_file);
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    EXPECT_EQ(rig.refusal("a.test", plain.port, SYMPHONY_NET_TLS), "[tls-failed]");
    const auto fd = rig.broker->connect(rig.client, "a.test", silent.port, SYMPHONY_NET_TLS, std::chrono::steady_clock::now() + 50ms);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code(), Code::deadline);
    Rig broken("/nowhere/ca.pem");
    broken.grant_all();
    broken.resolver->names["a.test"] = {"127.0.0.1"};
    EXPECT_EQ(broken.refusal("a.test", silent.port, SYMPHONY_NET_TLS), "[tls-failed]");
}

TEST(Tls, EndsWithTheRight) {
    TlsServer server("DNS:a.test");
    Rig rig(server.ca_file);
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket stream = rig.connect("a.test", server.port, SYMPHONY_NET_TLS);
    EXPECT_TRUE(send_all(stream.fd, "hello"));
    EXPECT_EQ(rig.broker->revoke(*rig.client), 1U);
    EXPECT_EQ(read_all(stream.fd), "");
    EXPECT_EQ(rig.next_end().reason, "revoked");
}
