// SPDX-License-Identifier: Apache-2.0
// What it costs to remember the calls of workflows: to know a call, to look it up, to keep its answer. The peer is what cannot be done without: SHA-256 of the
// same bytes, and a row of SQLite read or written by its key with nothing around it.
#include "bench.hpp"
#include "call_cache.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>

#include <openssl/evp.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <unistd.h>

namespace symphony::bench {
namespace {

using namespace tracker;

constexpr int entries = 10'000;
constexpr int rounds = 9;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "bench-memory: %s\n", what.c_str());
    std::exit(1);
}

struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("symphony-bench-memory-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

/// The plain way: one table, one prepared statement, WAL.
class Plain {
public:
    explicit Plain(const std::string& path) {
        if (::sqlite3_open(path.c_str(), &database_) != SQLITE_OK) fail("SQLite does not open");
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA synchronous = NORMAL");
        run("CREATE TABLE entries(key BLOB PRIMARY KEY, parts BLOB, output BLOB)");
        ::sqlite3_prepare_v2(database_, "SELECT parts, output FROM entries WHERE key = ?", -1, &find_, nullptr);
        ::sqlite3_prepare_v2(database_, "INSERT INTO entries VALUES(?, ?, ?)", -1, &insert_, nullptr);
    }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    ~Plain() {
        ::sqlite3_finalize(find_);
        ::sqlite3_finalize(insert_);
        ::sqlite3_close(database_);
    }
    void run(const char* sql) {
        if (::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(::sqlite3_errmsg(database_));
    }
    void insert(const Digest& key, Bytes parts, Bytes output) {
        bind(insert_, 1, key.bytes);
        bind(insert_, 2, parts);
        bind(insert_, 3, output);
        if (::sqlite3_step(insert_) != SQLITE_DONE) fail("SQLite does not insert");
        ::sqlite3_reset(insert_);
    }
    /// The row, and SHA-256 of what it has.
    bool find(const Digest& key) {
        bind(find_, 1, key.bytes);
        const bool found = ::sqlite3_step(find_) == SQLITE_ROW;
        if (found) {
            sum_.assign(column(0).begin(), column(0).end());
            sum_.insert(sum_.end(), column(1).begin(), column(1).end());
            keep(digest(sum_));
        }
        ::sqlite3_reset(find_);
        return found;
    }
    static Digest digest(Bytes bytes) {
        Digest out;
        ::EVP_Digest(bytes.data(), bytes.size(), out.bytes.data(), nullptr, ::EVP_sha256(), nullptr);
        return out;
    }

private:
    static void bind(sqlite3_stmt* statement, int at, Bytes value) { ::sqlite3_bind_blob64(statement, at, value.data(), value.size(), SQLITE_STATIC); }
    Bytes column(int at) const { return {static_cast<const std::uint8_t*>(::sqlite3_column_blob(find_, at)), static_cast<std::size_t>(::sqlite3_column_bytes(find_, at))}; }
    sqlite3* database_ = nullptr;
    sqlite3_stmt *find_ = nullptr, *insert_ = nullptr;
    std::vector<std::uint8_t> sum_;
};

Provider provider() {
    Provider out;
    out.id = "org.symphony.text";
    out.version = "1.0.0";
    out.sha256 = out.permissions = std::string(64, 'a');
    out.abi = "1.0";
    for (const char* key : {"enabled", "metrics_enabled", "retry", "timeout"}) out.configuration.emplace_back(key, "0123456789abcdef");
    return out;
}

Value inputs(int number, std::size_t bytes) {
    std::string text = std::to_string(number) + " ";
    text.resize(bytes, 'x');
    return ValueBuilder().map().add("text", std::string_view(text)).add("form", "NFC").add("fold_case", true).end().build();
}

CallFacts facts(const Provider& of, const Value& base) { return StepFacts(of, nullptr, "normalise", base).single(); }

void measure_facts(Report& report) {
    const Provider of = provider();
    for (const auto& [size, name, inner] : {std::tuple{std::size_t{200}, "200 bytes", 2000}, std::tuple{std::size_t{1} << 20, "1 MiB", 20}}) {
        const Value base = inputs(1, size);
        const CallFacts known = facts(of, base);
        std::vector<std::uint8_t> plain(base.bytes().begin(), base.bytes().end());
        plain.insert(plain.end(), known.parts.bytes().begin(), known.parts.bytes().end());
        std::vector<double> ours, theirs;
        for (int i = 0; i < rounds; ++i) {
            ours.push_back(time_ns(static_cast<std::size_t>(inner), [&] { keep(facts(of, base)); }) / 1000);
            theirs.push_back(time_ns(static_cast<std::size_t>(inner), [&] { keep(Plain::digest(plain)); }) / 1000);
        }
        report.add(std::string("to know a call whose inputs have ") + name, "us", ours, "SHA-256 of the same bytes", theirs, "");
    }
}

Recalled ask(CallCache& cache, const CallFacts& call) {
    std::promise<Recalled> answer;
    cache.find(call, {1, "run", 0}, [&](Recalled found) { answer.set_value(std::move(found)); });
    return answer.get_future().get();
}

void measure_rows(Report& report, const Folder& folder) {
    auto opened = CallCache::open(*sqlite_files::PosixFolder::open(folder.path), {});
    if (!opened) fail(opened.error().message());
    CallCache& cache = **opened;
    Plain plain(folder.path / "plain.sqlite");
    const Provider of = provider();
    const Value answer = inputs(0, 500);
    std::vector<CallFacts> calls;
    for (int i = 0; i < entries * 2; ++i) calls.push_back(facts(of, inputs(i, 40)));

    std::vector<double> ours, theirs;
    constexpr int at_once = 500;
    for (int from = 0; from < entries; from += at_once) {
        ours.push_back(time_ns(1, [&] {
                           for (int i = from; i < from + at_once; ++i) cache.keep(calls[static_cast<std::size_t>(i)], {static_cast<std::uint64_t>(i), "run", 0}, answer);
                           cache.flush();
                       }) / at_once / 1000);
        theirs.push_back(time_ns(1, [&] {
                             plain.run("BEGIN IMMEDIATE");
                             for (int i = from; i < from + at_once; ++i) plain.insert(calls[static_cast<std::size_t>(i)].key, calls[static_cast<std::size_t>(i)].parts.bytes(), answer.bytes());
                             plain.run("COMMIT");
                         }) / at_once / 1000);
    }
    report.add("to keep an answer of 500 bytes, 500 at a time", "us", ours, "a row of SQLite inserted", theirs, "");

    const auto at = [&](int i) -> const CallFacts& { return calls[static_cast<std::size_t>(i) * 7919 % entries]; };
    std::vector<double> one, many, missed, peer, peer_missed;
    for (int round = 0; round < rounds; ++round) {
        int i = round * 1000;
        one.push_back(time_ns(1000, [&] {
                          if (!ask(cache, at(i++)).answer) fail("a call that was kept is not found");
                      }) / 1000);
        std::atomic<int> left{1000};
        std::promise<void> all;
        many.push_back(time_ns(1, [&] {
                           for (int k = 0; k < 1000; ++k) {
                               cache.find(at(k + round), {1, "run", 0}, [&](Recalled found) {
                                   if (!found.answer) fail("a call that was kept is not found");
                                   if (left.fetch_sub(1) == 1) all.set_value();
                               });
                           }
                           all.get_future().wait();
                       }) / 1000 / 1000);
        i = round * 1000;
        peer.push_back(time_ns(1000, [&] {
                           if (!plain.find(at(i++).key)) fail("a row that was inserted is not found");
                       }) / 1000);
        i = round * 100;
        missed.push_back(time_ns(100, [&] {
                             if (ask(cache, calls[static_cast<std::size_t>(entries + i++)]).answer) fail("a call that was not kept is found");
                         }) / 1000);
        i = round * 100;
        peer_missed.push_back(time_ns(100, [&] { keep(plain.find(calls[static_cast<std::size_t>(entries + i++)].key)); }) / 1000);
    }
    const std::string row = "a row of SQLite and SHA-256 of its bytes";
    report.add("a hit among 10,000, one at a time (two threads change)", "us", one, row, peer, "");
    report.add("a hit among 10,000, 1,000 asked for at once", "us", many, row, peer, "");
    report.add("a miss, compared with the nearest earlier call", "us", missed, "a row of SQLite that is not there", peer_missed, "");
}

} // namespace
} // namespace symphony::bench

int main(int argc, char** argv) {
    symphony::bench::Report report("memory", argc, argv);
    const symphony::bench::Folder folder;
    symphony::bench::measure_facts(report);
    symphony::bench::measure_rows(report, folder);
    return report.write();
}
