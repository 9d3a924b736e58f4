// SPDX-License-Identifier: Apache-2.0
// A message there and back between two processes, over each transport and beside what it is made of: a raw socket, a raw pipe, rings with
// and without a futex, Boost's message queue, and ZeroMQ, nng and NATS where they are installed. All take turns in one run, pinned to one CPU and to two.
#include "bench.hpp"
#include "quantiles.hpp"
#include "transport_peers.hpp"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>

namespace {

using namespace symphony;
using namespace symphony::bench;

struct Size {
    const char* name;
    std::size_t bytes, calls;
};
constexpr Size sizes[]{{"64 B", 64, 2000}, {"1 KiB", 1024, 2000}, {"64 KiB", 64 * 1024, 1000}, {"1 MiB", 1 << 20, 200}};
constexpr std::size_t slices = 20;

/// Quantiles, one of each for a round.
struct Figures {
    std::vector<double> p50, p99, p999;
    void add(std::vector<double>& times) {
        const auto of = ipc_bench::quantiles_of(times);
        p50.push_back(of.p50), p99.push_back(of.p99), p999.push_back(of.p999);
        times.clear();
    }
};

struct Contender {
    std::string name;
    std::unique_ptr<EchoPeer> peer;
    std::vector<double> times{};
    Figures figures{};
};

void take_turns(std::vector<Contender>& all, std::size_t bytes, std::size_t calls, std::size_t rounds) {
    for (std::size_t round = 0; round <= rounds; ++round) { // the first one warms up
        for (std::size_t slice = 0; slice < slices; ++slice) {
            for (auto& one : all) {
                one.peer->begin();
                one.peer->call(bytes);
                for (std::size_t i = 0; i < calls / slices; ++i) one.times.push_back(time_ns(1, [&] { one.peer->call(bytes); }));
                one.peer->end();
            }
        }
        for (auto& one : all) {
            if (round == 0) one.times.clear();
            else one.figures.add(one.times);
        }
    }
}

void report_on(Report& report, const std::vector<Contender>& all, const std::string& ours, const std::string& theirs, const std::string& where, const std::string& goal) {
    const auto find = [&](const std::string& name) -> const Figures* {
        for (const auto& one : all) {
            if (one.name == name) return &one.figures;
        }
        return nullptr;
    };
    const Figures *own = find(ours), *peer = find(theirs);
    if (own == nullptr || peer == nullptr) return;
    const std::string figure = ours + ", " + where;
    report.add(figure + ", p50", "ns", own->p50, theirs, peer->p50, goal);
    report.add(figure + ", p99", "ns", own->p99, theirs, peer->p99, "");
    report.add(figure + ", p99.9", "ns", own->p999, theirs, peer->p999, "");
}

void measure(Report& report, bool two, std::size_t rounds, std::size_t share) {
    pin(0);
    const int other = two ? 1 : 0;
    for (const Size& size : sizes) {
        std::vector<Contender> all;
        const auto add = [&](std::string name, std::unique_ptr<EchoPeer> peer) { all.push_back({std::move(name), std::move(peer)}); };
        // All processes are forked before the first thread is there.
        add("unix", over_unix(other, true));
        add("raw socket", raw_socket(other));
        add("unix without stay", over_unix(other, false));
        add("stdio", over_stdio(other));
        add("raw pipe", raw_pipe(other));
        add("shm", over_shm(other));
        if (two) add("polling ring", polling_ring(other));
        add("futex ring", futex_ring(other));
        add("boost message_queue", boost_queue(other));
        if (auto zmq = over_zmq(other)) add("ZeroMQ ipc", std::move(zmq));
        if (auto nng = over_nng(other)) add("nng ipc", std::move(nng));
        if (auto nats = over_nats(other)) add("NATS", std::move(nats));
        for (auto& one : all) one.peer->connect();
        take_turns(all, size.bytes, size.calls / share, rounds);
        const std::string where = std::string(size.name) + ", " + (two ? "two CPUs" : "one CPU");
        const bool large = size.bytes == 1 << 20;
        report_on(report, all, "unix", "raw socket", where, two ? "" : "<= 1.15x the raw socket");
        report_on(report, all, "unix", "ZeroMQ ipc", where, two ? "" : "<= 0.35x ZeroMQ");
        report_on(report, all, "unix", "nng ipc", where, two ? "" : "<= 0.2x nng");
        report_on(report, all, "unix", "NATS", where, two ? "" : "<= 0.1x NATS");
        report_on(report, all, "unix without stay", "raw socket", where, "");
        report_on(report, all, "stdio", "raw pipe", where, two ? "" : "<= 1.15x the raw pipe");
        report_on(report, all, "shm", "polling ring", where, size.bytes == 64 ? "<= 2x the polling ring" : "");
        report_on(report, all, "shm", "futex ring", where, two ? "" : "<= 1.1x the futex ring");
        report_on(report, all, "shm", "boost message_queue", where, large ? "<= 0.65x boost's queue" : "");
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--stdio-echo") return stdio_echo(std::atoi(argv[2]));
    if (argc == 3 && std::string_view(argv[1]) == "--nng-echo") return nng_echo(argv[2]);
    const char* const quick = std::getenv("SYMPHONY_BENCH_QUICK");
    const std::size_t rounds = quick != nullptr ? 3 : 20, share = quick != nullptr ? 5 : 1;
    Report report("transports", argc, argv);
    measure(report, false, rounds, share);
    if (std::thread::hardware_concurrency() > 1) measure(report, true, rounds, share);
    return report.write();
}
