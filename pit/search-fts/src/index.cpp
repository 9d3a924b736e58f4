// SPDX-License-Identifier: Apache-2.0
#include "index.hpp"

#include "excerpt.hpp"
#include "match_sql.hpp"
#include "query.hpp"
#include "tokens.hpp"

#include <algorithm>
#include <set>

namespace symphony::search {

namespace {

constexpr std::int64_t format_version = 2;
constexpr std::size_t id_bytes_max = 256;
constexpr std::size_t name_bytes_max = 4096;
constexpr int log_pages_max = 1000; // 4 MiB, as SQLite itself has it
constexpr std::uint32_t window_max = 10'000, limit_max = 1000, limit_default = 20, facets_max = 100, excerpt_bytes_max = 4096;

// `documents` has the content; `words` and `pairs` are the full text over it (without content: the text is stored once), see tokens.hpp for
// what is in `labels` and in `pairs`; row ids only grow, so that the newest come first without sorting. kind 1 is a tag, 2 an input.
constexpr const char* schema = R"sql(
CREATE TABLE documents(
  rowid INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, date INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX by_date ON documents(date);
CREATE INDEX by_type ON documents(type);
CREATE TABLE labels(kind INTEGER NOT NULL, value TEXT NOT NULL, document INTEGER NOT NULL, PRIMARY KEY(kind, value, document)) WITHOUT ROWID;
CREATE INDEX by_document ON labels(document);
CREATE VIRTUAL TABLE words USING fts5(name, text, labels, content = '', prefix = '2 3', tokenize = "unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE pairs USING fts5(name, text, labels, content = '', tokenize = "unicode61 remove_diacritics 2");
CREATE TABLE feed(feed TEXT NOT NULL, watermark INTEGER NOT NULL);
INSERT INTO feed VALUES('', 0);
PRAGMA user_version = 2;
)sql";

// Exclusive: nobody else reads it, so that the index of the write-ahead log stays in this process's memory.
constexpr const char* settings = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                                 "PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 4194304;";

/// The first `max` bytes of a text, cut between code points.
std::string_view cut(std::string_view text, std::size_t max) {
    if (text.size() <= max) return text;
    while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) --max;
    return text.substr(0, max);
}

Error too_large(std::string_view what, std::uint64_t value, std::uint64_t most) {
    return {Code::invalid_argument, "query-too-large", "query: " + std::string(what) + " is " + std::to_string(value) + ", the limit is " + std::to_string(most),
            "ask for less at a time"};
}

Status check(const ports::Query& query) {
    const std::uint64_t limit = query.limit == 0 ? limit_default : query.limit;
    if (limit > limit_max) return too_large("limit", limit, limit_max);
    if (query.offset + limit > window_max) return too_large("offset and limit together", query.offset + limit, window_max);
    if (query.facets > facets_max) return too_large("facets", query.facets, facets_max);
    if (query.excerpt_bytes > excerpt_bytes_max) return too_large("excerpt_bytes", query.excerpt_bytes, excerpt_bytes_max);
    return {};
}

std::string label_tokens(std::string_view type, const std::set<std::string>& tags) {
    std::string tokens = label_token('y', type).value_or("");
    for (const std::string& tag : tags) {
        if (const auto token = label_token('t', tag)) tokens += " " + *token;
    }
    return tokens;
}

std::int64_t stored_date(std::uint64_t ms) noexcept { return static_cast<std::int64_t>(std::min<std::uint64_t>(ms, INT64_MAX - 1)); }

} // namespace

Index::Index(Storage& storage, IndexOptions options) : storage_(storage), options_(options) {
    if (const Status opened = open(); !opened) fault_ = opened.error();
}

Status Index::open() {
    database_.reset();
    Database database = SYMPHONY_TRY(storage_.open());
    if (const Status set = database.execute(settings); !set) return set;
    std::int64_t version = 0;
    {
        Statement asked = SYMPHONY_TRY(database.prepare("PRAGMA user_version"));
        if (SYMPHONY_TRY(asked.step())) version = asked.integer(0);
    }
    if (version == 0) {
        if (const Status made = database.execute(std::string("BEGIN EXCLUSIVE;") + schema + "COMMIT;"); !made) return made;
    } else if (version != format_version) {
        return Error(Code::data_corrupt, "index-damaged", "search index: of format " + std::to_string(version) + ", this provider has format " + std::to_string(format_version),
                     "clear the index and feed it again");
    }
    database_.emplace(std::move(database));
    fault_.reset();
    pending_ = 0;
    return {};
}

Result<Database*> Index::database() {
    if (database_) return &*database_;
    // Only damage lasts; a disk that was full or a file that was in use may have changed.
    if (fault_ && fault_->code() == Code::data_corrupt) return *fault_;
    if (const Status opened = open(); !opened) {
        fault_ = opened.error();
        return opened.error();
    }
    return &*database_;
}

Error Index::undo(Error error) {
    if (database_ && database_->in_transaction()) static_cast<void>(database_->execute("ROLLBACK"));
    pending_ = 0;
    // A file that the disk failed under is not gone on with; the next call opens it anew.
    if (error.code() == Code::data_corrupt || error.code() == Code::io) database_.reset();
    if (error.code() == Code::data_corrupt) fault_ = error;
    return error;
}

void Index::shorten_log() {
    // The commit is done whatever comes of this. SQLite's own doing it would hide a disk that fails, and let the log grow for ever.
    if (database_->log_pages() < log_pages_max) return;
    const Status done = database_->shorten_log();
    if (!done && done.error().code() != Code::exhausted) static_cast<void>(undo(done.error()));
}

Status Index::begin() {
    if (database_->in_transaction()) return {};
    return database_->execute("BEGIN IMMEDIATE");
}

/// Both full texts of one document, put in or taken out; what is taken out has to be what was put in.
Status Index::change_words(Database& database, bool puts, std::int64_t row, std::string_view name, std::string_view text, std::string_view labels) {
    Statement words = SYMPHONY_TRY(database.cached(puts ? "INSERT INTO words(rowid, name, text, labels) VALUES(?, ?, ?, ?)"
                                                        : "INSERT INTO words(words, rowid, name, text, labels) VALUES('delete', ?, ?, ?, ?)"));
    if (const Status done = words.bind(row).bind(name).bind(text).bind(labels).run(); !done) return done;
    const std::string name_pairs = pair_tokens_of(name), text_pairs = pair_tokens_of(text);
    Statement pairs = SYMPHONY_TRY(database.cached(puts ? "INSERT INTO pairs(rowid, name, text, labels) VALUES(?, ?, ?, ?)"
                                                        : "INSERT INTO pairs(pairs, rowid, name, text, labels) VALUES('delete', ?, ?, ?, ?)"));
    return pairs.bind(row).bind(std::string_view(name_pairs)).bind(std::string_view(text_pairs)).bind(labels).run();
}

Result<bool> Index::drop(Database& database, std::string_view id) {
    std::int64_t row = 0;
    {
        Statement found = SYMPHONY_TRY(database.cached("SELECT rowid, name, text, type FROM documents WHERE id = ?"));
        found.bind(id);
        if (!SYMPHONY_TRY(found.step())) return false;
        row = found.integer(0);
        Statement tags = SYMPHONY_TRY(database.cached("SELECT value FROM labels WHERE kind = 1 AND document = ?"));
        tags.bind(row);
        std::set<std::string> values;
        while (SYMPHONY_TRY(tags.step())) values.emplace(tags.text(0));
        const std::string labels = label_tokens(found.text(3), values);
        if (const Status done = change_words(database, false, row, found.text(1), found.text(2), labels); !done) return done.error();
    }
    Statement labels = SYMPHONY_TRY(database.cached("DELETE FROM labels WHERE document = ?"));
    if (const Status done = labels.bind(row).run(); !done) return done.error();
    Statement document = SYMPHONY_TRY(database.cached("DELETE FROM documents WHERE rowid = ?"));
    if (const Status done = document.bind(row).run(); !done) return done.error();
    return true;
}

Status Index::put(Database& database, const ports::Document& document) {
    static_cast<void>(SYMPHONY_TRY(drop(database, document.id)));
    const std::string_view name = cut(document.name, name_bytes_max), text = cut(document.text, options_.text_bytes_max);
    Statement content = SYMPHONY_TRY(database.cached("INSERT INTO documents(id, date, type, name, text) VALUES(?, ?, ?, ?, ?)"));
    if (const Status done = content.bind(document.id).bind(stored_date(document.date_unix_ms)).bind(document.type).bind(name).bind(text).run(); !done) return done;
    const std::int64_t row = database.last_row();
    const std::string labels = label_tokens(document.type, {document.tags.begin(), document.tags.end()});
    if (const Status done = change_words(database, true, row, name, text, labels); !done) return done;
    for (std::int64_t kind = 1; kind <= 2; ++kind) {
        for (const std::string& value : kind == 1 ? document.tags : document.inputs) {
            Statement label = SYMPHONY_TRY(database.cached("INSERT OR IGNORE INTO labels VALUES(?, ?, ?)"));
            if (const Status done = label.bind(kind).bind(value).bind(row).run(); !done) return done;
        }
    }
    return {};
}

Status Index::index(const std::vector<ports::Document>& documents) {
    Database* const database = SYMPHONY_TRY(this->database());
    for (const ports::Document& document : documents) {
        if (document.id.empty() || document.id.size() > id_bytes_max) {
            return Error(Code::invalid_argument, "bad-document", "document id of " + std::to_string(document.id.size()) + " bytes, allowed are 1 to " + std::to_string(id_bytes_max));
        }
    }
    if (const Status begun = begin(); !begun) return undo(begun.error());
    for (const ports::Document& document : documents) {
        if (const Status done = put(*database, document); !done) return undo(done.error());
        ++pending_;
    }
    return {};
}

Status Index::remove(const std::vector<std::string>& ids) {
    Database* const database = SYMPHONY_TRY(this->database());
    if (const Status begun = begin(); !begun) return undo(begun.error());
    for (const std::string& id : ids) {
        if (const auto done = drop(*database, id); !done) return undo(done.error());
        ++pending_;
    }
    return {};
}

Status Index::mark(Database& database, std::string_view feed, std::uint64_t watermark) {
    Statement marked = SYMPHONY_TRY(database.cached("UPDATE feed SET feed = ?, watermark = ?"));
    return marked.bind(feed).bind(static_cast<std::int64_t>(watermark)).run();
}

Status Index::commit(std::string_view feed, std::uint64_t watermark) {
    Database* const database = SYMPHONY_TRY(this->database());
    if (feed.size() > id_bytes_max) return Error(Code::invalid_argument, "bad-feed", "feed id of " + std::to_string(feed.size()) + " bytes, the limit is " + std::to_string(id_bytes_max));
    if (const Status begun = begin(); !begun) return undo(begun.error());
    if (const Status marked = mark(*database, feed, watermark); !marked) return undo(marked.error());
    if (const Status done = database->execute("COMMIT"); !done) return undo(done.error());
    pending_ = 0;
    shorten_log();
    return {};
}

Result<ports::IndexStatus> Index::read_status(Database& database) {
    Statement asked = SYMPHONY_TRY(database.cached(
        "SELECT feed, watermark, (SELECT count(*) FROM documents), (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) FROM feed"));
    if (!SYMPHONY_TRY(asked.step())) return Error(Code::data_corrupt, "index-damaged", "search index: its watermark is gone", "clear the index and feed it again");
    ports::IndexStatus status;
    status.feed = asked.text(0);
    status.watermark = static_cast<std::uint64_t>(asked.integer(1));
    status.documents = static_cast<std::uint64_t>(asked.integer(2));
    status.size_bytes = static_cast<std::uint64_t>(asked.integer(3));
    status.pending = pending_;
    return status;
}

Result<ports::IndexStatus> Index::status() {
    Database* const database = SYMPHONY_TRY(this->database());
    auto status = read_status(*database);
    if (!status && status.error().code() == Code::data_corrupt) return undo(status.error());
    return status;
}

Status Index::clear() {
    database_.reset();
    pending_ = 0;
    fault_.reset();
    if (const Status removed = storage_.remove(); !removed) return removed;
    if (const Status opened = open(); !opened) {
        fault_ = opened.error();
        return opened;
    }
    return {};
}

Result<Index::Matches> Index::find(Database& database, const MatchPlan& plan, const ports::Query& query) {
    const std::string limit = " LIMIT " + std::to_string(options_.ranked_max + 1);
    std::string sql;
    const std::string table = plan.table;
    if (plan.match) sql = "SELECT rowid, bm25(" + table + ", 4.0, 1.0, 0.0) FROM " + table + " WHERE " + table + " MATCH ? AND +" + plan.filter.text + " ORDER BY rowid DESC" + limit;
    else sql = "SELECT rowid, 0.0 FROM documents WHERE " + plan.filter.text + " ORDER BY date DESC, rowid DESC" + limit;
    Statement statement = SYMPHONY_TRY(database.prepare(sql));
    if (plan.match) statement.bind(std::string_view(*plan.match));
    statement.bind(plan.filter.values);
    Matches matches;
    while (SYMPHONY_TRY(statement.step())) {
        if (++matches.seen <= options_.ranked_max) matches.best.push_back({statement.integer(0), -statement.real(1)});
    }
    const std::size_t wanted = std::size_t{query.offset} + (query.limit == 0 ? limit_default : query.limit);
    if (plan.match) {
        const auto middle = matches.best.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, matches.best.size()));
        std::partial_sort(matches.best.begin(), middle, matches.best.end(),
                          [](const Found& a, const Found& b) { return a.score != b.score ? a.score > b.score : a.row > b.row; });
    }
    matches.best.resize(std::min(wanted, matches.best.size()));
    matches.best.erase(matches.best.begin(), matches.best.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(query.offset, matches.best.size())));
    return matches;
}

