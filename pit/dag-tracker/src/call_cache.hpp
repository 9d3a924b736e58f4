// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "call_memory.hpp"
#include "value_store.hpp"

#include <symphony/sqlite_files/folder.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace symphony::tracker {

class CallCacheCore;

/// What calls have answered, of all runs of a user: one SQLite database (WAL) in a folder, beside the journal, for any number of hosts at a
/// time. What it has may be lost at any time; what it gives is whole: every row has a sum, and a large answer is checked against its
/// digest. One thread of its own reads and writes. [any thread]
class CallCache {
public:
    struct Options {
        std::function<std::int64_t()> now_ms;       ///< since 1970; empty: the clock
        std::uint64_t bytes_max = 1u << 30;         ///< of all answers; above it the least recently used go
        std::uint64_t entries_max = 200'000;
        std::shared_ptr<ValueStore> values;         ///< for large answers; null: there is none
    };
    struct Stats {
        std::uint64_t entries = 0;
        std::uint64_t bytes = 0;         ///< of answers and of what is said about them
        std::uint64_t stored_bytes = 0;  ///< of these in the artifact store
        std::uint64_t hits = 0, misses = 0;  ///< since it was cleared
        std::uint64_t evicted = 0;       ///< answers that had to go
        std::int64_t oldest_ms = 0;      ///< when the oldest was made, since 1970; 0: there is none
        std::uint64_t bytes_max = 0;
    };

    /// @return `data_corrupt` "cache-corrupt", `abi_mismatch` "newer-cache", `exhausted` "disk-full", `io` "cache-unreadable".
    static Result<std::shared_ptr<CallCache>> open(std::unique_ptr<sqlite_files::Folder> folder, Options options);
    /// Removes the database, whatever it is. No host may have it open.
    static Status remove(sqlite_files::Folder& folder);
    CallCache(const CallCache&) = delete;
    CallCache& operator=(const CallCache&) = delete;
    ~CallCache();

    /// Whose calls are asked for, so that a miss can be compared with the nearest earlier call.
    struct Place {
        std::uint64_t scope = 0;  ///< place_of()
        std::string run;          ///< for people
        std::uint64_t ttl_ms = 0; ///< 0: answers do not grow old
    };
    /// @param then  Called once, on the cache's thread; must not block.
    void find(CallFacts call, Place place, std::function<void(Recalled)> then) noexcept;
    /// Returns at once. What comes faster than it can be written is forgotten.
    void keep(CallFacts call, Place place, Value answer) noexcept;
    /// What was kept before is written. [blocks]
    void flush() noexcept;

    Result<Stats> stats();  ///< [blocks]
    Status clear();         ///< [blocks]

private:
    explicit CallCache(std::shared_ptr<CallCacheCore> core);
    std::shared_ptr<CallCacheCore> core_;
};

/// A number for one element of one node of a workflow.
std::uint64_t place_of(std::string_view workflow, std::string_view node, std::uint32_t element);

} // namespace symphony::tracker
