// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/out_buffer.hpp>
#include <symphony/ports/transport.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

namespace symphony::bus {

/// One connection of `transport/1`, read and written without a thread of its own: what arrives is handled on the thread that brings it, and what is to be sent is asked for
/// whenever the connection can take it, so that what gathers meanwhile travels in one frame.
class Link : public std::enable_shared_from_this<Link> {
public:
    /// What is behind the link. It is kept alive until on_end() has returned.
    class Owner {
    public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        /// One frame at a time, in order. Short. @return False: no further frame before resume().
        virtual bool on_frame(const Buffer& frame) = 0;
        /// Appends what is to be sent next; nothing when there is nothing. One call at a time.
        virtual void fill(ipc::OutBuffer& frame) = 0;
        /// All that there was has been handed over.
        virtual void on_idle() {}
        /// The connection is over. Once, and the last call.
        virtual void on_end(const Error& why) = 0;
    };

    Link(ports::TransportClient transport, std::uint64_t connection) : transport_(std::move(transport)), connection_(connection) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() = default;

    void start(std::shared_ptr<Owner> owner);
    /// There is something to send. [any]
    void wake();
    /// After on_frame() said false. [any]
    void resume();
    /// Ends the connection; on_end() follows, perhaps before this returns. What was not sent is dropped. [any]
    void close(const Error& why);
    /// Nothing is being sent, and fill() has had nothing. [any]
    bool idle() const noexcept { return wanted_.load(std::memory_order_acquire) == 0; }

private:
    void receive();
    bool handle();
    void send();
    bool sent();

    const ports::TransportClient transport_;
    const std::uint64_t connection_;
    std::shared_ptr<Owner> owner_; // until the end
    std::mutex mutex_;             // of owner_, and of frames_ against resume()
    std::deque<Buffer> frames_;    // that arrived and are not handled
    Status received_;              // how the last receive ended
    bool over_there_ = false;      // the other side has finished
    int vain_ = 0;                 // receives in a row that were cancelled by the host
    std::atomic<std::uint64_t> wanted_{0}; // wakes since fill() was last asked; not 0: somebody sends
    // Of who sends:
    Buffer unsent_; // that the connection has not taken yet
    Status sent_;   // how the last send ended
    int sends_in_vain_ = 0;
    std::atomic<bool> ended_{false};
};

} // namespace symphony::bus
