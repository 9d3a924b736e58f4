// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/frame.hpp>
#include <symphony/transport/loop.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
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

} // namespace symphony::transport
