// SPDX-License-Identifier: Apache-2.0
#include "database.hpp"

#include <symphony/sqlite_files/vfs.hpp>

#include <sqlite3.h>

namespace symphony::store {
namespace {

Error database_error(sqlite3* database, int code) {
    const std::string text = database != nullptr ? ::sqlite3_errmsg(database) : ::sqlite3_errstr(code);
    switch (code & 0xFF) {
    case SQLITE_FULL: return Error(Code::exhausted, "disk-full", "index: " + text, "free some space; nothing that was acknowledged is lost");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return Error(Code::data_corrupt, "index-corrupt", "index: " + text, "run `symphony artifact repair`: the index is made anew from the packs");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error(Code::busy, "index-busy", "index: " + text, "try again");
    case SQLITE_NOMEM: return Error(Code::exhausted, "no-memory", "index: " + text);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return Error(Code::io, "index-unreadable", "index: " + text, "check the rights on the store's folder");
    default: return Error(Code::io, "index-failed", "index: " + text);
    }
}

} // namespace

Result<std::shared_ptr<Mount>> Mount::of(Folder& folder) {
    std::shared_ptr<Mount> mount(new Mount(folder));
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

Status Statement::done() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE) return {};
    return database_error(database_, code_);
}

std::int64_t Statement::number(int column) const { return ::sqlite3_column_int64(statement_, column); }

Bytes Statement::bytes(int column) const {
    const void* data = ::sqlite3_column_blob(statement_, column);
    return {static_cast<const std::uint8_t*>(data), data == nullptr ? 0 : static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column))};
}

std::optional<Digest> Statement::digest(int column) const {
    const Bytes from = bytes(column);
    Digest digest;
    if (from.size() != digest.bytes.size()) return std::nullopt;
    std::copy(from.begin(), from.end(), digest.bytes.begin());
    return digest;
}

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
    return {database_, at->second};
}

Status Database::execute(const char* sql) {
    const int code = ::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return database_error(database_, ::sqlite3_extended_errcode(database_));
    return {};
}

std::int64_t Database::changes() const { return ::sqlite3_changes64(database_); }

Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount> mount, std::string_view path, bool write) {
    std::unique_ptr<Database> out(new Database);
    const std::string& vfs = mount->vfs_;
    const std::string full = vfs.empty() ? mount->folder_->name() + "/" + std::string(path) : std::string(path);
    const int flags = (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    const int code = ::sqlite3_open_v2(full.c_str(), &out->database_, flags, vfs.empty() ? nullptr : vfs.c_str());
    out->mount_ = std::move(mount);
    if (code != SQLITE_OK) return database_error(out->database_, code);
    ::sqlite3_extended_result_codes(out->database_, 1);
    ::sqlite3_busy_timeout(out->database_, 10'000);
    // Neither views nor triggers of a foreign file run.
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    ::sqlite3_db_config(out->database_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    return out;
}

} // namespace symphony::store
