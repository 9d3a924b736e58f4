// SPDX-License-Identifier: Apache-2.0
#include "../src/shm_driver.hpp"
#include "../src/ring_carrier.hpp"

#include "contract.hpp"
#include "hostile.hpp"
#include "storm.hpp"

namespace symphony::transport::testing {
namespace {

struct ShmSetup {
    static constexpr bool many = true;
    static ports::Peer self() { return {true, ::geteuid(), static_cast<std::uint32_t>(::getpid())}; }
    static constexpr int socket_type = SOCK_SEQPACKET;
    static Status add(FakeHost& host, const char* name, const TempFolder&, const Value& config) { return host.add<TransportShm>(name, config); }
    static Address address(const TempFolder& folder) { return {"shm", (folder.path() / "run" / "s").string(), {}}; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Shm, TransportContract, ShmSetup);
INSTANTIATE_TYPED_TEST_SUITE_P(Shm, ListenerContract, ShmSetup);

TEST(ShmStorm, LosesAndDoublesNothing) { expect_nothing_lost_in_a_storm<ShmSetup>(); }

/// A peer that has the memory, and does with it what it likes.
class HostileMapping {
public:
    explicit HostileMapping(const std::string& path) : socket_(path, SOCK_SEQPACKET), memory_(ipc::Memory::receive(socket_.fd())) {
        EXPECT_TRUE(memory_) << memory_.error().message();
    }
    ipc::RingPage& page() const { return (*memory_)->own_page(); }
    std::uint8_t* ring() const { return (*memory_)->own_ring(); }
    ipc::Memory& memory() const { return **memory_; }
    void bell() const { static_cast<void>(socket_.send(std::string_view("b", 1))); }
    void write(ipc::RingWriter& writer, PartKind kind, std::string_view content, std::uint64_t frame_bytes) const {
        ipc::Head head;
        head.method = static_cast<std::uint32_t>(kind);
        head.value = frame_bytes;
        head.body_size = static_cast<std::uint32_t>(content.size());
        writer.write(head, reinterpret_cast<const std::uint8_t*>(content.data()));
    }
    ipc::RingWriter writer() const { return ipc::RingWriter(page(), memory().peer_page(), ring(), memory().ring_bytes()); }
    std::string hello() const { return std::string(write_greeting({1, Greeting::Verdict::welcome, 1 << 20}).text()); }

private:
    RawPeer socket_;
    Result<std::shared_ptr<ipc::Memory>> memory_;
};

class HostileShm : public ::testing::Test {
protected:
    HostileShm() : listening_(ends_.there(), ends_.address()) {
        EXPECT_TRUE(ends_.here().connect(ends_.address(), {}));
        listening_.accepted();
    }
    std::uint64_t greet(HostileMapping& peer, ipc::RingWriter& writer) {
        peer.write(writer, PartKind::greeting, peer.hello(), greeting_bytes);
        peer.bell();
        return listening_.accepted();
    }
    void expect_the_others_go_on() {
        const auto made = ends_.here().connect(ends_.address(), {});
        ASSERT_TRUE(made);
        const auto there = listening_.accepted();
        ASSERT_TRUE(ends_.here().send(made->connection, text("fine"), true));
        EXPECT_EQ(receive(ends_.there(), there).frames, (std::vector<std::string>{"fine"}));
    }
    Ends<ShmSetup> ends_;
    Listening listening_;
};

TEST_F(HostileShm, CannotClaimWhatItDidNotWrite) {
    for (const std::uint64_t tail : {std::uint64_t{1}, std::uint64_t{1} << 40, ~std::uint64_t{63}, std::uint64_t{64}}) {
        HostileMapping peer(ends_.address().path);
        auto writer = peer.writer();
        const auto connection = greet(peer, writer);
        peer.page().tail.store(writer.position() + tail);
        peer.bell();
        expect_error(receive(ends_.there(), connection).error, Code::data_corrupt, "bad-frame");
    }
    expect_the_others_go_on();
}

TEST_F(HostileShm, CannotClaimToHaveReadWhatWasNotWritten) {
    for (const std::uint64_t head : {std::uint64_t{1}, std::uint64_t{1} << 40}) {
        HostileMapping peer(ends_.address().path);
        auto writer = peer.writer();
        const auto connection = greet(peer, writer);
        peer.page().head.store(head << 20 | head);
        Result<void> sent;
        for (int i = 0; i < 10'000 && sent; ++i) sent = ends_.there().send(connection, text(pattern(30'000, 1)), false);
        EXPECT_FALSE(sent);
        peer.bell();
    }
    expect_the_others_go_on();
}

TEST_F(HostileShm, CannotSendPartsThatDoNotFit) {
    struct Case {
        PartKind kind;
        std::size_t bytes;
        std::uint64_t frame_bytes;
    };
    for (const Case& one : {Case{PartKind::content, 10, 5}, Case{PartKind::content, 0, 5}, Case{PartKind::content, 10, ~std::uint64_t{0}}, Case{PartKind::greeting, 24, 24}, Case{PartKind::finish, 3, 3},
                            Case{static_cast<PartKind>(9), 0, 0}, Case{PartKind::content, 40'000, 40'000}}) {
        HostileMapping peer(ends_.address().path);
        auto writer = peer.writer();
        const auto connection = greet(peer, writer);
        peer.write(writer, PartKind::content, "good", 4);
        peer.write(writer, one.kind, one.kind == PartKind::greeting ? peer.hello() : pattern(one.bytes, 1), one.frame_bytes);
        peer.bell();
        EXPECT_EQ(receive(ends_.there(), connection).frames, (std::vector<std::string>{"good"}));
        expect_error(receive(ends_.there(), connection, 1, one.bytes % 2 == 0).error, Code::data_corrupt, "bad-frame");
    }
    expect_the_others_go_on();
}

TEST_F(HostileShm, ScribblesWhileItIsReadAndHarmsNobody) {
    const std::uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20; ++round) {
        HostileMapping peer(ends_.address().path);
        auto writer = peer.writer();
        const auto connection = greet(peer, writer);
        std::atomic<bool> over{false};
        std::thread scribbler([&, own = std::mt19937_64(random())]() mutable {
            while (!over.load()) {
                auto* const bytes = reinterpret_cast<std::uint8_t*>(&peer.page());
                const std::size_t at = own() % (ipc::ring_data_offset + 4096);
                std::atomic_ref(bytes[at]).store(static_cast<std::uint8_t>(own()), std::memory_order_relaxed);
            }
        });
        for (int i = 0; i < 50; ++i) {
            peer.bell();
            static_cast<void>(ends_.there().send(connection, text(pattern(1000, 1)), false));
        }
        const auto end = receive(ends_.there(), connection, 1, round % 2 == 0, 0, {.deadline_ns = ends_.host().host().deadline_in(std::chrono::milliseconds(200))});
        over.store(true);
        scribbler.join();
        EXPECT_TRUE(end.error || !end.frames.empty());
        ASSERT_TRUE(ends_.there().close(connection));
    }
    expect_the_others_go_on();
}

} // namespace
} // namespace symphony::transport::testing
