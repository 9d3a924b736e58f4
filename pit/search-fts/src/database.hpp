// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace symphony::search {

/// What a statement is given for a `?`.
using SqlValue = std::variant<std::int64_t, std::string>;

/// A condition in SQL, and the values of its `?`s in order.
struct Sql {
    std::string text;
    std::vector<SqlValue> values;
};

/// A prepared statement at work: bound, then stepped. Texts of a column live until the next step.
class Statement {
public:
    Statement(Statement&&) = default;
    /// @return Whether there is a row.
    Result<bool> step();
    /// Steps to the end.
    Status run();
    std::int64_t integer(int column) const noexcept { return sqlite3_column_int64(statement_.get(), column); }
    double real(int column) const noexcept { return sqlite3_column_double(statement_.get(), column); }
    std::string_view text(int column) const noexcept;
    /// Binds the next value. Text is not copied: it outlives the statement's use.
    Statement& bind(std::int64_t value) noexcept;
    Statement& bind(std::string_view value) noexcept;
    Statement& bind(const std::vector<SqlValue>& values) noexcept;

private:
    friend class Database;
    struct Finish {
        bool kept = false;
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    Statement(sqlite3* database, sqlite3_stmt* statement, bool kept) noexcept : database_(database), statement_(statement, Finish{kept}) {}
    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finish> statement_;
    int bound_ = 0;
};

/// One connection to an SQLite database. Not to be used by two threads at once.
class Database {
public:
    /// Opens or makes the file. @param vfs  Name of the SQLite file layer; nullptr is the machine's own files.
    /// @return `busy` "index-in-use" when another process has it; `io`; `data_corrupt` "index-damaged".
    static Result<Database> open(const std::string& path, const char* vfs);

    /// Prepares a statement that is used once.
    Result<Statement> prepare(std::string_view sql);
    /// The same, kept for next time. `sql` is a literal. One at a time of the same text.
    Result<Statement> cached(const char* sql);
    Status execute(const char* sql);
    Status execute(const std::string& sql) { return execute(sql.c_str()); }
    bool in_transaction() const noexcept { return sqlite3_get_autocommit(database_.get()) == 0; }
    /// Pages that the last commit left in the write-ahead log.
    int log_pages() const noexcept { return *log_pages_; }
    /// Writes the log back into the database. @return `io` too where the disk failed: the connection is of no use then.
    Status shorten_log();
    std::int64_t last_row() const noexcept { return sqlite3_last_insert_rowid(database_.get()); }
    /// While it lives, statements that go on while `stop` answers true fail with SQLITE_INTERRUPT.
    class Guard {
    public:
        Guard(Database& database, std::function<bool()> stop);
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard();

    private:
        sqlite3* database_;
        std::function<bool()> stop_;
    };

private:
    struct Close {
        void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
    };
    struct FinalizeAll {
        std::vector<std::pair<const char*, sqlite3_stmt*>> all;
        ~FinalizeAll();
    };
    explicit Database(sqlite3* database) : log_pages_(std::make_unique<int>(0)), database_(database), cache_(std::make_unique<FinalizeAll>()) {}
    std::unique_ptr<int> log_pages_; // outlives the database, which writes it
    std::unique_ptr<sqlite3, Close> database_;
    std::unique_ptr<FinalizeAll> cache_; // before the database goes
};

Error index_full(std::string message);

/// The error of an SQLite result: `exhausted` "index-full", `data_corrupt` "index-damaged", `deadline` "query-too-slow", `busy`
/// "index-in-use" or `io`.
Error sqlite_error(sqlite3* database, int result, std::string_view doing);

} // namespace symphony::search
