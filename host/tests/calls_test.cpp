// SPDX-License-Identifier: Apache-2.0
#include "calls.hpp"

#include <symphony/bytes.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <random>

using namespace symphony;
using namespace symphony::host;
using namespace std::chrono_literals;

namespace {

std::uint64_t real_now() {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

/// A caller's side of one call: counts what it gets.
struct Ear {
    std::atomic<int> ends{0}, parts{0}, parts_after_end{0};
    std::atomic<symphony_status> code{1};

    static Ear& of(void* ctx) { return *static_cast<Ear*>(ctx); }
    void end(symphony_status with) {
        code = with;
        ++ends;
        ends.notify_all();
    }
    static void complete(void* ctx, symphony_handle, const symphony_buf*, std::uint32_t) { of(ctx).end(SYMPHONY_OK); }
    static void fail(void* ctx, symphony_handle, const symphony_error* error) { of(ctx).end(error->code); }
    static void emit(void* ctx, symphony_handle, const symphony_buf*, std::uint32_t) {
        ++of(ctx).parts;
        if (of(ctx).ends != 0) ++of(ctx).parts_after_end;
    }
    static constexpr symphony_call_ops ops{sizeof(symphony_call_ops), 0, &complete, &fail, &emit, nullptr, nullptr};

    symphony_call call(std::uint32_t method = 0, std::uint64_t deadline_ns = 0) {
        symphony_call made{};
        made.struct_size = sizeof made;
        made.method = method;
        made.deadline_ns = deadline_ns;
        made.ctx = this;
        made.ops = &ops;
        made.port = to_c("operator/1");
        return made;
    }
    void wait() {
        while (ends == 0) ends.wait(0);
    }
};

struct Counter final : CallObserver {
    std::atomic<int> misuses{0}, throws{0};
    void on_misuse(Target&, std::string_view, std::string_view) noexcept override { ++misuses; }
    void on_throw(Target&, std::string_view) noexcept override { ++throws; }
};

/// A callee whose invoke is any function of the test.
struct Callee : Target {
    std::function<symphony_status(const symphony_call&)> act;
    std::function<void(symphony_handle)> on_cancel;

    Callee(CallTable& of, std::function<symphony_status(const symphony_call&)> does, bool one_at_a_time = false) : act(std::move(does)) {
        table = &of;
        instance = reinterpret_cast<symphony_instance*>(this);
        invoke = [](symphony_instance* self, const symphony_call* call) { return reinterpret_cast<Callee*>(self)->act(*call); };
        cancel = [](symphony_instance* self, symphony_handle id) {
            if (auto& told = reinterpret_cast<Callee*>(self)->on_cancel) told(id);
        };
        serial = one_at_a_time;
        gate.open();
    }
};

struct CallsTest : testing::Test {
    Counter seen;
    std::deque<Callee> callees; // outlive the table, whose threads look at them
    CallTable table{seen, {1h, 1ms, false, &real_now}};

    Callee& make(std::function<symphony_status(const symphony_call&)> does, bool one_at_a_time = false) {
        return callees.emplace_back(table, std::move(does), one_at_a_time);
    }
};

void answer(const symphony_call& call) { call.ops->complete(call.ctx, call.id, nullptr, 0); }
void part(const symphony_call& call) {
    const symphony_buf bytes{sizeof bytes, 0, nullptr, 0, 0, 0, nullptr, nullptr};
    call.ops->emit(call.ctx, call.id, &bytes, 1);
}

} // namespace

TEST_F(CallsTest, EndsOnceHoweverOftenTheCalleeEndsIt) {
    Callee& callee = make([](const symphony_call& call) {
        for (int i = 0; i < 3; ++i) answer(call);
        return SYMPHONY_OK;
    });
    Ear ear;
    EXPECT_EQ(table.invoke(callee, nullptr, ear.call(), nullptr, nullptr), SYMPHONY_OK);
    EXPECT_EQ(ear.ends, 1);
    EXPECT_EQ(seen.misuses, 2);
    EXPECT_EQ(callee.gate.inside(), 0u);
}

TEST_F(CallsTest, RefusalMeansThatNothingFollows) {
    symphony_call kept{};
    Callee& callee = make([&](const symphony_call& call) {
        kept = call;
        return SYMPHONY_E_BUSY;
    });
    Ear ear;
    symphony_error error{};
    error.struct_size = sizeof error;
    EXPECT_EQ(table.invoke(callee, nullptr, ear.call(), nullptr, &error), SYMPHONY_E_BUSY);
    EXPECT_STREQ(error.reason, "call-refused");
    answer(kept);
    EXPECT_EQ(ear.ends, 0);
    EXPECT_EQ(seen.misuses, 1);
}

TEST_F(CallsTest, KnowsOnWhoseCallsAPluginActs) {
    std::vector<symphony_call> open;
    const auto keep = [&](const symphony_call& call) {
        open.push_back(call);
        return SYMPHONY_OK;
    };
    Callee &outer = make(keep), &inner = make(keep), &other = make(keep), &last = make(keep);
    const auto named = [](Callee& callee, const char* name) { std::snprintf(callee.label.name, sizeof callee.label.name, "%s", name); };
    named(outer, "outer");
    named(inner, "inner");
    named(other, "other");
    named(last, "last");
    Ear ear;
    const auto begin = [&](Callee& callee, Callee* caller) { EXPECT_EQ(table.invoke(callee, caller, ear.call(), nullptr, nullptr), SYMPHONY_OK); };
    using Names = std::vector<std::string>;
    EXPECT_EQ(table.chain_of(last), Names());
    begin(outer, nullptr);
    EXPECT_EQ(table.chain_of(outer), Names()) << "only the host calls it";
    begin(inner, &outer);
    begin(last, &inner);
    begin(last, &inner);
    EXPECT_EQ(table.chain_of(last), (Names{"outer", "inner"}));
    begin(last, &other);
    EXPECT_EQ(table.chain_of(last), Names{"*"});
    begin(inner, &last);
    EXPECT_EQ(table.chain_of(other), Names());
    for (const symphony_call& call : open) answer(call);
    EXPECT_EQ(table.chain_of(last), Names());
    begin(outer, &inner);
    begin(inner, &outer);
    EXPECT_LE(table.chain_of(inner).size(), 32u) << "in a circle";
    for (std::size_t i = open.size() - 2; i < open.size(); ++i) answer(open[i]);
}

TEST_F(CallsTest, AnOldHandleIsAMisuseAndNotAnotherCallsEnd) {
    symphony_call first{};
    Callee& callee = make([&](const symphony_call& call) {
        if (call.method == 1) {
            first = call;
            answer(call);
        } else {
            answer(first); // the slot is the same, the generation is not
        }
        return SYMPHONY_OK;
    });
    Ear one, two;
    table.invoke(callee, nullptr, one.call(1), nullptr, nullptr);
    symphony_handle id = 0;
    table.invoke(callee, nullptr, two.call(2), &id, nullptr);
    EXPECT_EQ(two.ends, 0);
    EXPECT_EQ(seen.misuses, 1);
    table.fail_all(callee, Error(Code::plugin_failed, "over"));
    EXPECT_EQ(two.ends, 1);
    EXPECT_EQ(two.code, SYMPHONY_E_PLUGIN_FAILED);
}

TEST_F(CallsTest, AnEndInsideAPartWaitsForThePart) {
    // The caller cancels when it hears a part, and the callee ends the call from within that cancel.
    symphony_call running{};
    symphony_handle id = 0;
    Callee& callee = make([&](const symphony_call& call) {
        running = call;
        part(call);
        return SYMPHONY_OK;
    });
    callee.on_cancel = [&](symphony_handle) { answer(running); };
    struct Nosy : Ear {
        CallTable* table = nullptr;
        symphony_handle* id = nullptr;
        bool ended_inside = false;
    } ear;
    ear.table = &table;
    ear.id = &id;
    static constexpr symphony_call_ops nosy{sizeof(symphony_call_ops), 0, &Ear::complete, &Ear::fail,
                                            [](void* ctx, symphony_handle, const symphony_buf*, std::uint32_t) {
                                                auto& self = *static_cast<Nosy*>(static_cast<Ear*>(ctx));
                                                self.table->cancel(*self.id, nullptr);
                                                self.ended_inside = self.ends != 0;
                                            }, nullptr, nullptr};
    symphony_call call = ear.call();
    call.ctx = static_cast<Ear*>(&ear);
    call.ops = &nosy;
    table.invoke(callee, nullptr, call, &id, nullptr);
    EXPECT_FALSE(ear.ended_inside);
    EXPECT_EQ(ear.ends, 1);
    EXPECT_EQ(callee.gate.inside(), 0u);
}

TEST_F(CallsTest, ASerialCalleeIsEnteredByOneThreadAtATime) {
    std::atomic<int> inside{0}, most{0};
    Callee& callee = make([&](const symphony_call& call) {
        const int now = ++inside;
        most = std::max(most.load(), now);
        std::this_thread::yield();
        --inside;
        answer(call);
        return SYMPHONY_OK;
    }, true);
    std::deque<Ear> ears(400);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = t; i < ears.size(); i += 4) EXPECT_EQ(table.invoke(callee, nullptr, ears[i].call(), nullptr, nullptr), SYMPHONY_OK);
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(most, 1);
    for (const Ear& ear : ears) EXPECT_EQ(ear.ends, 1);
}

