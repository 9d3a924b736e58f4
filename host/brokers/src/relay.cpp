// SPDX-License-Identifier: Apache-2.0
#include "relay.hpp"

#include <symphony/brokers/client_hello.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace symphony::brokers {
namespace {

// So many chunks of one direction in one turn, so that a fast stream does not hold up the others.
constexpr int chunks_a_turn = 8;
// An event's number is the stream's id twice, plus one for the plugin's side. 0 is the wake-up.
constexpr std::uint64_t local_side = 1;

bool is_forced(std::string_view reason) { return reason != "finished" && reason != "plugin-gone" && reason != "peer-gone"; }

std::string sentence(std::string_view reason, const std::string& to) {
    if (reason == "finished") return "the stream to " + to + " ended";
    if (reason == "plugin-gone") return "the plugin closed the stream to " + to;
    if (reason == "peer-gone") return to + " cut the stream";
    if (reason == "revoked") return "the stream to " + to + " was closed: the right to it was withdrawn";
    if (reason == "bytes-spent") return "the stream to " + to + " was closed: it moved more bytes than it may";
    if (reason == "time-spent") return "the stream to " + to + " was closed: it lasted longer than it may";
    if (reason == "idle") return "the stream to " + to + " was closed: nothing moved for too long";
    if (reason == "tls-failed") return "the stream to " + to + " was closed: its TLS session broke";
    return "the stream to " + to + " was closed: the host stops";
}

} // namespace

Relay::Relay(std::size_t chunk_bytes) : chunk_bytes_(std::max<std::size_t>(chunk_bytes, 4096)) {}

Relay::~Relay() {
    std::thread thread;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        thread.swap(thread_);
    }
    if (!thread.joinable()) return;
    wake();
    thread.join();
}

void Relay::wake() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof one)); // full means that it wakes anyway
}

Status Relay::add(NewStream made) {
    auto stream = std::make_shared<Stream>();
    static_cast<NewStream&>(*stream) = std::move(made);
    stream->started = stream->active = Clock::now();
    // The plugin's out-of-band bytes are plain ones: kept apart they would make a socket look readable that is not.
    const int on = 1;
    static_cast<void>(::setsockopt(stream->local.get(), SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
        epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
        wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        epoll_event event{EPOLLIN, {}};
        event.data.u64 = 0;
        if (epoll_.get() < 0 || wake_.get() < 0 || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
            return Error(Code::io, std::string("cannot watch streams: ") + std::strerror(errno));
        }
        thread_ = std::thread([this] { run(); });
    }
    stream->id = next_id_++;
    next_expiry_ = std::min(next_expiry_, expiry(*stream));
    poked_.push_back(stream->id);
    streams_.emplace(stream->id, std::move(stream));
    added_.fetch_add(1, std::memory_order_relaxed);
    wake();
    return {};
}

std::size_t Relay::cut(const std::function<bool(const NewStream&)>& chosen, std::string_view reason) {
    std::vector<Shared> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, stream] : streams_) all.push_back(stream);
    }
    std::erase_if(all, [&](const Shared& stream) { return !chosen(*stream); });
    const std::lock_guard lock(mutex_); // descriptors are closed under it
    std::size_t cuts = 0;
    for (const Shared& stream : all) {
        const char* none = nullptr;
        if (!streams_.contains(stream->id) || !stream->cut.compare_exchange_strong(none, reason.data())) continue;
        ::shutdown(stream->remote.get(), SHUT_RDWR);
        ::shutdown(stream->local.get(), SHUT_RDWR);
        poked_.push_back(stream->id);
        ++cuts;
    }
    if (cuts != 0) wake();
    return cuts;
}

std::size_t Relay::count(const NetworkClient* client) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(streams_.begin(), streams_.end(), [&](const auto& item) {
        return item.second->cut == nullptr && (client == nullptr || item.second->client.get() == client);
    }));
}

NetworkCounters Relay::counters() const {
    NetworkCounters out;
    out.connected = added_;
    out.ended = ended_;
    out.open = out.connected - out.ended;
    out.bytes_sent = bytes_up_;
    out.bytes_received = bytes_down_;
    return out;
}

Relay::Shared Relay::find(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto at = streams_.find(id);
    return at == streams_.end() ? nullptr : at->second;
}

