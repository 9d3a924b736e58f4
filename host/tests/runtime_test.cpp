// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include "metrics.hpp"
#include "supervisor.hpp"

#include <symphony/brokers/network.hpp>

#include <gmock/gmock.h>

#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

namespace {

/// The transitions of one plugin, as "from>to" words.
std::string history(const Rig& rig) {
    std::string out;
    for (const Event& event : rig.events()) {
        if (event.kind != Event::Kind::transition) continue;
        if (out.empty()) out = std::string(name_of(event.from));
        out += ">" + std::string(name_of(event.to));
    }
    return out;
}

/// What a first call answers after `change`.
std::string answer_after(const std::function<void(Rig&)>& change) {
    Rig rig;
    rig.add("probe");
    change(rig);
    rig.run();
    return rig.call(1, "hello");
}

} // namespace

TEST(Lifecycle, RunsThroughItsStatesAndTellsEachStep) {
    Rig rig;
    rig.add("probe");
    rig.run();
    EXPECT_EQ(history(rig), "") << "nothing is loaded before it is used";
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    EXPECT_EQ(history(rig), "discovered>loading>loaded>activating>active");
    EXPECT_TRUE(rig.runtime().shutdown(5s));
    EXPECT_EQ(history(rig), "discovered>loading>loaded>activating>active>deactivating>inactive>unloading>unloaded");
    EXPECT_THAT(rig.call(1), StartsWith("[shutting-down]")) << "nothing starts any more";
}

TEST(Lifecycle, KnowsWhichTransitionsAreLegal) {
    std::size_t legal = 0;
    for (std::size_t from = 0; from < states_count; ++from) {
        for (std::size_t to = 0; to < states_count; ++to) legal += is_legal(static_cast<State>(from), static_cast<State>(to)) ? 1u : 0u;
    }
    EXPECT_EQ(legal, 20u);
    EXPECT_FALSE(is_legal(State::failed, State::active));
    EXPECT_FALSE(is_legal(State::active, State::unloading));
}

TEST(Lifecycle, NamesTheStepThatFailedAndWhatThePluginSaid) {
    EXPECT_EQ(answer_after([](Rig& rig) { rig.config = mode("init-fails"); }), "[init-failed] plugin \"probe\" 1.2.3: init failed: no model here");
    EXPECT_THAT(answer_after([](Rig& rig) { rig.last().refusal = Error(Code::refused, "unknown-package", "needs tokio"); }), StartsWith("[unknown-package]"));
    EXPECT_THAT(answer_after([](Rig& rig) { const_cast<manifests::Manifest*>(rig.last().manifest)->abi.threads = manifests::Threads::concurrent; }),
                StartsWith("[threads-mismatch]"));
    EXPECT_THAT(answer_after([](Rig& rig) { const_cast<manifests::Manifest*>(rig.last().manifest)->abi.placement = manifests::Placement::isolated; }),
                StartsWith("[isolation-unavailable]"));
}

TEST(Lifecycle, GivesUpOnAStartThatHangsAndLeavesTheRestAlone) {
    Rig rig;
    rig.add("probe", "probe").resources.start_timeout_ms = 50;
    rig.add("other", "other");
    rig.options.config = [](const PluginEntry& entry) -> Result<EffectiveConfig> {
        return entry.manifest->name() == "probe" ? mode("activate-hangs") : EffectiveConfig();
    };
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello") << "the next provider serves";
    EXPECT_EQ(rig.status(0).state, State::failed);
    EXPECT_TRUE(rig.status(0).wedged);
    EXPECT_TRUE(rig.happened(Event::Kind::refused, "start-timeout"));
    const Status stopped = rig.runtime().shutdown(2s);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().reason(), "wedged");
    EXPECT_THAT(stopped.error().message(), HasSubstr("probe"));
    EXPECT_EQ(rig.status(1).state, State::unloaded);
}

TEST(Lifecycle, NamesThePluginThatDoesNotStop) {
    Rig rig;
    rig.add("probe");
    rig.config = mode("quiesce-hangs");
    rig.run();
    EXPECT_EQ(rig.call(1, "x"), "x");
    const Status stopped = rig.runtime().shutdown(100ms);
    ASSERT_FALSE(stopped);
    EXPECT_THAT(stopped.error().message(), HasSubstr("probe"));
    EXPECT_TRUE(rig.happened(Event::Kind::wedged, "wedged"));
}

