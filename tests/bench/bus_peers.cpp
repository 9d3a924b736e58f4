// SPDX-License-Identifier: Apache-2.0
#include "bus_peers.hpp"

#include "bench.hpp"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>
#ifdef SYMPHONY_BENCH_HAS_ZMQ
#include <zmq.h>
#endif
#ifdef SYMPHONY_BENCH_HAS_NNG
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#endif
#ifdef SYMPHONY_BENCH_HAS_MOODYCAMEL
#include <concurrentqueue/concurrentqueue.h>
#endif

namespace symphony::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_bytes = 320;
struct Message {
    char bytes[message_bytes] = {};
};

[[noreturn, maybe_unused]] void die(const char* what) {
    std::fprintf(stderr, "error: %s\n", what);
    std::abort();
}

[[maybe_unused]] double absent(const char* what, bool& said) {
    if (!std::exchange(said, true)) std::fprintf(stderr, "note: %s is not installed, and is not measured (tools/setup bench, then build anew)\n", what);
    return 0;
}

} // namespace

double zmq_inproc([[maybe_unused]] std::size_t count) {
#ifdef SYMPHONY_BENCH_HAS_ZMQ
    void* context = ::zmq_ctx_new();
    void* to = ::zmq_socket(context, ZMQ_PUB);
    const int unlimited = 0;
    ::zmq_setsockopt(to, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    ::zmq_bind(to, "inproc://bench");
    std::atomic<bool> up{false};
    std::thread reader([&] {
        void* from = ::zmq_socket(context, ZMQ_SUB);
        ::zmq_setsockopt(from, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
        ::zmq_setsockopt(from, ZMQ_SUBSCRIBE, "", 0);
        ::zmq_connect(from, "inproc://bench");
        up = true;
        Message content;
        for (std::size_t got = 0; got < count;) got += ::zmq_recv(from, content.bytes, message_bytes, 0) >= 0 ? 1 : 0;
        ::zmq_close(from);
    });
    while (!up) std::this_thread::yield();
    std::this_thread::sleep_for(20ms); // its subscription is on its way
    const Message content;
    const double start = now_ns();
    for (std::size_t i = 0; i < count; ++i) ::zmq_send(to, content.bytes, message_bytes, 0);
    reader.join();
    const double took = (now_ns() - start) / static_cast<double>(count);
    ::zmq_close(to);
    ::zmq_ctx_term(context);
    return took;
#else
    static bool said = false;
    return absent("ZeroMQ", said);
#endif
}

/// In windows of 256, each acknowledged by the reader: a publisher of nng drops what its reader has not taken.
double nng_inproc([[maybe_unused]] std::size_t count) {
#ifdef SYMPHONY_BENCH_HAS_NNG
    constexpr std::size_t window = 256, of_all = 10; // it is slow: a tenth tells as much
    count /= of_all;
    nng_socket to = NNG_SOCKET_INITIALIZER, from = NNG_SOCKET_INITIALIZER;
    if (::nng_pub0_open(&to) != 0 || ::nng_sub0_open(&from) != 0 || ::nng_socket_set(from, NNG_OPT_SUB_SUBSCRIBE, "", 0) != 0) die("nng");
    ::nng_socket_set_int(from, NNG_OPT_RECVBUF, 2 * window);
    ::nng_socket_set_int(to, NNG_OPT_SENDBUF, 2 * window);
    ::nng_socket_set_ms(from, NNG_OPT_RECVTIMEO, 1000);
    if (::nng_listen(to, "inproc://bench", nullptr, 0) != 0 || ::nng_dial(from, "inproc://bench", nullptr, 0) != 0) die("nng");
    std::this_thread::sleep_for(20ms); // its subscription is on its way
    std::atomic<std::size_t> got{0};
    std::thread reader([&] {
        Message content;
        while (got.load() < count) {
            std::size_t size = message_bytes;
            if (::nng_recv(from, content.bytes, &size, 0) != 0) die("nng lost a message");
            got.fetch_add(1);
            got.notify_one();
        }
    });
    Message content;
    const double start = now_ns();
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t seen = got.load(); i >= seen + window; seen = got.load()) got.wait(seen);
        if (::nng_send(to, content.bytes, message_bytes, 0) != 0) die("nng");
    }
    reader.join();
    const double took = (now_ns() - start) / static_cast<double>(count);
    ::nng_close(to);
    ::nng_close(from);
    return took;
#else
    static bool said = false;
    return absent("nng", said);
#endif
}

/// A new message each: a queue of shared pointers is how it carries what several may look at.
double moodycamel_queue([[maybe_unused]] std::size_t count) {
#ifdef SYMPHONY_BENCH_HAS_MOODYCAMEL
    ::moodycamel::ConcurrentQueue<std::shared_ptr<const Message>> queue(8192);
    std::thread reader([&] {
        std::shared_ptr<const Message> batch[64];
        for (std::size_t got = 0; got < count;) {
            const std::size_t some = queue.try_dequeue_bulk(batch, std::size(batch));
            for (std::size_t i = 0; i < some; ++i) batch[i].reset();
            got += some;
        }
    });
    const double start = now_ns();
    for (std::size_t i = 0; i < count; ++i) queue.enqueue(std::make_shared<const Message>());
    reader.join();
    return (now_ns() - start) / static_cast<double>(count);
#else
    static bool said = false;
    return absent("moodycamel's queue", said);
#endif
}

} // namespace symphony::bench
