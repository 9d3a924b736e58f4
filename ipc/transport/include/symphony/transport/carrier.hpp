// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/frame.hpp>
#include <symphony/transport/loop.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <sys/uio.h>
#include <vector>

namespace symphony::transport {

/// Where a thread that lent itself to a receive waits, and what it reads into. Reused from call to call.
struct Seat {
    Fd event;                                   ///< an eventfd, for carriers that wait for descriptors
    std::atomic<std::uint32_t> interrupted{0};  ///< for those that wait for memory
    std::vector<std::uint8_t> scratch;
    std::uint64_t call_id = 0;                  ///< who sits here; this and the next change only while it is free
    std::weak_ptr<Loop::Client> client;
};

/// The seats of a transport: as many as threads wait at once. [any]
class Seats {
public:
    static constexpr std::size_t scratch_bytes = 64 * 1024;
    /// @return Null: the system gives no descriptor.
    std::shared_ptr<Seat> take(std::uint64_t call_id, const std::shared_ptr<Loop::Client>& client);
    void give(std::shared_ptr<Seat> seat);
    /// Whose receive the call is; null.
    std::shared_ptr<Loop::Client> find(std::uint64_t call_id);

private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<Seat>> free_, taken_;
};

enum class Io : std::uint8_t {
    all,      ///< flush: the outbox is empty. fill: something came, there may be more
    blocked,  ///< not now
    full,     ///< fill: the inbox takes no more
    gone,     ///< the other side is gone
    corrupt,  ///< the other side broke the framing; fault() says how
};

/// How parts get from one end of a connection to the other: a stream of bytes, a ring. One thread at a time in flush(), one in fill()
/// or wait(); the others are for any thread.
class Carrier {
public:
    Carrier() = default;
    Carrier(const Carrier&) = delete;
    Carrier& operator=(const Carrier&) = delete;
    virtual ~Carrier() = default;

    /// From now on `client` is told. Once, before everything else.
    virtual Status attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) = 0;
    /// Hands over what goes without waiting.
    virtual Io flush(Outbox& from) = 0;
    /// Takes what is there, about as much as `scratch` holds.
    virtual Io fill(Inbox& to, std::span<std::uint8_t> scratch) = 0;
    /// Whether events are wanted when something came, or when there is room again. @return True: there is news already, for which no event may come.
    virtual bool want_read(bool on) = 0;
    virtual bool want_write(bool on) = 0;
    struct News {
        bool readable = false, writable = false;
        bool gone = false;  ///< nothing that is sent arrives any more; what came before may still be there
    };
    virtual News on_events(std::uint32_t tag, std::uint32_t events) = 0;
    /// Waits until something came, or interrupt(), or the time.
    virtual void wait(Seat& seat, std::uint64_t until_ns) = 0;
    virtual void interrupt(Seat& seat) noexcept = 0;
    /// Both directions end; the other side notices. Descriptors are closed by the destructor, since others may be using them.
    virtual void shut() noexcept = 0;
    virtual const char* fault() const noexcept = 0;
};

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