TEST(Lifecycle, NoticesAThreadThatStaysBehind) {
    Rig rig;
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(24), "left");
    EXPECT_FALSE(rig.runtime().shutdown(5s));
    EXPECT_TRUE(rig.happened(Event::Kind::misuse, "leaked-thread"));
    EXPECT_EQ(rig.status().state, State::unloaded) << "it was stopped in order nevertheless";
}

TEST(Lifecycle, BreaksACircleOfStarts) {
    Rig rig;
    rig.add("probe").needs.push_back({"operator/1", false, manifests::Cardinality::many, "other", {}});
    rig.add("other", "other").needs.push_back({"operator/1", false, manifests::Cardinality::many, "probe", {}});
    rig.config = mode("needs-other");
    rig.run();
    EXPECT_THAT(rig.call(1), StartsWith("[start-cycle]"));
}

TEST(Lifecycle, StartsAPluginOnceForManyCallers) {
    Rig rig;
    rig.add("probe");
    rig.run();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(rig.call(1, "hello"), "hello"); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(history(rig), "discovered>loading>loaded>activating>active");
}

TEST(Refusal, HonoursEveryCommonSetting) {
    EXPECT_THAT(answer_after([](Rig& rig) { rig.config.enabled = false; }), StartsWith("[disabled]"));
    EXPECT_THAT(answer_after([](Rig& rig) { rig.options.safe_mode = true, rig.last().core = false; }), StartsWith("[safe-mode]"));
    EXPECT_EQ(answer_after([](Rig& rig) { rig.options.safe_mode = true; }), "hello") << "core plugins start in safe mode";
    EXPECT_THAT(answer_after([](Rig& rig) { const_cast<manifests::Manifest*>(rig.last().manifest)->artifacts.clear(); }), StartsWith("[no-artifact]"));
}

TEST(Call, PassesBytesErrorsAndStreams) {
    Rig rig;
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    EXPECT_EQ(rig.call(5), "later");
    EXPECT_THAT(rig.call(2), HasSubstr("xxxx")) << "texts without an end are cut at the array's";
    EXPECT_THAT(rig.call(9), StartsWith("[call-refused] plugin \"probe\" 1.2.3: refused method 9 of operator/1 (busy)"));
    EXPECT_THAT(rig.call(99), HasSubstr("(unsupported)"));
    std::string parts;
    std::uint32_t progress = 0;
    CallOptions how;
    how.on_part = [&](std::span<const symphony_buf> part) { parts += text_of(Buffer::bytes_of(part[0])); };
    how.on_progress = [&](std::uint32_t permille, std::string_view note) { progress = permille, parts += note; };
    EXPECT_EQ(rig.call(6, "", how), "parts");
    EXPECT_EQ(parts, "abcdone");
    EXPECT_EQ(progress, 1000u) << "more than everything is everything";
}

TEST(Call, PassesAMegabyteByReference) {
    Rig rig;
    rig.add("probe");
    rig.run();
    const auto port = rig.runtime().acquire("operator/1");
    ASSERT_TRUE(port);
    const Buffer big = Buffer::make(1 << 20);
    const symphony_buf args[] = {big.to_c()};
    const auto reply = rig.runtime().call(*port, 1, args);
    ASSERT_TRUE(reply);
    EXPECT_EQ((*reply)[0].data(), big.data());
}

TEST(Misuse, IsDroppedCountedAndNamed) {
    Rig rig;
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(3), "first") << "the second answer reaches nobody";
    EXPECT_TRUE(rig.happened(Event::Kind::misuse, "double-completion"));
    EXPECT_EQ(rig.call(7), "end");
    EXPECT_EQ(rig.call(8), "end");
    EXPECT_THAT(rig.call(17), StartsWith("[bad-buffer]"));
    EXPECT_EQ(rig.status().misuses, 4u);
    EXPECT_EQ(rig.call(1, "still here"), "still here");
}

TEST(Misuse, EndsInQuarantineThatSurvivesARestartUntilReleased) {
    Rig rig;
    rig.add("probe");
    rig.options.misuses_max = 3;
    rig.run();
    for (int i = 0; i < 3; ++i) rig.call(3);
    EXPECT_THAT(rig.call(1), StartsWith("[misuse]"));
    EXPECT_TRUE(rig.happened(Event::Kind::quarantined, "misuse"));
    rig.end();
    rig.run();
    EXPECT_THAT(rig.call(1), StartsWith("[quarantined]"));
    EXPECT_TRUE(Supervisor(rig.options.state_dir).release("probe"));
    EXPECT_EQ(rig.call(1, "again"), "again");
}

