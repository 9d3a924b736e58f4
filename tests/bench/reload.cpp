// SPDX-License-Identifier: Apache-2.0
// A plugin that is replaced by its next version again and again while somebody calls it 1,000 times a second: calls lost, how long calls wait, and what each
// replacement leaves in memory. In the host's process a version stays mapped (unloading is not counted on); its file's size is the limit that is shown beside.
// bench-reload [--reloads N] [--output FILE]
#include "bench.hpp"

#include "isolation.hpp"
#include "rig.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

namespace {

using namespace symphony;
using namespace symphony::host;
using namespace std::chrono_literals;

constexpr std::uint32_t method_count = 26;
constexpr std::size_t warm_reloads = 50; // what is made once is made by then

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "bench-reload: %s\n", what.c_str());
    std::exit(1);
}

/// Memory of a process that is its own, in KiB.
double private_kib(std::int64_t pid) {
    std::ifstream file("/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/smaps_rollup");
    double kib = 0;
    for (std::string word; file >> word;) {
        double value = 0;
        if ((word == "Private_Dirty:" || word == "Private_Clean:") && file >> value) kib += value;
    }
    return kib;
}

struct Calls {
    std::vector<double> took_us;
    std::uint64_t lost = 0;
};

/// One call each millisecond, until told to stop.
Calls call_steadily(Runtime& runtime, PortHandle port, const std::atomic<bool>& enough) {
    Calls out;
    for (auto due = std::chrono::steady_clock::now(); !enough.load(); due += 1ms) {
        std::this_thread::sleep_until(due);
        const double begin = bench::now_ns();
        if (!runtime.call(port, method_count, {})) ++out.lost;
        out.took_us.push_back((bench::now_ns() - begin) / 1e3);
    }
    return out;
}

double quantile(std::vector<double> samples, double share) {
    std::sort(samples.begin(), samples.end());
    return samples[std::min(samples.size() - 1, static_cast<std::size_t>(share * static_cast<double>(samples.size())))];
}

void measure(bench::Report& report, bool isolated, std::size_t reloads) {
    const std::string where = isolated ? ", isolated" : ", in the host's process";
    std::optional<Isolation> isolation;
    host::test::Rig rig;
    if (isolated) {
        Isolation::Options options;
        options.runner = RUNNER;
        isolation.emplace(std::move(options));
        rig.options.isolation = &*isolation;
        rig.options.placement.in_process_all = false;
    }
    while (rig.size() < reloads + 1) rig.add("probe");
    Runtime& runtime = rig.run();
    if (rig.call(method_count) != "1") fail("the plugin does not answer" + where);
    const auto port = runtime.acquire("operator/1");
    if (!port) fail(port.error().message());

    std::atomic<bool> enough{false};
    Calls calls;
    std::thread caller([&] { calls = call_steadily(runtime, *port, enough); });
    std::vector<double> replaced_us;
    double host_kib = 0, plugin_kib = 0;
    const auto look = [&](double sign, std::size_t at) {
        host_kib += sign * private_kib(0);
        if (isolated) plugin_kib += sign * private_kib(rig.status(at).pid);
    };
    for (std::size_t i = 0; i < reloads; ++i) {
        if (i == warm_reloads) look(-1, i);
        const double begin = bench::now_ns();
        if (const Status done = runtime.replace(i, i + 1, 5s); !done) fail("replacement " + std::to_string(i) + ": " + done.error().message());
        replaced_us.push_back((bench::now_ns() - begin) / 1e3);
    }
    look(1, reloads);
    enough = true;
    caller.join();
    const double counted = static_cast<double>(reloads - warm_reloads);
    report.add("replacement" + where, "us", replaced_us);
    report.add("calls lost of " + std::to_string(calls.took_us.size()) + where, "calls", {static_cast<double>(calls.lost)}, "0");
    report.add("call, p50" + where, "us", {quantile(calls.took_us, 0.5)});
    report.add("call, p99" + where, "us", {quantile(calls.took_us, 0.99)});
    report.add("call, longest" + where, "us", {quantile(calls.took_us, 1)});
    std::error_code error;
    const double file_kib = static_cast<double>(std::filesystem::file_size(std::filesystem::path(PROBES) / "libprobe.so", error)) / 1024;
    report.add("growth of the host per replacement" + where, "KiB", {host_kib / counted}, "size of the library", {file_kib}, "");
    if (isolated) report.add("growth of the plugin's process per replacement" + where, "KiB", {plugin_kib / counted});
    if (!runtime.shutdown(20s)) fail("it does not shut down" + where);
    rig.end();
}

} // namespace

int main(int argc, char** argv) {
    std::size_t reloads = 1000;
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--reloads") reloads = std::strtoull(argv[i + 1], nullptr, 10);
    }
    if (reloads <= warm_reloads) fail("--reloads: more than " + std::to_string(warm_reloads));
    bench::Report report("reload", argc, argv);
    measure(report, false, reloads);
    measure(report, true, reloads);
    return report.write();
}
