// SPDX-License-Identifier: Apache-2.0
// The resolver over a registry of 10,000 ids x 10 versions: 20 roots, from the compact index and cold from index files, beside libsolv on the same
// universe. Search and look-up. --ids N for another number, --seed N for another universe.
#include "bench.hpp"

#include <symphony/packaging/compact_index.hpp>
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/registry_files.hpp>
#include <symphony/packaging/registry_source.hpp>
#include <symphony/packaging/resolver.hpp>

#include <symphony/packaging/publish.hpp>

#ifdef SYMPHONY_BENCH_HAS_LIBSOLV
#include "resolve_libsolv.hpp"
#endif

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

namespace {

namespace fs = std::filesystem;
using namespace symphony::packaging;
using symphony::bench::time_ns;

constexpr std::size_t versions_each = 10;
constexpr std::size_t needs_max = 4;

using Universe = std::vector<std::vector<IndexLine>>; // by package; versions rising

std::string id_of(std::size_t number) { return "org.example.group-" + std::to_string(number % 97) + ".plugin-" + std::to_string(number); }

/// Majors 1 to 3, and needs of ids with higher numbers, mostly near ones, in caret ranges that most often have a version.
Universe make_universe(std::size_t ids, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    constexpr const char* words[] = {"reads", "writes", "counts", "draws", "letters", "pictures", "sounds", "tables", "trees", "pages", "words", "notes"};
    const std::string signer = SecretKey::generate()->public_key().text();
    Universe universe(ids);
    for (std::size_t i = 0; i < ids; ++i) {
        std::vector<std::size_t> needs;
        for (auto n = below(needs_max + 1); n > 0 && i + 1 < ids; --n) needs.push_back(i + 1 + below(std::min<std::size_t>(ids - i - 1, 2000)));
        std::sort(needs.begin(), needs.end(), [](std::size_t a, std::size_t b) { return id_of(a) < id_of(b); });
        needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
        for (std::size_t v = 0; v < versions_each; ++v) {
            IndexLine line;
            line.id = id_of(i);
            line.version = "1." + std::to_string(v) + ".0";
            if (v >= 8) line.version = "2." + std::to_string(v - 8) + ".0";
            line.abi = "1.0";
            for (const auto need : needs) line.needs.push_back({id_of(need), "^1." + std::to_string(below(3)), false});
            line.provides = {{"operator/1", false}};
            line.rights = {"read:workspace"};
            line.artifacts = {{"x86_64-linux-gnu", sha256_of(line.id + line.version), sha256_of(line.version), 100'000}};
            line.manifest = sha256_of(line.id + line.version + "manifest");
            line.signer = signer;
            line.name = "plugin-" + std::to_string(i);
            line.description = std::string("A plugin that ") + words[below(12)] + " " + words[below(12)] + " and " + words[below(12)] + " what it is given";
            line.license = "MIT";
            line.keywords = {"operator", words[below(12)]};
            universe[i].push_back(std::move(line));
        }
    }
    return universe;
}

/// A registry as publishing leaves it, written without publishing 100,000 packages.
void write_registry(const fs::path& folder, const Universe& universe, const SecretKey& key, UnixTime now) {
    RegistryRoot root;
    root.registry = "bench";
    root.expires = now + 1'000'000;
    root.root = root.snapshot = {1, {key.public_key()}};
    const RegistryConfig config{"bench", "A measured registry"};
    std::map<std::string, ShardList> shards;
    for (const auto& lines : universe) {
        std::string bytes;
        for (const auto& line : lines) bytes += print(line);
        const auto path = folder / index_path(lines[0].id);
        fs::create_directories(path.parent_path());
        std::ofstream(path) << bytes;
        shards[shard_of(lines[0].id)].entries.push_back({lines[0].id, bytes.size(), sha256_of(bytes)});
    }
    RegistrySnapshot snapshot{"bench", 1, 1, now + 1'000'000, sha256_of(print(config)), {}, {}};
    for (auto& [name, list] : shards) {
        std::sort(list.entries.begin(), list.entries.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
        const auto text = print(list);
        snapshot.shards.emplace_back(name, sha256_of(text));
        std::ofstream(folder / shard_path(name, snapshot.shards.back().second)) << text;
    }
    fs::create_directories(folder / "root");
    std::ofstream(folder / "config.toml") << print(config);
    std::ofstream(folder / "root.toml") << print(root);
    std::ofstream(folder / root_signature_path(1, key.public_key().id())) << key.sign(print(root), "root")->text();
    std::ofstream(folder / "snapshot.toml") << print(snapshot);
    std::ofstream(folder / snapshot_signature_path(1, key.public_key().id())) << key.sign(print(snapshot), "snapshot")->text();
}

ResolveRequest request_for(std::size_t ids, std::uint64_t seed) {
    std::mt19937_64 random(seed + 1);
    ResolveRequest request;
    for (int i = 0; i < 20; ++i) request.wanted.push_back({id_of(random() % ids), *symphony::manifests::Range::parse("*"), {}});
    return request;
}

std::size_t must_fit(symphony::Result<Resolution> result) {
    if (!result || !std::holds_alternative<Solution>(*result)) {
        std::fprintf(stderr, "no solution: %s\n", result ? to_text(std::get<Conflict>(*result)).c_str() : result.error().message().c_str());
        std::exit(1);
    }
    return std::get<Solution>(*result).chosen.size();
}

} // namespace

int main(int argc, char** argv) {
    std::size_t ids = 10'000;
    std::uint64_t seed = 1;
    for (int i = 1; i + 1 < argc; ++i) {
        const std::string_view value = argv[i + 1];
        if (std::string_view(argv[i]) == "--ids") std::from_chars(value.data(), value.data() + value.size(), ids);
        if (std::string_view(argv[i]) == "--seed") std::from_chars(value.data(), value.data() + value.size(), seed);
    }
    symphony::bench::Report report("resolve", argc, argv);
    std::string name = (fs::temp_directory_path() / "symphony-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        std::perror(name.c_str());
        return 1;
    }
    const fs::path base = name;
    const auto universe = make_universe(ids, seed);
    const auto key = *SecretKey::generate();
    constexpr UnixTime now = 1'800'000'000;
    write_registry(base / "registry", universe, key, now);
    const auto request = request_for(ids, seed);
    FolderFetch fetch(base / "registry");
    const auto options = [&] {
        RegistryOptions out;
        out.root_keys = {key.public_key()};
        out.state = base / "state";
        out.cache = base / "cache";
        out.now = now;
        return out;
    };

    std::vector<double> index_ms, cached_ms, opened_ms, cold_ms, solv_ms, solv_all_ms, search_ms, look_up_us;
    std::size_t chosen = 0;
    index_ms.push_back(time_ns(1, [&] {
        auto registry = Registry::open(fetch, options());
        if (!registry || !registry->index()) std::abort();
    }) / 1e6);
    auto registry = *Registry::open(fetch, options());
    const auto index = *registry.index();
    for (int round = 0; round < 9; ++round) {
        cached_ms.push_back(time_ns(1, [&] {
            CompactIndex::Reader reader(index, {"x86_64-linux-gnu"}, {});
            chosen = must_fit(resolve(reader, request));
        }) / 1e6);
#ifdef SYMPHONY_BENCH_HAS_LIBSOLV
        double solve_ms = 0;
        solv_all_ms.push_back(time_ns(1, [&] { symphony::bench::keep(symphony::bench::solve_with_libsolv(universe, request, solve_ms)); }) / 1e6);
        solv_ms.push_back(solve_ms);
#endif
        opened_ms.push_back(time_ns(1, [&] { // as a command does it: registry, cached index, answer
            auto fresh = *Registry::open(fetch, options());
            RegistrySource source({&fresh}, {{"x86_64-linux-gnu"}, nullptr, true});
            must_fit(resolve(source, request));
        }) / 1e6);
        cold_ms.push_back(time_ns(1, [&] {
            auto fresh = *Registry::open(fetch, options());
            RegistrySource source({&fresh}, {{"x86_64-linux-gnu"}, nullptr, false});
            must_fit(resolve(source, request));
        }) / 1e6);
        search_ms.push_back(time_ns(1, [&] { symphony::bench::keep(index.search("draws pictures", 20).size()); }) / 1e6);
        look_up_us.push_back(time_ns(1000, [&] { symphony::bench::keep(index.find(request.wanted[static_cast<std::size_t>(round)].id)->versions); }) / 1e3);
    }
    std::fprintf(stderr, "%zu ids, %zu versions each, %zu packages chosen\n", ids, versions_each, chosen);
    const auto count = std::to_string(chosen);
    if (solv_ms.empty()) {
        report.add("20 roots, " + count + " packages, index in memory", "ms", cached_ms, "<= 30");
    } else {
        report.add("20 roots, " + count + " packages, index in memory", "ms", cached_ms, "libsolv, its pool made before", solv_ms, "<= 30");
        report.add("the same, registry and index opened", "ms", opened_ms, "libsolv, its pool made too", solv_all_ms, "<= 30");
    }
    if (solv_ms.empty()) report.add("the same, registry and index opened", "ms", opened_ms, "<= 30");
    report.add("the same, cold from index files", "ms", cold_ms, "<= 100");
    report.add("compact index made", "ms", index_ms);
    report.add("search of two words", "ms", search_ms, "< 100");
    report.add("look-up of an id", "us", look_up_us, "< 1000");
    fs::remove_all(base);
    return report.write();
}