TEST(Misuse, AnEscapedExceptionFailsThePluginAndNotTheHost) {
    Rig rig;
    rig.add("thrower");
    rig.run();
    EXPECT_THAT(rig.call(1), StartsWith("[plugin-threw] plugin \"probe\" 1.2.3: method 1 of operator/1 threw: out of cheese"));
    EXPECT_EQ(rig.status().state, State::failed);
    EXPECT_THAT(rig.call(1), StartsWith("[plugin-threw]"));
    const auto record = Supervisor(rig.options.state_dir).find("probe");
    ASSERT_TRUE(record);
    EXPECT_EQ(record->reason, "plugin-threw");
    const_cast<manifests::Manifest*>(rig.last().manifest)->artifacts[0].sha256[0] ^= 1;
    rig.end();
    rig.run();
    EXPECT_THAT(rig.call(1), StartsWith("[digest-mismatch]")) << "another build gets another chance, as far as it comes";
}

TEST(Deadline, EndsACallThatIsNeverAnswered) {
    Rig rig;
    rig.add("probe");
    rig.run();
    CallOptions how;
    how.timeout = 1h;
    std::thread clock([&] {
        while (rig.status().calls == 0) std::this_thread::yield();
        rig.clock_ahead_ns = 2 * 3'600'000'000'000ull;
    });
    EXPECT_THAT(rig.call(4, "", how), StartsWith("[deadline]"));
    clock.join();
    EXPECT_EQ(rig.call(18), "answered");
    EXPECT_EQ(rig.status().late, 1u) << "what it owed came, and went nowhere";
    EXPECT_EQ(rig.status().misuses, 0u);
}

TEST(Deadline, ComesFromTheTimeoutOfThePluginsConfiguration) {
    Rig rig;
    rig.add("probe");
    rig.config.timeout = 20ms;
    rig.run();
    EXPECT_THAT(rig.call(4), StartsWith("[deadline]"));
    EXPECT_THAT(rig.call(13), StartsWith("[deadline]")) << "also when it never comes back";
    const Status stopped = rig.runtime().shutdown(100ms);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().reason(), "wedged");
}

TEST(Cancel, StopsACallThatLooks) {
    Rig rig;
    rig.add("probe");
    rig.run();
    std::stop_source stop;
    CallOptions how;
    how.cancel = stop.get_token();
    std::thread canceller([&] {
        while (rig.status().calls == 0) std::this_thread::yield();
        stop.request_stop();
    });
    EXPECT_EQ(rig.call(12, "", how), "[cancelled] stopped as asked");
    canceller.join();
    EXPECT_EQ(rig.call(1, "x", how), "x") << "already finished work counts, even under a cancelled token";
}

TEST(Cancel, EndsACallThatDoesNotListenAfterTheGrace) {
    Rig rig;
    rig.add("probe");
    rig.options.cancel_grace = 20ms;
    rig.run();
    std::thread canceller([&] {
        while (rig.status().calls == 0) std::this_thread::yield();
        rig.runtime().cancel_all();
    });
    EXPECT_THAT(rig.call(4), StartsWith("[cancelled]"));
    canceller.join();
    EXPECT_TRUE(rig.runtime().shutdown(5s)) << "quiesced without calls, so the one it never answered is written off";
}

TEST(Ports, LeadFromPluginToPlugin) {
    Rig rig;
    rig.add("probe").needs.push_back({"operator/1", false, manifests::Cardinality::many, "", {}});
    rig.add("other", "other");
    rig.run();
    EXPECT_EQ(rig.call(14, "other"), "other");
    EXPECT_EQ(rig.call(14, ""), "") << "the best provider is not the caller itself";
    EXPECT_EQ(rig.status(1).calls, 2u);
    EXPECT_THAT(rig.call(14, "probe"), StartsWith("[re-entered]")) << "a serial plugin that calls itself would wait for ever";
    EXPECT_THAT(rig.call(14, "nobody"), StartsWith("[unknown-plugin]"));
}

TEST(Ports, CloseWhenTheRightToCallIsTakenBack) {
    Rig rig;
    expect_calls_end_with_their_grant(rig);
}

TEST(Ports, AreWithheldWhenTheManifestDoesNotNameThem) {
    Rig rig;
    rig.add("probe").needs.push_back({"workflow/1", false, manifests::Cardinality::one, "", {}});
    rig.run();
    EXPECT_THAT(rig.call(14, "probe"), StartsWith("[port-not-required]"));
}

