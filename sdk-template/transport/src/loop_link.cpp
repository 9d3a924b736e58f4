// SPDX-License-Identifier: Apache-2.0
#include "loop_link.hpp"

#include <utility>

namespace loop_link {
namespace {

using symphony::Code;
using symphony::Error;

Error no_connection(std::uint64_t connection) { return {Code::not_found, "no-connection", "connection " + std::to_string(connection) + " is closed or never was"}; }
Error closed(std::uint64_t connection) { return {Code::peer_died, "closed", "the other side of connection " + std::to_string(connection) + " is gone"}; }
Error cancelled() { return {Code::cancelled, "cancelled", "nobody waits for it any more"}; }

} // namespace

symphony::Result<Switchboard::End*> Switchboard::find(std::uint64_t connection) {
    const auto found = ends_.find(connection);
    if (found == ends_.end()) return no_connection(connection);
    return &found->second;
}

symphony::Status Switchboard::listen(const std::string& path, const std::function<void(std::uint64_t)>& accept, const Stop& stop) {
    std::unique_lock lock(mutex_);
    if (!listeners_.try_emplace(path).second) return Error(Code::conflict, "address-in-use", "somebody listens at \"" + path + "\" already");
    auto& waiting = listeners_.at(path); // other listeners move no nodes
    for (;;) {
        changed_.wait(lock, [&] { return stop() || !waiting.empty(); });
        const auto told = std::exchange(waiting, {});
        if (told.empty()) break;
        lock.unlock(); // who is told may call back
        for (const std::uint64_t connection : told) accept(connection);
        lock.lock();
    }
    listeners_.erase(path);
    return cancelled();
}

symphony::Result<std::uint64_t> Switchboard::connect(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto listener = listeners_.find(path);
    if (listener == listeners_.end()) return Error(Code::not_found, "no-listener", "nobody listens at \"" + path + "\"", "start the other side first");
    const std::uint64_t here = next_++, there = next_++;
    ends_[here].peer = there;
    ends_[there].peer = here;
    listener->second.push_back(there);
    changed_.notify_all();
    return here;
}

symphony::Status Switchboard::send(std::uint64_t connection, symphony::Buffer content, bool wait, const Stop& stop) {
    std::unique_lock lock(mutex_);
    if (content.size() > limits_.frame_bytes_max) {
        return Error(Code::invalid_argument, "frame-too-large", "a frame of " + std::to_string(content.size()) + " bytes; at most " +
            std::to_string(limits_.frame_bytes_max) + " go");
    }
    for (;;) {
        End* const here = SYMPHONY_TRY(find(connection));
        if (here->counters.finished_here) return Error(Code::misuse, "finished", "connection " + std::to_string(connection) + " was finished from here");
        if (here->peer_gone) return closed(connection);
        End& there = ends_.at(here->peer);
        if (there.queue.size() < limits_.queue_frames_max) {
            ++here->counters.sent_frames;
            here->counters.sent_bytes += content.size();
            there.queue.push_back(std::move(content));
            changed_.notify_all();
            return {};
        }
        if (!wait) return Error(Code::busy, "queue-full", "the other side reads too slowly");
        if (stop()) return cancelled();
        changed_.wait(lock);
    }
}

symphony::Status Switchboard::receive(std::uint64_t connection, std::uint32_t frames_max, const std::function<void(symphony::Buffer,
    bool)>& take, const Stop& stop) {
    std::vector<symphony::Buffer> frames;
    bool end = false;
    {
        std::unique_lock lock(mutex_);
        End* here = SYMPHONY_TRY(find(connection));
        if (here->receiving) return Error(Code::misuse, "already-receiving", "another receive of connection " + std::to_string(connection) + " is open");
        here->receiving = true;
        while (here->queue.empty() && !here->finished && !here->peer_gone && !stop()) {
            changed_.wait(lock);
            here = SYMPHONY_TRY(find(connection)); // closed meanwhile: nothing to set back
        }
        here->receiving = false;
        while (!here->queue.empty() && frames.size() < frames_max) {
            ++here->counters.received_frames;
            here->counters.received_bytes += here->queue.front().size();
            frames.push_back(std::move(here->queue.front()));
            here->queue.pop_front();
        }
        end = here->queue.empty() && here->finished && frames.size() < frames_max && !std::exchange(here->told_end, here->finished);
        if (frames.empty() && !end) return here->finished || here->peer_gone ? closed(connection) : cancelled();
        changed_.notify_all(); // there is room
    }
    for (symphony::Buffer& frame : frames) take(std::move(frame), false);
    if (end) take({}, true);
    return {};
}

symphony::Status Switchboard::finish(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    End* const here = SYMPHONY_TRY(find(connection));
    here->counters.finished_here = true;
    if (!here->peer_gone) ends_.at(here->peer).finished = true;
    changed_.notify_all();
    return {};
}

void Switchboard::close(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(connection);
    if (found == ends_.end()) return;
    if (!found->second.peer_gone) ends_.at(found->second.peer).peer_gone = true;
    ends_.erase(found);
    changed_.notify_all();
}

symphony::Result<Counters> Switchboard::status(std::uint64_t connection) const {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(connection);
    if (found == ends_.end()) return no_connection(connection);
    const End& here = found->second;
    Counters out = here.counters;
    out.receive_queue = here.queue.size();
    out.finished_there = here.finished;
    if (!here.peer_gone) out.send_queue = ends_.at(here.peer).queue.size();
    else out.dropped_frames = out.sent_frames; // at most: what the other side had not taken
    return out;
}

void Switchboard::wake() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

} // namespace loop_link
