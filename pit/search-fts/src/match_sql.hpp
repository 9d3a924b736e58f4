// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "database.hpp"
#include "query.hpp"

#include <optional>

namespace symphony::search {

/// A query as SQL over the tables of index.cpp. Where `match` is there, the documents are those that FTS5 finds for it in `table` (and
/// ranks) for which `filter` holds; else those for which `filter` holds. [pure]
struct MatchPlan {
    std::optional<std::string> match; ///< an FTS5 expression
    const char* table = "words";      ///< or "pairs"
    Sql filter;                       ///< over `rowid`
};

/// @param ranked  False: everything goes to `filter`.
MatchPlan plan_match(const Node& node, bool ranked);

} // namespace symphony::search
