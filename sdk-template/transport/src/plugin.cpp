// SPDX-License-Identifier: Apache-2.0
#include "loop_link.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/transport.hpp>

#include <algorithm>
#include <atomic>
#include <string>

using symphony::Call;
using symphony::Code;
using symphony::Error;
using symphony::Result;
namespace ports = symphony::ports;

/// Calls wait in the thread that they come on, which the flag "blocking" allows.
class LoopLink final : public ports::Transport {
public:
    explicit LoopLink(symphony::Host host) : host_(host), board_(limits_of(host.config())) {}

    symphony::Status activate() {
        stopping_ = false;
        return {};
    }
    /// Nothing goes on: whoever waits is told.
    symphony::Status quiesce(std::uint64_t) {
        stopping_ = true;
        board_.wake();
        return {};
    }
    void on_cancel(std::uint64_t) { board_.wake(); }

    Result<ports::Accepted> connect(Call&, const ports::Address& address, const ports::TransportLimits&) override {
        SYMPHONY_TRY(check(address));
        ports::Accepted made;
        made.connection = SYMPHONY_TRY(board_.connect(address.path));
        return made;
    }
    Result<void> listen(Call& call, const ports::Address& address, const ports::TransportLimits&) override {
        SYMPHONY_TRY(check(address));
        return board_.listen(address.path, [&](std::uint64_t connection) {
            ports::Accepted accepted;
            accepted.connection = connection;
            call.emit(accepted);
        }, stop_of(call));
    }
    Result<void> send(Call& call, std::uint64_t connection, const symphony::Buffer& content, bool wait) override {
        return board_.send(connection, content, wait, stop_of(call));
    }
    Result<void> receive(Call& call, std::uint64_t connection, std::uint32_t frames_max, std::uint32_t, bool) override {
        const auto take = [&](symphony::Buffer content, bool end) { call.emit(ports::Frame{std::move(content), end}); };
        return board_.receive(connection, std::max(frames_max, 1u), take, stop_of(call));
    }
    Result<void> close(Call&, std::uint64_t connection) override {
        board_.close(connection);
        return {};
    }
    Result<void> finish(Call&, std::uint64_t connection) override { return board_.finish(connection); }
    Result<ports::ConnectionStatus> status(Call&, std::uint64_t connection) override {
        const loop_link::Counters counters = SYMPHONY_TRY(board_.status(connection));
        ports::ConnectionStatus out;
        out.sent_frames = counters.sent_frames;
        out.sent_bytes = counters.sent_bytes;
        out.received_frames = counters.received_frames;
        out.received_bytes = counters.received_bytes;
        out.send_queue_frames = static_cast<std::uint32_t>(counters.send_queue);
        out.receive_queue_frames = static_cast<std::uint32_t>(counters.receive_queue);
        out.dropped_frames = counters.dropped_frames;
        out.finished_here = counters.finished_here;
        out.finished_there = counters.finished_there;
        return out;
    }

private:
    static loop_link::Limits limits_of(const symphony::Value& config) {
        loop_link::Limits limits;
        limits.frame_bytes_max = static_cast<std::size_t>(config["frame_bytes_max"].as_uint(limits.frame_bytes_max));
        limits.queue_frames_max = static_cast<std::size_t>(config["queue_frames_max"].as_uint(limits.queue_frames_max));
        return limits;
    }
    static symphony::Status check(const ports::Address& address) {
        if (address.scheme != "loop") return Error(Code::unsupported, "scheme", "this transport is loop, not \"" + symphony::to_valid_utf8(address.scheme) + "\"");
        if (address.path.empty() || address.path.size() > 200) return Error(Code::invalid_argument, "bad-address", "a path has 1 to 200 bytes", "loop:NAME");
        if (!address.options.empty()) return Error(Code::invalid_argument, "bad-address", "there is no option \"" +
            symphony::to_valid_utf8(address.options.begin()->first) + "\"");
        return {};
    }
    loop_link::Stop stop_of(const Call& call) {
        return [this, &call] { return stopping_ || call.cancelled(); };
    }

    symphony::Host host_;
    std::atomic<bool> stopping_{false};
    loop_link::Switchboard board_;
};

SYMPHONY_PLUGIN_WITH(LoopLink, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
