// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage.hpp"

#include <symphony/ports/search.hpp>

#include <functional>
#include <optional>
#include <string>

namespace symphony::search {

struct MatchPlan;
struct Node;

struct IndexOptions {
    std::size_t text_bytes_max = std::size_t{1} << 20; ///< of a document's text that are indexed
    std::size_t ranked_max = 10'000;                   ///< matches that are ranked: the newest ones
};

/// The index behind search/1 in one SQLite database: FTS5 over names and texts, tables for all else. Not to be used by two threads
/// at once, except through `stop`.
class Index {
public:
    using Stop = std::function<bool()>; ///< true = the call is given up

    /// Never fails: an index that cannot be opened says so in every call but clear(). `storage` outlives it.
    Index(Storage& storage, IndexOptions options);

    Status index(const std::vector<ports::Document>& documents);
    Status remove(const std::vector<std::string>& ids);
    Result<ports::Hits> search(const ports::Query& query, const Stop& stop);
    Status commit(std::string_view feed, std::uint64_t watermark);
    Result<ports::IndexStatus> status();
    Status clear();

private:
    struct Found {
        std::int64_t row;
        double score;
    };
    struct Matches {
        std::vector<Found> best;
        std::size_t seen = 0; ///< at most ranked_max + 1
    };
    Result<Database*> database();
    Status open();
    Status begin();
    Status put(Database& database, const ports::Document& document);
    static Status change_words(Database& database, bool puts, std::int64_t row, std::string_view name, std::string_view text, std::string_view labels);
    Result<bool> drop(Database& database, std::string_view id);
    Status mark(Database& database, std::string_view feed, std::uint64_t watermark);
    Result<ports::IndexStatus> read_status(Database& database);
    /// What was not committed is gone; gives the error back. No statement may be alive: the database may be closed.
    Error undo(Error error);
    /// Writes the log back into the database when it is long enough.
    void shorten_log();
    Result<Matches> find(Database& database, const MatchPlan& plan, const ports::Query& query);
    Status fill(Database& database, const std::vector<const Node*>& wanted, const ports::Query& query, const Matches& matches, ports::Hits& to);
    Status count_facets(Database& database, const MatchPlan& plan, std::uint32_t most, ports::Hits& to);

    Storage& storage_;
    IndexOptions options_;
    std::optional<Database> database_;
    std::optional<Error> fault_; ///< why there is no database
    std::uint64_t pending_ = 0;
};

} // namespace symphony::search
