// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rig.hpp"

#include "control.hpp"
#include "memory.hpp"
#include "message.hpp"
#include "ring.hpp"
#include "services.hpp"

/// A runner that the test plays by hand: it reads and writes the ring itself, and need not follow any rule.
namespace rig {

class Played {
public:
    explicit Played(ipc::ChannelOptions options = {}) {
        auto pair = ipc::ChannelPair::make(options);
        EXPECT_TRUE(pair);
        control = ::dup(pair->runner.control());
        auto mapped = ipc::Memory::receive(pair->runner.control());
        EXPECT_TRUE(mapped) << mapped.error().message();
        memory = *mapped;
        writer.emplace(memory->own_page(), memory->peer_page(), memory->own_ring(), memory->ring_bytes());
        reader.emplace(memory->own_page(), memory->peer_page(), memory->peer_ring(), memory->ring_bytes());
        ipc::RemoteInstance::Options remote;
        remote.name = "probe";
        remote.on_broken = [this](const Error& why) {
            const std::lock_guard lock(mutex);
            broken.push_back(why);
            changed.notify_all();
        };
        instance = *ipc::RemoteInstance::connect(std::move(pair->host), std::move(remote));
    }
    Played(const Played&) = delete;
    Played& operator=(const Played&) = delete;
    ~Played() {
        instance.reset();
        ::close(control);
    }

    /// The instance as the host wants it.
    void create() {
        std::thread creator([this] { EXPECT_EQ(instance->create(&host.host, nullptr, &it, &ops, nullptr), SYMPHONY_OK); });
        const ipc::Head request = read(ipc::Kind::request);
        ipc::CreatedBody made;
        made.has_instance = made.has_ops = 1;
        made.struct_size = sizeof(symphony_instance_ops);
        made.functions = 1023;
        ipc::Head head;
        head.kind = ipc::Kind::answer;
        head.call = request.call;
        write(head, {reinterpret_cast<const std::uint8_t*>(&made), sizeof made});
        creator.join();
    }
    /// The next message of that kind from the host; others are skipped.
    ipc::Head read(ipc::Kind kind) {
        for (;;) {
            ipc::Head head;
            const char* fault = nullptr;
            if (!reader->peek(head, fault)) {
                EXPECT_EQ(fault, nullptr);
                std::this_thread::yield();
                continue;
            }
            reader->take(head, body.data());
            if (head.kind == kind) return head;
        }
    }
    /// Any message, its head as given but for what the ring needs.
    void write(ipc::Head head, Bytes with = {}) {
        head.body_size = static_cast<std::uint32_t>(with.size());
        ASSERT_TRUE(writer->has_room(ipc::extent_of(head.body_size)));
        writer->write(head, with.empty() ? body.data() : with.data());
        wake();
    }
    /// A message whose head is taken as it is, from its checksum to its lengths.
    void write_raw(const ipc::Head& head, std::uint64_t extent = 64) {
        const std::uint64_t tail = memory->own_page().tail.load();
        std::memcpy(memory->own_ring() + tail % memory->ring_bytes(), &head, sizeof head);
        memory->own_page().tail.store(tail + extent);
        wake();
    }
    /// A head that would be accepted as the next message.
    ipc::Head next(ipc::Kind kind, std::uint64_t call) const {
        ipc::Head head;
        head.magic = ipc::head_magic;
        head.kind = kind;
        head.call = call;
        head.sequence = sent() + 1;
        head.checksum = ipc::checksum_of(head);
        return head;
    }
    std::uint64_t sent() const { return created_messages; }
    void wake() { ipc::futex_wake(&memory->own_page().tail, 100, ipc::futex_any, ipc::FutexScope::shared); }
    bool wait_broken() {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 20s, [&] { return !broken.empty(); });
    }

    FakeHost host;
    int control = -1;
    std::uint64_t created_messages = 1; // the answer to create
    std::shared_ptr<ipc::Memory> memory;
    std::optional<ipc::RingWriter> writer;
    std::optional<ipc::RingReader> reader;
    std::array<std::uint8_t, ipc::body_inline_max> body{};
    std::unique_ptr<ipc::RemoteInstance> instance;
    symphony_instance* it = nullptr;
    const symphony_instance_ops* ops = nullptr;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Error> broken;
};

} // namespace rig
