// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include "isolation.hpp"
#include "supervisor.hpp"

#include <symphony/sandbox/machine.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

namespace {

/// A rig whose plugins run in processes of their own.
class Isolated : public testing::Test {
protected:
    void SetUp() override {
        if (sandbox::Machine::probe().grade < sandbox::Grade::no_namespaces) GTEST_SKIP() << "this machine cannot isolate well enough";
        Isolation::Options options;
        options.runner = RUNNER;
        options.working_max = working_max();
        options.on_violation = [this](const Violation& what) {
            const std::lock_guard lock(mutex_);
            violations_.push_back(what.layer + ": " + what.object);
        };
        isolation.emplace(std::move(options));
        rig.options.isolation = &*isolation;
        rig.options.placement.in_process_all = false;
    }
    void TearDown() override {
        rig.end();
        isolation.reset();
    }
    virtual std::chrono::milliseconds working_max() const { return 10s; }
    pid_t pid() { return static_cast<pid_t>(rig.status().pid); }
    bool wait_for(const std::function<bool()>& done) {
        for (int ms = 0; ms < 20'000; ++ms) {
            if (done()) return true;
            std::this_thread::sleep_for(1ms);
        }
        return false;
    }
    std::vector<std::string> violations() {
        const std::lock_guard lock(mutex_);
        return violations_;
    }

    std::optional<Isolation> isolation;
    Rig rig;

private:
    std::mutex mutex_;
    std::vector<std::string> violations_;
};

/// What one call of a fresh plugin answers, with its parts, in the placement.
/// @param misuses  Awaits so many, since an isolated plugin's are told behind its answer; set to how many there were.
std::string answer(Isolation* isolation, const std::string& library, std::uint32_t method, std::string_view text, std::uint64_t& misuses) {
    Rig rig;
    rig.add(library).capabilities.push_back({manifests::CapabilityKind::file_access, "read:workspace", "", false, {}});
    rig.options.grants.workspace = rig.folder().path() / "project";
    write_file(rig.folder() / "project/notes.txt", "inside");
    std::string parts;
    CallOptions how;
    how.on_part = [&](std::span<const symphony_buf> part) { parts += std::string(reinterpret_cast<const char*>(part[0].data), part[0].size) + "|"; };
    how.on_progress = [&](std::uint32_t permille, std::string_view note) { parts += std::to_string(permille) + std::string(note) + "|"; };
    rig.options.isolation = isolation;
    rig.options.placement.in_process_all = isolation == nullptr;
    rig.run();
    std::string out = rig.call(method, text, how);
    for (int ms = 0; ms < 20'000 && rig.status().misuses < misuses; ++ms) std::this_thread::sleep_for(1ms);
    misuses = rig.status().misuses;
    out += "; parts " + parts + "; misuses " + std::to_string(misuses) + "; state " + std::string(name_of(rig.status().state));
    EXPECT_EQ(rig.status().pid != 0, isolation != nullptr && rig.status().state == State::active);
    return out;
}

void expect_same(Isolation& isolation, const std::string& library, std::uint32_t method, std::string_view text) {
    SCOPED_TRACE(library + " " + std::to_string(method));
    std::uint64_t misuses = 0;
    const std::string together = answer(nullptr, library, method, text, misuses);
    EXPECT_EQ(answer(&isolation, library, method, text, misuses), together);
}

} // namespace

TEST_F(Isolated, AnswersAsItDoesInProcess) {
    const std::string large(3'000'000, 'x');
    for (const std::uint32_t method : {1u, 2u, 3u, 5u, 6u, 7u, 8u, 9u, 15u, 16u, 17u, 22u, 99u}) {
        expect_same(*isolation, "probe", method, method == 16 ? "notes.txt" : "hello");
    }
    expect_same(*isolation, "probe", 1, large);
    expect_same(*isolation, "probe", 16, "../x");
}

TEST_F(Isolated, IsRefusedForTheSameReasonsAsInProcess) {
    for (const char* library : {"probe-null", "probe-magic", "probe-short-struct", "probe-major", "probe-minor", "probe-other-id", "probe-no-entry", "probe-long-struct"}) {
        expect_same(*isolation, library, 1, "x");
    }
}

TEST_F(Isolated, ACrashEndsItsCallAndTheNextOneHasANewProcess) {
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    const pid_t first = pid();
    EXPECT_THAT(rig.call(10), AllOf(StartsWith("[crashed]"), HasSubstr("SIGSEGV")));
    EXPECT_EQ(rig.call(1, "again"), "again");
    EXPECT_NE(pid(), first);
    EXPECT_THAT(rig.call(21), AllOf(StartsWith("[crashed]"), HasSubstr("SIGABRT")));
    EXPECT_TRUE(rig.happened(Event::Kind::crashed, "crashed"));
}

TEST_F(Isolated, AProcessThatIsKilledFromOutsideEndsItsCalls) {
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    std::thread caller([&] { EXPECT_THAT(rig.call(13), AllOf(StartsWith("["), HasSubstr("SIGKILL"))); });
    ASSERT_TRUE(wait_for([&] { return rig.status().calls == 2; }));
    ::kill(pid(), SIGKILL);
    caller.join();
    EXPECT_EQ(rig.call(1, "again"), "again");
}

TEST_F(Isolated, AProcessThatIsStoppedIsFoundOutAndEnded) {
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    std::thread caller([&] { EXPECT_THAT(rig.call(13), StartsWith("[hung]")); });
    ASSERT_TRUE(wait_for([&] { return rig.status().calls == 2; }));
    ::kill(pid(), SIGSTOP);
    caller.join();
    EXPECT_EQ(rig.call(1, "again"), "again");
}

/// Gives a process next to no processor time when others want some; false where this user or machine cannot.
bool starve(pid_t pid) {
    std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const std::size_t path = line.find(':', line.find(':') + 1) + 1;
        if (path <= 1 || line.size() <= path + 1) continue; // of the root group nobody has less than others
        for (const char* share : {"/sys/fs/cgroup/cpu%/cpu.shares", "/sys/fs/cgroup/cpu,cpuacct%/cpu.shares", "/sys/fs/cgroup%/cpu.weight"}) {
            std::string file = share;
            file.replace(file.find('%'), 1, line.substr(path));
            if (std::ofstream to(file); std::filesystem::exists(file) && to << (file.ends_with("weight") ? 1 : 2) << std::flush) return true;
        }
    }
    return false;
}

