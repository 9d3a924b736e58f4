// SPDX-License-Identifier: Apache-2.0
#include "sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::permissions {
namespace fs = std::filesystem;
namespace {

/// Reason "damaged" of a file whose bytes are wrong; "newer" of another version's; else "io".
Error error_of(sqlite3* db, int code) {
    const int plain = code & 0xFF;
    const bool damaged = plain == SQLITE_CORRUPT || plain == SQLITE_NOTADB;
    const std::string text = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    return Error(damaged ? Code::data_corrupt : plain == SQLITE_BUSY ? Code::busy : Code::io, damaged ? "damaged" : "io", text);
}

/// Held while a file is opened, checked and perhaps moved aside, so that two processes do not do so to each other.
class FolderLock {
public:
    explicit FolderLock(const fs::path& file) : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
        while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {}
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    ~FolderLock() {
        if (fd_ >= 0) ::close(fd_);
    }

private:
    int fd_;
};

/// A larger file is not read as a whole each time that it is opened; its damage is found where it is met.
constexpr off_t checked_bytes_max = 4 << 20;

std::string stamp() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

} // namespace

Database::Statement::Statement(sqlite3* db, const char* sql) : db_(db) {
    code_ = db == nullptr ? SQLITE_MISUSE : sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr);
}
Database::Statement::~Statement() { sqlite3_finalize(statement_); }

Database::Statement& Database::Statement::bind(int at, std::string_view text) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_text64(statement_, at, text.data() != nullptr ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}
Database::Statement& Database::Statement::bind(int at, std::int64_t number) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, at, number);
    return *this;
}
bool Database::Statement::step() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
}
Status Database::Statement::status() const {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE) return {};
    return error_of(db_, code_);
}
std::string Database::Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}
std::int64_t Database::Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

Database::~Database() { close(); }
void Database::close() noexcept { sqlite3_close_v2(std::exchange(db_, nullptr)); }

Status Database::run(const char* sql) {
    if (db_ == nullptr) return Error(Code::io, "io", "the file is not open");
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Status() : Status(error_of(db_, code));
}
std::int64_t Database::changes() const noexcept { return sqlite3_changes64(db_); }
std::int64_t Database::last_id() const noexcept { return sqlite3_last_insert_rowid(db_); }

std::int64_t Database::data_version() {
    auto version = prepare("PRAGMA data_version");
    return version.step() ? version.number(0) : -1;
}

Status Database::open_file(const fs::path& file, const char* schema, bool& fresh) {
    close();
    // Made by us and not by SQLite, so that it never is readable for others.
    const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0) return Error(Code::io, "io", std::strerror(errno));
    struct stat info{};
    const bool regular = ::fstat(made, &info) == 0 && S_ISREG(info.st_mode);
    fresh = regular && info.st_size == 0;
    const bool quick = info.st_size <= checked_bytes_max;
    ::close(made);
    if (!regular) return Error(Code::io, "io", "it is no regular file");
    const int code = sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_FULLMUTEX, nullptr);
    if (code != SQLITE_OK) return error_of(db_, code);
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_timeout(db_, 5000);
    SYMPHONY_TRY(run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cell_size_check=ON"));
    if (quick) {
        auto found = prepare("PRAGMA quick_check(1)");
        if (!found.step()) return found.status() ? Error(Code::data_corrupt, "damaged", "it cannot be checked") : found.status();
        if (found.text(0) != "ok") return Error(Code::data_corrupt, "damaged", found.text(0));
    }
    Transaction making(*this); // two processes that find it empty
    if (!making.begun()) return making.begun();
    std::int64_t version = 0;
    {
        auto asked = prepare("PRAGMA user_version");
        if (!asked.step()) return asked.status() ? Error(Code::io, "io", "no version") : asked.status();
        version = asked.number(0);
    }
    if (version > 1) return Error(Code::unsupported, "newer", "a newer version of the program made it");
    if (version == 0) {
        SYMPHONY_TRY(run(schema));
        SYMPHONY_TRY(run("PRAGMA user_version=1"));
    }
    return making.commit();
}

/// Moves a damaged file aside and makes a new one. Under the folder's lock.
Database::Kept Database::begin_anew(const fs::path& file, const char* schema, std::string_view what, std::string_view why) {
    close();
    const std::string aside = file.string() + ".damaged-" + stamp();
    std::error_code failed;
    fs::rename(file, aside, failed);
    for (const char* tail : {"-wal", "-shm"}) {
        std::error_code ignored;
        fs::rename(file.string() + tail, aside + tail, ignored);
    }
    bool fresh = false;
    const Status opened = failed ? Status(Error(Code::io, "io", "it is damaged and cannot be moved: " + failed.message())) : open_file(file, schema, fresh);
    if (!opened) return unusable(file, what, opened.error());
    return {true, file.string() + " was damaged (" + std::string(why) + "): it is now " + aside + ", and its " + std::string(what) + " are gone", true};
}

Database::Kept Database::unusable(const fs::path& file, std::string_view what, const Error& why) {
    close();
    return {false, file.string() + " cannot be used (" + std::string(why.message()) + "): " + std::string(what) + " last for this run only", false};
}

Database::Kept Database::open_or_make(const fs::path& folder, const std::string& name, const char* schema, std::string_view what) {
    if (folder.empty()) return {false, "there is no state folder: " + std::string(what) + " last for this run only", false};
    std::error_code failed;
    fs::create_directories(folder, failed);
    const fs::path file = folder / name;
    const FolderLock lock(folder / (name + ".lock"));
    bool fresh = false;
    const Status opened = open_file(file, schema, fresh);
    if (opened) return {true, {}, fresh};
    if (opened.error().reason() == "damaged") return begin_anew(file, schema, what, opened.error().message());
    return unusable(file, what, opened.error());
}

Database::Kept Database::replace(const fs::path& folder, const std::string& name, const char* schema, std::string_view what, std::string_view why) {
    const fs::path file = folder / name;
    {
        const FolderLock lock(folder / (name + ".lock"));
        int moved = 0;
        if (db_ != nullptr) sqlite3_file_control(db_, nullptr, SQLITE_FCNTL_HAS_MOVED, &moved);
        if (moved == 0) return begin_anew(file, schema, what, why);
    }
    close();
    return open_or_make(folder, name, schema, what);
}

} // namespace symphony::permissions
