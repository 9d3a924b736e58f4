// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "call_cache.hpp"

#include <symphony/sqlite_files/database.hpp>

#include <map>
#include <vector>

namespace symphony::tracker {

/// A call that was asked for, and one that has answered.
struct CacheQuestion {
    CallFacts call;
    CallCache::Place place;
    std::function<void(Recalled)> then;
};
struct CacheAnswer {
    CallFacts call;
    CallCache::Place place;
    Value answer;
};

/// The database of CallCache: which rows there are, and which go. [one thread]
class CacheRows {
public:
    CacheRows(std::unique_ptr<sqlite_files::Folder> folder, CallCache::Options options);
    Status open();

    std::int64_t now_ms() const { return options_.now_ms(); }
    /// Counts the question, too, whoever answered it.
    void count(bool hit) noexcept { ++(hit ? hits_ : misses_); }
    Status find(const CacheQuestion& question, Recalled& out);
    /// Also writes what questions have left: counts, and when rows were used last.
    Status write(std::map<Digest, CacheAnswer> batch);
    Result<CallCache::Stats> stats();
    Status clear();

private:
    /// Nothing when it cannot be had, or is not what was stored.
    std::optional<Result<Value>> value_in(Bytes output);
    Status compare_with_nearest(const CacheQuestion& question, Recalled& out);
    Status write_counts();
    Status set_nearest(std::uint64_t scope, const Digest& key);
    Status insert(const CacheAnswer& item, const std::optional<StoredValue>& stored);
    Status take_away(const Digest& key);
    Status take_away(std::int64_t row);
    /// The least recently used go first, until there is some room.
    Status evict();
    Result<bool> is_above(double share);
    /// @return How many went.
    Result<std::size_t> evict_some(std::vector<Digest>& gone);
    Status drop_unless_used(const Digest& digest);
    Status make_tables();
    Status number(const char* sql, std::int64_t& out);
    template <class Body>
    Status in_transaction(Body body);

    const std::unique_ptr<sqlite_files::Folder> folder_;
    CallCache::Options options_;
    std::shared_ptr<sqlite_files::Mount> mount_;
    std::unique_ptr<sqlite_files::Database> database_;

    // Not written yet, beside answers.
    std::map<std::int64_t, std::int64_t> touched_;  // row -> when it was used
    std::map<std::uint64_t, Digest> asked_for_;     // scope -> the call that it made last, where the answer of another scope served
    std::uint64_t hits_ = 0, misses_ = 0;
};

} // namespace symphony::tracker
