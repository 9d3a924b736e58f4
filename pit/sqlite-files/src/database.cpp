// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/database.hpp>
#include <symphony/sqlite_files/vfs.hpp>

#include <sqlite3.h>

namespace symphony::sqlite_files {
namespace {

constexpr int busy_ms_max = 10'000;

Error database_error(sqlite3* database, int code, const DatabaseWords& words) {
    const std::string text = std::string(words.what) + ": " + (database != nullptr ? ::sqlite3_errmsg(database) : ::sqlite3_errstr(code));
    const auto reason = [&](const char* end) { return std::string(words.reason) + end; };
    switch (code & 0xFF) {
    case SQLITE_FULL: return Error(Code::exhausted, "disk-full", text, "free some space; nothing that was acknowledged is lost");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Error(Code::data_corrupt, reason("-corrupt"), text, words.hint);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error(Code::busy, reason("-busy"), text, "try again");
    case SQLITE_NOMEM: return Error(Code::exhausted, "no-memory", text);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return Error(Code::io, reason("-unreadable"), text, "check the rights on its folder");
    default: return Error(Code::io, reason("-failed"), text);
    }
}

} // namespace

Result<std::shared_ptr<Mount>> Mount::of(Folder& folder) {
    std::shared_ptr<Mount> mount(new Mount);
    mount->vfs_ = SYMPHONY_TRY(mount_vfs(folder));
    return mount;
}

Mount::~Mount() {
    if (!vfs_.empty()) static_cast<void>(unmount_vfs(vfs_));
}

Statement::~Statement() {
    if (statement_ == nullptr) return;
    ::sqlite3_reset(statement_);
    ::sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::int64_t value) {
    if (statement_ != nullptr && code_ == SQLITE_OK) code_ = ::sqlite3_bind_int64(statement_, next_++, value);
    return *this;
}

Statement& Statement::bind(Bytes value) {
    // An empty span may have no address, which SQLite would take for NULL.
    static constexpr std::uint8_t nothing = 0;
    if (statement_ != nullptr && code_ == SQLITE_OK) {
        code_ = ::sqlite3_bind_blob64(statement_, next_++, value.empty() ? &nothing : value.data(), value.size(), SQLITE_STATIC);
    }
    return *this;
}

Statement& Statement::bind(std::string_view value) {
    if (statement_ != nullptr && code_ == SQLITE_OK) {
        code_ = ::sqlite3_bind_text64(statement_, next_++, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    return *this;
}

bool Statement::step() {
    if (statement_ == nullptr) {
        code_ = ::sqlite3_extended_errcode(database_);
        if (code_ == SQLITE_OK) code_ = SQLITE_ERROR;
        return false;
    }
    if (code_ != SQLITE_OK && code_ != SQLITE_ROW) return false;
    code_ = ::sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
}

Status Statement::done() const {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE) return {};
    return database_error(database_, code_, *words_);
}

std::int64_t Statement::number(int column) const { return ::sqlite3_column_int64(statement_, column); }

Bytes Statement::bytes(int column) const {
    const void* data = ::sqlite3_column_blob(statement_, column);
    return {static_cast<const std::uint8_t*>(data), data == nullptr ? 0 : static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::text(int column) const { return text_of(bytes(column)); }

Database::~Database() {
    for (const auto& [sql, statement] : statements_) ::sqlite3_finalize(statement);
    ::sqlite3_close(database_);
}

Statement Database::prepare(const char* sql) {
    auto [at, fresh] = statements_.try_emplace(sql, nullptr);
    if (at->second == nullptr) {
        if (::sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &at->second, nullptr) != SQLITE_OK) {
            at->second = nullptr;
        }
    }
    return {database_, at->second, words_};
}

Status Database::execute(const char* sql) {
    const int code = ::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return database_error(database_, ::sqlite3_extended_errcode(database_), words_);
    return {};
}

std::int64_t Database::changes() const { return ::sqlite3_changes64(database_); }
std::int64_t Database::last_row() const { return ::sqlite3_last_insert_rowid(database_); }

Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount> mount, std::string_view path, bool write, const DatabaseWords& words) {
    std::unique_ptr<Database> out(new Database(words));
    const std::string& vfs = mount->vfs_;
    const int flags = (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    const int code = ::sqlite3_open_v2(std::string(path).c_str(), &out->database_, flags, vfs.c_str());
    out->mount_ = std::move(mount);
    if (code != SQLITE_OK) return database_error(out->database_, code, words);
    ::sqlite3_extended_result_codes(out->database_, 1);
    ::sqlite3_busy_timeout(out->database_, busy_ms_max);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    return out;
}

} // namespace symphony::sqlite_files
