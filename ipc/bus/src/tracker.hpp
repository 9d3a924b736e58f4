// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "table.hpp"

#include <deque>
#include <functional>
#include <map>
#include <mutex>

namespace symphony::bus {

/// Gets the answer of a request: exactly once, on any thread, perhaps before the request returns.
using Asker = std::function<void(Result<MessageRef>)>;

struct UuidHash {
    std::size_t operator()(const ipc::Uuid& id) const noexcept {
        std::uint64_t random; // the second half of version 7, and of nearly every other version, is random
        std::memcpy(&random, id.bytes.data() + 8, sizeof random);
        return static_cast<std::size_t>(random);
    }
};

/// Which request waits for whose answer until when. Each one ends exactly once: by its answer, its deadline, the end of its endpoint, or because it is
/// withdrawn. The ids of ended ones are remembered for a while, so that what comes late is told from what comes twice and from what was never asked. [any]
class Tracker {
public:
    /// @param open_max  Requests at a time. @param remembered_max  Ended ones whose ids are kept.
    Tracker(std::size_t open_max, std::size_t remembered_max) : open_max_(open_max), remembered_max_(remembered_max) {}

    /// @param deadline_ns  When it ends without an answer. @return `conflict` "duplicate-id", `busy` "queue-full"; then `asker` is not called.
    Status open(const ipc::Uuid& id, EndpointRef endpoint, std::uint64_t deadline_ns, Asker asker);

    /// Gives the answer to who asked. @return `not_found` "unknown-request", `conflict` "duplicate-reply", `deadline` "late-reply",
    /// `not_granted` "not-the-receiver".
    Status answer(const MessageRef& message, std::uint64_t now_ns);

    /// Ends one without an answer. @return Whether it was still open.
    bool fail(const ipc::Uuid& id, const Error& error);
    /// Ends all that wait for this endpoint. @return How many.
    std::size_t fail_all(const Endpoint& endpoint, const Error& error);
    /// Ends what is due. @return How many.
    std::size_t expire(std::uint64_t now_ns);

    bool empty() const;
    /// From now on `tell` is called when a request ended and none is left, outside of every lock. Once. [any]
    void on_empty(std::function<void()> tell);
    std::uint32_t open_of(const Endpoint& endpoint) const;

private:
    enum class End : std::uint8_t { answered, failed };
    struct Open {
        EndpointRef endpoint;
        std::uint64_t deadline_ns;
        Asker asker;
    };
    using Deadlines = std::multimap<std::uint64_t, ipc::Uuid>;
    struct Entry {
        Open open;
        Deadlines::iterator place;
    };
    using Entries = std::unordered_map<ipc::Uuid, Entry, UuidHash>;

    Open take(Entries::iterator found, End how);
    void ended();

    const std::size_t open_max_, remembered_max_;
    mutable std::mutex mutex_;
    Entries open_;
    Deadlines deadlines_;
    std::unordered_map<const Endpoint*, std::uint32_t> by_endpoint_;
    std::unordered_map<ipc::Uuid, End, UuidHash> ended_;
    std::deque<ipc::Uuid> ended_order_;
    std::function<void()> tell_empty_;
    std::atomic<bool> watched_{false}; // tell_empty_ is there, and stays
};

} // namespace symphony::bus
