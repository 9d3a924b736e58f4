// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/carrier.hpp>

namespace symphony::transport {

std::shared_ptr<Seat> Seats::take(std::uint64_t call_id, const std::shared_ptr<Loop::Client>& client) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Seat> seat;
    if (!free_.empty()) {
        seat = std::move(free_.back());
        free_.pop_back();
    } else {
        seat = std::make_shared<Seat>();
        seat->event = make_event();
        if (!seat->event) return nullptr;
        seat->scratch.resize(scratch_bytes);
    }
    seat->call_id = call_id;
    seat->client = client;
    taken_.push_back(seat);
    return seat;
}

void Seats::give(std::shared_ptr<Seat> seat) {
    const std::lock_guard lock(mutex_);
    std::erase(taken_, seat);
    seat->call_id = 0;
    seat->client.reset();
    free_.push_back(std::move(seat));
}

std::shared_ptr<Loop::Client> Seats::find(std::uint64_t call_id) {
    const std::lock_guard lock(mutex_);
    for (const auto& seat : taken_) {
        if (seat->call_id == call_id) return seat->client.lock();
    }
    return nullptr;
}

} // namespace symphony::transport
