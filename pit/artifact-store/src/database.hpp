// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"
#include "types.hpp"

#include <memory>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace symphony::store {

class Database;

/// A prepared statement in use. Parameters count from 1, columns from 0; the first failure is kept and told by done().
class Statement {
public:
    Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
    Statement(Statement&& other) noexcept : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), code_(other.code_), next_(other.next_) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement(); ///< resets it, so that no read transaction stays open

    Statement& bind(std::int64_t value);
    Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
    Statement& bind(std::uint32_t value) { return bind(static_cast<std::int64_t>(value)); }
    Statement& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
    Statement& bind(bool value) { return bind(static_cast<std::int64_t>(value ? 1 : 0)); }
    Statement& bind(Bytes value); ///< borrowed until the statement is reset
    Statement& bind(const Digest& value) { return bind(Bytes(value.bytes)); }
    Statement& bind(const std::vector<std::uint8_t>& value) { return bind(Bytes(value)); }
    /// @return Whether there is a row; false also after a failure.
    bool step();
    /// For statements without rows, and after the last row.
    Status done();
    Status run() {
        step();
        return done();
    }
    std::int64_t number(int column) const;
    std::uint64_t unsigned_number(int column) const { return static_cast<std::uint64_t>(number(column)); }
    Bytes bytes(int column) const; ///< until the next step
    std::optional<Digest> digest(int column) const;

private:
    sqlite3* database_;
    sqlite3_stmt* statement_;
    int code_ = 0;
    int next_ = 1;
};

/// SQLite's way to a folder. [any thread]
class Mount {
public:
    static Result<std::shared_ptr<Mount>> of(Folder& folder); ///< the folder outlives it
    ~Mount();
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;

private:
    explicit Mount(Folder& folder) : folder_(&folder) {}
    friend Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount>, std::string_view, bool);
    Folder* folder_;
    std::string vfs_;
};

/// One SQLite connection. [one thread at a time]
class Database {
public:
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    /// Prepared once for each text. The text is a literal of ours, never made from data.
    Statement prepare(const char* sql);
    Status execute(const char* sql);
    std::int64_t changes() const; ///< rows of the last statement

private:
    Database() = default;
    friend Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount>, std::string_view, bool);
    std::shared_ptr<Mount> mount_;
    sqlite3* database_ = nullptr;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

/// Opens a database of the folder through its file layer. @param write Also makes it.
/// `exhausted` / "disk-full", `data_corrupt` / "index-corrupt", `io` / "index-failed".
Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount> mount, std::string_view path, bool write);

} // namespace symphony::store
