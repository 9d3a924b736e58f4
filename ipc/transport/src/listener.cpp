// SPDX-License-Identifier: Apache-2.0
#include "listener.hpp"

namespace symphony::transport {

TransportServer::Listener::Listener(TransportServer& server, std::unique_ptr<Acceptor> acceptor, const Limits& limits, Completion<void> call)
    : server_(server), limits_(limits), acceptor_(std::move(acceptor)), call_(std::move(call)) {}

void TransportServer::Listener::begin() {
    server_.hub_.loop.post([self = self()] {
        if (!self->call_) return;
        if (self->call_->cancelled()) return self->end(Error(Code::cancelled, "cancelled before it listened"));
        if (self->call_->deadline_ns() != 0) self->server_.hub_.loop.schedule(self, self->call_->deadline_ns());
        if (const Descriptor fd = self->acceptor_->descriptor(); fd != no_descriptor) {
            auto place = self->server_.hub_.loop.add(fd, Loop::readable, self, 0);
            if (!place) return self->end(place.error());
            self->place_ = *place;
        }
        self->accept_all();
    });
}

void TransportServer::Listener::cancel() {
    server_.hub_.loop.post([self = self()] { self->end(Error(Code::cancelled, "listening was cancelled")); });
}

void TransportServer::Listener::on_events(std::uint32_t, std::uint32_t) { accept_all(); }

void TransportServer::Listener::accept_all() {
    for (int round = 0; round < rounds_max && acceptor_ != nullptr; ++round) {
        auto came = acceptor_->accept();
        if (came) {
            if (!came->has_value()) return;
            take(std::move(**came));
        } else if (came.error().code() == Code::not_granted) {
            server_.hub_.count("refused_users", 1);
        } else if (came.error().code() == Code::exhausted) { // the descriptor stays readable: look again later, and not at once
            server_.hub_.count("accept_failures", 1);
            server_.host_.warn(came.error().message());
            if (place_ != 0) server_.hub_.loop.modify(place_, acceptor_->descriptor(), 0);
            resume_at_ns_ = now_ns() + pause_ns;
            server_.hub_.loop.schedule(self(), resume_at_ns_);
            return;
        } else {
            return end(came.error());
        }
    }
}

void TransportServer::Listener::take(Dialed dialed) {
    if (open_->load() >= limits_.connections_max) {
        server_.hub_.count("refused_connections", 1);
        Outbox no(1, greeting_bytes);
        no.push(PartKind::greeting, write_greeting({1, Greeting::Verdict::full, limits_.frame_bytes_max}));
        static_cast<void>(dialed.carrier->flush(no));
        return dialed.carrier->shut();
    }
    open_->fetch_add(1);
    std::shared_ptr<void> slot(nullptr, [open = open_](void*) { open->fetch_sub(1); });
    const auto connection = server_.make(std::move(dialed), limits_);
    connection->hold(std::move(slot));
    connection->start(now_ns() + server_.greeting_ns_, [self = self()](const auto& opened, const Status& status) { self->opened(opened, status); });
}

void TransportServer::Listener::opened(const std::shared_ptr<Connection>& connection, const Status& status) {
    if (!status || !call_) {
        server_.hub_.count("refused_greetings", 1);
        connection->close(status ? Error(Code::cancelled, "nobody listens any more") : status.error());
        if (!status && acceptor_ != nullptr && acceptor_->descriptor() == no_descriptor) end(status.error()); // nobody else can come
        return;
    }
    server_.open(connection);
    try {
        call_->emit(ports::Accepted{connection->id(), connection->peer()});
    } catch (...) {
        static_cast<void>(server_.drop(connection->id()));
    }
}

std::uint64_t TransportServer::Listener::on_time(std::uint64_t now) {
    if (!call_) return never;
    const std::uint64_t deadline = call_->deadline_ns() == 0 ? never : call_->deadline_ns();
    if (now >= deadline) {
        end(Error(Code::deadline, "the time for listening is over"));
        return never;
    }
    if (now >= resume_at_ns_) {
        resume_at_ns_ = never;
        if (place_ != 0) server_.hub_.loop.modify(place_, acceptor_->descriptor(), Loop::readable);
    }
    return std::min(deadline, resume_at_ns_);
}

void TransportServer::Listener::end(const Error& why) {
    if (!call_) return;
    if (place_ != 0) server_.hub_.loop.remove(std::exchange(place_, 0), acceptor_->descriptor());
    acceptor_.reset();
    auto call = std::move(*call_);
    call_.reset();
    {
        const std::lock_guard lock(server_.mutex_);
        server_.listeners_.erase(call.id());
    }
    call.fail(why);
}

} // namespace symphony::transport
