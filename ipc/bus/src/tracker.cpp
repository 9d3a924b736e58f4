// SPDX-License-Identifier: Apache-2.0
#include "tracker.hpp"

namespace symphony::bus {

Status Tracker::open(const ipc::Uuid& id, EndpointRef endpoint, std::uint64_t deadline_ns, Asker asker) {
    const std::lock_guard lock(mutex_);
    if (open_.contains(id) || ended_.contains(id)) return Error(Code::conflict, "duplicate-id", "request " + id.text() + " is there already", "give each request an id of its own");
    if (open_.size() >= open_max_) {
        return Error(Code::busy, "queue-full", std::to_string(open_max_) + " requests are open, more are not taken", "wait for answers, or raise open_requests_max of the bus plugin");
    }
    ++by_endpoint_[endpoint.get()];
    const auto place = deadlines_.emplace(deadline_ns, id);
    open_.emplace(id, Entry{{std::move(endpoint), deadline_ns, std::move(asker)}, place});
    return {};
}

Tracker::Open Tracker::take(Entries::iterator found, End how) {
    Open out = std::move(found->second.open);
    deadlines_.erase(found->second.place);
    if (const auto count = by_endpoint_.find(out.endpoint.get()); count != by_endpoint_.end() && --count->second == 0) by_endpoint_.erase(count);
    ended_.emplace(found->first, how);
    ended_order_.push_back(found->first);
    open_.erase(found);
    while (ended_order_.size() > remembered_max_) {
        ended_.erase(ended_order_.front());
        ended_order_.pop_front();
    }
    return out;
}

Status Tracker::answer(const MessageRef& message, std::uint64_t now_ns) {
    const ipc::EnvelopeView& view = message->view();
    const ipc::Uuid id = view.correlation.value_or(ipc::Uuid());
    Open open;
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(id);
        if (found == open_.end()) {
            const auto ended = ended_.find(id);
            if (ended == ended_.end()) return Error(Code::not_found, "unknown-request", "nobody has asked " + id.text());
            if (ended->second == End::answered) return Error(Code::conflict, "duplicate-reply", "request " + id.text() + " was answered before");
            return Error(Code::deadline, "late-reply", "nobody waits for the answer to " + id.text() + " any more");
        }
        if (found->second.open.endpoint->name != view.sender) {
            return Error(Code::not_granted, "not-the-receiver",
                         "request " + id.text() + " went to \"" + found->second.open.endpoint->name + "\" and not to \"" + std::string(view.sender) + "\"");
        }
        found->second.open.endpoint->seen_ns.store(now_ns, std::memory_order_relaxed);
        open = take(found, End::answered);
    }
    open.asker(message);
    ended();
    return {};
}

bool Tracker::fail(const ipc::Uuid& id, const Error& error) {
    Open open;
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(id);
        if (found == open_.end()) return false;
        open = take(found, End::failed);
    }
    open.asker(error);
    ended();
    return true;
}

std::size_t Tracker::fail_all(const Endpoint& endpoint, const Error& error) {
    std::vector<Asker> askers;
    {
        const std::lock_guard lock(mutex_);
        if (!by_endpoint_.contains(&endpoint)) return 0;
        for (auto it = open_.begin(); it != open_.end();) {
            const auto found = it++;
            if (found->second.open.endpoint.get() == &endpoint) askers.push_back(take(found, End::failed).asker);
        }
    }
    for (const auto& asker : askers) asker(error);
    ended();
    return askers.size();
}

std::size_t Tracker::expire(std::uint64_t now_ns) {
    std::vector<std::pair<ipc::Uuid, Open>> due;
    {
        const std::lock_guard lock(mutex_);
        while (!deadlines_.empty() && deadlines_.begin()->first <= now_ns) {
            const ipc::Uuid id = deadlines_.begin()->second;
            due.emplace_back(id, take(open_.find(id), End::failed));
        }
    }
    for (const auto& [id, open] : due) {
        open.asker(Error(Code::deadline, "no-answer", "endpoint \"" + open.endpoint->name + "\" has not answered request " + id.text() + " in time"));
    }
    if (!due.empty()) ended();
    return due.size();
}

void Tracker::on_empty(std::function<void()> tell) {
    const std::lock_guard lock(mutex_);
    if (watched_.load()) return;
    tell_empty_ = std::move(tell);
    watched_.store(true, std::memory_order_release);
}

void Tracker::ended() {
    if (watched_.load(std::memory_order_acquire) && empty()) tell_empty_();
}

bool Tracker::empty() const {
    const std::lock_guard lock(mutex_);
    return open_.empty();
}

std::uint32_t Tracker::open_of(const Endpoint& endpoint) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_endpoint_.find(&endpoint);
    return found == by_endpoint_.end() ? 0 : found->second;
}

} // namespace symphony::bus
