// SPDX-License-Identifier: Apache-2.0
// Composing 50 plugins beside tar and zstd of the same bytes; the size of the example `minimal`, and starts of it beside the same program without a seal.
#include "bench.hpp"

#include "composer.hpp"

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/disk.hpp>
#include <symphony/testing.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace {

namespace fs = std::filesystem;
using namespace symphony;

constexpr std::size_t plugins = 50, library_bytes = 256 * 1024, rounds = 5, starts = 21;

void write(const fs::path& path, std::string_view bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

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

/// Folders of 50 built plugins, and a distribution.toml that names them.
void make_plugins(const fs::path& folder) {
    std::string text = "[distribution]\nname = \"bench\"\nversion = \"1.0.0\"\n[policy]\nallow_unsigned = true\n[plugins]\n";
    for (std::size_t i = 0; i < plugins; ++i) {
        const std::string library = library_of(i), name = "p" + std::to_string(i);
        write(folder / name / ("lib" + name + ".so"), library);
        write(folder / name / "manifest.toml", "[extension]\nid = \"org.example." + name + "\"\nname = \"" + name + "\"\nversion = \"1.0.0\"\ntype = \"operator\"\n[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"lib" + name +
                                                  ".so\"\nsize = " + std::to_string(library.size()) + "\nsha256 = \"" + packaging::sha256_of(library) + "\"\n");
        text += "\"org.example." + name + "\" = { path = \"" + name + "\" }\n";
    }
    write(folder / "distribution.toml", text);
}

/// The plugin in a host double that stands in the build.
class Composing {
public:
    explicit Composing(const fs::path& home) {
        About about;
        about.version = "1.0.0";
        about.triple = "x86_64-linux-gnu";
        about.prefix = SYMPHONY_BENCH_PREFIX;
        about.program = SYMPHONY_BENCH_PREFIX "/bin/symphony";
        about.config = (home / "config").string();
        about.data = (home / "data").string();
        about.state = (home / "state").string();
        about.cache = (home / "cache").string();
        host_.set_about(about);
        static_cast<void>(host_.add<composer::Composer>("composer"));
    }

    bool build(const fs::path& file, const fs::path& output, const std::string& format, bool frozen = false) const {
        ValueBuilder arguments;
        arguments.map();
        arguments.key("file").text(file.string()).key("output").text(output.string()).key("format").list().text(format).end();
        if (frozen) arguments.key("frozen").boolean(true);
        ports::CommandContext context;
        context.cwd = "/";
        CallOptions<ports::CommandOutput> options;
        options.on_part = [](const ports::CommandOutput& out) {
            if (out.stream == ports::CommandStream::err) std::fprintf(stderr, "%s", std::string(out.text.text()).c_str());
        };
        const auto client = ports::CommandClient::acquire(host_.host(), "composer");
        const auto done = client->run("compose build", arguments.end().build(), context, options);
        if (!done) std::fprintf(stderr, "error: %s\n", done.error().message().c_str());
        return done && *done == 0;
    }

private:
    mutable testing::FakeHost host_;
};

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

double bytes_of(const fs::path& folder) {
    double total = 0;
    for (const auto& item : fs::directory_iterator(folder)) total += static_cast<double>(item.is_regular_file() ? item.file_size() : 0);
    return total;
}

bool measure(bench::Report& report) {
    const testing::TempFolder folder;
    const fs::path work = folder.path();
    make_plugins(work);
    const Composing composing(work / "home");
    bool good = true;
    std::vector<double> first, again, archive, plain;
    for (std::size_t round = 0; round < rounds && good; ++round) {
        const auto out = work / ("out" + std::to_string(round));
        fs::remove(work / "distribution.lock");
        first.push_back(bench::time_ns(1, [&] { good = composing.build(work / "distribution.toml", out, "tree"); }) / 1e6);
        again.push_back(bench::time_ns(1, [&] { good = composing.build(work / "distribution.toml", out, "tree", true) && good; }) / 1e6);
        archive.push_back(bench::time_ns(1, [&] { good = composing.build(work / "distribution.toml", work / "archives", "tar.zst", true) && good; }) / 1e6);
        plain.push_back(bench::time_ns(1, [&] { good = run("tar -C '" + out.string() + "' -cf - . | zstd -q -12 -T1 -f -o '" + (work / "plain.tar.zst").string() + "'") && good; }) / 1e6);
    }
    if (!good) return false;
    report.add("compose 50 plugins of 256 KiB from folders into a tree, first time", "ms", first, "tar | zstd -12 of the tree", plain, "<= 2000 ms");
    report.add("compose them again with their lock", "ms", again, "tar | zstd -12 of the tree", plain, "<= 2000 ms");
    report.add("compose them into a .tar.zst", "ms", archive, "tar | zstd -12 of the tree", plain, "");

    const fs::path minimal = work / "minimal.toml";
    fs::copy_file(SYMPHONY_BENCH_EXAMPLES "/minimal.toml", minimal);
    good = composing.build(minimal, work / "minimal", "tree");
    for (const auto* format : {"tar.zst", "deb", "single-file"}) good = good && composing.build(minimal, work / "sizes" / format, format);
    good = good && run("tar -C '" + (work / "minimal").string() + "' -cf - . | zstd -q -12 -T1 -f -o '" + (work / "plain.tar.zst").string() + "'");
    if (!good) return false;
    const double megabyte = 1e6, plain_size = static_cast<double>(fs::file_size(work / "plain.tar.zst")) / megabyte;
    for (const auto* format : {"tar.zst", "deb", "single-file"}) {
        report.add("minimal as " + std::string(format), "MB", {bytes_of(work / "sizes" / format) / megabyte}, "tar | zstd -12 of the tree", {plain_size}, "<= 8 MB");
    }

    const std::string home = "HOME='" + (work / "home").string() + "' ", quiet = " list > /dev/null";
    const std::string composed = home + (work / "minimal/bin/symphony").string() + quiet;
    run("cp -r '" + (work / "minimal").string() + "' '" + (work / "unsealed").string() + "' && rm '" + (work / "unsealed/SHA256SUMS").string() + "' '" + (work / "unsealed/distribution.lock").string() + "'");
    const std::string unsealed = home + (work / "unsealed/bin/symphony").string() + quiet;
    std::string single;
    for (const auto& item : fs::directory_iterator(work / "sizes/single-file")) single = home + item.path().string() + quiet;
    good = run(composed) && run(unsealed) && run(single);
    std::vector<double> known, unknown, without, unpacked;
    for (std::size_t i = 0; i < starts && good; ++i) {
        known.push_back(bench::time_ns(1, [&] { good = run(composed); }) / 1e6);
        without.push_back(bench::time_ns(1, [&] { good = run(unsealed) && good; }) / 1e6);
        unpacked.push_back(bench::time_ns(1, [&] { good = run(single) && good; }) / 1e6);
        run("rm -f '" + (work / "home/.cache/symphony").string() + "'/seal-*");
        unknown.push_back(bench::time_ns(1, [&] { good = run(composed) && good; }) / 1e6);
    }
    report.add("start of minimal, every file known", "ms", known, "the same without a seal", without, "");
    report.add("start of minimal, every file read", "ms", unknown, "the same without a seal", without, "");
    report.add("start of minimal as a single file, unpacked before", "ms", unpacked, "the same without a seal", without, "");
    return good;
}

} // namespace

int main(int argc, char** argv) {
    bench::Report report("compose", argc, argv);
    if (!measure(report)) return 1;
    return report.write();
}
