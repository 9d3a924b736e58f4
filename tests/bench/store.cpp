// SPDX-License-Identifier: Apache-2.0
// The artifact store beside what must be done at least: hash, compress, encrypt and one synced append for a put, the way back
// for a get, SHA-256 alone for a large content. --folder DIR: where the stores are made (default: the temporary folder; a
// folder in memory would measure no sync). --small: nothing of 1 GiB. --alone: without borg, restic and git (store_peers.cpp).
// --artifacts N, --chunks N: only how the index grows (store_scale.cpp).
#include "store_corpus.hpp"

#include "compress.hpp"
#include "crypto.hpp"
#include <symphony/sqlite_files/posix_folder.hpp>
#include "store.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

namespace {

namespace fs = std::filesystem;
namespace bench = symphony::bench;
using namespace symphony::store;
using symphony::bytes_of;

using bench::make_store;
using bench::must;
using bench::noise;
using bench::small_bytes;
using bench::text_of_size;

constexpr std::size_t large_bytes = 1ull << 30;
constexpr std::uint64_t seed = bench::corpus_seed;

/// A put's least work: the content's SHA-256, zstd, AES-256-GCM, one append, one fdatasync.
class Floor {
public:
    explicit Floor(const fs::path& at) : fd_(::open(at.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600)), aead_(Suite::aes256_gcm, random_secret(32).bytes()) {}
    ~Floor() { ::close(fd_); }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;
    void put(std::string_view text, bool sync) {
        const Digest id = sha256(bytes_of(text));
        const auto packed = compress(bytes_of(text));
        const symphony::Bytes plain = packed ? symphony::Bytes(*packed) : bytes_of(text);
        std::vector<std::uint8_t> sealed(plain.size() + tag_bytes);
        must(aead_.seal(counter_++, id.bytes, plain, sealed));
        if (::pwrite(fd_, sealed.data(), sealed.size(), end_) < 0) std::perror("pwrite");
        places_.push_back({end_, sealed.size(), id, text.size()});
        end_ += static_cast<off_t>(sealed.size());
        if (sync) ::fdatasync(fd_);
    }
    void get(std::size_t number) {
        const auto& place = places_[number];
        std::vector<std::uint8_t> sealed(place.size), packed(place.size - tag_bytes), plain(place.raw);
        if (::pread(fd_, sealed.data(), sealed.size(), place.offset) < 0) std::perror("pread");
        if (!aead_.open(number, place.id.bytes, sealed, packed) || !decompress(packed, plain) || sha256(plain) != place.id) std::abort();
        bench::keep(plain);
    }

private:
    struct Place {
        off_t offset;
        std::size_t size;
        Digest id;
        std::size_t raw;
    };
    int fd_;
    Aead aead_;
    off_t end_ = 0;
    std::uint64_t counter_ = 0;
    std::vector<Place> places_;
};

void measure_small(bench::Report& report, const fs::path& base) {
    std::mt19937_64 random(seed);
    const auto store = make_store(base / "small");
    Floor floor(base / "floor");
    std::vector<double> put, put_floor;
    std::vector<std::string> texts;
    for (int i = 0; i < 400; ++i) texts.push_back(text_of_size(small_bytes, random));
    std::vector<ContentId> ids;
    for (const std::string& text : texts) {
        put.push_back(bench::time_ns(1, [&] { ids.push_back(must(store->put(bytes_of(text), {})).id); }) / 1e3);
        put_floor.push_back(bench::time_ns(1, [&] { floor.put(text, true); }) / 1e3);
    }
    report.add("put 10 KiB, durable each", "us", put, "hash, zstd, AES-GCM, append, fdatasync", put_floor, "ratio <= 1.25");

    std::vector<double> get, get_floor;
    for (int round = 0; round < 5; ++round) {
        for (std::size_t i = 0; i < ids.size(); ++i) {
            get.push_back(bench::time_ns(1, [&] { bench::keep(must(store->get(ids[i]))); }) / 1e3);
            get_floor.push_back(bench::time_ns(1, [&] { floor.get(i); }) / 1e3);
        }
    }
    report.add("get 10 KiB, warm", "us", get, "pread, AES-GCM, unzstd, hash", get_floor, "ratio <= 1.2");

    sqlite3* database = nullptr;
    sqlite3_open((base / "blobs.db").c_str(), &database);
    sqlite3_exec(database, "CREATE TABLE b(id BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID; BEGIN", nullptr, nullptr, nullptr);
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(database, "INSERT INTO b VALUES(?, ?)", -1, &insert, nullptr);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        sqlite3_bind_blob(insert, 1, ids[i].bytes.data(), 32, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, texts[i].data(), static_cast<int>(texts[i].size()), SQLITE_STATIC);
        sqlite3_step(insert);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_stmt* select = nullptr;
    sqlite3_prepare_v2(database, "SELECT v FROM b WHERE id = ?", -1, &select, nullptr);
    std::vector<double> blob;
    for (std::size_t i = 0; i < get.size(); ++i) {
        const ContentId& id = ids[i % ids.size()];
        blob.push_back(bench::time_ns(1, [&] {
            sqlite3_bind_blob(select, 1, id.bytes.data(), 32, SQLITE_STATIC);
            sqlite3_step(select);
            std::string copy(static_cast<const char*>(sqlite3_column_blob(select, 0)), static_cast<std::size_t>(sqlite3_column_bytes(select, 0)));
            bench::keep(copy);
            sqlite3_reset(select);
        }) / 1e3);
    }
    sqlite3_finalize(select);
    sqlite3_close(database);
    report.add("get 10 KiB, warm, beside plain SQLite", "us", get, "SQLite blob, neither hashed nor encrypted", blob, "");
    must(store->close());
}

void measure_grouped(bench::Report& report, const fs::path& base) {
    std::mt19937_64 random(seed + 1);
    constexpr std::size_t threads = 32, each = 250;
    std::vector<double> grouped, together, floor_each;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < threads * each; ++i) texts.push_back(text_of_size(small_bytes, random));
        const auto store = make_store(base / ("grouped-" + std::to_string(round)));
        const double start = bench::now_ns();
        std::vector<std::thread> workers;
        for (std::size_t t = 0; t < threads; ++t) {
            workers.emplace_back([&, t] {
                for (std::size_t i = 0; i < each; ++i) static_cast<void>(must(store->put(bytes_of(texts[t * each + i]), {})));
            });
        }
        for (auto& worker : workers) worker.join();
        grouped.push_back((bench::now_ns() - start) / 1e3 / static_cast<double>(threads * each));
        must(store->close());
        const auto second = make_store(base / ("together-" + std::to_string(round)));
        const double together_start = bench::now_ns();
        std::vector<PutItem> items(256);
        for (std::size_t first = 0; first < texts.size(); first += items.size()) {
            const std::size_t size = std::min(items.size(), texts.size() - first);
            for (std::size_t i = 0; i < size; ++i) items[i].content = bytes_of(texts[first + i]);
            for (auto& stored : second->put_group(std::span(items).first(size))) static_cast<void>(must(std::move(stored)));
        }
        together.push_back((bench::now_ns() - together_start) / 1e3 / static_cast<double>(threads * each));
        must(second->close());
        Floor floor(base / "floor-grouped");
        const double floor_start = bench::now_ns();
        for (const std::string& text : texts) floor.put(text, false);
        floor_each.push_back((bench::now_ns() - floor_start) / 1e3 / static_cast<double>(threads * each));
    }
    report.add("put 10 KiB, durable, in groups of 256", "us", together, "hash, zstd, AES-GCM, append without sync, one thread", floor_each, "<= 40 us");
    report.add("put 10 KiB, durable, 32 at a time", "us", grouped, "hash, zstd, AES-GCM, append without sync, one thread", floor_each, "<= 40 us");
}

double peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
    }
    return 0;
}
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void measure_large(bench::Report& report, const fs::path& base, bool packs) {
    std::mt19937_64 random(seed + 2);
    const std::string what = packs ? " of log text" : " of noise";
    constexpr std::size_t part = 1 << 20;
    // Pieces that are made again each time, so that the source costs no memory; its making is not timed.
    const auto piece = [&](std::mt19937_64& from) { return packs ? text_of_size(part, from) : noise(part, from); };
    std::vector<double> put, get, hash, write, memory;
    for (int round = 0; round < 2; ++round) {
        const fs::path at = base / ("large-" + std::to_string(packs) + std::to_string(round));
        const auto store = make_store(at);
        std::mt19937_64 source(seed + static_cast<std::uint64_t>(round));
        double put_ns = 0, hash_ns = 0, write_ns = 0;
        {
            // Alone, before: beside the store's threads it would be slower, and the store look better for it.
            std::mt19937_64 same(seed + static_cast<std::uint64_t>(round));
            Sha256 sha;
            const fs::path plain = base / "written";
            const int fd = ::open(plain.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
            for (std::size_t i = 0; i < large_bytes / part; ++i) {
                const std::string bytes = piece(same);
                hash_ns += bench::time_ns(1, [&] { sha.add(bytes_of(bytes)); });
                write_ns += bench::time_ns(1, [&] {
                    if (::write(fd, bytes.data(), bytes.size()) < 0) std::perror("write");
                });
            }
            write_ns += bench::time_ns(1, [&] { ::fdatasync(fd); });
            ::close(fd);
            fs::remove(plain);
        }
        reset_peak();
        auto stream = must(store->begin_put({}));
        for (std::size_t i = 0; i < large_bytes / part; ++i) {
            const std::string bytes = piece(source);
            put_ns += bench::time_ns(1, [&] { must(stream->append(bytes_of(bytes))); });
        }
        ContentId id;
        put_ns += bench::time_ns(1, [&] { id = must(stream->finish()).id; });
        stream.reset();
        std::vector<std::uint8_t> buffer(part);
        const double get_ns = bench::time_ns(1, [&] {
            const auto reader = must(store->open_get(id));
            while (must(reader->read(buffer)) != 0) {}
        });
        const double mb = static_cast<double>(large_bytes) / 1e6;
        put.push_back(mb / (put_ns / 1e9));
        get.push_back(mb / (get_ns / 1e9));
        hash.push_back(mb / (hash_ns / 1e9));
        write.push_back(mb / (write_ns / 1e9));
        memory.push_back(peak_mib());
        must(store->close());
        fs::remove_all(at);
    }
    report.add("put 1 GiB" + what, "MB/s", put, "SHA-256 alone", hash, "ratio >= 0.8");
    report.add("put 1 GiB" + what + ", beside the disk", "MB/s", put, "write and fdatasync alone", write, "");
    report.add("get 1 GiB" + what + ", warm", "MB/s", get, "SHA-256 alone", hash, "ratio >= 0.8");
    report.add("peak memory, 1 GiB" + what, "MiB", memory, "<= 64");
}

} // namespace

