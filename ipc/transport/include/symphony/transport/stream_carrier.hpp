// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/carrier.hpp>

#include <sys/uio.h>

namespace symphony::transport {

/// Parts over descriptors: a socket, or a pipe for each direction, which must be non-blocking.
class StreamCarrier final : public Carrier {
public:
    /// @param in, out  `out` is empty where `in` is a socket for both directions.
    explicit StreamCarrier(Fd in, Fd out = Fd());
    ~StreamCarrier() override;
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
    static constexpr std::uint32_t tag_in = 0, tag_out = 1;
    static constexpr std::uint64_t slice_ns = 100'000'000;  // a wait in recv() looks so often whether it was cancelled
    bool wait_in_recv(Seat& seat, std::uint64_t until_ns);
    Io take(std::size_t size, std::size_t direct, std::size_t room, std::span<std::uint8_t> scratch, Inbox& to);
    ssize_t send_to_pipe(const iovec* pieces, int count) noexcept;
    void watch(std::uint32_t add, std::uint32_t drop) noexcept;
    void unwatch(bool in, bool out) noexcept;

    const Fd in_;
    Fd out_;  // closed by shut(): nothing else tells the reader of a pipe
    std::mutex out_mutex_;
    const bool socket_;
    StreamDecoder decoder_;
    std::vector<std::uint8_t> rest_;  // came in, and found no room
    std::size_t rest_at_ = 0;
    std::size_t waited_bytes_ = 0;    // that wait() read into the seat's scratch
    bool has_timeout_ = false;        // of the socket, for wait()
    std::atomic<bool> has_rest_{false}, shut_{false}, hung_{false};

    std::mutex watch_mutex_;
    Loop* loop_ = nullptr;
    std::uint64_t place_in_ = 0, place_out_ = 0;  // 0: not watched
    std::uint32_t events_ = 0;
};

} // namespace symphony::transport
