// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "database.hpp"

#include <symphony/ports/search.hpp>

#include <functional>
#include <optional>
#include <string>

namespace symphony::search {

struct MatchPlan;
struct Node;

/// Makes and removes the files of one database; the seam between the index and where its files are.
struct Storage {
    std::function<Result<Database>()> open;
    std::function<Status()> remove; ///< all files of the database; none being there is no error
};

struct IndexOptions {
    std::size_t text_bytes_max = std::size_t{1} << 20; ///< of a document's text that are indexed
    std::size_t ranked_max = 10'000;                   ///< matches that are ranked: the newest ones
};

/// The index behind search/1 in one SQLite database: FTS5 over names and texts, tables for all else. Not to be used by two threads
/// at once, except through `stop`.
class Index {
public:
    using Stop = std::function<bool()>; ///< true = the call is given up

    /// Never fails: an index that cannot be opened says so in every call but clear().
    Index(Storage storage, IndexOptions options);

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
    Result<bool> drop(Database& database, std::string_view id);
    /// What was not committed is gone; gives the error back.
    Error undo(Error error);
    Result<Matches> find(Database& database, const MatchPlan& plan, const ports::Query& query);
    Status fill(Database& database, const std::vector<const Node*>& wanted, const ports::Query& query, const Matches& matches, ports::Hits& to);
    Status count_facets(Database& database, const MatchPlan& plan, std::uint32_t most, ports::Hits& to);

    Storage storage_;
    IndexOptions options_;
    std::optional<Database> database_;
    std::optional<Error> fault_; ///< why there is no database
    std::uint64_t pending_ = 0;
};

} // namespace symphony::search
