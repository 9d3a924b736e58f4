// SPDX-License-Identifier: Apache-2.0
#include "dialer.hpp"

namespace symphony::transport {
namespace {

/// Another attempt may meet a listener that has started, made room, or woken up.
bool may_pass_next_time(const Error& error) noexcept {
    return error.reason() == "no-listener" || error.reason() == "no-greeting" || error.code() == Code::busy || error.code() == Code::peer_died || error.retryable();
}

} // namespace

TransportServer::Dialer::Dialer(TransportServer& server, const ports::Address& address, const Limits& limits, Completion<ports::Accepted> call)
    : server_(server), address_(address), limits_(limits), call_(std::move(call)), backoff_(limits.retries, limits.retry_ms, limits.retry_ms_max, std::random_device()()) {}

void TransportServer::Dialer::begin() {
    bool cancelled = false;
    {
        const std::lock_guard lock(mutex_);
        cancelled = call_.cancelled();
        if (call_.deadline_ns() != 0) server_.hub_.loop.schedule(self(), call_.deadline_ns());
    }
    if (cancelled) cancel();
    else attempt();
}

void TransportServer::Dialer::attempt() {
    auto dialed = server_.driver_->dial(address_);
    if (!dialed) return failed(dialed.error());
    std::shared_ptr<Connection> connection;
    {
        const std::lock_guard lock(mutex_);
        if (done_) return;
        connection = current_ = server_.make(*std::move(dialed), limits_);
    }
    connection->start(now_ns() + server_.greeting_ns_, [self = self()](const auto& opened, const Status& status) { self->opened(opened, status); });
}

void TransportServer::Dialer::opened(const std::shared_ptr<Connection>& connection, const Status& status) {
    {
        const std::lock_guard lock(mutex_);
        current_.reset();
    }
    if (!status) {
        connection->close(status.error());
        return failed(status.error());
    }
    server_.open(connection);
    answer(ports::Accepted{connection->id(), connection->peer()});
}

void TransportServer::Dialer::failed(const Error& error) {
    {
        const std::lock_guard lock(mutex_);
        last_ = error;
        if (may_pass_next_time(error) && !backoff_.exhausted() && !done_) {
            attempt_at_ns_ = now_ns() + backoff_.next_ns();
            server_.hub_.loop.schedule(self(), attempt_at_ns_);
            return;
        }
    }
    answer(error);
}

std::uint64_t TransportServer::Dialer::on_time(std::uint64_t now) {
    std::uint64_t deadline = never;
    bool again = false;
    std::shared_ptr<Connection> late;
    {
        const std::lock_guard lock(mutex_);
        if (done_) return never;
        if (call_.deadline_ns() != 0) deadline = call_.deadline_ns();
        if (now >= deadline) late = current_;
        else if (now >= attempt_at_ns_) again = true, attempt_at_ns_ = never;
        else return std::min(deadline, attempt_at_ns_);
    }
    if (again) {
        server_.hub_.count("connect_retries", 1);
        attempt();
        return deadline;
    }
    const Error error(Code::deadline, "no connection to \"" + address_.path.substr(0, 200) + "\" in time" + (last_ ? ": " + last_->message() : ""));
    answer(error);
    if (late) late->close(error);
    return never;
}

void TransportServer::Dialer::cancel() {
    std::shared_ptr<Connection> current;
    {
        const std::lock_guard lock(mutex_);
        current = current_;
    }
    const Error error(Code::cancelled, "cancelled before it was connected");
    answer(error);
    if (current) current->close(error);
}

void TransportServer::Dialer::answer(const Result<ports::Accepted>& result) {
    const auto self = this->self(); // the server's table may hold the last one
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(done_, true)) {
            if (result) static_cast<void>(server_.drop(result->connection)); // cancelled in the same moment: nobody learns of it
            return;
        }
    }
    {
        const std::lock_guard lock(server_.mutex_);
        server_.dialers_.erase(call_.id());
    }
    call_.answer(result);
}

} // namespace symphony::transport
