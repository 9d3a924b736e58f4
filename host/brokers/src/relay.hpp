// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fd.hpp"
#include "tls.hpp"

#include <symphony/brokers/network.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

namespace symphony::brokers {

/// Something that is given back when it goes, such as a place among a plugin's streams.
using Token = std::shared_ptr<void>;

/// A connected pair of sockets that is to be relayed. None of them blocks.
struct NewStream {
    std::shared_ptr<const NetworkClient> client;
    Right right;
    std::string rule;                 ///< that allowed it
    HostName host;
    std::uint16_t port = 0;
    IpAddress address;
    Fd remote, local;
    std::unique_ptr<TlsSession> tls;  ///< of the remote side; null: plain
    bool check_hello = false;         ///< nothing passes before a fitting client hello
    Token token;
};

/// One thread that moves the bytes of all streams. [any]
class Relay {
public:
    explicit Relay(std::size_t chunk_bytes);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay();

    /// Starts the thread with the first stream. @return `io`.
    Status add(NewStream stream);
    /// Cuts the streams that `chosen` picks; called without a lock. When it returns, no byte flows in them.
    std::size_t cut(const std::function<bool(const NewStream&)>& chosen, std::string_view reason);
    std::size_t count(const NetworkClient* client) const;
    NetworkCounters counters() const;

private:
    using Clock = std::chrono::steady_clock;
    struct Direction {
        std::unique_ptr<std::uint8_t[]> buffer;  // there while something is on its way
        std::size_t at = 0, size = 0;            // what is read, and not yet taken by the receiver
        std::uint64_t bytes = 0;
        bool ended = false;                      // the sender sends nothing more
        bool finished = false;                   // and the receiver knows
        bool waits() const { return at < size; }
        Bytes rest() const { return {buffer.get() + at, size - at}; }
    };
    struct Stream : NewStream {
        std::uint64_t id = 0;
        Clock::time_point started, active;
        Direction up, down;                 // from the plugin, to the plugin
        std::vector<std::uint8_t> hello;    // while check_hello
        bool plugin_gone = false;           // closed its end altogether
        std::uint32_t local_events = 0, remote_events = 0;        // that epoll watches
        std::uint32_t local_wanted = 0, remote_wanted = 0;        // that the next step needs
        std::atomic<const char*> cut{nullptr};                    // why another thread ends it
        const char* ended = nullptr;
        std::string text;
    };
    using Shared = std::shared_ptr<Stream>;

    void run();
    void serve(Stream& stream);
    bool pump_up(Stream& stream);
    bool pump_down(Stream& stream);
    std::span<std::uint8_t> room(Direction& direction) const;
    bool take_hello(Stream& stream);
    void flush_up(Stream& stream);
    void flush_down(Stream& stream);
    void end(Stream& stream, const char* reason, std::string text = {});
    void watch(Stream& stream);
    void close(const Shared& stream);
    void expire(Clock::time_point now);
    Clock::time_point expiry(const Stream& stream) const;
    Shared find(std::uint64_t id) const;
    void wake();

    const std::size_t chunk_bytes_;
    Fd epoll_, wake_;
    std::vector<std::uint64_t> again_;      // relay thread only: had more to do than one turn allows
    Clock::time_point now_;                 // relay thread only

    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Shared> streams_;
    std::vector<std::uint64_t> poked_;      // new, or cut: to be looked at
    Clock::time_point next_expiry_ = Clock::time_point::max();
    std::uint64_t next_id_ = 1;
    bool stopping_ = false;
    std::thread thread_;
    std::atomic<std::uint64_t> added_{0}, ended_{0}, bytes_up_{0}, bytes_down_{0};
};

} // namespace symphony::brokers