class Starved : public Isolated {
protected:
    std::chrono::milliseconds working_max() const override { return 0ms; }
};

TEST_F(Starved, AProcessThatGetsNoProcessorIsNotHung) {
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    const pid_t first = pid();
    if (!starve(first)) GTEST_SKIP() << "nobody here may change a control group's share of the processors";
    std::atomic<bool> enough = false;
    std::vector<std::thread> others;
    for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i) {
        others.emplace_back([&] {
            while (!enough.load(std::memory_order_relaxed)) {}
        });
    }
    const std::string large(3'000'000, 'x');
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(rig.call(1, large) == large) << "ended, or another answer";
    enough = true;
    for (std::thread& other : others) other.join();
    EXPECT_EQ(pid(), first);
}

TEST_F(Isolated, ACallThatIgnoresItsDeadlineCostsTheProcess) {
    rig.add("probe");
    rig.options.cancel_grace = 100ms;
    rig.run();
    CallOptions how;
    how.timeout = 50ms;
    EXPECT_THAT(rig.call(13, "", how), StartsWith("[deadline]"));
    ASSERT_TRUE(wait_for([&] { return rig.happened(Event::Kind::crashed, "deadline"); }));
    EXPECT_EQ(rig.call(1, "again"), "again");
    const std::vector<std::string> told = violations();
    EXPECT_EQ(std::count(told.begin(), told.end(), "supervisor: deadline"), 1) << "however often it is looked at until it is gone";
}

