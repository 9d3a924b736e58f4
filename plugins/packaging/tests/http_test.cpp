// SPDX-License-Identifier: Apache-2.0
#include "http.hpp"

#include <symphony/packaging/fetch.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace symphony::packaging {
namespace {

using ::testing::HasSubstr;

/// Reads the text in pieces of that size.
Result<HttpAnswer> answer(std::string_view text, std::size_t piece, std::string* behind = nullptr, std::uint64_t bytes_max = 1000) {
    std::string buffer;
    auto read = read_http(buffer, [&](std::string& to) -> Status {
        to += text.substr(0, piece);
        text.remove_prefix(std::min(piece, text.size()));
        return {};
    }, bytes_max);
    if (behind != nullptr) *behind = buffer + std::string(text);
    return read;
}

TEST(Http, ReadsAnswersHoweverTheyArrive) {
    const std::pair<const char*, bool> texts[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length:5\r\n\r\nhello", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\n\r\nhello", false},
        {"HTTP/1.1 200 OK\r\n\r\nhello", false},
    };
    for (const auto& [text, keeps] : texts) {
        for (const std::size_t piece : {1u, 2u, 7u, 1000u}) {
            SCOPED_TRACE(std::string(text) + " by " + std::to_string(piece));
            const auto read = answer(text, piece);
            ASSERT_TRUE(read) << read.error().message();
            EXPECT_EQ(read->status, 200);
            EXPECT_EQ(read->body, "hello");
            EXPECT_EQ(read->keeps, keeps);
        }
    }
}

TEST(Http, LeavesTheNextAnswerWhereItIs) {
    std::string behind;
    ASSERT_TRUE(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404", 1000, &behind));
    EXPECT_EQ(behind, "HTTP/1.1 404");
}

TEST(Http, RefusesWhatIsNotClear) {
    for (const auto* text : {"SSH-2.0-x\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                             "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nhello",
                             "HTTP/1.1 200 OK\r\nNo colon\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nX: y\r\n folded: z\r\n\r\nhello",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n"}) {
        SCOPED_TRACE(text);
        const auto read = answer(text, 1000);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().reason(), "bad-http");
    }
}

TEST(Http, IsBoundedAndSeesAnEnd) {
    const auto reason = [](std::string_view text, std::uint64_t bytes_max = 4) { return std::string(answer(text, 1000, nullptr, bytes_max).error().reason()); };
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "too-large");
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "too-large");
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"), "too-large");
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\n\r\nhello"), "too-large");
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 100), "stream-cut");
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\nContent-Le"), "stream-cut");
    EXPECT_EQ(reason(""), "stream-cut");
    EXPECT_EQ(reason("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')), "stream-cut");
    EXPECT_EQ(std::string(answer("HTTP/1.1 200 OK\r\nX: " + std::string(80'000, 'x'), 1000).error().reason()), "bad-http");
}

TEST(WebAddress, IsReadStrictly) {
    const auto shown = [](std::string_view text) {
        const auto address = WebAddress::parse(text);
        return address ? address->text() + " " + address->host + " " + std::to_string(address->port) : std::string(address.error().reason());
    };
    EXPECT_EQ(shown("https://registry.example.com/plugins/"), "https://registry.example.com/plugins registry.example.com 443");
    EXPECT_EQ(shown("http://localhost:8080"), "http://localhost:8080 localhost 8080");
    EXPECT_EQ(shown("http://[::1]:8080/a"), "http://[::1]:8080/a ::1 8080");
    for (const auto* text : {"", "ftp://x", "https://", "https:///a", "https://user@host/", "https://host/a?b", "https://host/#a", "https://host:0/", "https://host:70000/",
                             "https://host:/", "https://ho st/", "https://host/../a", "http://[::1", "https://host/a\r\nX: y", "https://höst/"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(shown(text), "bad-address");
    }
}

/// A web server that answers each request with the next text and keeps the connection while the texts say so.
class Server {
public:
    explicit Server(std::vector<std::string> answers) : answers_(std::move(answers)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        ::shutdown(listener_, SHUT_RDWR);
        ::close(listener_);
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    int connections() const { return connections_; }
    Connect connect() const {
        return [this](const std::string&, std::uint16_t port, bool) -> Result<Stream> {
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            address.sin_port = htons(port);
            Stream stream(::socket(AF_INET, SOCK_STREAM, 0));
            if (::connect(stream.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Error(Code::io, "cannot-connect", "cannot connect");
            return stream;
        };
    }

private:
    void serve() {
        std::size_t next = 0;
        while (next < answers_.size()) {
            const Stream stream(::accept(listener_, nullptr, nullptr));
            if (stream.fd() < 0) return;
            ++connections_;
            std::string request;
            while (next < answers_.size()) {
                std::uint8_t piece[4096];
                const auto count = stream.read(piece);
                if (!count || *count == 0) break;
                request.append(reinterpret_cast<const char*>(piece), *count);
                if (request.find("\r\n\r\n") == std::string::npos) continue;
                request.clear();
                const auto& text = answers_[next++];
                if (text.empty()) break; // ends a connection that it kept
                if (!stream.write(text) || text.find("close") != std::string::npos) break;
            }
        }
    }

    std::vector<std::string> answers_;
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::thread thread_;
};

TEST(HttpFetch, GetsFilesOverOneConnection) {
    Server server({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo",
                   "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                   "HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"});
    HttpFetch fetch(*WebAddress::parse("http://127.0.0.1:" + std::to_string(server.port()) + "/registry"), server.connect());
    EXPECT_FALSE(fetch.is_local());
    EXPECT_EQ(*fetch.get("a", 100), "one");
    EXPECT_EQ(*fetch.get("b", 100), "two");
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(*fetch.get("c", 100), "three") << "the server ended the kept connection, so a new one was made";
    EXPECT_EQ(server.connections(), 2);
    EXPECT_EQ(fetch.get("d", 100).error().code(), Code::not_found);
    const auto moved = fetch.get("e", 100);
    EXPECT_EQ(moved.error().reason(), "redirected");
    EXPECT_THAT(moved.error().message(), HasSubstr("https://elsewhere.example"));
    const auto busy = fetch.get("f", 100);
    EXPECT_EQ(busy.error().reason(), "http-status");
    EXPECT_TRUE(busy.error().retryable());
}

} // namespace
} // namespace symphony::packaging
