// SPDX-License-Identifier: Apache-2.0
#include "database.hpp"

#include <symphony/sqlite_files/vfs.hpp>

namespace symphony::search {

namespace {

constexpr int steps_between_checks = 2000; // of SQLite's virtual machine: some tens of microseconds

int ask(void* stop) {
    try {
        return (*static_cast<std::function<bool()>*>(stop))() ? 1 : 0;
    } catch (...) {
        return 1;
    }
}

int note_pages(void* pages, sqlite3*, const char*, int in_log) {
    *static_cast<int*>(pages) = in_log;
    return SQLITE_OK;
}

/// What the disk said, where SQLite only knows that it said something.
std::string cause(sqlite3* database, int result) {
    const int code = result & 0xFF;
    if (database == nullptr || (code != SQLITE_IOERR && code != SQLITE_FULL && code != SQLITE_CANTOPEN)) return {};
    char* vfs = nullptr;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_VFSNAME, &vfs) != SQLITE_OK || vfs == nullptr) return {};
    const std::string said = sqlite_files::last_vfs_error(vfs);
    sqlite3_free(vfs);
    return said.empty() ? said : " (" + said + ")";
}

} // namespace

Error index_full(std::string message) {
    return {Code::exhausted, "index-full", std::move(message), "free room on the disk, then feed again what was not committed"};
}

Error sqlite_error(sqlite3* database, int result, std::string_view doing) {
    const std::string what = std::string(doing) + ": " + (database == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(database)) + cause(database, result);
    switch (result & 0xFF) {
    case SQLITE_FULL: return index_full(what);
    case SQLITE_NOMEM: return {Code::exhausted, "out-of-memory", what};
    case SQLITE_TOOBIG: return {Code::exhausted, "document-too-large", what};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {Code::data_corrupt, "index-damaged", what, "clear the index and feed it again: it holds nothing that is not stored elsewhere"};
    case SQLITE_INTERRUPT: return {Code::deadline, "query-too-slow", what, "ask for rarer words or fewer of them"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {Code::busy, "index-in-use", what, "another process has this index open"};
    default: return {Code::io, "io", what};
    }
}

void Statement::Finish::operator()(sqlite3_stmt* statement) const noexcept {
    if (!kept) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

Result<bool> Statement::step() {
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    return sqlite_error(database_, result, "search index");
}

Status Statement::run() {
    while (SYMPHONY_TRY(step())) {
    }
    return {};
}

std::string_view Statement::text(int column) const noexcept {
    const unsigned char* const text = sqlite3_column_text(statement_.get(), column);
    if (text == nullptr) return {};
    return {static_cast<const char*>(static_cast<const void*>(text)), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Statement& Statement::bind(std::int64_t value) noexcept {
    sqlite3_bind_int64(statement_.get(), ++bound_, value);
    return *this;
}

Statement& Statement::bind(std::string_view value) noexcept {
    const char* const text = value.empty() ? "" : value.data();
    sqlite3_bind_text64(statement_.get(), ++bound_, text, value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind(const std::vector<SqlValue>& values) noexcept {
    for (const SqlValue& value : values) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) bind(*number);
        else bind(std::string_view(std::get<std::string>(value)));
    }
    return *this;
}

Result<Database> Database::open(const std::string& path, const char* vfs) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
    Database database(opened);
    if (result != SQLITE_OK) return sqlite_error(opened, result, "search index");
    sqlite3_extended_result_codes(opened, 1);
    // Damaged files are to be found out, never believed; nothing in the file may call functions of ours.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_wal_hook(opened, &note_pages, database.log_pages_.get()); // in place of SQLite's own, which writes the log back
    return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()), 0, &statement, nullptr);
    if (result != SQLITE_OK) return sqlite_error(database_.get(), result, "search index");
    return Statement(database_.get(), statement, false);
}

Result<Statement> Database::cached(const char* sql) {
    for (const auto& [text, statement] : cache_->all) {
        if (text == sql) return Statement(database_.get(), statement, true);
    }
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) return sqlite_error(database_.get(), result, "search index");
    cache_->all.emplace_back(sql, statement);
    return Statement(database_.get(), statement, true);
}

Status Database::execute(const char* sql) {
    const int result = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) return sqlite_error(database_.get(), result, "search index");
    return {};
}

Status Database::shorten_log() {
    const int result = sqlite3_wal_checkpoint_v2(database_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, log_pages_.get(), nullptr);
    if (result != SQLITE_OK) return sqlite_error(database_.get(), result, "search index");
    return {};
}

Database::FinalizeAll::~FinalizeAll() {
    for (const auto& [text, statement] : all) sqlite3_finalize(statement);
}

Database::Guard::Guard(Database& database, std::function<bool()> stop) : database_(database.database_.get()), stop_(std::move(stop)) {
    sqlite3_progress_handler(database_, steps_between_checks, &ask, &stop_);
}

Database::Guard::~Guard() { sqlite3_progress_handler(database_, 0, nullptr, nullptr); }

} // namespace symphony::search