Status Index::fill(Database& database, const std::vector<const Node*>& wanted, const ports::Query& query, const Matches& matches, ports::Hits& to) {
    for (const Found& found : matches.best) {
        Statement document = SYMPHONY_TRY(database.cached("SELECT id, text FROM documents WHERE rowid = ?"));
        document.bind(found.row);
        if (!SYMPHONY_TRY(document.step())) {
            return Error(Code::data_corrupt, "index-damaged", "search index: a word leads to a document that is not there", "clear the index and feed it again");
        }
        ports::Hit hit;
        hit.id = document.text(0);
        hit.score = found.score;
        if (query.excerpt_bytes > 0) {
            Excerpt excerpt = make_excerpt(document.text(1), wanted, query.excerpt_bytes);
            hit.excerpt = std::move(excerpt.text);
            hit.highlights = std::move(excerpt.highlights);
        }
        to.hits.push_back(std::move(hit));
    }
    return {};
}

Status Index::count_facets(Database& database, const MatchPlan& plan, std::uint32_t most, ports::Hits& to) {
    std::string matched;
    const std::string table = plan.table;
    if (plan.match) matched = "SELECT rowid FROM " + table + " WHERE " + table + " MATCH ? AND +" + plan.filter.text + " ORDER BY rowid DESC LIMIT ";
    else matched = "SELECT rowid FROM documents WHERE " + plan.filter.text + " ORDER BY date DESC, rowid DESC LIMIT ";
    matched += std::to_string(options_.ranked_max);
    const std::string order = " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT " + std::to_string(most);
    const std::pair<const char*, std::string> questions[] = {
        {"tag", "SELECT value, count(*) FROM labels WHERE kind = 1 AND document IN (" + matched + ")" + order},
        {"type", "SELECT type, count(*) FROM documents WHERE type <> '' AND rowid IN (" + matched + ")" + order}};
    for (const auto& [field, sql] : questions) {
        Statement statement = SYMPHONY_TRY(database.prepare(sql));
        if (plan.match) statement.bind(std::string_view(*plan.match));
        statement.bind(plan.filter.values);
        while (SYMPHONY_TRY(statement.step())) {
            to.facets.push_back({field, std::string(statement.text(0)), static_cast<std::uint64_t>(statement.integer(1))});
        }
    }
    return {};
}

Result<ports::Hits> Index::search(const ports::Query& query, const Stop& stop) {
    if (const Status checked = check(query); !checked) return checked.error();
    const Node node = SYMPHONY_TRY(parse_query(query.text));
    Database* const database = SYMPHONY_TRY(this->database());
    const std::vector<const Node*> wanted = wanted_words(node);
    const MatchPlan plan = plan_match(node, !query.newest_first);
    ports::Hits hits;
    const auto look = [&]() -> Status {
        const Database::Guard guard(*database, stop);
        const Matches matches = SYMPHONY_TRY(find(*database, plan, query));
        hits.total = std::min(matches.seen, options_.ranked_max);
        hits.partial = matches.seen > options_.ranked_max;
        if (const Status filled = fill(*database, wanted, query, matches, hits); !filled) return filled;
        return query.facets == 0 ? Status() : count_facets(*database, plan, query.facets, hits);
    };
    if (const Status looked = look(); !looked) {
        if (looked.error().code() == Code::data_corrupt) return undo(looked.error());
        return looked.error();
    }
    return hits;
}

} // namespace symphony::search
