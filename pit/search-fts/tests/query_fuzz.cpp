// SPDX-License-Identifier: Apache-2.0
// Any text is read or refused; what was read is small, prints, runs as SQL that SQLite accepts, and cuts an excerpt that is whole.
#include "database.hpp"
#include "excerpt.hpp"
#include "match_sql.hpp"
#include "query.hpp"

#include <symphony/utf8.hpp>

#include <cstdint>
#include <cstdlib>

using namespace symphony::search;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

Database& tables() {
    static Database database = [] {
        auto opened = Database::open(":memory:", nullptr);
        require(opened && opened->execute("CREATE TABLE documents(rowid INTEGER PRIMARY KEY, date INTEGER, type TEXT, name TEXT, text TEXT);"
                                          "CREATE TABLE labels(kind INTEGER, value TEXT, document INTEGER);"
                                          "CREATE VIRTUAL TABLE words USING fts5(name, text, labels, content = '', prefix = '2 3');"
                                          "CREATE VIRTUAL TABLE pairs USING fts5(name, text, labels, content = '');"
                                          "INSERT INTO documents VALUES(1, 5, 'a/b', 'fox', 'dog'); INSERT INTO words(rowid, name, text) VALUES(1, 'fox', 'dog')"));
        return std::move(*opened);
    }();
    return database;
}

void run(const MatchPlan& plan) {
    const std::string sql = plan.match ? std::string("SELECT rowid FROM ") + plan.table + " WHERE " + plan.table + " MATCH ? AND +" + plan.filter.text : "SELECT rowid FROM documents WHERE " + plan.filter.text;
    auto statement = tables().prepare(sql);
    require(static_cast<bool>(statement));
    if (plan.match) statement->bind(std::string_view(*plan.match));
    statement->bind(plan.filter.values);
    require(static_cast<bool>(statement->run()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text = symphony::to_valid_utf8({static_cast<const char*>(static_cast<const void*>(data)), size});
    const auto node = parse_query(text);
    if (!node) {
        require(!node.error().reason().empty());
        return 0;
    }
    require(!to_text(*node).empty());
    run(plan_match(*node, true));
    run(plan_match(*node, false));
    for (const std::size_t most : {1, 7, 100}) {
        const Excerpt excerpt = make_excerpt(text, wanted_words(*node), most);
        require(excerpt.text.size() <= most && symphony::is_valid_utf8(excerpt.text));
        for (std::size_t i = 0; i < excerpt.highlights.size(); i += 2) require(excerpt.highlights[i] + excerpt.highlights[i + 1] <= excerpt.text.size());
    }
    return 0;
}