TEST_F(CallsTest, WaitingForATurnEndsAtTheDeadlineAndByCancel) {
    std::atomic<bool> entered{false}, go{false};
    Callee& callee = make([&](const symphony_call& call) {
        entered = true;
        entered.notify_all();
        go.wait(false);
        answer(call);
        return SYMPHONY_OK;
    }, true);
    Ear first, second, third;
    std::thread holder([&] { table.invoke(callee, nullptr, first.call(), nullptr, nullptr); });
    entered.wait(false);
    EXPECT_EQ(table.invoke(callee, nullptr, second.call(0, real_now() + 5'000'000), nullptr, nullptr), SYMPHONY_OK);
    EXPECT_EQ(second.code, SYMPHONY_E_DEADLINE);
    symphony_handle id = 0;
    std::thread waiting([&] { EXPECT_EQ(table.invoke(callee, nullptr, third.call(), &id, nullptr), SYMPHONY_E_CANCELLED); });
    while (std::atomic_ref(id).load() == 0) std::this_thread::yield();
    table.cancel(std::atomic_ref(id).load(), nullptr);
    waiting.join();
    EXPECT_EQ(third.ends, 0);
    go = true;
    go.notify_all();
    holder.join();
    EXPECT_EQ(first.ends, 1);
    EXPECT_EQ(callee.gate.inside(), 0u);
}

