// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <string>

namespace symphony::test_support {

/// A connection to a database, in words: answers are the rows' columns, parted by '|', each row ended by ';', or "[message]".
class Connection {
public:
    Connection(const std::string& vfs, const char* path, int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
        code = sqlite3_open_v2(path, &db_, flags, vfs.c_str());
        if (db_ != nullptr) sqlite3_busy_timeout(db_, 20'000);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { sqlite3_close(db_); }

    std::string run(const char* sql) {
        std::string out;
        char* message = nullptr;
        const auto row = [](void* to, int count, char** values, char**) {
            auto& text = *static_cast<std::string*>(to);
            for (int i = 0; i < count; ++i) text += (i > 0 ? "|" : "") + std::string(values[i] != nullptr ? values[i] : "null");
            text += ";";
            return 0;
        };
        if (code != SQLITE_OK) return "[" + std::string(sqlite3_errstr(code)) + "]";
        if (sqlite3_exec(db_, sql, row, &out, &message) != SQLITE_OK) out = "[" + std::string(message != nullptr ? message : sqlite3_errmsg(db_)) + "]";
        sqlite3_free(message);
        return out;
    }
    sqlite3* db() { return db_; }
    int code = 0; ///< of opening

private:
    sqlite3* db_ = nullptr;
};

} // namespace symphony::test_support
