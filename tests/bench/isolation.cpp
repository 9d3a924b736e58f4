// SPDX-License-Identifier: Apache-2.0
// What a sandboxed process costs: its start until the first answer, its idle memory, its end.
#include "bench.hpp"

#include <symphony/bytes.hpp>
#include <symphony/ipc/channel.hpp>
#include <symphony/ipc/remote_instance.hpp>
#include <symphony/sandbox/launcher.hpp>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace {

using namespace symphony;
using namespace std::chrono_literals;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "bench-isolation: %s\n", what.c_str());
    std::exit(1);
}

double run_us(const std::vector<const char*>& words) {
    const double start = bench::now_ns();
    std::vector<char*> arguments;
    for (const char* word : words) arguments.push_back(const_cast<char*>(word));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) fail(std::string(words.front()) + " ends with status " + std::to_string(status));
    return (bench::now_ns() - start) / 1e3;
}

/// Deaths by id, waited for.
struct Deaths {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::uint64_t, double> at;
    void wait(std::uint64_t id) {
        std::unique_lock lock(mutex);
        if (!changed.wait_for(lock, 20s, [&] { return at.count(id) != 0; })) fail("a death is not told");
    }
};

symphony_host plain_host() {
    symphony_host host{};
    host.struct_size = sizeof host;
    host.abi_major = SYMPHONY_ABI_MAJOR;
    host.abi_minor = SYMPHONY_ABI_MINOR;
    host.query = [](void*, symphony_str) -> const void* { return nullptr; };
    host.buf_alloc = [](void*, std::uint64_t size, symphony_buf* out) {
        *out = Buffer::copy(std::string(size, '\0')).release();
        return SYMPHONY_OK;
    };
    host.now_ns = [](void*) { return static_cast<std::uint64_t>(bench::now_ns()); };
    return host;
}

struct Call {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
};

/// One call with 128 bytes, until its answer.
void call_once(symphony_instance* instance, const symphony_instance_ops& table) {
    static const symphony_call_ops ops{
        sizeof(symphony_call_ops), 0,
        [](void* ctx, symphony_handle, const symphony_buf*, std::uint32_t) {
            auto& call = *static_cast<Call*>(ctx);
            const std::lock_guard lock(call.mutex);
            call.ended = true;
            call.changed.notify_all();
        },
        [](void*, symphony_handle, const symphony_error* error) { fail(std::string("the call failed: ") + error->message); },
        [](void*, symphony_handle, const symphony_buf*, std::uint32_t) {}, [](void*, symphony_handle, std::uint32_t, symphony_str) {},
        [](void*, symphony_handle) -> std::uint32_t { return 0; }};
    const std::string bytes(128, 'x');
    symphony_buf argument{};
    argument.struct_size = sizeof argument;
    argument.data = bytes_of(bytes).data();
    argument.size = bytes.size();
    Call state;
    symphony_call call{};
    call.struct_size = sizeof call;
    call.method = 1;
    call.arg_count = 1;
    call.args = &argument;
    call.id = 1;
    call.ctx = &state;
    call.ops = &ops;
    call.port = to_c("bench/1");
    if (table.invoke(instance, &call) < 0) fail("the call is not taken");
    std::unique_lock lock(state.mutex);
    if (!state.changed.wait_for(lock, 20s, [&] { return state.ended; })) fail("the call has no answer");
}

/// "Private_Clean + Private_Dirty" of a process, in KiB.
double private_kib(pid_t pid) {
    std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
    double kib = 0;
    for (std::string line; std::getline(rollup, line);) {
        if (line.starts_with("Private_")) kib += std::atof(line.c_str() + line.find(':') + 1);
    }
    return kib;
}

pid_t parent_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    return static_cast<pid_t>(std::atol(text.c_str() + text.rfind(')') + 4));
}