TEST_F(Isolated, TooManyDeathsEndInQuarantineUntilAProbeIsDue) {
    rig.add("probe");
    rig.run();
    std::string last;
    for (int i = 0; i < 10 && !last.starts_with("[quarantined]"); ++i) last = rig.call(10);
    EXPECT_THAT(last, StartsWith("[quarantined]"));
    EXPECT_THAT(rig.call(1), StartsWith("[quarantined]"));
    const auto record = Supervisor(rig.options.state_dir).find("probe");
    ASSERT_TRUE(record && record->probe_at);
    EXPECT_GT(*record->probe_at, record->time);
    rig.run();
    EXPECT_THAT(rig.call(1), StartsWith("[quarantined]")) << "another host process knows it, too";
    Quarantine due = *record;
    due.probe_at = due.time;
    ASSERT_TRUE(Supervisor(rig.options.state_dir).quarantine(due));
    rig.run();
    EXPECT_EQ(rig.call(1, "back"), "back") << "the probe";
}

TEST_F(Isolated, AStartThatHangsHarmsNobody) {
    rig.add("probe").resources.start_timeout_ms = 300;
    rig.config = mode("activate-hangs");
    rig.run();
    EXPECT_THAT(rig.call(1), StartsWith("[start-timeout]"));
    EXPECT_FALSE(rig.status().wedged);
    EXPECT_TRUE(rig.runtime().shutdown(5s));
}

TEST_F(Isolated, AnEndThatHangsIsOverInTime) {
    rig.add("probe");
    rig.config = mode("quiesce-hangs");
    rig.run();
    EXPECT_EQ(rig.call(1, "x"), "x");
    EXPECT_TRUE(rig.runtime().shutdown(200ms)) << "nothing of it is left in this process";
    EXPECT_TRUE(rig.happened(Event::Kind::warning, "killed"));
}

TEST_F(Isolated, CallsOthersThroughTheHost) {
    rig.add("probe").needs.push_back({"operator/1", false, manifests::Cardinality::many, "", {}});
    rig.add("other", "other");
    rig.run();
    EXPECT_EQ(rig.call(14, "other"), "other");
    EXPECT_THAT(rig.call(14, "probe"), StartsWith("[re-entered]"));
    EXPECT_THAT(rig.call(14, "nobody"), StartsWith("[unknown-plugin]"));
}

TEST_F(Isolated, CallsOthersAsLongAsItMay) { expect_calls_end_with_their_grant(rig); }

TEST_F(Isolated, CancelReachesIt) {
    rig.add("probe");
    rig.run();
    std::stop_source stop;
    CallOptions how;
    how.cancel = stop.get_token();
    std::thread caller([&] { EXPECT_THAT(rig.call(12, "", how), HasSubstr("stopped as asked")); });
    ASSERT_TRUE(wait_for([&] { return rig.status().calls == 1; }));
    stop.request_stop();
    caller.join();
    EXPECT_EQ(rig.call(1, "same process"), "same process");
}

/// What a call answers that is cancelled once it is under way.
std::string cancelled_call(Rig& rig, std::uint32_t method) {
    std::stop_source stop;
    CallOptions how;
    how.cancel = stop.get_token();
    const std::uint64_t before = rig.status().calls;
    std::jthread canceller([&] {
        while (rig.status().calls == before) std::this_thread::yield();
        stop.request_stop();
    });
    return rig.call(method, "", how);
}

TEST_F(Isolated, ACancelledCallHasTheGraceOfItsPlugin) {
    rig.add("probe");
    rig.options.cancel_grace = 20ms; // of plugins that say nothing
    rig.config.cancel_grace = 60s;
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    EXPECT_EQ(cancelled_call(rig, 32), "brought to its end");
    EXPECT_FALSE(rig.happened(Event::Kind::crashed, "deadline"));
}

