// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

#include "bench.hpp"

#include <filesystem>
#include <memory>
#include <random>
#include <string>

/// What the benchmarks of the store have in common: contents that everybody can make again, and stores in a folder.
namespace symphony::bench {

constexpr std::size_t small_bytes = 10 * 1024;
constexpr std::uint64_t corpus_seed = 20240607;

/// Text of a log: about a sixth of its size when compressed.
std::string text_of_size(std::size_t size, std::mt19937_64& random);
std::string noise(std::size_t size, std::mt19937_64& random);

/// Encrypted with AES-256-GCM; a passphrase that costs nothing.
std::unique_ptr<store::Store> make_store(const std::filesystem::path& at, store::Profile profile = store::Profile::standard,
                                         store::Durability durability = store::Durability::durable);
/// Of all files below, as they would be copied.
double bytes_below(const std::filesystem::path& folder);

/// Ends the program with what went wrong.
[[noreturn]] void stop(const Error& error);
template <class T>
T must(Result<T> result) {
    if (!result) stop(result.error());
    return *std::move(result);
}
void must(const Status& status);

/// store_peers.cpp: beside borg, restic and git, where they are installed.
void measure_bulk(Report& report, const std::filesystem::path& base);
void measure_saving(Report& report, const std::filesystem::path& base);
/// store_scale.cpp: what the index costs. @param artifacts Tiny ones that are put. @param chunks Rows of a store that has only those.
void measure_scale(Report& report, const std::filesystem::path& base, std::size_t artifacts, std::size_t chunks);

} // namespace symphony::bench
