// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>
#include <symphony/transport/stream_carrier.hpp>

#include <string>
#include <vector>

namespace symphony::transport {

/// What becomes of a program's standard error and of its end.
struct ChildOptions {
    Host host;                             ///< lines of standard error go to its log
    std::uint64_t stderr_bytes_max = 64 * 1024;
    std::uint64_t end_ns = 2'000'000'000;  ///< from the end of the connection to SIGKILL
};

/// A program that was started: its standard error is read until its end, and it is waited for. Kept by the loop until it is gone.
class Child final : public Loop::Client {
public:
    struct Started {
        std::shared_ptr<Child> child;
        Fd in, out;  ///< what it writes; what it reads
    };
    /// @param command  The program, looked for in PATH if it has no slash, and its arguments. @param environment  NAME=VALUE, besides our own.
    /// @return `no-listener` when there is no such program, `io`.
    static Result<Started> start(const std::vector<std::string>& command, const std::vector<std::string>& environment, const ChildOptions& options);
    Child(pid_t pid, Fd process, Fd errors, std::string name, const ChildOptions& options);
    ~Child() override;

    pid_t pid() const noexcept { return pid_; }
    Status attach(Loop& loop);
    /// The connection is over: it has `end_ns` to go by itself. [any]
    void release();
    void on_events(std::uint32_t tag, std::uint32_t events) override;
    std::uint64_t on_time(std::uint64_t now) override;

private:
    static constexpr std::uint32_t tag_errors = 0, tag_process = 1;
    static constexpr std::size_t line_bytes_max = 4096;

    void read_errors();
    void line_ends();
    void reap();

    const pid_t pid_;
    Fd process_, errors_;
    const std::string name_;
    const ChildOptions options_;
    Loop* loop_ = nullptr;
    std::uint64_t place_errors_ = 0, place_process_ = 0;
    std::string line_;
    std::uint64_t logged_bytes_ = 0, unlogged_bytes_ = 0;
    std::atomic<std::uint64_t> kill_at_ns_{never};
    std::atomic<bool> reaped_{false};
};

/// The two pipes of a child, and the child.
class ChildCarrier final : public Carrier {
public:
    explicit ChildCarrier(Child::Started started) : child_(std::move(started.child)), stream_(std::move(started.in), std::move(started.out)) {}
    ~ChildCarrier() override { child_->release(); }
    Status attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) override {
        SYMPHONY_TRY(child_->attach(loop));
        return stream_.attach(loop, client);
    }
    Io flush(Outbox& from) override { return stream_.flush(from); }
    Io fill(Inbox& to, std::span<std::uint8_t> scratch) override { return stream_.fill(to, scratch); }
    bool want_read(bool on) override { return stream_.want_read(on); }
    bool want_write(bool on) override { return stream_.want_write(on); }
    News on_events(std::uint32_t tag, std::uint32_t events) override { return stream_.on_events(tag, events); }
    void wait(Seat& seat, std::uint64_t until_ns) override { stream_.wait(seat, until_ns); }
    void interrupt(Seat& seat) noexcept override { stream_.interrupt(seat); }
    void shut() noexcept override {
        stream_.shut();
        child_->release();
    }
    const char* fault() const noexcept override { return stream_.fault(); }

private:
    const std::shared_ptr<Child> child_;
    StreamCarrier stream_;
};

} // namespace symphony::transport
