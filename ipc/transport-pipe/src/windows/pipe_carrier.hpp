// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/carrier.hpp>

#include <windows.h>

namespace symphony::transport::windows {

/// One read or write that the system carries out by itself, whichever thread began it, as long as its pipe belongs to a completion port.
class Operation {
public:
    enum class State : std::uint8_t { idle, under_way, done, failed };

    Operation() : over_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) { overlapped_.hEvent = over_.get(); }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    /// Only while idle.
    void read(HANDLE from, std::uint8_t* to, std::size_t size) noexcept { begun(::ReadFile(from, to, static_cast<DWORD>(size), nullptr, &overlapped_)); }
    void write(HANDLE to, const std::uint8_t* from, std::size_t size) noexcept { begun(::WriteFile(to, from, static_cast<DWORD>(size), nullptr, &overlapped_)); }
    /// How it stands; `done` and `failed` once, then it is idle. @param bytes  What was read or written.
    State take(HANDLE pipe, std::size_t& bytes) noexcept;
    /// After `failed`: the system ended it together with the thread that had begun it. Nothing was read.
    bool aborted() const noexcept { return error_ == ERROR_OPERATION_ABORTED; }
    /// Under way, and the loop will still be told of its end.
    bool waits() const noexcept { return state_ == State::under_way && !HasOverlappedIoCompleted(&overlapped_); }
    /// Ends it, and waits until the system no longer uses its memory.
    void cancel(HANDLE pipe) noexcept;

private:
    void begun(BOOL at_once) noexcept;
    const Fd over_; // for cancel(), which waits
    OVERLAPPED overlapped_{};
    State state_ = State::idle;
    DWORD error_ = 0;
};

/// Parts over a named pipe that carries bytes both ways: the framing of a stream. Each direction has one operation at a time in a buffer of its own, because the system
/// goes on with it after the call that began it.
class PipeCarrier final : public Carrier {
public:
    explicit PipeCarrier(Fd pipe);
    ~PipeCarrier() override;
    Status attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) override;
    Io flush(Outbox& from) override;
    Io fill(Inbox& to, std::span<std::uint8_t> scratch) override;
    bool want_read(bool on) override;
    bool want_write(bool on) override;
    News on_events(std::uint32_t tag, std::uint32_t events) override;
    void wait(Seat& seat, std::uint64_t until_ns) override;
    void interrupt(Seat& seat) noexcept override;
    void shut() noexcept override;
    const char* fault() const noexcept override { return decoder_.fault(); }

private:
    static constexpr std::size_t buffer_bytes = 64 * 1024;
    bool has_news();
    void unwatch() noexcept;

    std::mutex in_mutex_, out_mutex_; // of an operation against shut()
    Fd pipe_;                         // closed by shut(): nothing else tells the other side
    Operation in_, out_;
    std::vector<std::uint8_t> in_buffer_, out_buffer_;
    std::size_t in_at_ = 0, in_size_ = 0; // what was read and not taken
    StreamDecoder decoder_;
    std::atomic<bool> shut_{false};

    std::mutex watch_mutex_;
    Loop* loop_ = nullptr;
    std::uint64_t place_ = 0; // 0: not watched
};

} // namespace symphony::transport::windows
