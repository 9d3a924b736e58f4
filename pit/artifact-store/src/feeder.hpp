// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

#include <symphony/ports/artifact_store.hpp>
#include <symphony/ports/search.hpp>

#include <mutex>

namespace symphony::store {

/// How much one call may feed.
struct FeedBudget {
    std::chrono::milliseconds time{1000}; ///< 0 = as long as it takes
    /// Told how much is fed, and asked whether to go on.
    std::function<bool(std::uint64_t fed, std::uint64_t total)> progress{};
};

/// What stands between a store and the index of `search/1`: feeds it from the store's changes, behind the watermark that the
/// index keeps, and asks it. An index belongs to one store; the plugin's own store takes it, a typed one only when
/// it is empty or somebody says so. What an index may hold of an encrypted store is Settings::index_encrypted: nothing, or
/// everything. [any thread, blocks; one feeds at a time]
class Feeder {
public:
    static constexpr std::size_t text_bytes_max = 1u << 20; ///< of one artifact, that are indexed

    explicit Feeder(Session& session) : session_(session) {}

    /// Finds what was stored before the call; see `find` of the port.
    Result<ports::ArtifactHits> find(Store& store, const ports::ArtifactQuery& query, const FeedBudget& budget, const Call* parent);
    /// Feeds what is new. @return How many changes are left. Nothing to feed into is no error.
    Result<std::uint64_t> feed(Store& store, const FeedBudget& budget, const Call* parent);
    /// Takes the index for this store, whoever had it, and feeds it anew from the beginning.
    Result<std::uint64_t> rebuild(Store& store, const FeedBudget& budget, const Call* parent);

    /// One line for people, and how far the index is behind.
    struct State {
        std::string text;
        std::uint64_t behind = 0;
    };
    State state(Store& store, const Call* parent);

private:
    struct Index {
        std::optional<ports::SearchClient> client;
        std::string note; ///< without a client: why, and what to do, for people
        std::uint64_t watermark = 0;
        std::uint64_t documents = 0;
    };
    Index open(Store& store, bool take, const Call* parent);
    std::string feed_of(const Description& what) const;
    Result<std::uint64_t> feed_from(Store& store, const ports::SearchClient& client, std::uint64_t watermark, const FeedBudget& budget, const Call* parent);
    Result<ports::ArtifactHits> ask(Store& store, const Index& index, const ports::ArtifactQuery& query, std::uint64_t behind, const Call* parent);
    Result<void> add_unseen(Store& store, const ports::ArtifactQuery& query, std::uint64_t after, ports::ArtifactHits& to) const;
    Result<ports::ArtifactHits> plain(Store& store, const ports::ArtifactQuery& query, std::string note) const;

    Session& session_;
    std::mutex feeding_;
};

/// The document of an artifact, with the beginning of its text where it is one.
Result<ports::Document> document_of(Store& store, const ArtifactInfo& info);

} // namespace symphony::store
