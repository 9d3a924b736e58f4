// SPDX-License-Identifier: Apache-2.0
#include "raw_echo.hpp"

#include "descriptors.hpp"
#include "sizes.hpp"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <mutex>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace symphony::ipc_bench {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_;
};

constexpr int socket_buffer_bytes = 256 * 1024;

Error failed(const std::string& what) { return {Code::io, "cannot " + what + ": " + std::strerror(errno)}; }

sockaddr_un name_of(const std::string& path) noexcept {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), std::min(path.size(), sizeof name.sun_path - 1));
    return name;
}

class RawEcho final : public Echo {
public:
    RawEcho(const Ground& ground, Other other, Descriptor in, Descriptor out)
        : ground_(ground), other_(std::move(other)), in_(std::move(in)), out_(std::move(out)), watch_([this] { watch(); }) {}
    ~RawEcho() override {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
            changed_.notify_all();
        }
        watch_.join();
    }
    Status call(std::size_t bytes) override {
        scratch_.resize(std::max(scratch_.size(), length_bytes + bytes));
        due_ns_.store(ground_.deadline_ns(), std::memory_order_relaxed);
        const bool done = round_trip(in_.get(), out_ ? out_.get() : in_.get(), scratch_, bytes);
        due_ns_.store(never, std::memory_order_relaxed);
        if (!done) return Error(Code::peer_died, "closed", "the process at the other end of a raw descriptor is gone, or did not answer in time");
        return {};
    }

private:
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
    static constexpr std::chrono::milliseconds look_ms{100};

    /// A blocked read of a pipe has no time-out: the end of the other process ends it.
    void watch() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, look_ms, [this] { return over_; })) {
            if (!ground_.cancel().cancelled() && ground_.host().now_ns() < due_ns_.load(std::memory_order_relaxed)) continue;
            other_.end();
            return;
        }
    }

    const Ground& ground_;
    Other other_;
    const Descriptor in_, out_; // out_: none for a socket
    std::vector<char> scratch_;
    std::atomic<std::uint64_t> due_ns_{never};
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread watch_;
};

} // namespace

Result<EchoPtr> over_socket(Ground& ground) {
    const std::string path = ground.new_path();
    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un name = name_of(path);
    if (!listener || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(listener.get(), 1) != 0) return failed("listen at \"" + path + "\"");
    auto other = SYMPHONY_TRY(Other::start(ground, {"bench", "echo", "socket", path}));
    SYMPHONY_TRY(other.ready(ground)); // it has connected
    Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return failed("accept at \"" + path + "\"");
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &socket_buffer_bytes, sizeof socket_buffer_bytes);
    return EchoPtr(std::make_unique<RawEcho>(ground, std::move(other), std::move(socket), Descriptor()));
}

/// Both ends are held open here until the other side has opened its own: no open of either side waits for the other.
Result<EchoPtr> over_pipes(Ground& ground) {
    const std::string path = ground.new_path(), there = path + ".there", back = path + ".back";
    if (::mkfifo(there.c_str(), 0600) != 0 || ::mkfifo(back.c_str(), 0600) != 0) return failed("make a pipe at \"" + path + "\"");
    const Descriptor hold_there(::open(there.c_str(), O_RDWR | O_CLOEXEC)), hold_back(::open(back.c_str(), O_RDWR | O_CLOEXEC));
    auto other = SYMPHONY_TRY(Other::start(ground, {"bench", "echo", "pipe", path}));
    SYMPHONY_TRY(other.ready(ground));
    Descriptor out(::open(there.c_str(), O_WRONLY | O_CLOEXEC)), in(::open(back.c_str(), O_RDONLY | O_CLOEXEC));
    if (!hold_there || !hold_back || !out || !in) return failed("open the pipe at \"" + path + "\"");
    return EchoPtr(std::make_unique<RawEcho>(ground, std::move(other), std::move(in), std::move(out)));
}

Status echo_socket(const std::string& path, const std::function<void()>& ready) {
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un name = name_of(path);
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return failed("connect to \"" + path + "\"");
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &socket_buffer_bytes, sizeof socket_buffer_bytes);
    ready();
    std::vector<char> scratch(length_bytes + message_bytes_max);
    echo_until_end(socket.get(), socket.get(), scratch);
    return {};
}

Status echo_pipes(const std::string& path, const std::function<void()>& ready) {
    const Descriptor in(::open((path + ".there").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)), out(::open((path + ".back").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!in || !out) return failed("open the pipes at \"" + path + "\"");
    for (const int fd : {in.get(), out.get()}) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    ready();
    std::vector<char> scratch(length_bytes + message_bytes_max);
    echo_until_end(in.get(), out.get(), scratch);
    return {};
}

} // namespace symphony::ipc_bench