TEST(Ports, StopTheCallerBeforeTheCallee) {
    Rig rig;
    rig.add("probe").needs.push_back({"operator/1", false, manifests::Cardinality::many, "other", {}});
    rig.add("other", "other");
    rig.options.cancel_grace = 20ms;
    rig.run();
    std::thread caller([&] { EXPECT_THAT(rig.call(20, "other"), StartsWith("[stopped]")); });
    while (rig.status(1).calls == 0) std::this_thread::yield();
    EXPECT_TRUE(rig.runtime().shutdown(5s));
    caller.join();
    std::vector<std::string> unloaded;
    for (const Event& event : rig.events()) {
        if (event.to == State::unloaded && event.kind == Event::Kind::transition) unloaded.push_back(event.plugin);
    }
    EXPECT_EQ(unloaded, (std::vector<std::string>{"probe", "other"}));
}

TEST(Ports, AreListedFromManifestsAloneWithRetryAndRefusal) {
    Rig rig;
    rig.add("probe").needs.push_back({"operator/1", false, manifests::Cardinality::many, "", {}});
    manifests::Manifest& other = rig.add("other", "other");
    other.operations.push_back({"count", "Counts", {{"text", *manifests::Type::parse("text"), {}}}, {}, true, {}});
    other.abi.threads = manifests::Threads::concurrent_blocking;
    other.artifacts.clear();
    rig.config.retry = 3;
    rig.config.values = std::string(text_of(ValueBuilder().map().add("deep", 3).end().build().bytes()));
    rig.run();
    const std::string bytes = rig.call(22);
    EXPECT_EQ(rig.status(1).state, State::discovered) << "a list loads nothing";
    const auto list = Value::checked(bytes_of(bytes));
    ASSERT_TRUE(list) << list.error().message();
    ASSERT_EQ(list->size(), 2u);
    const ValueView first = list->at(0), second = list->at(1);
    EXPECT_EQ(first["plugin"].as_text(), "probe");
    EXPECT_TRUE(first["usable"].as_bool());
    EXPECT_EQ(first["retry"].as_int(), 3);
    EXPECT_EQ(first["sha256"].as_text().size(), 64u);
    EXPECT_EQ(first["abi"].as_text(), "1.0");
    EXPECT_EQ(first["permissions"].as_text().size(), 64u);
    EXPECT_EQ(first["configuration"].size(), 1u);
    EXPECT_EQ(first["configuration"]["deep"].as_text(), "084fed08b978af4d") << "a digest of the value's bytes";
    EXPECT_FALSE(first["operations"].exists());
    EXPECT_FALSE(second["usable"].as_bool());
    EXPECT_THAT(std::string(second["refusal"].as_text()), HasSubstr("no library for x86_64-linux-gnu"));
    EXPECT_TRUE(second["blocking"].as_bool() && second["concurrent"].as_bool());
    EXPECT_EQ(second["operations"].at(0)["inputs"]["text"].as_text(), "text");
}

TEST(Services, AreThereWhenAskedForAndGranted) {
    Rig rig;
    manifests::Manifest& manifest = rig.add("probe");
    std::string logged;
    rig.options.on_log = [&](std::string_view plugin, std::uint32_t, std::string_view text) { logged = std::string(plugin) + ": " + std::string(text); };
    rig.run();
    EXPECT_EQ(rig.call(15), "11100000");
    EXPECT_EQ(logged, "probe: hello");
    EXPECT_THAT(rig.runtime().metrics_text(), HasSubstr("probe.pages 3\n"));
    EXPECT_THAT(rig.runtime().metrics_text(), HasSubstr("host.probe.calls 1\n"));
    rig.end();
    manifest.needs.push_back({"operator/1", true, manifests::Cardinality::one, "", {}});
    manifest.capabilities.push_back({manifests::CapabilityKind::file_access, "read:workspace", "", false, {}});
    rig.config.metrics_enabled = false;
    rig.run();
    EXPECT_EQ(rig.call(15), "11111000");
    EXPECT_EQ(rig.runtime().metrics_text(), "") << "metrics_enabled = false";
    rig.end();
    rig.options.grants.allows = [](std::string_view, std::string_view right) { return right != "read:workspace"; };
    rig.run();
    EXPECT_EQ(rig.call(15), "11110000") << "asked for, but not granted";
}

