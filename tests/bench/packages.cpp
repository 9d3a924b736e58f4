// SPDX-License-Identifier: Apache-2.0
// Installing a profile of 50 plugins and verifying it, beside what cannot be avoided: writing and syncing the same files, hashing the same bytes.
#include "bench.hpp"

#include <symphony/packaging/change.hpp>
#include <symphony/packaging/digest.hpp>
#include <symphony/testing.hpp>

#include <random>

namespace {

namespace fs = std::filesystem;
using namespace symphony;
using namespace symphony::packaging;
using namespace std::chrono_literals;

constexpr std::size_t plugins = 50, library_bytes = 256 * 1024, rounds = 7;

/// Compresses about as a library does: words of a small alphabet, and noise.
std::string library_of(std::size_t number) {
    std::mt19937 random(static_cast<std::uint32_t>(number));
    std::string bytes;
    while (bytes.size() < library_bytes) {
        const auto word = random();
        bytes.append(reinterpret_cast<const char*>(&word), 1 + word % 4);
        bytes.append(2 + word % 7, static_cast<char>(word % 3));
    }
    bytes.resize(library_bytes);
    return bytes;
}

Result<Packed> package_of(std::size_t number) {
    const testing::TempFolder folder;
    const std::string library = library_of(number), name = "p" + std::to_string(number);
    const std::string manifest = "[extension]\nid = \"org.example." + name + "\"\nname = \"" + name + "\"\nversion = \"1.0.0\"\ntype = \"operator\"\n[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"lib" + name +
                                 ".so\"\nsize = " + std::to_string(library.size()) + "\nsha256 = \"" + sha256_of(library) + "\"\n";
    const Disk disk;
    SYMPHONY_TRY(disk.write_file(folder.path() / "manifest.toml", manifest));
    SYMPHONY_TRY(disk.write_file(folder.path() / ("lib" + name + ".so"), library));
    return pack(folder.path());
}

Status install_all(const fs::path& folder, const std::vector<Packed>& packages) {
    auto change = SYMPHONY_TRY(Change::begin(folder, 0ms));
    for (const auto& package : packages) {
        const auto info = SYMPHONY_TRY(change.store().add(package.bytes));
        change.profile().put({info.id(), info.version(), info.digest, "*", "", "bench", ""});
    }
    SYMPHONY_TRY(change.commit("install all"));
    return {};
}

/// The same bytes in as many files, each synced, and their folders; already unpacked and verified.
Status write_all(const fs::path& folder, const std::vector<Packed>& packages, const std::vector<std::string>& contents) {
    const Disk disk;
    std::size_t at = 0;
    for (const auto& package : packages) {
        const fs::path to = folder / package.info.digest;
        SYMPHONY_TRY(disk.make_folder(to));
        for (const auto& file : package.info.files.files()) SYMPHONY_TRY(disk.write_file(to / file.path, contents[at++]));
        SYMPHONY_TRY(disk.sync_folder(to));
    }
    return disk.sync_folder(folder);
}

struct Samples {
    std::vector<double> install, plain, verify, hash, pack;
};

Status measure(Samples& samples) {
    std::vector<Packed> packages;
    for (std::size_t i = 0; i < plugins; ++i) packages.push_back(SYMPHONY_TRY(package_of(i)));
    std::vector<std::string> contents;
    double bytes = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        const testing::TempFolder folder, plain;
        Status done;
        samples.install.push_back(bench::time_ns(1, [&] { done = install_all(folder.path(), packages); }) / 1e6);
        SYMPHONY_TRY(std::move(done));
        const Store store(folder.path());
        if (contents.empty()) {
            for (const auto& package : packages) {
                for (const auto& file : package.info.files.files()) contents.push_back(SYMPHONY_TRY(read_file(store.path_of(package.info.digest) / file.path, payload_bytes_max)));
            }
            for (const auto& content : contents) bytes += static_cast<double>(content.size());
        }
        samples.plain.push_back(bench::time_ns(1, [&] { done = write_all(plain.path(), packages, contents); }) / 1e6);
        SYMPHONY_TRY(std::move(done));
        bool good = true;
        const double verified = bench::time_ns(1, [&] {
            for (const auto& package : packages) good = good && store.verify(package.info.digest).value_or({{"", ""}}).empty();
        });
        if (!good) return Error(Code::data_corrupt, "the store is damaged");
        samples.verify.push_back(bytes / verified * 1e3);
        samples.hash.push_back(bytes / bench::time_ns(1, [&] {
            for (const auto& content : contents) bench::keep(sha256_of(content));
        }) * 1e3);
        samples.pack.push_back(bench::time_ns(1, [&] { bench::keep(package_of(round)); }) / 1e6);
    }
    return {};
}

} // namespace

int main(int argc, char** argv) {
    Samples samples;
    if (const auto done = measure(samples); !done) {
        std::fprintf(stderr, "error: %s\n", done.error().message().c_str());
        return 1;
    }
    bench::Report report("packages", argc, argv);
    report.add("install a profile of 50 plugins of 256 KiB", "ms", samples.install, "write and sync the same files", samples.plain, "");
    report.add("verify 50 plugins", "MB/s", samples.verify, "SHA-256 of the same bytes in memory", samples.hash, "ratio near 1");
    report.add("pack a plugin of 256 KiB", "ms", samples.pack, "<= 1000 ms");
    return report.write();
}
