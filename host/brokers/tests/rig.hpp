// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/net.h>
#include <symphony/brokers/network.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace symphony::brokers::test {

using namespace std::chrono_literals;

/// Closes itself.
struct Socket {
    explicit Socket(int number) : fd(number) {}
    Socket(Socket&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd, other.fd);
        return *this;
    }
    ~Socket() { close(); }
    void close() {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
    int fd;
};

/// @return False when the other side is gone.
inline bool send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

/// Until the end, an error, or so many bytes.
inline std::string read_all(int fd, std::size_t size_max = static_cast<std::size_t>(-1)) {
    std::string out;
    char part[64 * 1024];
    while (out.size() < size_max) {
        const ssize_t n = ::recv(fd, part, std::min(sizeof part, size_max - out.size()), 0);
        if (n <= 0) break;
        out.append(part, static_cast<std::size_t>(n));
    }
    return out;
}

/// Serves each connection on a thread of its own, on a port that was free.
class Server {
public:
    explicit Server(std::function<void(int)> handler, const char* address = "127.0.0.1")
        : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), handler_(std::move(handler)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        ::inet_pton(AF_INET, address, &at.sin_addr);
        socklen_t size = sizeof at;
        EXPECT_EQ(::bind(listener_.fd, reinterpret_cast<sockaddr*>(&at), size), 0);
        EXPECT_EQ(::listen(listener_.fd, 64), 0);
        ::getsockname(listener_.fd, reinterpret_cast<sockaddr*>(&at), &size);
        port = ntohs(at.sin_port);
        acceptor_ = std::thread([this] {
            for (;;) {
                const int fd = ::accept4(listener_.fd, nullptr, nullptr, SOCK_CLOEXEC);
                if (fd < 0) return;
                accepted += 1;
                const std::lock_guard lock(mutex_);
                connections_.emplace_back(fd);
                workers_.emplace_back([this, fd] {
                    // For the servers' own libraries; the broker has to do without.
                    sigset_t pipe;
                    sigemptyset(&pipe);
                    sigaddset(&pipe, SIGPIPE);
                    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
                    handler_(fd);
                    ::shutdown(fd, SHUT_RDWR);
                });
            }
        });
    }
    ~Server() {
        ::shutdown(listener_.fd, SHUT_RDWR);
        acceptor_.join();
        for (const Socket& one : connections_) ::shutdown(one.fd, SHUT_RDWR);
        for (std::thread& worker : workers_) worker.join();
    }
    std::uint16_t port = 0;
    std::atomic<int> accepted{0};

private:
    Socket listener_;
    std::function<void(int)> handler_;
    std::thread acceptor_;
    std::mutex mutex_;
    std::deque<Socket> connections_;
    std::vector<std::thread> workers_;
};

/// Reads to the end, then sends it all back.
inline void echo(int fd) {
    send_all(fd, read_all(fd));
}

/// Names and what they are said to mean.
class FakeResolver final : public Resolver {
public:
    Result<std::vector<IpAddress>> resolve(const HostName& name, std::chrono::steady_clock::time_point) override {
        const std::lock_guard lock(mutex);
        asked.push_back(name.text());
        const auto at = names.find(name.text());
        if (at == names.end()) return Error(Code::not_found, "no-such-host", "host \"" + name.text() + "\": no such name");
        std::vector<IpAddress> out;
        for (const std::string& address : at->second) out.push_back(*IpAddress::parse(address));
        return out;
    }
    std::mutex mutex;
    std::map<std::string, std::vector<std::string>> names;
    std::vector<std::string> asked;
};

/// A broker whose forbidden ranges are the real ones, save 127.0.0.1 to 127.0.0.9, where the tests' servers are; and one plugin.
class Rig {
public:
    explicit Rig(std::filesystem::path ca_file = {}) : client(std::make_shared<NetworkClient>()) {
        auto fake = std::make_unique<FakeResolver>();
        resolver = fake.get();
        NetworkBroker::Options options;
        options.resolver = std::move(fake);
        options.forbidden = [](const IpAddress& address) {
            const bool test = address.is_v4() && address.bytes()[0] == 127 && address.bytes()[1] == 0 && address.bytes()[2] == 0 && address.bytes()[3] < 10;
            return test ? std::string() : std::string(address.special_range());
        };
        options.ca_file = std::move(ca_file);
        broker = std::make_unique<NetworkBroker>(std::move(options));
        client->name = "plugin \"fetch\"";
        client->require = [this](const Right& to) -> Result<std::string> {
            const std::lock_guard lock(mutex);
            required.push_back(to.text());
            if (granted(to)) return std::string("grant:1");
            return Error(Code::not_granted, "not-granted", "no right to " + to.text());
        };
        client->holds = [this](const Right& to, const std::string& rule) {
            EXPECT_EQ(rule, "grant:1");
            const std::lock_guard lock(mutex);
            return granted(to);
        };
        client->names_address = [this](const Right& address) {
            const std::lock_guard lock(mutex);
            return std::any_of(grants.begin(), grants.end(), [&](const Right& one) { return one.host_is_address() && one.covers(address); });
        };
        client->on_end = [this](const StreamEnd& end) {
            const std::lock_guard lock(mutex);
            ends.push_back(end);
            changed.notify_all();
        };
    }
    ~Rig() { broker.reset(); }

    void grant(std::string_view text) {
        auto right = Right::parse(text);
        ASSERT_TRUE(right) << right.error().message();
        const std::lock_guard lock(mutex);
        grants.push_back(*right);
    }
    void grant_all() { grant("network:*"); }
    /// "" or "[reason]".
    std::string refusal(std::string_view host, std::uint32_t port = 80, std::uint32_t flags = 0) {
        const auto fd = broker->connect(client, host, port, flags);
        for (const std::string_view reason : {"cannot-connect", "connect-slow", "forbidden-address", "bad-flags", "bad-port"}) {
            if (!fd && fd.error().reason() == reason) {
                EXPECT_NE(fd.error().hint(), "") << fd.error().message();
            }
        }
        if (!fd) return "[" + std::string(fd.error().reason()) + "]";
        ::close(*fd);
        return "";
    }
    Socket connect(std::string_view host, std::uint32_t port, std::uint32_t flags = 0) {
        const auto fd = broker->connect(client, host, port, flags);
        EXPECT_TRUE(fd) << fd.error().message();
        return Socket(fd ? *fd : -1);
    }
    /// Waits for the next end; tests time out when none comes.
    StreamEnd next_end() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return !ends.empty(); });
        StreamEnd end = ends.front();
        ends.pop_front();
        return end;
    }

    FakeResolver* resolver;
    std::unique_ptr<NetworkBroker> broker;
    std::shared_ptr<NetworkClient> client;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Right> grants;
    std::vector<std::string> required;
    std::deque<StreamEnd> ends;

private:
    bool granted(const Right& to) const {
        return std::any_of(grants.begin(), grants.end(), [&](const Right& one) { return one.covers(to); });
    }
};

/// The first bytes of a real client, with OpenSSL's own hello. Empty `name`: none is sent.
std::string client_hello(const std::string& name, bool address = false);

} // namespace symphony::brokers::test