TEST_F(Isolated, ACancelledCallThatGoesOnBehindItsGraceEndsAsInProcess) {
    rig.add("probe");
    rig.options.cancel_grace = 20ms;
    rig.run();
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    EXPECT_THAT(cancelled_call(rig, 13), StartsWith("[cancelled]"));
    ASSERT_TRUE(wait_for([&] { return rig.happened(Event::Kind::crashed, "deadline"); }));
    EXPECT_EQ(rig.call(1, "again"), "again");
}

TEST_F(Isolated, LeavesNothingBehind) {
    const auto descriptors = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
    rig.add("probe");
    rig.run();
    EXPECT_EQ(rig.call(1, "x"), "x");
    EXPECT_THAT(rig.call(10), StartsWith("[crashed]"));
    EXPECT_EQ(rig.call(1, "x"), "x");
    const auto before = descriptors();
    for (int i = 0; i < 4; ++i) {
        ::kill(pid(), SIGKILL);
        ASSERT_TRUE(wait_for([&] { return rig.status().state == State::failed; }));
        EXPECT_EQ(rig.call(1, "x"), "x");
    }
    EXPECT_EQ(descriptors(), before);
}

TEST(Placement, GoesToTheOneWhoTypesThenToWhatHappenedThenToTrust) {
    manifests::Manifest manifest;
    manifest.extension.id = "org.word-count";
    manifest.extension.name = "word-count";
    PlacementPolicy policy;
    const std::string digest(64, 'a');
    TemporaryFolder folder;
    write_file(folder / "plugins.lock", "[[trusted]]\nplugin = \"org.word-count\"\nsha256 = \"" + digest + "\"\n");
    EXPECT_TRUE(policy.decide(manifest, digest, "").isolated) << "nobody vouches for it";
    policy.trust = Trust::load({{folder / "plugins.lock"}, {folder / "missing"}});
    EXPECT_FALSE(policy.decide(manifest, digest, "").isolated);
    EXPECT_TRUE(policy.decide(manifest, std::string(64, 'b'), "").isolated) << "another build";
    EXPECT_TRUE(policy.decide(manifest, digest, "a minute ago").isolated) << "it crashed";
    policy.in_process = {"word-count"};
    EXPECT_FALSE(policy.decide(manifest, digest, "a minute ago").isolated) << "a person wants it so";
    policy.isolate_all = true;
    EXPECT_TRUE(policy.decide(manifest, digest, "").isolated);
    policy.isolate_all = false;
    manifest.abi.placement = manifests::Placement::isolated;
    EXPECT_TRUE(policy.decide(manifest, digest, "").isolated) << "its own wish for more isolation";
    manifest.abi.placement = manifests::Placement::in_process;
    EXPECT_TRUE(PlacementPolicy().decide(manifest, digest, "").isolated) << "its wish for less is not heard";
    EXPECT_FALSE(policy.decide(manifest, digest, "").isolated);
    manifest.abi.minimum_grade = manifests::MinimumGrade::g1;
    EXPECT_TRUE(policy.decide(manifest, digest, "").isolated) << "who asks for a sandbox asks for isolation";
}

TEST_F(Isolated, RunsOnlyWhereTheGradeThatItAsksForIsReached) {
    rig.add("probe").abi.minimum_grade = manifests::MinimumGrade::g4;
    rig.run();
    const bool full = sandbox::Machine::probe().grade == sandbox::Grade::full;
    EXPECT_THAT(rig.call(1, "hello"), full ? StartsWith("hello") : StartsWith("[grade-too-low]"));
}

TEST(Placement, ADamagedListTrustsNothingAndIsNamed) {
    TemporaryFolder folder;
    write_file(folder / "trust.toml", "[[trusted]\nplugin=");
    const Trust trust = Trust::load({{folder / "trust.toml"}});
    ASSERT_EQ(trust.warnings().size(), 1u);
    EXPECT_THAT(trust.warnings()[0], HasSubstr("trust.toml"));
}

