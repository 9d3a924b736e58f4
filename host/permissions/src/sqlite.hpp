// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace symphony::permissions {

/// One connection. Not for two threads at once.
class Database {
public:
    /// A prepared statement with its values; ends with its life.
    class Statement {
    public:
        Statement(sqlite3* db, const char* sql);
        Statement(const Statement&) = delete;
        Statement& operator=(const Statement&) = delete;
        ~Statement();

        Statement& bind(int at, std::string_view text);
        Statement& bind(int at, std::int64_t number);
        /// @return Whether there is a row; false also on failure: ask status() behind the last.
        bool step();
        Status status() const;
        std::string text(int column) const;
        std::int64_t number(int column) const;

    private:
        sqlite3* db_;
        sqlite3_stmt* statement_ = nullptr;
        int code_ = 0;
    };

    Database() = default;
    Database(Database&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
    Database& operator=(Database&& other) noexcept {
        std::swap(db_, other.db_);
        return *this;
    }
    ~Database();

    struct Kept {
        /// Set when there is a file to work with.
        bool open = false;
        std::string warning;  ///< a sentence; of a file that is not open, or that was made anew
        bool made_anew = false;
    };
    /// Opens or makes `folder/name` in WAL mode with the schema, as version 1. A damaged file is moved aside, one that a
    /// newer program made is left alone. Two processes may do this at once.
    /// @param what  For messages: "grants".
    Kept open_or_make(const std::filesystem::path& folder, const std::string& name, const char* schema, std::string_view what);
    /// Closes it, moves the file aside, unless another process did so already, and opens a new one.
    /// @param why  What is wrong with it, for the warning.
    Kept replace(const std::filesystem::path& folder, const std::string& name, const char* schema, std::string_view what, std::string_view why);
    void close() noexcept;

    bool is_open() const noexcept { return db_ != nullptr; }
    Status run(const char* sql);
    Statement prepare(const char* sql) { return {db_, sql}; }
    std::int64_t changes() const noexcept;
    std::int64_t last_id() const noexcept;
    /// Changes when another connection has changed the file. @return -1 when it cannot be asked.
    std::int64_t data_version();

private:
    Status open_file(const std::filesystem::path& file, const char* schema, bool& fresh);
    Kept begin_anew(const std::filesystem::path& file, const char* schema, std::string_view what, std::string_view why);
    Kept unusable(const std::filesystem::path& file, std::string_view what, const Error& why);
    sqlite3* db_ = nullptr;
};

/// BEGIN IMMEDIATE, and ROLLBACK unless commit() was called.
class Transaction {
public:
    explicit Transaction(Database& db) : db_(db), begun_(db.run("BEGIN IMMEDIATE")) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (begun_ && !done_) static_cast<void>(db_.run("ROLLBACK"));
    }
    const Status& begun() const noexcept { return begun_; }
    Status commit() {
        Status committed = db_.run("COMMIT");
        done_ = static_cast<bool>(committed);
        return committed;
    }

private:
    Database& db_;
    Status begun_;
    bool done_ = false;
};

} // namespace symphony::permissions
