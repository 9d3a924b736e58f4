// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace symphony::permissions {
namespace {

using namespace test;
using State = ConsentState::Kind;

const char* const wishes = "file_access = [{ value = \"read:workspace\", reason = \"to count the words\" }, \"write:cache\", \"read:selected\"]\n"
                           "network_access = [\"*.example.com:443\"]\nmodel_access = [\"gpt-4\"]\nsystem_access = [\"gpu\"]\nprocess_exec = [\"git\"]\nipc_access = [\"bus:progress.*\"]";

void expect_denied(const Status& status, std::string_view why, std::string_view hint) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), Code::not_granted);
    EXPECT_EQ(status.error().reason(), "not-granted");
    EXPECT_NE(status.error().message().find(why), std::string::npos) << status.error().message();
    EXPECT_NE(status.error().hint().find(hint), std::string::npos) << status.error().hint();
}

TEST(Permissions, WithoutATerminalDenyAtOnceAndNameTheCommand) {
    const Folder folder;
    const Subject plugin = subject(wishes);
    Permissions permissions(options(folder));
    const std::pair<const char*, const char*> rows[] = {
        {"read:workspace/a", "symphony permission grant word-count read:workspace"},
        {"network:api.example.com:443", "symphony permission grant word-count 'network:*.example.com:443'"},
        {"model:gpt-4", "symphony permission grant word-count model:gpt-4"},
        {"system:gpu", "symphony permission grant word-count system:gpu"},
        {"process:git", "symphony permission grant word-count process:git"},
        {"ipc:bus:progress.done", "symphony permission grant word-count 'ipc:bus:progress.*'"},
    };
    for (const auto& [object, hint] : rows) {
        SCOPED_TRACE(object);
        expect_denied(permissions.require(plugin, right(object)), "plugin \"word-count\": may not ", hint);
        const Decision made = permissions.check(plugin, right(object));
        EXPECT_TRUE(made.needs_prompt);
        EXPECT_EQ(made.hint, hint);
        EXPECT_EQ(made.rule, "preset:balanced");
    }
    EXPECT_TRUE(permissions.require(plugin, right("write:cache/a")));
    EXPECT_TRUE(permissions.require(plugin, right("read:selected")));
    expect_denied(permissions.require(plugin, right("write:workspace/a")), "its manifest does not ask for write:workspace/a", "adds \"write:workspace/a\" to file_access");
    expect_denied(permissions.require(plugin, right("network:example.com:443")), "does not ask for", "to network_access");
    expect_denied(permissions.require(Subject{}, right("write:cache/a")), "does not ask for", "");
}

TEST(Permissions, SayThatAPathIsNotWhatIsBeneathIt) {
    const Folder folder;
    Permissions permissions(options(folder));
    const Subject plugin = subject("file_access = [\"write:workspace/docs\", \"read:workspace/a/**\"]");
    expect_denied(permissions.require(plugin, right("write:workspace/docs/a.md")), "write:workspace/docs is that path alone; all beneath it is write:workspace/docs/**", "adds");
    EXPECT_EQ(permissions.explain(plugin, right("write:workspace/other")).why.find("alone"), std::string::npos);
}

TEST(Permissions, ExplainWhatGrantsAndWhatWouldChangeIt) {
    const Folder folder;
    const Subject plugin = subject(wishes);
    Permissions permissions(options(folder));
    ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
    const Decision granted = permissions.explain(plugin, right("read:workspace/a"));
    EXPECT_TRUE(granted.allowed);
    EXPECT_EQ(granted.rule, "grant:1");
    EXPECT_EQ(granted.hint, "symphony permission revoke word-count read:workspace");
    EXPECT_EQ(permissions.explain(plugin, right("write:cache")).rule, "preset:balanced");
    ASSERT_TRUE(permissions.grant(plugin, right("model:gpt-4"), Scope::once));
    EXPECT_TRUE(permissions.explain(plugin, right("model:gpt-4")).allowed);
    EXPECT_TRUE(permissions.explain(plugin, right("model:gpt-4")).allowed) << "explaining uses nothing up";
    EXPECT_TRUE(permissions.check(plugin, right("model:gpt-4")).allowed);
    EXPECT_FALSE(permissions.check(plugin, right("model:gpt-4")).allowed);
}