void Relay::run() {
    std::array<epoll_event, 64> events{};
    std::vector<std::uint64_t> turn;
    for (;;) {
        turn.clear();
        turn.swap(again_);
        int wait_ms = turn.empty() ? -1 : 0;
        if (turn.empty()) {
            const std::lock_guard lock(mutex_);
            if (next_expiry_ != Clock::time_point::max()) {
                const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_expiry_ - Clock::now()).count();
                wait_ms = static_cast<int>(std::clamp<long long>(left, 0, 60'000));
            }
        }
        const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms);
        now_ = Clock::now();
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == 0) {
                std::uint64_t ignored = 0;
                static_cast<void>(::read(wake_.get(), &ignored, sizeof ignored));
                continue;
            }
            const std::uint64_t id = event.data.u64 / 2;
            if ((event.data.u64 & local_side) != 0 && (event.events & (EPOLLHUP | EPOLLERR)) != 0) {
                if (const Shared stream = find(id)) stream->plugin_gone = true;
            }
            turn.push_back(id);
        }
        bool stops = false;
        {
            const std::lock_guard lock(mutex_);
            turn.insert(turn.end(), poked_.begin(), poked_.end());
            poked_.clear();
            stops = stopping_;
        }
        std::sort(turn.begin(), turn.end());
        turn.erase(std::unique(turn.begin(), turn.end()), turn.end());
        if (stops) {
            static_cast<void>(cut([](const NewStream&) { return true; }, "host-stops"));
            std::vector<Shared> rest;
            {
                const std::lock_guard lock(mutex_);
                for (const auto& [id, stream] : streams_) rest.push_back(stream);
            }
            for (const Shared& stream : rest) {
                end(*stream, "host-stops");
                close(stream);
            }
            return;
        }
        for (const std::uint64_t id : turn) {
            const Shared stream = find(id);
            if (!stream) continue;
            serve(*stream);
            if (stream->ended != nullptr) close(stream);
        }
        expire(now_);
    }
}

/// As much as can be done now, then what to wait for.
void Relay::serve(Stream& stream) {
    stream.local_wanted = stream.remote_wanted = 0;
    bool more = false;
    if (stream.cut != nullptr) {
        end(stream, stream.cut);
    } else {
        more = pump_up(stream);
        // Gone before the other side had ended: what that side still says is nobody's.
        if (stream.up.finished && stream.plugin_gone && !stream.down.finished) end(stream, "plugin-gone");
        if (stream.ended == nullptr) more = pump_down(stream) || more;
    }
    if (stream.up.finished && stream.down.finished) end(stream, "finished");
    if (stream.up.finished && stream.plugin_gone) end(stream, "plugin-gone");
    // What a cut did to the sockets is no fault of theirs.
    if (const char* cut = stream.cut; cut != nullptr && stream.ended != nullptr) {
        stream.ended = cut;
        stream.text.clear();
    }
    if (stream.ended != nullptr) return;
    if (more) again_.push_back(stream.id);
    watch(stream);
}

void Relay::end(Stream& stream, const char* reason, std::string text) {
    if (stream.ended != nullptr) return;
    stream.ended = reason;
    stream.text = std::move(text);
}

/// Sends what waits for the remote side; then, at the end of it, says so.
void Relay::flush_up(Stream& stream) {
    Direction& up = stream.up;
    while (up.waits()) {
        const Io io = stream.tls ? stream.tls->transmit(up.rest()) : transmit(stream.remote.get(), up.rest());
        if (io.what == Io::moved) {
            up.at += io.bytes;
            up.bytes += io.bytes;
            bytes_up_.fetch_add(io.bytes, std::memory_order_relaxed);
            stream.active = now_;
        } else if (io.what == Io::failed || io.what == Io::end) {
            return end(stream, "peer-gone");
        } else {
            stream.remote_wanted |= io.what == Io::wants_read ? EPOLLIN : EPOLLOUT;
            return;
        }
    }
    if (!up.ended || up.finished) return;
    if (stream.tls) {
        const Io io = stream.tls->finish();
        if (io.what == Io::wants_read || io.what == Io::wants_write) {
            stream.remote_wanted |= io.what == Io::wants_read ? EPOLLIN : EPOLLOUT;
            return;
        }
    } else {
        ::shutdown(stream.remote.get(), SHUT_WR);
    }
    up.finished = true;
}

