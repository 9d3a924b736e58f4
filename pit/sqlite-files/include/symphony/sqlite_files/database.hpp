// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace symphony::sqlite_files {

class Database;

/// How a database is called in errors: "index: disk full" [disk-full], "index: ..." [index-corrupt].
struct DatabaseWords {
    const char* what = "the database";      ///< at the beginning of messages
    const char* reason = "database";        ///< reasons are this with -corrupt, -busy, -unreadable, -failed
    const char* hint = "";                  ///< what helps when it is damaged
};

/// A prepared statement in use. Parameters count from 1, columns from 0; the first failure is kept and told by done().
class Statement {
public:
    Statement(sqlite3* database, sqlite3_stmt* statement, const DatabaseWords& words) : database_(database), statement_(statement), words_(&words) {}
    Statement(Statement&& other) noexcept
        : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), words_(other.words_), code_(other.code_), next_(other.next_) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement(); ///< resets it, so that no read transaction stays open

    Statement& bind(std::int64_t value);
    Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
    Statement& bind(std::uint32_t value) { return bind(static_cast<std::int64_t>(value)); }
    Statement& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
    Statement& bind(bool value) { return bind(static_cast<std::int64_t>(value ? 1 : 0)); }
    Statement& bind(Bytes value);            ///< borrowed until the statement is reset
    Statement& bind(std::string_view value); ///< the same
    Statement& bind(const std::vector<std::uint8_t>& value) { return bind(Bytes(value)); }
    /// A record that is bytes of one length, such as a digest: its member `bytes`.
    template <class Fixed>
        requires requires(const Fixed& value) { Bytes(value.bytes); }
    Statement& bind(const Fixed& value) { return bind(Bytes(value.bytes)); }
    /// @return Whether there is a row; false also after a failure.
    bool step();
    /// For statements without rows, and after the last row.
    Status done() const;
    Status run() {
        step();
        return done();
    }
    std::int64_t number(int column) const;
    std::uint64_t unsigned_number(int column) const { return static_cast<std::uint64_t>(number(column)); }
    Bytes bytes(int column) const;           ///< until the next step
    std::string_view text(int column) const; ///< the same
    /// Nothing when the column has another length.
    template <class Fixed>
    std::optional<Fixed> fixed(int column) const {
        const Bytes from = bytes(column);
        Fixed out;
        if (from.size() != out.bytes.size()) return std::nullopt;
        std::copy(from.begin(), from.end(), out.bytes.begin());
        return out;
    }

private:
    sqlite3* database_;
    sqlite3_stmt* statement_;
    const DatabaseWords* words_;
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
    Mount() = default;
    friend Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount>, std::string_view, bool, const DatabaseWords&);
    std::string vfs_;
};

/// One SQLite connection. Neither views nor triggers of a foreign file run in it. [one thread at a time]
class Database {
public:
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    /// Prepared once for each text. The text is a literal of ours, never made from data.
    Statement prepare(const char* sql);
    Status execute(const char* sql);
    std::int64_t changes() const;  ///< rows of the last statement
    std::int64_t last_row() const; ///< of the last INSERT

private:
    explicit Database(const DatabaseWords& words) : words_(words) {}
    friend Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount>, std::string_view, bool, const DatabaseWords&);
    const DatabaseWords words_;
    std::shared_ptr<Mount> mount_;
    sqlite3* database_ = nullptr;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

/// Opens a database of the folder through its file layer. @param write Also makes it.
/// `exhausted` / "disk-full", `data_corrupt` / "*-corrupt", `busy` / "*-busy", `io` / "*-unreadable" or "*-failed".
Result<std::unique_ptr<Database>> open_database(std::shared_ptr<Mount> mount, std::string_view path, bool write, const DatabaseWords& words);

} // namespace symphony::sqlite_files
