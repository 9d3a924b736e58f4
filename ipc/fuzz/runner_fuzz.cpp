// SPDX-License-Identifier: Apache-2.0
// The input plays the runner: well-framed messages with any kind, id, flags and body, while two calls are open. Every call
// must end exactly once.
#include "control.hpp"
#include "memory.hpp"
#include "message.hpp"
#include "ring.hpp"

#include <symphony/abi/services/log.h>
#include <symphony/abi/services/ports.h>
#include <symphony/ipc/remote_instance.hpp>

#include <atomic>
#include <cstdlib>
#include <optional>
#include <thread>

using namespace symphony;
using namespace symphony::ipc;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

const void* query(void*, symphony_str id) {
    static constexpr symphony_host_log log{sizeof log, 0, [](void*, std::uint32_t, symphony_str text) {
        for (const char c : from_c(text)) asm volatile("" : : "r"(c));
    }};
    static constexpr symphony_host_ports ports{
        sizeof ports, 0, [](void*, symphony_str, symphony_str, symphony_handle* out, symphony_error*) -> symphony_status { return out != nullptr ? static_cast<symphony_status>(*out = 1) : -1; },
        [](void*, symphony_handle) {},
        [](void*, symphony_handle, const symphony_call* call, symphony_handle*, symphony_error*) -> symphony_status {
            call->ops->complete(call->ctx, call->id, call->args, call->arg_count);
            return SYMPHONY_OK;
        },
        [](void*, symphony_handle) {}, nullptr};
    if (from_c(id) == SYMPHONY_HOST_LOG) return &log;
    if (from_c(id) == SYMPHONY_HOST_PORTS) return &ports;
    return nullptr;
}

const symphony_call_ops count_ops{
    sizeof(symphony_call_ops), 0,
    [](void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) {
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            for (std::uint64_t at = 0; at < out[i].size; at += 64) sum += out[i].data[at];
        }
        asm volatile("" : : "r"(sum));
        static_cast<std::atomic<int>*>(ctx)->fetch_add(1);
    },
    [](void* ctx, symphony_handle, const symphony_error*) { static_cast<std::atomic<int>*>(ctx)->fetch_add(1); },
    [](void*, symphony_handle, const symphony_buf*, std::uint32_t) {}, [](void*, symphony_handle, std::uint32_t, symphony_str) {}, nullptr};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto pair = ChannelPair::make({16 * 1024, 64 * 1024});
    if (!pair) return 0;
    auto memory = *Memory::receive(pair->runner.control());
    RingWriter writer(memory->own_page(), memory->peer_page(), memory->own_ring(), memory->ring_bytes());
    RingReader reader(memory->own_page(), memory->peer_page(), memory->peer_ring(), memory->ring_bytes());
    auto remote = *RemoteInstance::connect(std::move(pair->host), {"fuzz", {}, {}, 4});
    const symphony_host host{sizeof host, 1, 0, nullptr, &query, nullptr, nullptr};
    symphony_instance* instance = nullptr;
    const symphony_instance_ops* ops = nullptr;
    Head head;
    std::array<std::uint8_t, body_inline_max> body;
    const auto next = [&](Kind kind) {
        for (const char* fault = nullptr;;) {
            if (!reader.peek(head, fault)) continue;
            reader.take(head, body.data());
            if (head.kind == kind) return head.call;
        }
    };
    std::atomic<int> ends[2] = {};
    symphony_status status[2] = {};
    std::thread caller([&] {
        expect(remote->create(&host, nullptr, &instance, &ops, nullptr) == SYMPHONY_OK);
        for (int i = 0; i < 2; ++i) {
            symphony_call call{};
            call.struct_size = sizeof call;
            call.id = static_cast<symphony_handle>(i) + 1;
            call.ctx = &ends[i];
            call.ops = &count_ops;
            status[i] = ops->invoke(instance, &call);
        }
    });
    {
        CreatedBody made;
        made.has_instance = made.has_ops = 1;
        made.struct_size = sizeof(symphony_instance_ops);
        made.functions = 1023;
        Head answer;
        answer.kind = Kind::answer;
        answer.call = next(Kind::request);
        answer.body_size = sizeof made;
        writer.write(answer, reinterpret_cast<const std::uint8_t*>(&made));
    }
    const std::uint64_t first = next(Kind::invoke);
    {
        Head returned; // the first goes on without its caller
        returned.kind = Kind::returned;
        returned.call = first;
        writer.write(returned, body.data());
    }
    const std::uint64_t second = next(Kind::invoke);
    const std::uint8_t* const end = data + size;
    while (end - data >= 8) {
        Head one;
        one.kind = static_cast<Kind>(data[0] % (kinds + 2));
        one.flags = data[1] & flags_known & ~flag_spilled;
        if (data[1] == 0xFF) one.flags = flags_known;
        one.method = static_cast<std::uint32_t>(data[2] << 8 | (data[3] & 7));
        one.call = (data[4] & 3) == 0 ? first : (data[4] & 3) == 1 ? second : (std::uint64_t{1} << 32 | data[4] >> 2);
        one.status = static_cast<std::int8_t>(data[5]);
        one.value = data[5];
        one.buffers = data[6] & 7;
        one.body_size = std::min<std::uint32_t>(data[7] * 2u, static_cast<std::uint32_t>(end - data - 8));
        if (!writer.has_room(extent_of(one.body_size))) break;
        writer.write(one, data + 8);
        data += 8 + one.body_size;
    }
    remote->ping();
    const std::uint64_t last = writer.position();
    while (memory->peer_page().head.load() != last && remote->in_flight() != 0) { // what is read until a violation, or the end
        static_cast<void>(remote->unanswered());
        remote->ping();
        static int turns = 0;
        if (++turns % 1000 == 0) break;
        std::this_thread::yield();
    }
    remote->abandon(Error(Code::cancelled, "over"));
    caller.join();
    for (int i = 0; i < 2; ++i) expect(status[i] < 0 ? ends[i] == 0 : ends[i] <= 1);
    remote.reset();
    for (int i = 0; i < 2; ++i) expect(status[i] < 0 ? ends[i] == 0 : ends[i] == 1);
    return 0;
}