int main(int argc, char** argv) {
    fs::path folder = fs::temp_directory_path();
    bool large = true, peers = true;
    std::size_t artifacts = 0, chunks = 0;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--folder" && i + 1 < argc) folder = fs::absolute(argv[i + 1]);
        if (std::string_view(argv[i]) == "--small") large = false;
        if (std::string_view(argv[i]) == "--alone") peers = false;
        if (std::string_view(argv[i]) == "--artifacts" && i + 1 < argc) artifacts = std::stoul(argv[i + 1]);
        if (std::string_view(argv[i]) == "--chunks" && i + 1 < argc) chunks = std::stoul(argv[i + 1]);
    }
    std::string name = (folder / "symphony-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        std::perror(name.c_str());
        return 1;
    }
    bench::Report report("store", argc, argv);
    if (artifacts + chunks > 0) {
        bench::measure_scale(report, name, artifacts, chunks);
    } else {
        // First, while this process has no memory that the others left behind.
        if (large) {
            measure_large(report, name, false);
            measure_large(report, name, true);
        }
        measure_small(report, name);
        measure_grouped(report, name);
        if (peers) bench::measure_bulk(report, name);
        if (peers) bench::measure_saving(report, name);
    }
    std::error_code ignored;
    fs::remove_all(name, ignored);
    return report.write();
}
