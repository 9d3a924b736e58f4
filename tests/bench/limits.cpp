// SPDX-License-Identifier: Apache-2.0
// How exactly limits hold: processor time that a plugin got of what it may have, and memory that it had when it was ended for it.
// The limit itself is the peer, so 1 is exact. With control groups, and, from a second run as a plain user, without.
#include "bench.hpp"

#include <symphony/sandbox/launcher.hpp>
#include <symphony/sandbox/violations.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace symphony;

constexpr int patience_ms = 60'000;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "bench-limits: %s\n", what.c_str());
    std::exit(1);
}

/// A probe that does what it is told over its control socket.
class Probe {
public:
    Probe(sandbox::Launcher& launcher, const sandbox::Limits& limits) : launcher_(launcher) {
        const std::string bytes = bench::read_file(SANDBOX_PROBE);
        const int image = ::memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (bytes.empty() || ::write(image, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) fail("cannot read the probe");
        ::fcntl(image, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) fail("no socket");
        control_ = pair[0];
        sandbox::Spec spec;
        spec.name = "probe";
        spec.version = "1.0.0";
        spec.image_fd = image;
        spec.control_fd = pair[1];
        spec.limits = limits;
        auto started = launcher.launch(spec);
        ::close(pair[1]);
        ::close(image);
        if (!started) fail(started.error().message());
        started_ = std::move(*started);
        if (!answer().starts_with("ready ")) fail("the probe does not start");
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() {
        launcher_.kill(started_.id);
        for (const int fd : {control_, started_.pidfd, started_.output_fd, started_.violations_fd}) {
            if (fd >= 0) ::close(fd);
        }
    }
    /// "" when it is dead.
    std::string ask(const std::string& request) {
        ::send(control_, request.data(), request.size(), MSG_NOSIGNAL);
        return answer();
    }

private:
    std::string answer() {
        std::array<pollfd, 2> wait{{{control_, POLLIN, 0}, {started_.pidfd, POLLIN, 0}}};
        if (::poll(wait.data(), wait.size(), patience_ms) <= 0) fail("the probe is silent");
        std::string text(4096, '\0');
        const ssize_t n = ::recv(control_, text.data(), text.size(), MSG_DONTWAIT);
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    sandbox::Launcher& launcher_;
    sandbox::Started started_;
    int control_ = -1;
};

void measure(bench::Report& report) {
    auto launcher = sandbox::Launcher::start({SANDBOX_PROBE_RUNNER, [](const sandbox::Death&) {}});
    if (!launcher) fail(launcher.error().message());
    const std::string by = " by " + (*launcher)->machine().limits_backend;
    constexpr int burn_ms = 2000;
    for (const auto& [percent, threads] : {std::pair{25, 1}, {50, 2}, {100, 2}}) {
        std::vector<double> got, allowed;
        for (int round = 0; round < 5; ++round) {
            sandbox::Limits limits;
            limits.cpu_percent = static_cast<std::uint32_t>(percent);
            Probe probe(**launcher, limits);
            got.push_back(std::atof(probe.ask("burn " + std::to_string(burn_ms) + " " + std::to_string(threads)).c_str()));
            allowed.push_back(burn_ms * percent / 100.0);
        }
        report.add("processor time in 2 s, " + std::to_string(percent) + " %, " + std::to_string(threads) + " threads," + by, "ms", got, "the limit", allowed, "0.8 to 1.2");
    }
    for (const unsigned mib : {64u, 256u}) {
        std::vector<double> had, allowed;
        for (int round = 0; round < 5; ++round) {
            sandbox::Limits limits;
            limits.memory_bytes = std::uint64_t{mib} << 20;
            Probe probe(**launcher, limits);
            unsigned got = 0;
            while (got < 2 * mib && probe.ask("alloc 1 slow") == "ok") ++got;
            had.push_back(got);
            allowed.push_back(mib);
        }
        report.add("memory when it is ended, of " + std::to_string(mib) + " MiB," + by, "MiB", had, "the limit", allowed, "0.9 to 1.1");
    }
}

} // namespace

int main(int argc, char** argv) {
    bench::Report report("limits", argc, argv);
    if (argc > 1 && std::string_view(argv[1]) == "--as-nobody") {
        constexpr uid_t nobody = 65534;
        if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 || ::setresuid(nobody, nobody, nobody) != 0) fail("only root can become nobody");
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
    measure(report);
    return report.write();
}
