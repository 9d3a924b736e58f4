// SPDX-License-Identifier: Apache-2.0
#include "echo_command.hpp"

#include "descriptors.hpp"
#include "raw_echo.hpp"
#include "transport_echo.hpp"

#include <symphony/utf8.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace symphony::ipc_bench {
namespace {

/// A listen that takes one connection.
class Meeting {
public:
    Meeting(Host host, std::string_view scheme, const std::string& path, const CancelToken& cancel) : cancel_(cancel) {
        auto transport = ports::TransportClient::acquire(host, "transport-" + std::string(scheme));
        if (!transport) {
            state_->error = transport.error();
            return;
        }
        transport_.emplace(*std::move(transport));
        CallOptions<ports::Accepted> options;
        options.cancel = own_.token();
        options.on_part = [state = state_](const ports::Accepted& accepted) {
            const std::lock_guard lock(state->mutex);
            if (state->connection == 0) state->connection = accepted.connection;
            state->changed.notify_all();
        };
        transport_->listen_async({std::string(scheme), path, {}}, {}, [state = state_](const Result<void>& result) {
            const std::lock_guard lock(state->mutex);
            state->error = result ? Error(Code::cancelled, "listening has ended") : result.error();
            state->changed.notify_all();
        }, std::move(options));
    }
    Meeting(const Meeting&) = delete;
    Meeting& operator=(const Meeting&) = delete;
    ~Meeting() { end(); }

    /// What went wrong so far.
    std::optional<Error> error() const {
        const std::lock_guard lock(state_->mutex);
        return state_->error;
    }
    /// Waits for who connects. @return 0: nobody will.
    std::uint64_t wait() {
        std::unique_lock lock(state_->mutex);
        while (state_->connection == 0 && !state_->error && !cancel_.cancelled()) state_->changed.wait_for(lock, std::chrono::milliseconds(100));
        return state_->connection;
    }
    const ports::TransportClient& transport() const { return *transport_; }
    /// Listens no more, and ends the connection. [any]
    void end() {
        own_.cancel();
        if (!transport_) return;
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [this] { return state_->error.has_value(); });
        const std::uint64_t connection = state_->connection;
        lock.unlock();
        if (connection != 0) transport_->close_async(connection, [](const Result<void>&) {});
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::uint64_t connection = 0;
        std::optional<Error> error;
    };
    const CancelToken cancel_;
    CancelSource own_;
    const std::shared_ptr<State> state_ = std::make_shared<State>();
    std::optional<ports::TransportClient> transport_;
};

/// The connection to who started this.
class Starter {
public:
    Starter(const ports::TransportClient& transport, std::uint64_t connection) : transport_(transport), connection_(connection) {}
    void say(std::string_view what) const { static_cast<void>(transport_.send(connection_, Buffer::copy(what), true)); }
    void say(const Status& status) const { say(status ? std::string_view("ready") : std::string_view(status.error().message())); }
    /// Returns when they are gone, or the call is cancelled.
    void wait(const CancelToken& cancel) const {
        bool end = false;
        CallOptions<ports::Frame> options;
        options.cancel = cancel;
        options.on_part = [&](const ports::Frame& frame) { end = frame.end; };
        while (!end && transport_.receive(connection_, 1, 0, false, options)) {}
    }

private:
    const ports::TransportClient& transport_;
    const std::uint64_t connection_;
};

void echo_over_transport(Host host, std::string_view scheme, const std::string& path, const Starter& starter, const CancelToken& cancel) {
    Meeting meeting(host, scheme, path, cancel);
    const auto error = meeting.error();
    starter.say(error ? Status(*error) : Status());
    std::thread echoing([&] {
        if (const auto connection = meeting.wait(); connection != 0) echo_frames(meeting.transport(), connection);
    });
    starter.wait(cancel);
    meeting.end();
    echoing.join();
}

} // namespace

Result<std::int32_t> echo(Host host, const Value& arguments, const CancelToken& cancel) {
    const auto kind = arguments["kind"].as_text();
    const std::string path(arguments["path"].as_text());
    const bool known = kind == "unix" || kind == "shm" || kind == "socket" || kind == "pipe";
    if (!known && kind != "stdio") return Error(Code::invalid_argument, "usage", "bench echo: \"" + to_valid_utf8(kind.substr(0, 100)) + "\" is none of unix, shm, stdio, socket and pipe");
    if (known && path.empty()) return Error(Code::invalid_argument, "usage", "bench echo " + std::string(kind) + ": the path where to meet is missing");
    Meeting own(host, "stdio", {}, cancel);
    const std::uint64_t connection = own.wait();
    if (connection == 0) {
        const auto error = own.error();
        return error ? *error : Error(Code::cancelled, "cancelled before anybody came");
    }
    const Starter starter(own.transport(), connection);
    const NoSigpipe quiet;
    if (kind == "stdio") {
        echo_frames(own.transport(), connection);
    } else if (kind == "socket") {
        if (const auto status = echo_socket(path, [&] { starter.say("ready"); }); !status) starter.say(status);
    } else if (kind == "pipe") {
        if (const auto status = echo_pipes(path, [&] { starter.say("ready"); }); !status) starter.say(status);
    } else {
        echo_over_transport(host, kind, path, starter, cancel);
    }
    return 0;
}

} // namespace symphony::ipc_bench