TEST(Placement, AListThatMayNotTrustStillSaysWhoSigned) {
    TemporaryFolder folder;
    const std::string digest(64, 'a');
    write_file(folder / "plugins.lock", "[[trusted]]\nplugin = \"org.word-count\"\nsha256 = \"" + digest + "\"\n"
                                        "[[signed]]\nplugin = \"org.word-count\"\nsha256 = \"" + digest + "\"\npublisher = \"RWkey\"\n"
                                        "[[signed]]\nplugin = \"org.other\"\nsha256 = \"" + digest + "\"\n");
    permissions::Subject subject;
    subject.plugin = "org.word-count";
    subject.digest = digest;
    Trust::load({{folder / "plugins.lock"}}).identify(subject);
    EXPECT_TRUE(subject.trusted);
    EXPECT_EQ(subject.publisher, "RWkey");
    const Trust locked = Trust::load({{folder / "plugins.lock", false}});
    locked.identify(subject);
    EXPECT_FALSE(subject.trusted);
    EXPECT_EQ(subject.publisher, "RWkey");
    ASSERT_EQ(locked.warnings().size(), 1u);
    EXPECT_THAT(locked.warnings()[0], HasSubstr("entry 2 of signed has no publisher"));
}

TEST_F(Isolated, AProcessEndsWithTheGrantOfAFileThatItWasGiven) {
    auto& manifest = rig.add("probe");
    manifest.capabilities.push_back({manifests::CapabilityKind::file_access, "read:workspace", "", false, {}});
    manifest.capabilities.push_back({manifests::CapabilityKind::file_access, "write:workspace", "", false, {}});
    rig.options.grants.workspace = rig.folder().path() / "project";
    for (int i = 0; i < 100; ++i) write_file(rig.folder() / ("project/many/" + std::to_string(i)), "one of many");
    write_file(rig.folder() / "project/notes.txt", "inside");
    permissions::Permissions::Options kept;
    kept.state_dir = rig.folder().path() / "state";
    permissions::Permissions permissions(std::move(kept));
    rig.options.permissions = &permissions;
    const auto subject = subject_of(rig);
    const auto right = [](const char* text) { return *manifests::Right::parse(text); };
    const auto part = right("read:workspace/notes.txt"), many = right("read:workspace/many/**"), other = right("write:workspace");
    ASSERT_TRUE(permissions.grant(subject, part, permissions::Scope::always)); // a part of what the manifest asks for
    ASSERT_TRUE(permissions.grant(subject, other, permissions::Scope::once));
    rig.run();
    EXPECT_EQ(rig.call(16, "notes.txt"), "inside");
    const pid_t first = pid();
    ASSERT_TRUE(permissions.revoke(subject, &other));
    ASSERT_TRUE(permissions.grant(subject, many, permissions::Scope::always));
    EXPECT_EQ(rig.call(16, "notes.txt"), "inside");
    EXPECT_EQ(pid(), first) << "what it never used is not missed";
    ASSERT_TRUE(permissions.revoke(subject, &part));
    ASSERT_TRUE(wait_for([&] { return rig.happened(Event::Kind::crashed, "grant-revoked"); }));
    EXPECT_THAT(rig.call(16, "notes.txt"), StartsWith("[not-granted]"));
    for (int i = 0; i < 100; ++i) ASSERT_EQ(rig.call(16, "many/" + std::to_string(i)), "one of many");
    const pid_t second = pid();
    ASSERT_TRUE(permissions.grant(subject, part, permissions::Scope::always));
    EXPECT_EQ(rig.call(1, "hello"), "hello");
    EXPECT_EQ(pid(), second);
    ASSERT_TRUE(permissions.revoke(subject, &many));
    EXPECT_TRUE(wait_for([&] { return rig.call(1, "hello") == "hello" && pid() != second; }));
    rig.end(); // before the permissions
}