TEST(Permissions, OfPartsMakeAWhole) {
    const Folder folder;
    const Subject plugin = subject("network_access = [\"a.example\"]");
    Permissions permissions(options(folder));
    ASSERT_TRUE(permissions.grant(plugin, right("network:a.example:1-100"), Scope::always));
    ASSERT_TRUE(permissions.grant(plugin, right("network:a.example:101-200"), Scope::always));
    EXPECT_TRUE(permissions.check(plugin, right("network:a.example:50-150")).allowed);
    EXPECT_FALSE(permissions.check(plugin, right("network:a.example:50-201")).allowed);
}

constexpr const char* calls_text = "file_access = []\n[requires]\n\"operator/1\" = { optional = true }";

TEST(Permissions, OfCallsBetweenPluginsAreRequestedByWhatIsRequired) {
    const Folder folder;
    Permissions judge(options(folder));
    const Right call = manifests::right_to_call("org.example.text");
    EXPECT_EQ(call.text(), "ipc:plugin:org.example.text");
    expect_denied(judge.require(subject(""), call), "its manifest does not ask for", "ipc_access");
    const Subject caller = subject(calls_text);
    expect_denied(judge.require(caller, call), "preset balanced leaves it to you", "symphony permission grant word-count 'ipc:plugin:#'");
    ASSERT_TRUE(judge.grant(caller, call, Scope::always));
    EXPECT_TRUE(judge.require(caller, call));
    EXPECT_FALSE(judge.require(caller, manifests::right_to_call("org.example.mail"))) << "a grant for one is none for another";
    ASSERT_TRUE(judge.revoke(caller, &call));
    EXPECT_FALSE(judge.require(caller, call));
}

TEST(Permissions, OfCallsAreNarrowedByTheManifestThatNamesThem) {
    const Folder folder;
    Permissions judge(options(folder));
    const Subject caller = subject("ipc_access = [\"plugin:org.example.text\", \"bus:progress.*\"]\n[requires]\n\"operator/1\" = {}");
    ASSERT_TRUE(judge.grant(caller, manifests::right_to_call("org.example.text"), Scope::always));
    EXPECT_TRUE(judge.require(caller, manifests::right_to_call("org.example.text")));
    const auto wide = judge.grant(caller, manifests::right_to_call("org.example.mail"), Scope::always);
    ASSERT_FALSE(wide);
    EXPECT_EQ(wide.error().reason(), "not-requested");
}

TEST(Permissions, OfCallsAreGivenToWhoIsTrustedUntilARuleDenies) {
    for (const char* const preset : {"strict", "balanced", "permissive"}) {
        const Folder folder;
        folder.write("policy.toml", std::string("preset = \"") + preset + "\"\n[[deny]]\nplugin = \"word-count\"\nrights = [\"ipc:plugin:org.example.mail\"]\n"
                                    "reason = \"letters are private\"\n");
        auto how = options(folder);
        how.policy = Policy::load({{folder / "policy.toml", false}});
        Permissions judge(std::move(how));
        Subject caller = subject(calls_text);
        EXPECT_EQ(bool(judge.require(caller, manifests::right_to_call("org.example.text"))), std::string_view(preset) == "permissive") << preset;
        caller.trusted = true;
        EXPECT_TRUE(judge.require(caller, manifests::right_to_call("org.example.text"))) << preset;
        expect_denied(judge.require(caller, manifests::right_to_call("org.example.mail")), "letters are private", "policy.toml");
    }
}

TEST(Permissions, ThatAnUpdateRequiresMoreNeedsConsent) {
    const Folder folder;
    Permissions judge(options(folder));
    ASSERT_TRUE(judge.admit(subject("", "word-count", "1.0.0")));
    EXPECT_TRUE(judge.admit(subject(calls_text, "word-count", "1.1.0"))) << "what is optional holds nothing back";
    EXPECT_FALSE(judge.admit(subject("file_access = []\n[requires]\n\"operator/1\" = {}", "word-count", "1.2.0")));
}

