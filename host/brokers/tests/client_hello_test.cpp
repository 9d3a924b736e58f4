// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <symphony/brokers/client_hello.hpp>

#include <openssl/ssl.h>

using namespace symphony;
using namespace symphony::brokers;
using namespace symphony::brokers::test;

namespace symphony::brokers::test {

std::string client_hello(const std::string& name, bool) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL* ssl = SSL_new(context);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    std::string mutable_name = name;
    if (!name.empty()) SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, mutable_name.data());
    SSL_connect(ssl);
    std::string bytes(static_cast<std::size_t>(BIO_ctrl_pending(out)), '\0');
    BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
    SSL_free(ssl);
    SSL_CTX_free(context);
    return bytes;
}

} // namespace symphony::brokers::test

namespace {

using State = ClientHello::State;

ClientHello read(std::string_view bytes) { return read_client_hello(bytes_of(bytes)); }

/// The same message in records of at most `size` bytes.
std::string in_records_of(std::string_view hello, std::size_t size) {
    std::string out;
    for (std::string_view rest = hello.substr(5); !rest.empty();) {
        const auto part = rest.substr(0, size);
        out += {'\x16', '\x03', '\x01', static_cast<char>(part.size() >> 8), static_cast<char>(part.size() & 0xFF)};
        out += part;
        rest.remove_prefix(part.size());
    }
    return out;
}

/// A hello with these extensions, otherwise the smallest.
std::string hello_with(std::string_view extensions) {
    std::string body = std::string("\x03\x03", 2) + std::string(32, 'r') + std::string("\0\0\x02\x13\x01\x01\0", 7);
    body += {static_cast<char>(extensions.size() >> 8), static_cast<char>(extensions.size() & 0xFF)};
    body += extensions;
    std::string message = {'\x01', '\0', static_cast<char>(body.size() >> 8), static_cast<char>(body.size() & 0xFF)};
    message += body;
    return in_records_of(std::string(5, ' ') + message, 16384);
}
std::string server_name(std::string_view name, char type = 0) {
    const auto n = static_cast<char>(name.size());
    return std::string({'\0', '\0', '\0', static_cast<char>(n + 5), '\0', static_cast<char>(n + 3), type, '\0', n}) + std::string(name);
}

} // namespace

TEST(ClientHello, TellsTheNameOfARealClient) {
    const ClientHello hello = read(client_hello("api.example.com"));
    EXPECT_EQ(hello.state, State::complete);
    EXPECT_EQ(hello.server_name, "api.example.com");
    EXPECT_FALSE(hello.hidden_name);
    EXPECT_EQ(read(client_hello("")).server_name, "");
    EXPECT_EQ(read(client_hello("")).state, State::complete);
}

TEST(ClientHello, IsReadInWhateverPiecesItComes) {
    const std::string hello = client_hello("api.example.com");
    for (const std::size_t size : {1UL, 2UL, 3UL, 4UL, 5UL, 50UL, 16384UL}) {
        SCOPED_TRACE(size);
        const std::string cut = in_records_of(hello, size);
        for (std::size_t prefix = 0; prefix < cut.size(); ++prefix) ASSERT_EQ(read(cut.substr(0, prefix)).state, State::incomplete) << prefix;
        EXPECT_EQ(read(cut).server_name, "api.example.com");
    }
}

TEST(ClientHello, IsNothingElse) {
    const std::string hello = client_hello("api.example.com");
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\n"), std::string("\x80\x2e\x01\x03\x01", 5), std::string("\x16\x02\x01", 3), std::string("\x17\x03\x03\0\x05", 5),
          std::string("\x16\x03\x01\0\0", 5), std::string("\x16\x03\x01\xff\xff", 5), std::string("\x16\x03\x01\0\x04\x02\0\0\0", 9),
          std::string("\x16\x03\x01\0\x04\x01\xff\xff\xff", 9), std::string("SSH-2.0-x"), hello_with(server_name("a.b") + server_name("a.b")),
          hello_with(server_name("a.b", 1)), hello_with(server_name("")), hello_with(std::string("\0\0\0\x09\0\x01", 6)), hello_with("\x01")}) {
        EXPECT_EQ(read(bytes).state, State::not_tls) << testing::PrintToString(bytes.substr(0, 16));
    }
    std::string longer = hello;
    longer[4] = static_cast<char>(longer[4] + 1); // the record holds a byte more than the message
    EXPECT_EQ(read(longer + "x").state, State::not_tls);
    EXPECT_EQ(read(hello + std::string("\x14\x03\x03\0\x01\x01", 6)).server_name, "api.example.com") << "what follows in another record is the server's business";
}

TEST(ClientHello, NeverGrows) {
    std::string endless;
    const std::string record = std::string("\x16\x03\x01\0\x01", 5);
    endless += record + '\x01';
    for (const char byte : {'\0', '\x4f', '\xf0'}) endless += record + byte;
    for (std::size_t i = 0; read(endless).state == State::incomplete; ++i) {
        ASSERT_LT(endless.size(), 2 * client_hello_bytes_max);
        endless += record + 'x';
    }
    EXPECT_EQ(read(endless).state, State::not_tls);
}

TEST(ClientHello, FitsOnlyTheHostItNames) {
    const auto fits = [](const std::string& bytes, std::string_view host, bool address = false) { return hello_fits(read(bytes), host, address); };
    EXPECT_TRUE(fits(hello_with(server_name("API.Example.COM")), "api.example.com"));
    for (const char* other : {"example.com", "api.example.com.", "api.example.comx", "xapi.example.com", "api.example.co"}) {
        EXPECT_FALSE(fits(hello_with(server_name(other)), "api.example.com")) << other;
    }
    EXPECT_FALSE(fits(hello_with(server_name(std::string_view("api.example.com\0", 16))), "api.example.com"));
    EXPECT_FALSE(fits(hello_with(""), "api.example.com"));
    EXPECT_TRUE(fits(hello_with(""), "192.0.2.1", true)) << "an address is no server name";
    EXPECT_FALSE(fits(hello_with(server_name("example.com")), "192.0.2.1", true));
    const std::string encrypted("\xfe\x0d\0\x01x", 5);
    EXPECT_FALSE(fits(hello_with(server_name("api.example.com") + encrypted), "api.example.com")) << "the name that counts is hidden";
}
