// SPDX-License-Identifier: Apache-2.0
// Other people's ways between two processes, each where it is installed (tools/setup bench).
#include "transport_peers.hpp"

#include <symphony/testing.hpp>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>
#ifdef SYMPHONY_BENCH_HAS_ZMQ
#include <zmq.h>
#endif
#ifdef SYMPHONY_BENCH_HAS_NNG
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#endif
#ifdef SYMPHONY_BENCH_HAS_NATS
#include <nats/nats.h>
#endif

namespace symphony::bench {
namespace {

using symphony::testing::TempFolder;
using namespace std::chrono_literals;

#ifdef SYMPHONY_BENCH_HAS_ZMQ
class ZmqPeer final : public EchoPeer {
public:
    explicit ZmqPeer(int cpu) : bytes_(message_bytes_max), address_("ipc://" + (folder_.path() / "z").string()) {
        child_ = std::make_unique<Child>(cpu, [this] {
            open(true);
            for (;;) {
                const int size = ::zmq_recv(socket_, bytes_.data(), bytes_.size(), 0);
                if (size < 0 || ::zmq_send(socket_, bytes_.data(), static_cast<std::size_t>(size), 0) < 0) ::_exit(1);
            }
        });
    }
    ~ZmqPeer() override {
        child_.reset();
        const int none = 0;
        ::zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
        ::zmq_close(socket_);
        ::zmq_ctx_term(context_);
    }
    void connect() override { open(false); }
    void call(std::size_t size) override {
        if (::zmq_send(socket_, bytes_.data(), size, 0) < 0 || ::zmq_recv(socket_, bytes_.data(), bytes_.size(), 0) != static_cast<int>(size)) die("zmq");
    }

private:
    void open(bool server) {
        context_ = ::zmq_ctx_new();
        socket_ = ::zmq_socket(context_, ZMQ_PAIR);
        if ((server ? ::zmq_bind(socket_, address_.c_str()) : ::zmq_connect(socket_, address_.c_str())) != 0) die("zmq");
    }
    TempFolder folder_;
    std::vector<char> bytes_;
    const std::string address_;
    void *context_ = nullptr, *socket_ = nullptr;
    std::unique_ptr<Child> child_;
};
#endif

#ifdef SYMPHONY_BENCH_HAS_NNG
class NngPeer final : public EchoPeer {
public:
    explicit NngPeer(int cpu) : bytes_(message_bytes_max), address_("ipc://" + (folder_.path() / "n").string()) {
        // Another program, because nng refuses to work in a fork of a process that it has worked in.
        child_ = std::make_unique<Child>(cpu, [this] {
            ::execl("/proc/self/exe", "bench-transports", "--nng-echo", address_.c_str(), static_cast<char*>(nullptr));
            ::_exit(1);
        });
    }
    ~NngPeer() override {
        child_.reset();
        ::nng_close(socket_);
    }
    void connect() override {
        socket_ = open_nng();
        for (int attempt = 0; ::nng_dial(socket_, address_.c_str(), nullptr, 0) != 0; ++attempt) {
            if (attempt == 1000) die("nng_dial");
            std::this_thread::sleep_for(5ms);
        }
    }
    void call(std::size_t size) override {
        std::size_t got = bytes_.size();
        if (::nng_send(socket_, bytes_.data(), size, 0) != 0 || ::nng_recv(socket_, bytes_.data(), &got, 0) != 0 || got != size) die("nng");
    }