TEST_F(CallsTest, NobodyCancelsTheCallsOfAnother) {
    Callee& callee = make([](const symphony_call&) { return SYMPHONY_OK; });
    Callee& caller = make({});
    Callee& stranger = make({});
    Ear ear;
    symphony_handle id = 0;
    table.invoke(callee, &caller, ear.call(), &id, nullptr);
    bool told = false;
    callee.on_cancel = [&](symphony_handle) { told = true; };
    table.cancel(id, &stranger);
    EXPECT_FALSE(told);
    table.cancel(id, &caller);
    EXPECT_TRUE(told);
    table.detach(caller);
    table.fail_all(callee, Error(Code::plugin_failed, "over"));
    EXPECT_EQ(ear.ends, 0) << "a caller that is gone hears nothing";
}

TEST_F(CallsTest, ExceptionsStopAtTheDoor) {
    Callee& callee = make([](const symphony_call& call) -> symphony_status {
        if (call.method == 1) throw 5;
        throw std::runtime_error("x");
    });
    Ear ear;
    symphony_error error{};
    error.struct_size = sizeof error;
    EXPECT_EQ(table.invoke(callee, nullptr, ear.call(1), nullptr, &error), SYMPHONY_E_PLUGIN_FAILED);
    EXPECT_STREQ(error.reason, "plugin-threw");
    EXPECT_EQ(table.invoke(callee, nullptr, ear.call(2), nullptr, &error), SYMPHONY_E_PLUGIN_FAILED);
    EXPECT_EQ(seen.throws, 2);
    EXPECT_EQ(callee.gate.inside(), 0u);
}