TEST(Permissions, APolicyThatDeniesCannotBeGrantedAround) {
    const Folder folder;
    folder.write("policy.toml", "[[deny]]\nrights = [\"model:*\"]\nlocked = true\nreason = \"no models here\"\n");
    auto made = options(folder);
    made.policy = Policy::load({{folder / "policy.toml", true}});
    Scripted prompt;
    prompt.answers = {Answer::always};
    made.prompt = &prompt;
    Permissions permissions(std::move(made));
    const Subject plugin = subject(wishes);
    const auto granted = permissions.grant(plugin, right("model:gpt-4"), Scope::always);
    ASSERT_FALSE(granted);
    EXPECT_EQ(granted.error().reason(), "denied-by-policy");
    expect_denied(permissions.require(plugin, right("model:gpt-4")), "no models here", "only an administrator");
    EXPECT_TRUE(prompt.asked.empty()) << "nobody is asked for what cannot be given";
    EXPECT_FALSE(permissions.offers(plugin, manifests::RightKind::model));
    EXPECT_TRUE(permissions.offers(plugin, manifests::RightKind::file));
}

TEST(Permissions, AskOnceARunForEachRight) {
    const Folder folder;
    const Subject plugin = subject(wishes);
    Scripted prompt;
    prompt.answers = {Answer::run, Answer::once, Answer::deny, Answer::nobody};
    Permissions permissions(options(folder, {}, &prompt));
    EXPECT_TRUE(permissions.require(plugin, right("read:workspace/a")));
    EXPECT_TRUE(permissions.require(plugin, right("read:workspace/b"))) << "for the run";
    ASSERT_EQ(prompt.asked.size(), 1u);
    EXPECT_EQ(prompt.asked[0].right.text(), "read:workspace") << "asked for what the manifest names, and not for every file";
    EXPECT_EQ(prompt.asked[0].object, "read:workspace/a");
    EXPECT_EQ(prompt.asked[0].reason, "to count the words");
    EXPECT_TRUE(permissions.require(plugin, right("model:gpt-4")));
    expect_denied(permissions.require(plugin, right("model:gpt-4")), "for one time", "grant");
    expect_denied(permissions.require(plugin, right("system:gpu")), "may not", "grant");
    expect_denied(permissions.require(plugin, right("system:gpu")), "may not", "grant");
    EXPECT_EQ(prompt.asked.size(), 3u);
    expect_denied(permissions.require(plugin, right("process:git")), "may not", "grant");
    EXPECT_EQ(prompt.asked.size(), 4u);
}

TEST(Permissions, StopAskingAfterTheSecondNo) {
    const Folder folder;
    const Subject plugin = subject(wishes);
    const auto asked_in_a_run = [&](Answer answer) {
        Scripted prompt;
        prompt.answers = {answer};
        Permissions permissions(options(folder, {}, &prompt));
        static_cast<void>(permissions.require(plugin, right("model:gpt-4")));
        return prompt.asked.size();
    };
    EXPECT_EQ(asked_in_a_run(Answer::deny), 1u);
    EXPECT_EQ(asked_in_a_run(Answer::nobody), 1u) << "nobody is no no";
    EXPECT_EQ(asked_in_a_run(Answer::deny), 1u);
    EXPECT_EQ(asked_in_a_run(Answer::deny), 0u);
    {
        Permissions permissions(options(folder));
        ASSERT_TRUE(permissions.revoke(plugin, nullptr));
    }
    EXPECT_EQ(asked_in_a_run(Answer::always), 1u) << "revoking everything forgets the answers, too";
    EXPECT_EQ(asked_in_a_run(Answer::deny), 0u) << "it is granted";
}

TEST(Permissions, AskOneAfterTheOther) {
    class Slow final : public Prompt {
    public:
        std::atomic<int> open{0}, most{0}, asked{0};
        Answer ask(const Question&) override {
            most = std::max(most.load(), ++open);
            std::this_thread::yield();
            --open;
            ++asked;
            return Answer::run;
        }
        void cancel() noexcept override {}
    } prompt;
    const Folder folder;
    const Subject plugin = subject(wishes);
    Permissions permissions(options(folder, {}, &prompt));
    std::vector<std::thread> threads;
    std::atomic<int> allowed{0};
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] { allowed += permissions.require(plugin, right(i % 2 == 0 ? "model:gpt-4" : "system:gpu")) ? 1 : 0; });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(allowed, 8);
    EXPECT_EQ(prompt.most, 1);
    EXPECT_EQ(prompt.asked, 2);
}