    static nng_socket open_nng() {
        nng_socket socket = NNG_SOCKET_INITIALIZER;
        if (::nng_pair0_open(&socket) != 0 || ::nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0) != 0) die("nng");
        return socket;
    }

private:
    TempFolder folder_;
    std::vector<char> bytes_;
    const std::string address_;
    nng_socket socket_ = NNG_SOCKET_INITIALIZER;
    std::unique_ptr<Child> child_;
};
#endif

#ifdef SYMPHONY_BENCH_HAS_NATS
class NatsPeer final : public EchoPeer {
public:
    explicit NatsPeer(int cpu) : bytes_(message_bytes_max, 'x') {
        server_ = std::make_unique<Child>(cpu, [this] {
            const std::string ports = folder_.path().string();
            ::freopen("/dev/null", "w", stderr);
            ::execl(SYMPHONY_BENCH_HAS_NATS, "nats-server", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", ports.c_str(), static_cast<char*>(nullptr));
            ::_exit(1);
        });
        child_ = std::make_unique<Child>(cpu, [this] {
            open();
            natsSubscription* requests = nullptr;
            if (::natsConnection_SubscribeSync(&requests, connection_, "bench") != NATS_OK || ::natsConnection_Flush(connection_) != NATS_OK) ::_exit(1);
            std::ofstream(folder_.path() / "up") << "up";
            for (natsMsg* message = nullptr;;) {
                const auto status = ::natsSubscription_NextMsg(&message, requests, 1000);
                if (status == NATS_TIMEOUT) continue;
                if (status != NATS_OK || ::natsConnection_Publish(connection_, ::natsMsg_GetReply(message), ::natsMsg_GetData(message), ::natsMsg_GetDataLength(message)) != NATS_OK) ::_exit(1);
                ::natsMsg_Destroy(message);
            }
        });
    }
    ~NatsPeer() override {
        ::natsConnection_Destroy(connection_);
        child_.reset();
        server_.reset();
    }
    void connect() override {
        open();
        wait_for([this] { return std::filesystem::exists(folder_.path() / "up"); });
    }
    void call(std::size_t size) override {
        natsMsg* answer = nullptr;
        if (::natsConnection_Request(&answer, connection_, "bench", bytes_.data(), static_cast<int>(size), 10'000) != NATS_OK) die("nats");
        if (static_cast<std::size_t>(::natsMsg_GetDataLength(answer)) != size) die("nats");
        ::natsMsg_Destroy(answer);
    }

private:
    template <class Done>
    static void wait_for(Done&& done) {
        for (int attempt = 0; !done(); ++attempt) {
            if (attempt == 2000) die("nats-server");
            std::this_thread::sleep_for(5ms);
        }
    }
    /// The server writes where it listens into a file.
    std::string address() const {
        std::string text;
        wait_for([&] {
            for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
                if (entry.path().extension() != ".ports") continue;
                std::ifstream file(entry.path());
                text.assign(std::istreambuf_iterator<char>(file), {});
            }
            return text.find("nats://") != std::string::npos && text.find('}') != std::string::npos;
        });
        const auto begin = text.find("nats://");
        return text.substr(begin, text.find('"', begin) - begin);
    }
    void open() {
        natsOptions* options = nullptr;
        if (::natsOptions_Create(&options) != NATS_OK || ::natsOptions_SetURL(options, address().c_str()) != NATS_OK || ::natsOptions_SetSendAsap(options, true) != NATS_OK) die("nats");
        wait_for([&] { return ::natsConnection_Connect(&connection_, options) == NATS_OK; });
        ::natsOptions_Destroy(options);
    }
    TempFolder folder_;
    std::vector<char> bytes_;
    natsConnection* connection_ = nullptr;
    std::unique_ptr<Child> server_, child_;
};
#endif

[[maybe_unused]] std::unique_ptr<EchoPeer> absent(const char* what, bool& said) {
    if (!std::exchange(said, true)) std::fprintf(stderr, "note: %s is not installed, and is not measured (tools/setup bench, then build anew)\n", what);
    return nullptr;
}

} // namespace

std::unique_ptr<EchoPeer> over_zmq([[maybe_unused]] int cpu) {
#ifdef SYMPHONY_BENCH_HAS_ZMQ
    return std::make_unique<ZmqPeer>(cpu);
#else
    static bool said = false;
    return absent("ZeroMQ", said);
#endif
}
std::unique_ptr<EchoPeer> over_nng([[maybe_unused]] int cpu) {
#ifdef SYMPHONY_BENCH_HAS_NNG
    return std::make_unique<NngPeer>(cpu);
#else
    static bool said = false;
    return absent("nng", said);
#endif
}
int nng_echo([[maybe_unused]] const char* address) {
#ifdef SYMPHONY_BENCH_HAS_NNG
    const nng_socket socket = NngPeer::open_nng();
    if (::nng_listen(socket, address, nullptr, 0) != 0) return 1;
    std::vector<char> bytes(message_bytes_max);
    for (;;) {
        std::size_t size = bytes.size();
        if (::nng_recv(socket, bytes.data(), &size, 0) != 0 || ::nng_send(socket, bytes.data(), size, 0) != 0) return 1;
    }
#else
    return 1;
#endif
}
std::unique_ptr<EchoPeer> over_nats([[maybe_unused]] int cpu) {
#ifdef SYMPHONY_BENCH_HAS_NATS
    return std::make_unique<NatsPeer>(cpu);
#else
    static bool said = false;
    return absent("NATS", said);
#endif
}

} // namespace symphony::bench
