// SPDX-License-Identifier: Apache-2.0
// A catalog of 10,000 manifests: cold beside the bare TOML parser over the same files, from its cache, one look-up, the
// resolver. --count N for another number.
#include "bench.hpp"

#include "catalog.hpp"
#include "resolver.hpp"

#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include <sys/resource.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <unordered_map>

namespace {

namespace fs = std::filesystem;
using symphony::bench::time_ns;
using symphony::host::Catalog;

std::string manifest(std::size_t i, std::size_t count) {
    std::ostringstream out;
    out << "[extension]\nid = \"org.example.plugin-" << i << "\"\nname = \"plugin-" << i << "\"\nversion = \"1." << i % 7 << "." << i % 13
        << "\"\ntype = \"operator\"\nauthor = \"Example\"\nlicense = \"MIT\"\ndescription = \"Plugin number " << i << " of a measured catalog\"\n"
        << "[abi]\nversion = \"1.0\"\nthreads = \"concurrent\"\n[provides]\n\"operator/1\" = { priority = " << i % 100 << " }\n"
        << "[[operation]]\nname = \"apply\"\nsummary = \"Does it\"\ninputs = { text = \"text\" }\noutputs = { text = \"text\" }\n"
        << "[dependencies]\nsymphony-core = \"^1.0\"\n";
    if (i + 3 < count) out << "\"org.example.plugin-" << i + 3 << "\" = \"^1\"\n";
    out << "[capabilities]\nfile_access = [\"read:workspace\"]\n[resources]\nmemory_limit = \"256MB\"\n"
        << "[configuration]\nlimit = { type = \"integer\", default = 10, min = 1, max = 1000 }\n";
    return out.str();
}

double peak_mib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

} // namespace

int main(int argc, char** argv) {
    std::size_t count = 10'000;
    for (int i = 1; i + 1 < argc; ++i) {
        const std::string_view value = argv[i + 1];
        if (std::string_view(argv[i]) == "--count") std::from_chars(value.data(), value.data() + value.size(), count);
    }
    symphony::bench::Report report("catalog", argc, argv);
    std::string name = (fs::temp_directory_path() / "symphony-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        std::perror(name.c_str());
        return 1;
    }
    const fs::path base = name;
    const fs::path plugins = base / "plugins";
    for (std::size_t i = 0; i < count; ++i) {
        const fs::path folder = plugins / ("plugin-" + std::to_string(i));
        fs::create_directories(folder);
        std::ofstream(folder / "manifest.toml") << manifest(i, count);
    }
    const std::vector<symphony::host::Root> roots{{plugins.string(), symphony::host::Origin::flag}};
    const std::string cache = (base / "cache").string();

    std::vector<double> cold_ms, parser_ms, cached_ms;
    for (int round = 0; round < 7; ++round) {
        fs::remove_all(cache);
        cold_ms.push_back(time_ns(1, [&] { symphony::bench::keep(Catalog::open(roots, cache).generation()); }) / 1e6);
        parser_ms.push_back(time_ns(1, [&] {
            for (std::size_t i = 0; i < count; ++i) {
                const auto result = toml::parse(symphony::bench::read_file(plugins / ("plugin-" + std::to_string(i)) / "manifest.toml"));
                symphony::bench::keep(result.size());
            }
        }) / 1e6);
    }
    const double peak_cold = peak_mib();
    for (int round = 0; round < 15; ++round) {
        cached_ms.push_back(time_ns(1, [&] { symphony::bench::keep(Catalog::open(roots, cache).generation()); }) / 1e6);
    }
    const std::string label = std::to_string(count) + " manifests";
    report.add(label + ": cold", "ms", cold_ms, "bare TOML parser", parser_ms, "ratio <= 2");
    report.add(label + ": from the cache", "ms", cached_ms, "<= 3 ms");

    const Catalog catalog = Catalog::open(roots, cache);
    std::vector<std::string> ids;
    std::unordered_map<std::string, std::uint32_t> map;
    for (std::size_t i = 0; i < count; ++i) {
        ids.push_back("org.example.plugin-" + std::to_string(i * 7919 % count));
        map.emplace(ids.back(), static_cast<std::uint32_t>(i));
    }
    std::vector<double> look_up_ns, map_ns, resolve_ms;
    for (int round = 0; round < 31; ++round) {
        look_up_ns.push_back(time_ns(1, [&] {
            for (const std::string& id : ids) symphony::bench::keep(catalog.first(Catalog::Table::id, id)->row);
        }) / static_cast<double>(count));
        map_ns.push_back(time_ns(1, [&] {
            for (const std::string& id : ids) symphony::bench::keep(map.find(id)->second);
        }) / static_cast<double>(count));
    }
    report.add("look-up by id", "ns", look_up_ns, "std::unordered_map", map_ns, "<= 40 ns");
    for (int round = 0; round < 9; ++round) {
        resolve_ms.push_back(time_ns(1, [&] { symphony::bench::keep(symphony::host::resolve(catalog).order.size()); }) / 1e6);
    }
    report.add(label + ": resolve and order", "ms", resolve_ms, "<= 10 ms");
    report.add("peak memory of the process", "MiB", {peak_cold});
    std::error_code ignored;
    fs::remove_all(base, ignored);
    return report.write();
}