TEST(Permissions, TellWhoHoldsSomethingOpen) {
    const Folder folder;
    const Clock clock;
    const Subject plugin = subject(wishes);
    Permissions permissions(options(folder, clock));
    const Right host = right("network:a.example.com:443");
    int told = 0;
    const auto id = permissions.on_change([&] { ++told; });
    ASSERT_TRUE(permissions.grant(plugin, right("network:*.example.com:443"), Scope::until, *clock.time + 100));
    EXPECT_EQ(told, 1);
    Decision made;
    ASSERT_TRUE(permissions.require(plugin, host, "L6 broker", &made));
    EXPECT_TRUE(permissions.holds(plugin, host, made.rule));
    *clock.time += 100;
    EXPECT_FALSE(permissions.holds(plugin, host, made.rule)) << "the time is over, whoever noticed";
    permissions.refresh();
    EXPECT_EQ(told, 2);
    ASSERT_TRUE(permissions.grant(plugin, right("network:*.example.com:443"), Scope::once));
    ASSERT_TRUE(permissions.require(plugin, host, "L6 broker", &made));
    EXPECT_TRUE(permissions.holds(plugin, host, made.rule)) << "once is the whole of one connection";
    EXPECT_FALSE(permissions.holds(plugin, host, "grant:1"));
    ASSERT_TRUE(permissions.grant(plugin, right("network:*.example.com:443"), Scope::always));
    told = 0;
    ASSERT_EQ(*permissions.revoke(plugin, nullptr), 1);
    EXPECT_EQ(told, 1);
    permissions.remove_on_change(id);
    ASSERT_TRUE(permissions.grant(plugin, right("model:gpt-4"), Scope::always));
    EXPECT_EQ(told, 1);
}

