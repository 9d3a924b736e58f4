// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <random>

namespace {

using namespace rig;

/// One call among many: counts its ends, and whether its answer was its own.
struct Counted {
    std::atomic<int> ends{0};
    std::atomic<int> wrong{0};
    std::uint64_t number = 0;
    static const symphony_call_ops ops;
};
const symphony_call_ops Counted::ops{
    sizeof(symphony_call_ops), 0,
    [](void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) {
        auto& call = *static_cast<Counted*>(ctx);
        const std::string_view text = count != 0 ? text_of(Buffer::bytes_of(out[0])) : std::string_view();
        if (text.find(std::to_string(call.number)) == std::string_view::npos && text.find("stopped") == std::string_view::npos) ++call.wrong;
        ++call.ends;
    },
    [](void* ctx, symphony_handle, const symphony_error*) { ++static_cast<Counted*>(ctx)->ends; },
    [](void*, symphony_handle, const symphony_buf*, std::uint32_t) {}, nullptr, nullptr
};

/// `calls` calls from several threads into one remote, some cancelled, the process killed on the way when `kills`.
void expect_each_call_ends_once(bool own_process, std::size_t calls, bool kills, unsigned seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    constexpr std::size_t threads_count = 4;
    Shape shape;
    shape.own_process = own_process;
    Remote remote(shape);
    std::vector<Counted> all(calls);
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> refused{0};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < threads_count; ++t) {
        threads.emplace_back([&, t] {
            std::mt19937 random(seed + static_cast<unsigned>(t));
            for (std::size_t i; (i = next.fetch_add(1)) < calls;) {
                Counted& counted = all[i];
                counted.number = i;
                const std::string word = std::to_string(i);
                const std::string large = word + std::string(random() % 64 == 0 ? 20'000 : 0, '.');
                const symphony_buf args[] = {borrowed(large)};
                symphony_call call{};
                call.struct_size = sizeof call;
                call.method = random() % 8 == 0 ? defer : echo;
                const bool cancels = own_process && random() % 500 == 0;
                if (cancels) call.method = until_cancelled;
                call.arg_count = 1;
                call.args = args;
                call.id = i + 1;
                call.ctx = &counted;
                call.ops = &Counted::ops;
                call.port = to_c("probe/1");
                std::thread canceller;
                if (cancels) {
                    canceller = std::thread([&] {
                        while (counted.ends == 0) {
                            remote.ops->cancel(remote.it, call.id);
                            std::this_thread::yield();
                        }
                    });
                }
                const symphony_status status = remote.ops->invoke(remote.it, &call);
                if (status < 0) {
                    ++refused;
                    EXPECT_EQ(counted.ends, 0);
                    counted.ends = 1000; // told by the status: nothing may follow
                }
                if (canceller.joinable()) canceller.join();
            }
        });
    }
    if (kills) {
        std::mt19937 random(seed);
        const std::size_t when = random() % calls;
        while (next < when) std::this_thread::yield();
        remote.kill();
    }
    for (std::thread& thread : threads) thread.join();
    // Deferred ones end later, and those that a death ends on another thread.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (std::size_t i = 0; i < calls; ++i) {
        while (all[i].ends == 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        ASSERT_TRUE(all[i].ends == 1 || all[i].ends == 1000) << "call " << i << " ended " << all[i].ends << " times";
        ASSERT_EQ(all[i].wrong, 0) << "call " << i;
    }
    EXPECT_EQ(remote.instance->in_flight(), 0u);
    EXPECT_TRUE(remote.broken.empty());
    if (!kills) {
        EXPECT_EQ(refused, 0u);
    }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t many = 20'000;
#else
constexpr std::size_t many = 100'000;
#endif
TEST(Storm, AHundredThousandCallsAreAnsweredOnce) { expect_each_call_ends_once(true, many, false, 1); }
TEST(Storm, BothSidesInOneProcess) { expect_each_call_ends_once(false, 20'000, false, 2); }

TEST(Storm, EveryCallEndsOnceWhenTheRunnerIsKilledAtAnyMoment) {
    for (unsigned seed = 100; seed < 140; ++seed) expect_each_call_ends_once(true, 600, true, seed);
}

} // namespace