TEST(Services, ConnectByAGrantForOneTime) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), size), 0);
    ASSERT_EQ(::listen(listener, 4), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
    const std::string port = std::to_string(ntohs(at.sin_port));
    Rig rig;
    rig.add("probe").capabilities.push_back({manifests::CapabilityKind::network_access, "127.0.0.1:" + port, "", false, {}});
    permissions::Permissions::Options kept;
    kept.state_dir = rig.folder().path() / "state";
    permissions::Permissions permissions(std::move(kept));
    brokers::NetworkBroker network({});
    rig.options.permissions = &permissions;
    rig.options.network = &network;
    const auto right = *manifests::Right::parse("network:127.0.0.1:" + port);
    ASSERT_TRUE(permissions.grant(subject_of(rig), right, permissions::Scope::once));
    rig.run();
    EXPECT_EQ(rig.call(30, port), "connected");
    EXPECT_EQ(network.recheck(), 0u) << "one time is the whole of one connection";
    EXPECT_THAT(rig.call(30, port), StartsWith("[not-granted]"));
    ASSERT_TRUE(permissions.grant(subject_of(rig), right, permissions::Scope::always));
    EXPECT_EQ(rig.call(30, port), "connected");
    ASSERT_TRUE(permissions.revoke(subject_of(rig), &right));
    while (network.counters().open != 1) std::this_thread::yield(); // the stream of the grant that is gone is closed
    rig.end();
    ::close(listener);
}

TEST(Services, GiveAFolderForARightToAPartOfTemp) {
    Rig rig;
    auto& manifest = rig.add("probe");
    for (const char* right : {"read:temp/a/**", "write:temp/a/**"}) manifest.capabilities.push_back({manifests::CapabilityKind::file_access, right, "", false, {}});
    rig.run();
    EXPECT_EQ(rig.call(16, "temp:a/b"), "");
    EXPECT_THAT(rig.call(16, "temp:b"), StartsWith("[not-granted]"));
}

TEST(Runtime, ToldBeforeItsStartThatAnIsolatedPluginGetsNoGpu) {
    Rig rig;
    rig.add("probe").resources.gpu_required = true;
    rig.options.placement.in_process_all = false;
    rig.run();
    ASSERT_TRUE(rig.runtime().refusal(0));
    EXPECT_EQ(rig.runtime().refusal(0)->reason(), "gpu-not-isolated");
    EXPECT_THAT(rig.call(1, "hello"), StartsWith("[gpu-not-isolated]"));
}

TEST(Services, KeepARefusalOnRecordOnce) {
    Rig rig;
    rig.add("probe").artifacts[0].sha256 = std::string(64, '0');
    permissions::Permissions::Options kept;
    kept.state_dir = rig.folder().path() / "state";
    permissions::Permissions permissions(std::move(kept));
    rig.options.permissions = &permissions;
    rig.run();
    for (int i = 0; i < 3; ++i) EXPECT_THAT(rig.call(1, "hello"), StartsWith("[digest-mismatch]"));
    ASSERT_TRUE(permissions.audit()->flush());
    std::vector<std::string> rows;
    ASSERT_TRUE(permissions.audit()->each({}, [&](const permissions::Row& row) {
        rows.push_back(std::string(name_of(row.record.kind)) + " " + row.record.plugin + " " + row.record.rule);
        return true;
    }));
    EXPECT_THAT(rows, testing::ElementsAre("refused probe digest-mismatch"));
    rig.end(); // before the permissions
}

TEST(Services, HandOutNothingOfTheHostsOwn) {
    Rig rig;
    rig.add("probe").capabilities.push_back({manifests::CapabilityKind::file_access, "read:workspace", "", false, {}});
    rig.options.grants.workspace = rig.folder().path(); // as when somebody works in their home
    rig.options.config_dir = rig.folder().path() / "config";
    rig.options.kept_out = {rig.folder().path() / "etc"};
    for (const char* path : {"state/permissions.sqlite", "state/audit.key", "cache/plugins.index", "config/policy.toml", "etc/policy.toml"}) write_file(rig.folder() / path, "secret");
    rig.run();
    for (const char* path : {"state/permissions.sqlite", "state/audit.key", "cache/plugins.index", "config/policy.toml", "etc/policy.toml"}) {
        EXPECT_THAT(rig.call(16, path), StartsWith("[host-state]")) << path;
    }
}

TEST(Services, OpenFilesBeneathTheWorkspaceOnly) {
    Rig rig;
    rig.add("probe").capabilities.push_back({manifests::CapabilityKind::file_access, "read:workspace", "", false, {}});
    rig.options.grants.workspace = rig.folder().path() / "project";
    write_file(rig.folder() / "project/notes.txt", "inside");
    write_file(rig.folder() / "secret.txt", "outside");
    rig.run();
    EXPECT_EQ(rig.call(16, "notes.txt"), "inside");
    EXPECT_THAT(rig.call(16, "../secret.txt"), StartsWith("[path-escape]"));
}