TEST(Permissions, MayBeAskedWhileTheyChange) {
    const Folder folder;
    const Subject plugin = subject(wishes);
    auto made = options(folder);
    made.watch = true;
    Permissions permissions(std::move(made));
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> checks{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i) {
        readers.emplace_back([&] {
            while (!stop) {
                static_cast<void>(permissions.check(plugin, right("read:workspace/a")));
                ASSERT_TRUE(permissions.check(plugin, right("write:cache/a")).allowed);
                ++checks;
            }
        });
    }
    for (int i = 0; i < 60; ++i) {
        ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
        ASSERT_TRUE(permissions.revoke(plugin, nullptr));
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    EXPECT_GT(checks, 0u);
}

// --- consent ---

TEST(Consent, HoldsBackAnUpdateThatWidens) {
    const Folder folder;
    Permissions permissions(options(folder));
    const Subject first = subject("file_access = [\"read:workspace/docs/**\"]\nmodel_access = [\"a\"]");
    const Subject wider = subject("file_access = [\"read:workspace\"]\nmodel_access = [\"a\"]\nnetwork_access = [\"x.example:443\"]", "word-count", "2.0.0");
    EXPECT_EQ(permissions.consent_state(first).kind, State::fresh);
    ASSERT_TRUE(permissions.admit(first));
    EXPECT_EQ(permissions.consent_state(first).kind, State::agreed);
    const auto state = permissions.consent_state(wider);
    EXPECT_EQ(state.kind, State::widened);
    ASSERT_EQ(state.diff.added.size(), 1u);
    ASSERT_EQ(state.diff.broadened.size(), 1u);
    const Error error = state.error(wider);
    EXPECT_EQ(error.code(), Code::refused);
    EXPECT_EQ(error.reason(), "consent-needed");
    EXPECT_EQ(error.message(), "plugin \"word-count\" 2.0.0: asks for more than was agreed to: to connect to x.example, port 443; to read every file in the "
                               "project folder instead of only read:workspace/docs/**");
    EXPECT_EQ(error.hint(), "symphony permission grant word-count --all agrees to it");
    EXPECT_EQ(permissions.consent_state(first).kind, State::agreed) << "the old version goes on";
    ASSERT_TRUE(permissions.grant(wider, right("read:workspace"), Scope::always));
    EXPECT_EQ(permissions.consent_state(wider).kind, State::widened);
    ASSERT_TRUE(permissions.grant(wider, right("network:x.example:443"), Scope::always));
    EXPECT_EQ(permissions.consent_state(wider).kind, State::agreed) << "granted one by one";
    ASSERT_TRUE(permissions.admit(wider));
    ASSERT_TRUE(permissions.revoke(wider, &wider.request->rights().rights()[0]));
    EXPECT_EQ(permissions.consent_state(wider).kind, State::agreed) << "agreed is agreed: what is revoked is asked for when it is used";
}

TEST(Consent, NarrowsSilentlyAndAsksForTheWayBack) {
    const Folder folder;
    Permissions permissions(options(folder));
    const Subject wide = subject("file_access = [\"read:workspace\"]\nmodel_access = [\"a\"]");
    const Subject narrow = subject("file_access = [\"read:workspace/docs/**\"]");
    ASSERT_TRUE(permissions.agree(wide, "first use"));
    EXPECT_EQ(permissions.consent_state(narrow).kind, State::agreed);
    EXPECT_EQ(permissions.consent_state(wide).kind, State::agreed) << "nobody has used the narrower one yet";
    ASSERT_TRUE(permissions.admit(narrow));
    EXPECT_EQ(permissions.consent_state(wide).kind, State::widened);
    EXPECT_EQ(permissions.admit(wide).error().reason(), "consent-needed");
}

TEST(Consent, IsForOnePublisher) {
    const Folder folder;
    Permissions permissions(options(folder));
    Subject plugin = subject("model_access = [\"a\"]");
    plugin.publisher = "key:A";
    ASSERT_TRUE(permissions.agree(plugin, "first use"));
    plugin.publisher = "key:B";
    const auto state = permissions.consent_state(plugin);
    EXPECT_EQ(state.kind, State::widened);
    EXPECT_EQ(state.old_publisher, "key:A");
    EXPECT_NE(state.text.find("another publisher"), std::string::npos);
    ASSERT_TRUE(permissions.agree(plugin, "command"));
    EXPECT_EQ(permissions.consent_state(plugin).kind, State::agreed);
    Subject without = subject("", "silent");
    without.publisher = "key:A";
    ASSERT_TRUE(permissions.agree(without, "first use"));
    without.publisher = "key:B";
    EXPECT_EQ(permissions.consent_state(without).kind, State::widened) << "new hands, though it asks for nothing";
}

TEST(Consent, IsNotAskedForOptionalRightsNorForTheDistributionsOwn) {
    const Folder folder;
    Permissions permissions(options(folder));
    ASSERT_TRUE(permissions.agree(subject("model_access = [\"a\"]"), "first use"));
    ASSERT_TRUE(permissions.admit(subject("model_access = [\"a\", { value = \"b\", optional = true }]")));
    EXPECT_EQ(permissions.consent_state(subject("model_access = [\"a\", \"b\"]")).kind, State::widened) << "an optional right was not agreed to by that";
    Subject trusted = subject("model_access = [\"a\", \"b\"]");
    trusted.trusted = true;
    EXPECT_EQ(permissions.consent_state(trusted).kind, State::agreed);
    EXPECT_TRUE(permissions.admit(trusted));
    trusted.trusted = false;
    EXPECT_EQ(permissions.consent_state(trusted).kind, State::widened) << "that somebody else vouched is nobody's consent";
    auto strict = options(folder);
    strict.policy = Policy(Preset::strict);
    Permissions careful(std::move(strict));
    trusted.trusted = true;
    EXPECT_EQ(careful.consent_state(trusted).kind, State::widened) << "with preset strict a person agrees, whoever vouches";
    EXPECT_FALSE(careful.admit(trusted));
}

TEST(Consent, MayBeAPolicys) {
    const Folder folder;
    folder.write("policy.toml", "[[allow]]\nrights = [\"model:*\"]\n");
    auto made = options(folder);
    made.policy = Policy::load({{folder / "policy.toml", false}});
    Permissions permissions(std::move(made));
    ASSERT_TRUE(permissions.agree(subject("model_access = [\"a\"]"), "first use"));
    EXPECT_EQ(permissions.consent_state(subject("model_access = [\"a\", \"b\"]")).kind, State::agreed);
    EXPECT_EQ(permissions.consent_state(subject("model_access = [\"a\"]\nsystem_access = [\"gpu\"]")).kind, State::widened);
}

} // namespace
} // namespace symphony::permissions