int sealed_library() {
    const std::string bytes = bench::read_file(SYMPHONY_BENCH_ISOLATED);
    const int memory = ::memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (bytes.empty() || ::write(memory, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) fail("cannot read the plugin");
    ::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return memory;
}

/// A plugin process with an instance that has answered.
struct Isolated {
    sandbox::Started started;
    std::unique_ptr<ipc::RemoteInstance> remote;
    symphony_instance* instance = nullptr;
    const symphony_instance_ops* ops = nullptr;
    double confined_us = 0, answered_us = 0;
    ~Isolated() {
        for (const int fd : {started.pidfd, started.output_fd, started.violations_fd}) {
            if (fd >= 0) ::close(fd);
        }
    }
    Isolated() = default;
    Isolated(const Isolated&) = delete;
    Isolated& operator=(const Isolated&) = delete;
};

void start(Isolated& it, sandbox::Launcher& launcher, int image, const symphony_host& host) {
    const double begin = bench::now_ns();
    auto pair = ipc::ChannelPair::make();
    if (!pair) fail(pair.error().message());
    sandbox::Spec spec;
    spec.name = "bench-isolated";
    spec.version = "1.0.0";
    spec.image_fd = image;
    spec.control_fd = pair->runner.control();
    auto started = launcher.launch(spec);
    if (!started) fail(started.error().message());
    it.started = std::move(*started);
    it.confined_us = (bench::now_ns() - begin) / 1e3;
    ::close(pair->runner.release_control());
    ipc::RemoteInstance::Options options;
    options.name = spec.name;
    auto remote = ipc::RemoteInstance::connect(std::move(pair->host), std::move(options));
    if (!remote) fail(remote.error().message());
    it.remote = std::move(*remote);
    auto facts = it.remote->facts(std::chrono::steady_clock::now() + 10s);
    if (!facts) fail(facts.error().message());
    if (!facts->load_error.empty()) fail(facts->load_error);
    symphony_error error{};
    error.struct_size = sizeof error;
    const std::array<std::uint8_t, 1> empty_map{0x80};
    symphony_buf config{};
    config.struct_size = sizeof config;
    config.data = empty_map.data();
    config.size = empty_map.size();
    if (it.remote->create(&host, &config, &it.instance, &it.ops, &error) < 0) fail(error.message);
    if (it.ops->init(it.instance, &error) < 0 || it.ops->activate(it.instance, &error) < 0) fail(error.message);
    call_once(it.instance, *it.ops);
    it.answered_us = (bench::now_ns() - begin) / 1e3;
}

} // namespace

int main(int argc, char** argv) {
    constexpr std::size_t rounds = 60, idle = 8;
    bench::Report report("isolation", argc, argv);
    Deaths deaths;
    auto launcher = sandbox::Launcher::start({SYMPHONY_BENCH_RUNNER, [&](const sandbox::Death& death) {
                                                  const std::lock_guard lock(deaths.mutex);
                                                  deaths.at[death.id] = bench::now_ns();
                                                  deaths.changed.notify_all();
                                              }});
    if (!launcher) fail(launcher.error().message());
    const symphony_host host = plain_host();
    const int image = sealed_library();
    const bool has_bwrap = ::access("/usr/bin/bwrap", X_OK) == 0;
    std::fprintf(stderr, "grade %s, limits by %s\n", std::string(sandbox::name_of((*launcher)->machine().grade)).c_str(), (*launcher)->machine().limits_backend.c_str());

    std::vector<double> answered, confined, bwrap, exec, readable, told;
    for (std::size_t i = 0; i < rounds; ++i) {
        Isolated it;
        start(it, **launcher, image, host);
        confined.push_back(it.confined_us);
        answered.push_back(it.answered_us);
        const double begin = bench::now_ns();
        (*launcher)->kill(it.started.id);
        pollfd wait{it.started.pidfd, POLLIN, 0};
        ::poll(&wait, 1, 20'000);
        readable.push_back((bench::now_ns() - begin) / 1e3);
        deaths.wait(it.started.id);
        told.push_back((deaths.at[it.started.id] - begin) / 1e3);
        it.remote->abandon(Error(Code::peer_died, "killed"));
        // The peers, in the same breath.
        if (has_bwrap) bwrap.push_back(run_us({"bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "true"}));
        exec.push_back(run_us({"true"}));
    }
    if (has_bwrap) report.add("isolated start to first answer", "us", answered, "bwrap --unshare-all true", bwrap, "<= 1x, <= 6000 us");
    report.add("isolated start to first answer", "us", answered, "fork and exec of true", exec, "");
    report.add("isolated start until confined", "us", confined, "fork and exec of true", exec, "");
    report.add("kill until the process is dead", "us", readable);
    report.add("kill until the cause is told", "us", told, "<= 100000 us");

    std::vector<double> runner_kib, init_kib;
    std::vector<std::unique_ptr<Isolated>> living;
    for (std::size_t i = 0; i < idle; ++i) {
        living.push_back(std::make_unique<Isolated>());
        start(*living.back(), **launcher, image, host);
    }
    for (const auto& it : living) {
        runner_kib.push_back(private_kib(it->started.pid));
        init_kib.push_back(private_kib(parent_of(it->started.pid)));
    }
    report.add("private memory of an idle runner", "KiB", runner_kib, "<= 6144 KiB");
    report.add("private memory of its init", "KiB", init_kib);
    for (const auto& it : living) {
        it->remote->abandon(Error(Code::peer_died, "killed"));
        (*launcher)->kill(it->started.id);
        deaths.wait(it->started.id);
    }
    living.clear();
    ::close(image);
    return report.write();
}
