// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"


namespace {

using namespace rig;

std::vector<std::string> reply(Remote& remote, std::uint32_t method, const std::vector<std::string>& args = {}) {
    Caller caller;
    EXPECT_EQ(remote.call(caller, method, args), SYMPHONY_OK);
    EXPECT_TRUE(caller.wait_end());
    EXPECT_TRUE(caller.completed) << caller.error.message();
    EXPECT_EQ(caller.ends, 1);
    return caller.result.buffers;
}

TEST(RemoteInstance, LivesThroughAllOperations) {
    Remote remote;
    EXPECT_EQ(remote.ops->flags, Probe::flags);
    const auto* info = static_cast<const symphony_port_info*>(remote.ops->query(remote.it, to_c("probe/1")));
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->method_max, 99u);
    EXPECT_EQ(remote.ops->query(remote.it, to_c("probe/2")), nullptr);
    symphony_buf state{};
    EXPECT_EQ(remote.ops->save_state(remote.it, &state, nullptr), SYMPHONY_OK);
    EXPECT_EQ(text_of(Buffer::bytes_of(state)), "fresh");
    state.ops->release(state.owner);
    const std::string large(100'000, 's');
    const symphony_buf given = borrowed(large);
    EXPECT_EQ(remote.ops->load_state(remote.it, &given, nullptr), SYMPHONY_OK);
    EXPECT_EQ(remote.ops->save_state(remote.it, &state, nullptr), SYMPHONY_OK);
    EXPECT_EQ(text_of(Buffer::bytes_of(state)), large);
    EXPECT_EQ(state.flags & SYMPHONY_BUF_SHARED_UNTRUSTED, 0u) << "state is the host's own copy";
    state.ops->release(state.owner);
    EXPECT_EQ(remote.ops->quiesce(remote.it, 0, nullptr), SYMPHONY_OK);
    EXPECT_EQ(remote.ops->deactivate(remote.it, &remote.error), SYMPHONY_E_BUSY);
    EXPECT_EQ(said(remote.error), "not-now|try again|wait");
    EXPECT_NE(remote.error.flags & SYMPHONY_ERROR_RETRYABLE, 0u);
}

TEST(RemoteInstance, IsQuietWhenNoThreadIsBehindTheEndOfItsCall) {
    Remote remote;
    EXPECT_EQ(reply(remote, linger, {"left"})[0], "done");
    EXPECT_EQ(remote.ops->quiesce(remote.it, ~std::uint64_t{0}, nullptr), SYMPHONY_OK);
    symphony_buf state{};
    ASSERT_EQ(remote.ops->save_state(remote.it, &state, nullptr), SYMPHONY_OK);
    EXPECT_EQ(text_of(Buffer::bytes_of(state)), "left");
    state.ops->release(state.owner);
}

TEST(RemoteInstance, SaysThatAThreadDidNotComeBackFromACallThatItEnded) {
    Remote remote;
    EXPECT_EQ(reply(remote, linger, {"never"})[0], "done");
    EXPECT_EQ(remote.ops->quiesce(remote.it, 0, &remote.error), SYMPHONY_E_DEADLINE);
    EXPECT_EQ(said(remote.error).substr(0, 12), "still-inside");
    remote.kill();
}

TEST(RemoteInstance, TellsWhatTheRunnerMapped) {
    Remote remote;
    const auto facts = remote.instance->facts(std::chrono::steady_clock::now() + 10s);
    ASSERT_TRUE(facts);
    EXPECT_TRUE(facts->has_entry && facts->has_descriptor && facts->has_create && !facts->entry_threw);
    EXPECT_EQ(facts->magic, SYMPHONY_MAGIC);
    EXPECT_EQ(facts->struct_size, sizeof(symphony_plugin));
    EXPECT_EQ(facts->id, "probe");
    EXPECT_EQ(facts->version, "1.2.3");
    EXPECT_EQ(facts->load_error, "");
}

TEST(RemoteInstance, TellsWhatTheRunnerCouldNotMap) {
    static const symphony_plugin odd{24, 0x12345678, 9, 8, 7, 0, 0, 0, {nullptr, 50}, {nullptr, 3}, nullptr};
    struct Case {
        ipc::Loaded loaded;
        std::function<void(const ipc::Facts&)> check;
    };
    const Case cases[] = {
        {{nullptr, "libmissing.so.3: cannot open shared object file"}, [](const ipc::Facts& facts) { EXPECT_EQ(facts.load_error, "libmissing.so.3: cannot open shared object file"); }},
        {{nullptr, ""}, [](const ipc::Facts& facts) { EXPECT_FALSE(facts.has_entry); }},
        {{[]() -> const symphony_plugin* { return nullptr; }, ""}, [](const ipc::Facts& facts) { EXPECT_TRUE(facts.has_entry && !facts.has_descriptor); }},
        {{[]() -> const symphony_plugin* { throw 1; }, ""}, [](const ipc::Facts& facts) { EXPECT_TRUE(facts.entry_threw); }},
        {{[]() -> const symphony_plugin* { return &odd; }, ""}, [](const ipc::Facts& facts) {
            EXPECT_EQ(facts.magic, 0x12345678u);
            EXPECT_EQ(facts.struct_size, 24u);
            EXPECT_EQ(facts.abi_major, 9);
            EXPECT_EQ(facts.abi_required, 7);
            EXPECT_FALSE(facts.has_create);
        }},
    };
    for (const Case& one : cases) {
        Shape setup;
        setup.create = false;
        setup.loaded = one.loaded;
        Remote remote(setup);
        const auto facts = remote.instance->facts(std::chrono::steady_clock::now() + 10s);
        ASSERT_TRUE(facts);
        one.check(*facts);
    }
}

TEST(RemoteInstance, GivesTheHostWhatItNeedsToRefuseTheSame) {
    struct Case {
        const char* config;
        bool instance, ops, invoke;
        std::uint32_t struct_size;
    };
    for (const Case& one : {Case{"no-instance", false, true, true, sizeof(symphony_instance_ops)}, {"no-ops", true, false, false, 0},
                            {"short", true, true, true, 40}, {"no-invoke", true, true, false, sizeof(symphony_instance_ops)}}) {
        SCOPED_TRACE(one.config);
        Shape setup;
        setup.config = one.config;
        setup.create = false;
        Remote remote(setup);
        EXPECT_EQ(remote.create(), SYMPHONY_OK);
        EXPECT_EQ(remote.it != nullptr, one.instance);
        ASSERT_EQ(remote.ops != nullptr, one.ops);
        if (one.ops) {
            EXPECT_EQ(remote.ops->struct_size, one.struct_size);
            if (one.struct_size == sizeof(symphony_instance_ops)) {
                EXPECT_EQ(remote.ops->invoke != nullptr, one.invoke);
            }
        }
        remote.ops = nullptr;
        remote.kill();
    }
}

TEST(RemoteInstance, HandsOnWhatCreateSaysOrThrows) {
    Shape setup;
    setup.create = false;
    setup.config = "refuse";
    {
        Remote remote(setup);
        EXPECT_EQ(remote.create(), SYMPHONY_E_INVALID_ARGUMENT);
        EXPECT_EQ(said(remote.error), "bad-config|the configuration says \"refuse\"|say something else");
    }
    setup.config = "throw";
    Remote remote(setup);
    try {
        static_cast<void>(remote.create());
        FAIL() << "nothing was thrown";
    } catch (const std::exception& thrown) {
        EXPECT_STREQ(thrown.what(), "create threw this");
    }
}

TEST(RemoteInstance, EchoesBuffersOfEverySize) {
    Remote remote;
    for (const std::size_t size : {0u, 1u, 128u, 3'000u, 4'095u, 4'096u, 4'097u, 65'536u, 1u << 20, 5'000'000u}) {
        SCOPED_TRACE(size);
        const std::string record(std::min<std::size_t>(size, 200'000), 'r');
        const std::string attachment(size, 'a');
        EXPECT_EQ(reply(remote, echo, {record, attachment, "end"}), (std::vector<std::string>{record, attachment, "end"}));
    }
    EXPECT_TRUE(remote.broken.empty());
}

TEST(RemoteInstance, MarksWhatTheOtherProcessCanChange) {
    Remote remote;
    Caller caller;
    ASSERT_EQ(remote.call(caller, big, {"1000000"}), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    ASSERT_EQ(caller.result.buffers.size(), 2u);
    EXPECT_EQ(caller.result.buffers[1], std::string(1'000'000, 'b'));
    EXPECT_EQ(caller.result.flags[0], SYMPHONY_BUF_BORROWED);
    EXPECT_EQ(caller.result.flags[1], SYMPHONY_BUF_COUNTED | SYMPHONY_BUF_SHARED_UNTRUSTED);
}

TEST(RemoteInstance, TakesBlocksBackSoThatManyLargeBuffersFit) {
    Shape setup;
    setup.channel.slab_bytes = 1 << 20;
    Remote remote(setup);
    for (int i = 0; i < 300; ++i) {
        const std::string content(300'000, static_cast<char>('a' + i % 26));
        ASSERT_EQ(reply(remote, echo, {"r", content})[1], content) << i;
    }
}

TEST(RemoteInstance, SaysWhenAPayloadCannotFit) {
    Shape setup;
    setup.channel.slab_bytes = 1 << 20;
    Remote remote(setup);
    Caller sent;
    EXPECT_EQ(remote.call(sent, echo, {"r", std::string(2'000'000, 'x')}), SYMPHONY_E_EXHAUSTED);
    EXPECT_EQ(sent.ends, 0);
    Caller got; // the answer does not fit: the plugin's own buffer was made elsewhere
    EXPECT_EQ(remote.call(got, big, {"2000000"}), SYMPHONY_OK);
    ASSERT_TRUE(got.wait_end());
    EXPECT_FALSE(got.completed);
    EXPECT_EQ(got.error.code(), Code::exhausted);
    EXPECT_EQ(got.error.reason(), "channel-memory");
    EXPECT_EQ(reply(remote, echo, {"still here"})[0], "still here");
}

TEST(RemoteInstance, CarriesManyBuffersInOneMessage) {
    Remote remote;
    EXPECT_EQ(reply(remote, many, {"1000"}).size(), 1000u);
    Caller caller;
    EXPECT_EQ(remote.call(caller, many, {"5000"}), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    EXPECT_EQ(caller.error.reason(), "too-many-buffers");
}

TEST(RemoteInstance, HandsOnFailuresAndRefusals) {
    Remote remote;
    Caller failed;
    EXPECT_EQ(remote.call(failed, fail, {"on purpose"}), SYMPHONY_OK);
    ASSERT_TRUE(failed.wait_end());
    EXPECT_EQ(failed.error, Error(Code::conflict, "it-was-so", "the probe fails: on purpose", "ask another").as_retryable());
    Caller refused;
    EXPECT_EQ(remote.call(refused, refuse), SYMPHONY_E_BUSY);
    EXPECT_EQ(remote.call(refused, 12345), SYMPHONY_E_UNSUPPORTED);
    EXPECT_EQ(refused.ends, 0);
    Caller thrown;
    EXPECT_THROW(static_cast<void>(remote.call(thrown, throws)), std::runtime_error);
    EXPECT_THROW(static_cast<void>(remote.call(thrown, throws_no_exception)), std::string);
    EXPECT_EQ(thrown.ends, 0);
    EXPECT_EQ(remote.instance->in_flight(), 0u);
}

TEST(RemoteInstance, CompletesLaterFromAnotherThread) {
    Remote remote;
    for (int i = 0; i < 50; ++i) EXPECT_EQ(reply(remote, defer, {std::to_string(i)})[0], "later " + std::to_string(i));
}

TEST(RemoteInstance, StreamsPartsInOrderThroughASlowReader) {
    Remote remote;
    Caller caller;
    int taken = 0;
    caller.on_part = [&] {
        if (++taken % 50 == 0) std::this_thread::yield();
    };
    ASSERT_EQ(remote.call(caller, emit, {"1000"}), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    ASSERT_EQ(caller.parts.size(), 1000u);
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(caller.parts[i].buffers[0], "part " + std::to_string(i));
    EXPECT_EQ(caller.progresses.size(), 1000u);
    EXPECT_EQ(caller.progresses[7], (std::pair<std::uint32_t, std::string>{7, "going"}));
    EXPECT_EQ(caller.result.buffers[0], "all");
}

TEST(RemoteInstance, CancelReachesACallThatRuns) {
    Remote remote;
    Caller caller;
    std::thread canceller([&] {
        ASSERT_TRUE(caller.wait_parts(1));
        remote.ops->cancel(remote.it, caller.id);
    });
    EXPECT_EQ(remote.call(caller, until_cancelled), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    canceller.join();
    EXPECT_TRUE(caller.completed);
    EXPECT_FALSE(remote.instance->overdue(0s)) << "it has ended";
}

TEST(RemoteInstance, ACancelThatIsFasterThanItsCallReachesItToo) {
    Remote remote;
    Caller caller;
    // Asked for the first time when the call has a number and is not sent yet.
    caller.on_asked = [&] { remote.ops->cancel(remote.it, caller.id); };
    EXPECT_EQ(remote.call(caller, until_cancelled), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    EXPECT_TRUE(caller.completed);
}

TEST(RemoteInstance, ACallersOwnTokenReachesTheCall) {
    Remote remote;
    Caller before;
    before.cancelled = 1;
    EXPECT_EQ(remote.call(before, cancelled_now), SYMPHONY_OK);
    ASSERT_TRUE(before.wait_end());
    EXPECT_EQ(before.result.buffers[0], "yes");
    Caller caller;
    std::thread canceller([&] {
        ASSERT_TRUE(caller.wait_parts(1));
        caller.cancelled = 1;
    });
    EXPECT_EQ(remote.call(caller, until_cancelled), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    canceller.join();
    EXPECT_EQ(caller.result.buffers[0], "stopped, told 0") << "its cancel function is for the host's cancel only";
}

TEST(RemoteInstance, ADeadlineIsSeenWithoutAMessage) {
    Remote remote;
    Caller caller;
    const auto deadline = std::chrono::steady_clock::now() + 30ms;
    EXPECT_EQ(remote.call(caller, until_cancelled, {}, static_cast<std::uint64_t>(deadline.time_since_epoch().count())), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    EXPECT_TRUE(caller.completed);
}

TEST(RemoteInstance, ReportsWhatThePluginDoesWrong) {
    Remote remote;
    // Each comes behind its call's end, on the thread that did it.
    EXPECT_EQ(reply(remote, complete_twice)[0], "once");
    remote.wait_misuses(1);
    EXPECT_EQ(reply(remote, late_emit)[0], "done");
    remote.wait_misuses(2);
    EXPECT_EQ(reply(remote, refuse_after_end)[0], "done");
    Caller caller;
    EXPECT_EQ(remote.call(caller, malformed), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    remote.wait_misuses(3);
    const std::lock_guard lock(remote.mutex);
    EXPECT_EQ(remote.misuses, (std::vector<std::string>{
        "double-completion: ended a call that it does not owe: ended twice, or after invoke returned an error",
        "emit-after-end: emitted a part of a call that it had ended",
        "ended-and-refused: ended a call and then returned an error from invoke"}));
    EXPECT_TRUE(remote.broken.empty());
}

TEST(RemoteInstance, ServesHostServices) {
    Remote remote;
    remote.host.list.assign(20'000, 'l');
    EXPECT_EQ(reply(remote, services)[0],
              "config 0 green, missing -2 , open 0 content of a.txt, denied -3 no-such-right|may not write b|symphony permission grant, "
              "list 0 20000, sync 0 , not synced -8 disk-full|no room for deep|, secret 0 secret of key, no net, nothing unheard of");
    const std::lock_guard lock(remote.host.mutex);
    EXPECT_EQ(remote.host.lines, (std::vector<std::string>{"2 line 0", "2 line 1", "2 line 2"}));
    EXPECT_EQ(remote.host.metrics, (std::vector<std::string>{"things +5", "ms 2.500000"}));
}

TEST(RemoteInstance, ThePluginCallsOtherPlugins) {
    for (const std::uint32_t method : {call_port, call_port_later}) {
        SCOPED_TRACE(method);
        Remote remote;
        remote.host.callee = [&](const symphony_call& call, symphony_handle* call_out, symphony_error* error) -> symphony_status {
            std::atomic_ref(*call_out).store(55);
            if (call.method == 2) return to_c(Error(Code::busy, "callee-busy", "the callee says no", "wait"), error);
            const std::string said = std::string(from_c(call.port)) + " got " + std::string(text_of(Buffer::bytes_of(call.args[0]))) + " " + std::to_string(call.trace_lo);
            for (int i = 0; i < 200; ++i) {
                const symphony_buf part = borrowed(said);
                call.ops->emit(call.ctx, call.id, &part, 1);
            }
            call.ops->progress(call.ctx, call.id, 500, to_c("half"));
            const symphony_buf out = borrowed(said);
            call.ops->complete(call.ctx, call.id, &out, 1);
            return SYMPHONY_OK;
        };
        Caller caller;
        ASSERT_EQ(remote.call(caller, method, {"a word", "1"}), SYMPHONY_OK);
        ASSERT_TRUE(caller.wait_end());
        EXPECT_EQ(caller.result.buffers[0], "probe/1 got a word 9");
        EXPECT_EQ(caller.parts.size(), 200u);
        EXPECT_EQ(caller.progresses.size(), 1u);
        Caller refused;
        ASSERT_EQ(remote.call(refused, method, {"a word", "2"}), SYMPHONY_OK);
        ASSERT_TRUE(refused.wait_end());
        EXPECT_EQ(refused.error, Error(Code::busy, "callee-busy", "the callee says no", "wait").as_retryable());
        static_cast<void>(reply(remote, echo, {"x"}));
        const std::lock_guard lock(remote.host.mutex);
        EXPECT_EQ(remote.host.released, (std::vector<std::string>{"77", "77"}));
    }
}

TEST(RemoteInstance, ACancelGoesThroughThePluginToWhomItCalls) {
    Remote remote;
    std::atomic<bool> inside{false};
    remote.host.callee = [&](const symphony_call& call, symphony_handle* call_out, symphony_error*) -> symphony_status {
        std::atomic_ref(*call_out).store(55);
        inside = true;
        inside.notify_all();
        while (call.ops->cancelled(call.ctx, call.id) == 0) std::this_thread::yield();
        symphony_error error{};
        to_c(Error(Code::cancelled, "the callee stopped"), &error);
        call.ops->fail(call.ctx, call.id, &error);
        return SYMPHONY_OK;
    };
    Caller caller;
    std::thread canceller([&] {
        inside.wait(false);
        caller.cancelled = 1;
    });
    ASSERT_EQ(remote.call(caller, call_port, {"x", "1"}), SYMPHONY_OK);
    ASSERT_TRUE(caller.wait_end());
    canceller.join();
    EXPECT_EQ(caller.error, Error(Code::cancelled, "the callee stopped"));
}

TEST(RemoteInstance, ManyThreadsCallAtOnce) {
    Remote remote;
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                const std::string word = std::to_string(t) + "/" + std::to_string(i);
                Caller caller;
                if (remote.call(caller, i % 5 == 0 ? defer : echo, {word}) == SYMPHONY_OK && caller.wait_end() && caller.ends == 1 &&
                    caller.result.buffers[0] == (i % 5 == 0 ? "later " + word : word)) ++good;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good.load(), 4000);
    EXPECT_EQ(remote.instance->in_flight(), 0u);
    EXPECT_EQ(remote.instance->calls_ended(), 4000u);
}

TEST(RemoteInstance, ASerialPluginIsNeverEnteredTwice) {
    const auto before = std::exchange(Probe::flags, 0u);
    Remote remote;
    Probe::flags = before;
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                Caller caller;
                if (remote.call(caller, echo, {"x"}) == SYMPHONY_OK && caller.wait_end() && caller.ends == 1) ++good;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good.load(), 800);
}

TEST(RemoteInstance, APingIsAnsweredWhileAPluginHangs) {
    Remote remote;
    EXPECT_EQ(remote.instance->unanswered(), 0ns);
    Caller caller;
    std::thread hung([&] { EXPECT_EQ(remote.call(caller, hang), SYMPHONY_OK); });
    ASSERT_TRUE(caller.wait_parts(1));
    remote.instance->ping();
    while (remote.instance->unanswered() > 0ns) std::this_thread::yield();
    EXPECT_EQ(remote.instance->in_flight(), 1u);
    ::kill(remote.child, SIGSTOP);
    int state = 0;
    ASSERT_EQ(::waitpid(remote.child, &state, WUNTRACED), remote.child); // its threads stop some time after the signal was sent
    ASSERT_TRUE(WIFSTOPPED(state));
    remote.instance->ping();
    EXPECT_GT(remote.instance->unanswered(), 0ns);
    remote.kill();
    hung.join();
    EXPECT_EQ(caller.ends, 1);
    EXPECT_EQ(caller.error.reason(), "killed");
}

TEST(RemoteInstance, ACancelThatIsNotHeardIsOverdue) {
    Remote remote;
    Caller caller;
    std::thread hung([&] { EXPECT_EQ(remote.call(caller, hang), SYMPHONY_OK); });
    ASSERT_TRUE(caller.wait_parts(1));
    EXPECT_FALSE(remote.instance->overdue(0s));
    remote.ops->cancel(remote.it, caller.id);
    while (!remote.instance->overdue(0s)) std::this_thread::yield();
    EXPECT_FALSE(remote.instance->overdue(1h));
    hung.join(); // its caller gets its thread back before the call ends
    EXPECT_EQ(caller.ends, 0);
    remote.kill();
    ASSERT_TRUE(caller.wait_end());
    EXPECT_EQ(caller.ends, 1);
}

TEST(RemoteInstance, EverythingFailsWithTheCauseOnceItIsAbandoned) {
    Remote remote;
    Caller caller;
    EXPECT_EQ(remote.call(caller, crash), SYMPHONY_OK) << "waits until somebody says what happened, or the socket ends";
    EXPECT_EQ(caller.ends, 1);
    remote.kill();
    EXPECT_EQ(remote.ops->activate(remote.it, &remote.error), SYMPHONY_E_PEER_DIED);
    Caller later;
    EXPECT_EQ(remote.call(later, echo, {"x"}), SYMPHONY_E_PEER_DIED);
    EXPECT_EQ(later.ends, 0);
    EXPECT_FALSE(remote.instance->facts(std::chrono::steady_clock::now() + 1s));
    remote.instance->ping();
}

} // namespace
