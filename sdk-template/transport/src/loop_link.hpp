// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace loop_link {

struct Limits {
    std::size_t frame_bytes_max = 16 * 1024 * 1024;
    std::size_t queue_frames_max = 1024;
};

struct Counters {
    std::uint64_t sent_frames = 0, sent_bytes = 0, received_frames = 0, received_bytes = 0, dropped_frames = 0;
    std::size_t send_queue = 0, receive_queue = 0;
    bool finished_here = false, finished_there = false;
};

/// Whether a wait should end without what it waits for. Called with the lock held.
using Stop = std::function<bool()>;

/// Every connection of one instance. All functions may be called on any thread; those with a Stop wait.
class Switchboard {
public:
    explicit Switchboard(Limits limits) : limits_(limits) {}

    /// Tells `accept` of each new connection until `stop`. @return `conflict` with reason `address-in-use`.
    symphony::Status listen(const std::string& path, const std::function<void(std::uint64_t)>& accept, const Stop& stop);
    /// @return The new connection, or `not_found` with reason `no-listener`.
    symphony::Result<std::uint64_t> connect(const std::string& path);
    /// Waits for room in the queue when `wait`. @return `busy`, `queue-full`; `cancelled`; `invalid_argument`, `frame-too-large`;
    ///   `misuse`, `finished`; `peer_died`, `closed`; `not_found`, `no-connection`.
    symphony::Status send(std::uint64_t connection, symphony::Buffer content, bool wait, const Stop& stop);
    /// Waits for the first frame; then gives what is there, at most `frames_max`, to `take`. `end` comes once, last.
    /// @return `misuse` with reason `already-receiving`, or as send().
    symphony::Status receive(std::uint64_t connection, std::uint32_t frames_max, const std::function<void(symphony::Buffer, bool end)>& take, const Stop& stop);
    symphony::Status finish(std::uint64_t connection);
    void close(std::uint64_t connection);
    symphony::Result<Counters> status(std::uint64_t connection) const;
    /// Looks at every Stop again.
    void wake();

private:
    struct End {
        std::uint64_t peer = 0;
        std::deque<symphony::Buffer> queue;  // on its way to here
        bool finished = false;               // by the peer: nothing follows the queue
        bool told_end = false;
        bool receiving = false;
        bool peer_gone = false;
        Counters counters;
    };
    symphony::Result<End*> find(std::uint64_t connection);

    const Limits limits_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, End> ends_;
    std::map<std::string, std::vector<std::uint64_t>> listeners_;  // connections that wait to be told
};

} // namespace loop_link