/// Everything at once: answers inline, from another thread, late, twice, never; parts from a second thread; cancels and
/// deadlines from outside. Every accepted call must end exactly once, and no part may come after the end.
TEST_F(CallsTest, GivesEveryCallOneEndUnderFire) {
    constexpr int threads_count = 4;
    constexpr int calls_each = 1500;
    std::mutex mutex;
    std::deque<symphony_call> later;
    std::atomic<bool> over{false};
    Callee& callee = make([&](const symphony_call& call) -> symphony_status {
        switch (call.method % 7) {
        case 0: answer(call); return SYMPHONY_OK;
        case 1: return SYMPHONY_E_BUSY;
        case 2: answer(call); answer(call); return SYMPHONY_OK;
        case 3: part(call); answer(call); return SYMPHONY_OK;
        case 4: return SYMPHONY_OK; // never
        default: break;
        }
        const std::lock_guard lock(mutex);
        later.push_back(call);
        if (call.method % 7 == 6) later.push_back(call); // ended from two threads
        return SYMPHONY_OK;
    });
    std::vector<std::thread> enders;
    for (int i = 0; i < 2; ++i) {
        enders.emplace_back([&] {
            for (;;) {
                symphony_call call;
                {
                    const std::lock_guard lock(mutex);
                    if (later.empty()) {
                        if (over) return;
                        continue;
                    }
                    call = later.front();
                    later.pop_front();
                }
                part(call);
                answer(call);
            }
        });
    }
    std::deque<Ear> ears(threads_count * calls_each);
    std::atomic<int> accepted{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < threads_count; ++t) {
        callers.emplace_back([&, t] {
            std::mt19937 random(static_cast<unsigned>(t));
            for (int i = 0; i < calls_each; ++i) {
                Ear& ear = ears[static_cast<std::size_t>(t * calls_each + i)];
                const auto method = static_cast<std::uint32_t>(random());
                symphony_handle id = 0;
                const auto status = table.invoke(callee, nullptr, ear.call(method, method % 7 == 4 || random() % 4 == 0 ? real_now() + random() % 3'000'000 : 0), &id, nullptr);
                if (status < 0) ear.code = status;
                else ++accepted;
                if (random() % 5 == 0) table.cancel(id, nullptr);
            }
        });
    }
    for (auto& thread : callers) thread.join();
    for (Ear& ear : ears) {
        if (ear.code >= 0) ear.wait();
    }
    over = true;
    for (auto& thread : enders) thread.join();
    table.fail_all(callee, Error(Code::plugin_failed, "over"));
    int ends = 0;
    for (const Ear& ear : ears) {
        EXPECT_LE(ear.ends, 1);
        EXPECT_EQ(ear.parts_after_end, 0);
        ends += ear.ends;
    }
    EXPECT_EQ(ends, accepted);
    EXPECT_EQ(table.in_flight(), 0u);
}

TEST_F(CallsTest, GrowsToManyCallsInFlightAndReusesTheirSlots) {
    std::vector<symphony_call> open;
    Callee& callee = make([&](const symphony_call& call) {
        open.push_back(call);
        return SYMPHONY_OK;
    });
    std::deque<Ear> ears(20'000);
    for (int round = 0; round < 2; ++round) {
        for (Ear& ear : ears) ASSERT_EQ(table.invoke(callee, nullptr, ear.call(), nullptr, nullptr), SYMPHONY_OK);
        EXPECT_EQ(table.in_flight(), 20'000u);
        for (const symphony_call& call : open) answer(call);
        open.clear();
        EXPECT_EQ(table.in_flight(), 0u);
    }
    for (const Ear& ear : ears) EXPECT_EQ(ear.ends, 2);
}