/// Sends what waits for the plugin; then, at the end of it, says so.
void Relay::flush_down(Stream& stream) {
    Direction& down = stream.down;
    while (down.waits()) {
        const Io io = transmit(stream.local.get(), down.rest());
        if (io.what == Io::moved) {
            down.at += io.bytes;
            down.bytes += io.bytes;
            bytes_down_.fetch_add(io.bytes, std::memory_order_relaxed);
            stream.active = now_;
        } else if (io.what == Io::failed) {
            // Nobody reads any more. What the plugin has sent before still goes out.
            stream.plugin_gone = down.ended = true;
            down.at = down.size;
        } else {
            stream.local_wanted |= EPOLLOUT;
            return;
        }
    }
    if (!down.ended || down.finished) return;
    ::shutdown(stream.local.get(), SHUT_WR);
    down.finished = true;
}

/// Looks at the first bytes of a client that must speak TLS. @return False: nothing may pass yet, or ever.
bool Relay::take_hello(Stream& stream) {
    const ClientHello hello = read_client_hello(stream.hello);
    if (hello.state == ClientHello::State::incomplete && !stream.up.ended) return false;
    if (!hello_fits(hello, stream.host.text(), stream.host.address().has_value())) {
        std::string found = "no TLS client hello";
        if (hello.state == ClientHello::State::complete) {
            std::string name = hello.server_name.substr(0, 100);
            for (char& c : name) c = c > ' ' && c < 0x7F ? c : '?';
            found = hello.hidden_name ? "a client hello with a hidden name"
                    : name.empty()    ? "a client hello without a server name"
                                      : "a client hello for \"" + name + "\"";
        }
        end(stream, "tls-name-mismatch", "the stream to " + stream.host.text() + ":" + std::to_string(stream.port) + " was closed: it began with " + found);
        return false;
    }
    stream.check_hello = false;
    Direction& up = stream.up;
    up.at = 0;
    up.size = stream.hello.size();
    up.buffer = std::make_unique_for_overwrite<std::uint8_t[]>(std::max(up.size, chunk_bytes_));
    std::copy(stream.hello.begin(), stream.hello.end(), up.buffer.get());
    stream.hello = {};
    return true;
}

/// Where the next chunk is read to.
std::span<std::uint8_t> Relay::room(Direction& direction) const {
    if (!direction.buffer) direction.buffer = std::make_unique_for_overwrite<std::uint8_t[]>(chunk_bytes_);
    direction.at = direction.size = 0;
    return {direction.buffer.get(), chunk_bytes_};
}

/// From the plugin. @return Whether there may be more to do at once.
bool Relay::pump_up(Stream& stream) {
    Direction& up = stream.up;
    for (int chunks = 0; chunks < chunks_a_turn; ++chunks) {
        flush_up(stream);
        if (stream.ended != nullptr || up.waits() || up.finished) return false;
        if (up.ended) return false; // TLS still says goodbye
        const Io io = receive(stream.local.get(), room(up));
        if (io.what == Io::wants_read) {
            stream.local_wanted |= EPOLLIN;
            up.buffer.reset();
            return false;
        }
        if (io.what != Io::moved) {
            // Reset means that it closed with bytes unread: nobody is there.
            up.ended = true;
            pollfd state{stream.local.get(), 0, 0};
            stream.plugin_gone = stream.plugin_gone || io.what == Io::failed || (::poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) != 0);
            if (stream.check_hello && !take_hello(stream)) return false;
            continue;
        }
        const NetworkBudget& budget = stream.client->budget;
        if (budget.bytes_sent_max != 0 && up.bytes + io.bytes > budget.bytes_sent_max) {
            end(stream, "bytes-spent");
            return false;
        }
        if (!stream.check_hello) {
            up.size = io.bytes;
            continue;
        }
        stream.hello.insert(stream.hello.end(), up.buffer.get(), up.buffer.get() + io.bytes);
        if (!take_hello(stream) && stream.ended != nullptr) return false;
    }
    return true;
}

