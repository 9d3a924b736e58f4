// SPDX-License-Identifier: Apache-2.0
// What it costs to be let through: a file opened by the broker for another process beside the same open without one, and
// bytes relayed beside bytes on a direct connection.
#include "bench.hpp"

#include "files.hpp"

#include <symphony/brokers/client_hello.hpp>
#include <symphony/brokers/network.hpp>
#include <symphony/manifests/manifest.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

using namespace symphony;

namespace {

constexpr std::string_view wanted = "docs/part/one.txt";

// --- a file, for a process without files ---

void send_fd(int socket, int fd) {
    char byte = fd >= 0 ? 'y' : 'n';
    iovec io{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    static_cast<void>(::sendmsg(socket, &message, MSG_NOSIGNAL));
}

int receive_fd(int socket) {
    char byte = 0;
    iovec io{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    int fd = -1;
    if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
    if (const cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr) std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

struct Samples {
    static constexpr std::size_t count = 4000;
    double brokered[count], plain[count];
};

/// The plugin's side, in a process of its own: asks, and beside that opens the same file itself.
[[noreturn]] void ask_for_files(int socket, int folder, Samples& samples) {
    for (std::size_t i = 0; i < Samples::count; ++i) {
        double start = bench::now_ns();
        static_cast<void>(::send(socket, wanted.data(), wanted.size(), MSG_NOSIGNAL));
        const int brokered = receive_fd(socket);
        samples.brokered[i] = bench::now_ns() - start;
        start = bench::now_ns();
        const int plain = ::openat(folder, wanted.data(), O_RDONLY | O_CLOEXEC);
        samples.plain[i] = bench::now_ns() - start;
        if (brokered < 0 || plain < 0) ::_exit(1);
        ::close(brokered);
        ::close(plain);
    }
    ::_exit(0);
}

std::vector<double> microseconds(const double* from, std::size_t count) {
    std::vector<double> out(from, from + count);
    for (double& one : out) one /= 1000;
    return out;
}

double quantile(std::vector<double> samples, double at) {
    std::sort(samples.begin(), samples.end());
    return samples[static_cast<std::size_t>(at * static_cast<double>(samples.size() - 1))];
}

bool bench_files(bench::Report& report) {
    std::string name = (std::filesystem::temp_directory_path() / "symphony-bench-XXXXXX").string();
    const std::filesystem::path root = ::mkdtemp(name.data());
    std::filesystem::create_directories(root / "work/docs/part");
    std::filesystem::create_directories(root / "state/permissions");
    std::ofstream(root / "work" / wanted) << "one";

    manifests::Manifest manifest;
    manifest.extension.id = manifest.extension.name = "bench";
    manifest.capabilities.push_back({manifests::CapabilityKind::file_access, "read:workspace/docs/**/*.txt", "", false, {}});
    host::Grants grants;
    grants.workspace = root / "work";
    host::Files::Rules rules;
    const auto granted = *manifests::Right::parse("read:workspace/docs/**");
    rules.require = [&](const manifests::Right& right) -> Status {
        if (granted.covers(right)) return {};
        return Error(Code::not_granted, "no");
    };
    rules.kept_out = {root / "state", root / "state/permissions"};
    const host::Files files(manifest, grants, {}, rules);

    auto* samples = static_cast<Samples*>(::mmap(nullptr, sizeof(Samples), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    int pair[2];
    if (samples == MAP_FAILED || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
    const int folder = ::open((root / "work").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pair[0]);
        ask_for_files(pair[1], folder, *samples);
    }
    ::close(pair[1]);
    char path[256];
    for (ssize_t n = 0; (n = ::recv(pair[0], path, sizeof path, 0)) > 0;) {
        const auto fd = files.open("workspace", {path, static_cast<std::size_t>(n)}, SYMPHONY_FS_READ);
        send_fd(pair[0], fd ? *fd : -1);
        if (fd) ::close(*fd);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    const auto brokered = microseconds(samples->brokered, Samples::count);
    report.add("file broker open, another process, p50", "us", brokered, "openat", microseconds(samples->plain, Samples::count), "<= 80 us");
    report.add("file broker open, another process, p99", "us", {quantile(brokered, 0.99)});
    std::vector<double> inside;
    for (int i = 0; i < 200; ++i) {
        inside.push_back(bench::time_ns(20, [&] {
            const auto fd = files.open("workspace", wanted, SYMPHONY_FS_READ);
            if (fd) ::close(*fd);
        }) / 1000);
    }
    report.add("file broker open, in process", "us", inside);
    ::close(pair[0]);
    ::close(folder);
    ::munmap(samples, sizeof(Samples));
    std::filesystem::remove_all(root);
    return status == 0;
}

// --- bytes, for a process without a network ---

int listen_on_loopback(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd, 16) != 0) return -1;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    return fd;
}

/// One letter a request: 'd' and eight bytes of a size are answered with so many bytes, 'p' with one.
void serve(int listener) {
    std::vector<std::thread> threads;
    for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        threads.emplace_back([fd] {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const std::vector<char> block(256 * 1024, 'x');
            for (char letter = 0; ::recv(fd, &letter, 1, 0) == 1;) {
                std::uint64_t size = 1;
                if (letter == 'd' && ::recv(fd, &size, sizeof size, MSG_WAITALL) != sizeof size) break;
                while (size > 0) {
                    const ssize_t n = ::send(fd, block.data(), std::min<std::uint64_t>(size, block.size()), MSG_NOSIGNAL);
                    if (n <= 0) break;
                    size -= static_cast<std::uint64_t>(n);
                }
            }
            ::close(fd);
        });
    }
    for (std::thread& thread : threads) thread.join();
}

int connect_directly(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 ? fd : -1;
}

double download_mb_s(int fd, std::uint64_t size, std::vector<char>& to) {
    char request[9] = {'d'};
    std::memcpy(request + 1, &size, sizeof size);
    const double start = bench::now_ns();
    static_cast<void>(::send(fd, request, sizeof request, MSG_NOSIGNAL));
    for (std::uint64_t left = size; left > 0;) {
        const ssize_t n = ::recv(fd, to.data(), to.size(), 0);
        if (n <= 0) return 0;
        left -= static_cast<std::uint64_t>(n);
    }
    return static_cast<double>(size) * 1000 / (bench::now_ns() - start);
}

double ping_us(int fd) {
    return bench::time_ns(50, [&] {
        char byte = 'p';
        static_cast<void>(::send(fd, &byte, 1, MSG_NOSIGNAL));
        static_cast<void>(::recv(fd, &byte, 1, 0));
    }) / 1000;
}

void bench_streams(bench::Report& report) {
    std::uint16_t port = 0;
    const int listener = listen_on_loopback(port);
    std::thread server([listener] { serve(listener); });
    {
        brokers::NetworkBroker::Options options;
        options.forbidden = [](const manifests::IpAddress&) { return std::string(); };
        brokers::NetworkBroker broker(std::move(options));
        const auto client = std::make_shared<brokers::NetworkClient>();
        const auto relayed_stream = [&] { return *broker.connect(client, "127.0.0.1", port, 0); };
        std::vector<char> to(256 * 1024);
        const int relayed = relayed_stream();
        const int direct = connect_directly(port);
        std::vector<double> relayed_mb, direct_mb, relayed_us, direct_us, connect_relayed, connect_direct, revoked;
        for (int i = 0; i < 30; ++i) {
            relayed_mb.push_back(download_mb_s(relayed, 64 << 20, to));
            direct_mb.push_back(download_mb_s(direct, 64 << 20, to));
        }
        for (int i = 0; i < 200; ++i) {
            relayed_us.push_back(ping_us(relayed));
            direct_us.push_back(ping_us(direct));
        }
        for (int i = 0; i < 500; ++i) {
            double start = bench::now_ns();
            const int one = relayed_stream();
            connect_relayed.push_back((bench::now_ns() - start) / 1000);
            start = bench::now_ns();
            const int other = connect_directly(port);
            connect_direct.push_back((bench::now_ns() - start) / 1000);
            ::close(one);
            ::close(other);
        }
        report.add("relayed stream, 64 MiB", "MB/s", relayed_mb, "direct loopback connection", direct_mb, "");
        report.add("relayed stream, one byte there and back", "us", relayed_us, "direct loopback connection", direct_us, "");
        report.add("connect through the broker", "us", connect_relayed, "connect", connect_direct, "");
        for (int i = 0; i < 200; ++i) {
            const int fd = relayed_stream();
            const double start = bench::now_ns();
            broker.revoke(*client);
            char byte = 0;
            static_cast<void>(::recv(fd, &byte, 1, 0));
            revoked.push_back((bench::now_ns() - start) / 1000);
            ::close(fd);
        }
        report.add("right withdrawn to stream closed", "us", revoked, "<= 100000 us");
        ::close(relayed);
        ::close(direct);
    }
    ::shutdown(listener, SHUT_RDWR);
    server.join();
    ::close(listener);
}

void bench_names(bench::Report& report) {
    std::vector<double> parse;
    for (int i = 0; i < 200; ++i) parse.push_back(bench::time_ns(1000, [] { bench::keep(manifests::HostName::parse("Api.Service.Example.COM.")); }));
    report.add("read a host name", "ns", parse);
}

} // namespace

int main(int argc, char** argv) {
    bench::Report report("brokers", argc, argv);
    if (!bench_files(report)) {
        std::fputs("bench-brokers: the broker did not answer\n", stderr);
        return 1;
    }
    bench_streams(report);
    bench_names(report);
    return report.write();
}
