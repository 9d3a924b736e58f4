// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ports/transport.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <optional>

namespace symphony::transport::testing {

using ports::Accepted;
using ports::Address;
using ports::Frame;
using ports::TransportClient;
using ports::TransportLimits;
using symphony::testing::FakeHost;
using symphony::testing::TempFolder;

/// What threads of a transport leave for the test's.
template <class T>
class Arrivals {
public:
    void put(T value) {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    /// Waits; the time is only there so that a fault ends the test.
    std::optional<T> take(std::chrono::seconds longest = std::chrono::seconds(30)) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, longest, [this] { return !values_.empty(); })) return std::nullopt;
        T value = std::move(values_.front());
        values_.pop_front();
        return value;
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return values_.size();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> values_;
};

/// One listen(): whom it accepted, and how it ended.
class Listening {
public:
    Listening(const TransportClient& client, const Address& address, const TransportLimits& limits = {}) {
        client.listen_async(address, limits, [ended = ended_](Result<void> result) { ended->put(std::move(result)); },
                            {.cancel = source_.token(), .on_part = [came = came_](const Accepted& part) { came->put(part); }});
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() {
        if (ended_ == nullptr) return;
        source_.cancel();
        if (!waited_) ended_->take();
    }
    std::uint64_t accepted() {
        const auto part = came_->take();
        EXPECT_TRUE(part) << "nobody was accepted";
        last_ = part.value_or(Accepted{});
        return last_.connection;
    }
    std::size_t waiting() const { return came_->size(); }
    const Accepted& last() const { return last_; }
    void cancel() { source_.cancel(); }
    Result<void> end() {
        waited_ = true;
        return ended_->take().value_or(Result<void>(Error(Code::internal, "listen never ended")));
    }

private:
    CancelSource source_;
    std::shared_ptr<Arrivals<Accepted>> came_ = std::make_shared<Arrivals<Accepted>>();
    std::shared_ptr<Arrivals<Result<void>>> ended_ = std::make_shared<Arrivals<Result<void>>>();
    Accepted last_;
    bool waited_ = false;
};

/// The frames of one receive.
struct Received {
    std::vector<std::string> frames;
    bool end = false;
    std::optional<Error> error;
};

inline Received receive(const TransportClient& client, std::uint64_t connection, std::uint32_t frames_max = 1, bool stay = false, std::uint32_t linger_ms = 0, CallOptions<Frame> options = {}) {
    Received out;
    options.on_part = [&](const Frame& frame) {
        if (frame.end) out.end = true;
        else out.frames.emplace_back(frame.content.text());
    };
    if (const auto result = client.receive(connection, frames_max, linger_ms, stay, options); !result) out.error = result.error();
    return out;
}

inline Buffer text(std::string_view from) { return Buffer::copy(from); }
inline std::string pattern(std::size_t size, std::uint64_t seed) {
    std::string out(size, '\0');
    std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (char& c : out) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        c = static_cast<char>(state);
    }
    return out;
}

inline void expect_error(const std::optional<Error>& error, Code code, std::string_view reason) {
    ASSERT_TRUE(error.has_value()) << "expected " << reason;
    EXPECT_EQ(error->code(), code) << error->message();
    EXPECT_EQ(error->reason(), reason) << error->message();
}
template <class T>
void expect_refused(const Result<T>& result, Code code, std::string_view reason) {
    expect_error(result ? std::nullopt : std::optional<Error>(result.error()), code, reason);
}

/// Two instances of one transport in one host, and an address between them.
template <class Setup>
class Ends {
public:
    explicit Ends(const Value& config = ValueBuilder().map().end().build()) {
        for (const char* name : {"here", "there"}) {
            const auto added = Setup::add(host_, name, folder_, config);
            EXPECT_TRUE(added) << added.error().message();
        }
    }
    TransportClient here() const { return *TransportClient::acquire(host_.host(), "here"); }
    TransportClient there() const { return *TransportClient::acquire(host_.host(), "there"); }
    Address address() const { return Setup::address(folder_); }
    FakeHost& host() { return host_; }
    const TempFolder& folder() const { return folder_; }
    std::uint64_t soon() const { return host_.host().deadline_in(std::chrono::milliseconds(20)); }

private:
    TempFolder folder_;
    FakeHost host_;
};

/// A connection between them, seen from both.
template <class Setup>
class Connected : public Ends<Setup> {
public:
    explicit Connected(const TransportLimits& limits = {}, const TransportLimits& theirs = {}, const Value& config = ValueBuilder().map().end().build())
        : Ends<Setup>(config), listening_(this->there(), this->address(), theirs) {
        const auto made = this->here().connect(this->address(), limits);
        EXPECT_TRUE(made) << made.error().message();
        if (made) peer_ = made->peer, mine = made->connection;
        yours = listening_.accepted();
    }
    std::uint64_t mine = 0, yours = 0;
    const ports::Peer& peer() const { return peer_; }
    Listening& listening() { return listening_; }

    void say(std::string_view content) {
        const auto sent = this->here().send(mine, text(content), true);
        EXPECT_TRUE(sent) << sent.error().message();
    }
    /// Sends until nothing more goes, for good and not for a moment. @return How many were taken.
    std::size_t fill(std::string_view content) {
        for (std::size_t taken = 0; taken < 100'000; ++taken) {
            const auto sent = this->here().send(mine, text(content), false);
            if (sent) continue;
            EXPECT_EQ(sent.error().reason(), "queue-full") << sent.error().message();
            if (!this->here().send(mine, text(content), true, {.deadline_ns = this->host().host().deadline_in(std::chrono::milliseconds(100))})) return taken;
        }
        ADD_FAILURE() << "nothing holds the sender";
        return 0;
    }
    Received hear(std::uint32_t frames_max = 1, bool stay = false) { return receive(this->there(), yours, frames_max, stay); }

private:
    Listening listening_;
    ports::Peer peer_;
};

} // namespace symphony::transport::testing