/// To the plugin. @return Whether there may be more to do at once.
bool Relay::pump_down(Stream& stream) {
    Direction& down = stream.down;
    for (int chunks = 0; chunks < chunks_a_turn; ++chunks) {
        flush_down(stream);
        if (down.waits() || down.ended || stream.check_hello) return false;
        const std::span<std::uint8_t> chunk = room(down);
        const Io io = stream.tls ? stream.tls->receive(chunk) : receive(stream.remote.get(), chunk);
        switch (io.what) {
        case Io::wants_read:
        case Io::wants_write:
            stream.remote_wanted |= io.what == Io::wants_read ? EPOLLIN : EPOLLOUT;
            down.buffer.reset();
            return false;
        case Io::end: down.ended = true; continue;
        case Io::failed: end(stream, stream.tls ? "tls-failed" : "peer-gone"); return false;
        case Io::moved: break;
        }
        const NetworkBudget& budget = stream.client->budget;
        if (budget.bytes_received_max != 0 && down.bytes + io.bytes > budget.bytes_received_max) {
            end(stream, "bytes-spent");
            return false;
        }
        down.size = io.bytes;
    }
    return true;
}

/// Tells epoll what is wanted. Where nothing is, only the news that a side has hung up, once: it would never end otherwise.
void Relay::watch(Stream& stream) {
    const auto set = [this](int fd, std::uint64_t data, std::uint32_t wanted, std::uint32_t& watched) {
        const std::uint32_t events = wanted != 0 ? wanted : EPOLLET;
        if (events == watched) return;
        epoll_event event{events, {}};
        event.data.u64 = data;
        static_cast<void>(::epoll_ctl(epoll_.get(), watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event));
        watched = events;
    };
    set(stream.local.get(), stream.id * 2 + local_side, stream.local_wanted, stream.local_events);
    set(stream.remote.get(), stream.id * 2, stream.remote_wanted, stream.remote_events);
}

void Relay::close(const Shared& stream) {
    {
        const std::lock_guard lock(mutex_);
        if (streams_.erase(stream->id) == 0) return;
        if (is_forced(stream->ended)) {
            // The peer is to see a break, not an end that could pass for a whole answer.
            const linger at_once{1, 0};
            static_cast<void>(::setsockopt(stream->remote.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
        }
        stream->remote.reset();
        stream->local.reset();
    }
    stream->tls.reset();
    stream->token.reset();
    ended_.fetch_add(1, std::memory_order_relaxed);
    if (!stream->client->on_end) return;
    StreamEnd out;
    out.host = stream->host.text();
    out.port = stream->port;
    out.address = stream->address.text();
    out.reason = stream->ended;
    out.text = stream->text.empty() ? sentence(out.reason, out.host + ":" + std::to_string(out.port)) : stream->text;
    out.bytes_sent = stream->up.bytes;
    out.bytes_received = stream->down.bytes;
    out.lasted = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - stream->started);
    stream->client->on_end(out);
}

Relay::Clock::time_point Relay::expiry(const Stream& stream) const {
    const NetworkBudget& budget = stream.client->budget;
    auto at = Clock::time_point::max();
    if (budget.time_max.count() > 0) at = std::min(at, stream.started + budget.time_max);
    if (budget.idle_max.count() > 0) at = std::min(at, stream.active + budget.idle_max);
    if (stream.check_hello && budget.hello_max.count() > 0) at = std::min(at, stream.started + budget.hello_max);
    return at;
}

void Relay::expire(Clock::time_point now) {
    std::vector<Shared> late;
    {
        const std::lock_guard lock(mutex_);
        if (now < next_expiry_) return;
        next_expiry_ = Clock::time_point::max();
        for (const auto& [id, stream] : streams_) {
            const auto at = expiry(*stream);
            if (at <= now) {
                late.push_back(stream);
            } else {
                next_expiry_ = std::min(next_expiry_, at);
            }
        }
    }
    for (const Shared& stream : late) {
        const NetworkBudget& budget = stream->client->budget;
        const bool spent = budget.time_max.count() > 0 && stream->started + budget.time_max <= now;
        if (stream->check_hello && !spent) {
            end(*stream, "tls-name-mismatch", "the stream to " + stream->host.text() + ":" + std::to_string(stream->port) + " was closed: no TLS client hello came");
        } else {
            end(*stream, spent ? "time-spent" : "idle");
        }
        close(stream);
    }
}

} // namespace symphony::brokers
