// SPDX-License-Identifier: Apache-2.0
// What the index costs as a store grows: tiny artifacts that are really put, and the rows alone of a store of so many chunks.
#include "store_corpus.hpp"

#include "index.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>

namespace symphony::bench {
namespace {

namespace fs = std::filesystem;

double index_bytes(const fs::path& at) {
    double bytes = 0;
    for (const auto& entry : fs::directory_iterator(at / "index")) bytes += static_cast<double>(entry.file_size());
    return bytes;
}

void measure_artifacts(Report& report, const fs::path& at, std::size_t count) {
    constexpr std::size_t group = 1024;
    const auto store = make_store(at, store::Profile::standard, store::Durability::relaxed);
    std::vector<double> each;
    std::vector<std::string> texts(group);
    std::vector<store::PutItem> items(group);
    std::optional<store::ContentId> some;
    for (std::size_t first = 0; first < count; first += group) {
        const std::size_t size = std::min(group, count - first);
        for (std::size_t i = 0; i < size; ++i) {
            texts[i] = "artifact " + std::to_string(first + i);
            items[i].content = bytes_of(texts[i]);
        }
        each.push_back(time_ns(1, [&] {
                           for (auto& stored : store->put_group(std::span(items).first(size))) some = must(std::move(stored)).id;
                       }) / 1e3 / static_cast<double>(size));
    }
    const std::string of = std::to_string(count) + " tiny artifacts";
    report.add("put " + of + ", grouped, relaxed", "us", each);
    report.add("put " + of + ", the last tenth", "us", std::vector<double>(each.end() - static_cast<std::ptrdiff_t>((each.size() + 9) / 10), each.end()));
    std::vector<double> get;
    std::mt19937_64 random(corpus_seed);
    for (int i = 0; i < 2000; ++i) {
        const auto id = store::sha256(bytes_of("artifact " + std::to_string(random() % count)));
        get.push_back(time_ns(1, [&] { keep(must(store->get(id))); }) / 1e3);
    }
    report.add("get one of " + of + ", at random", "us", get);
    must(store->close());
    std::unique_ptr<store::Store> again;
    store::OpenOptions options;
    options.secret = store::Secret::passphrase("bench");
    report.add("open a store of " + of, "ms", {time_ns(1, [&] { again = must(store::Store::open(must(store::PosixFolder::open(at)), std::move(options))); }) / 1e6});
    must(again->close());
    report.add("index of " + of, "bytes each", {index_bytes(at) / static_cast<double>(count)});
    report.add("all files of " + of, "bytes each", {bytes_below(at) / static_cast<double>(count)});
}

/// A table of chunks as a large store has it, without the chunks.
void measure_chunks(Report& report, const fs::path& at, std::size_t count) {
    fs::create_directories(at / "index");
    const auto folder = must(store::PosixFolder::open(at));
    store::Keys keys;
    keys.root = store::random_secret(store::key_bytes);
    const store::Veil veil(store::Suite::aes256_gcm, keys);
    auto index = must(store::Index::open(must(store::Mount::of(*folder)), {}, veil, true));
    std::mt19937_64 random(corpus_seed);
    const auto id_of = [](std::mt19937_64& from) {
        store::Digest id;
        for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(from());
        return id;
    };
    constexpr std::size_t group = 4096;
    std::vector<double> each;
    for (std::size_t first = 0; first < count; first += group) {
        each.push_back(time_ns(1, [&] {
                           must(index->begin());
                           for (std::size_t i = 0; i < group; ++i) must(index->add_new_blob(id_of(random), {1 + static_cast<std::int64_t>(first / 128), {first % 33'554'432, 200'000, 262'144}, store::BlobType::data, 1, false}));
                           must(index->commit(false));
                           if (first % (group * 16) == 0) must(index->database().execute("PRAGMA wal_checkpoint(PASSIVE)"));
                       }) / 1e3 / group);
    }
    must(index->database().execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    std::vector<double> known, unknown;
    std::mt19937_64 seen(corpus_seed), other(1);
    for (int i = 0; i < 5000; ++i) {
        const auto there = id_of(seen), elsewhere = id_of(other);
        known.push_back(time_ns(1, [&] { keep(must(index->blob(there))); }) / 1e3);
        unknown.push_back(time_ns(1, [&] { keep(must(index->blob(elsewhere))); }) / 1e3);
    }
    const std::string of = "index of " + std::to_string(count) + " chunks";
    index.reset();
    report.add(of, "bytes each", {index_bytes(at) / static_cast<double>(count)});
    report.add(of + ": add one", "us", each);
    report.add(of + ": find one", "us", known);
    report.add(of + ": find none", "us", unknown);
}

} // namespace

void measure_scale(Report& report, const fs::path& base, std::size_t artifacts, std::size_t chunks) {
    if (artifacts > 0) measure_artifacts(report, base / "artifacts", artifacts);
    if (chunks > 0) measure_chunks(report, base / "chunks", chunks);
}

} // namespace symphony::bench
