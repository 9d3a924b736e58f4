// SPDX-License-Identifier: Apache-2.0
// Loading one plugin cold and verified, beside what must be done at least: hash the same file, dlopen it, find the entry.
// --plugins DIR: where bench-caller and bench-callee were built.
#include "bench.hpp"

#include "digest.hpp"
#include "library.hpp"
#include "plugin_source.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;
namespace host = symphony::host;

} // namespace

int main(int argc, char** argv) {
    fs::path plugins = SYMPHONY_BENCH_PLUGINS;
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--plugins") plugins = argv[i + 1];
    }
    const fs::path folder = plugins / "bench-callee";
    const auto file = host::read_manifest_file(folder.string(), symphony::manifests::Strictness::load);
    if (!file.parsed.manifest || file.parsed.manifest->artifacts.empty()) {
        std::fprintf(stderr, "error: no plugin in %s\n", folder.c_str());
        return 1;
    }
    // Padded to 1 MB behind its end, which the loader ignores and the digest does not.
    symphony::manifests::Manifest manifest = *file.parsed.manifest;
    auto& artifact = manifest.artifacts.front();
    std::string name = (fs::temp_directory_path() / "symphony-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        std::perror(name.c_str());
        return 1;
    }
    const fs::path base = name;
    std::string bytes = symphony::bench::read_file(folder / artifact.path);
    bytes.resize(1'000'000, '\0');
    artifact.size_bytes = bytes.size();
    artifact.sha256 = host::hex(host::sha256(bytes));
    std::ofstream(base / artifact.path, std::ios::binary) << bytes;

    std::vector<double> ours, peer;
    std::string failed;
    for (int i = 0; i < 60 && failed.empty(); ++i) {
        ours.push_back(symphony::bench::time_ns(1, [&] {
            auto image = host::VerifiedImage::open(manifest, base, artifact.triple);
            if (!image) return void(failed = image.error().message());
            auto library = host::Library::load(std::move(*image), manifest);
            if (!library) failed = library.error().message();
        }) / 1e6);
        // A file of its own each time: the loader would only count up what it has.
        const fs::path copy = base / ("copy-" + std::to_string(i) + ".so");
        fs::copy_file(base / artifact.path, copy);
        peer.push_back(symphony::bench::time_ns(1, [&] {
            symphony::bench::keep(host::sha256(symphony::bench::read_file(copy)));
            void* handle = ::dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
            if (handle == nullptr || ::dlsym(handle, SYMPHONY_ENTRY_NAME) == nullptr) failed = ::dlerror();
        }) / 1e6);
    }
    std::error_code ignored;
    fs::remove_all(base, ignored);
    if (!failed.empty()) {
        std::fprintf(stderr, "error: %s\n", failed.c_str());
        return 1;
    }
    symphony::bench::Report report("load", argc, argv);
    report.add("plugin of 1 MB, cold and verified", "ms", ours, "read, hash, dlopen, dlsym", peer, "ratio <= 1.5, <= 3 ms");
    return report.write();
}
