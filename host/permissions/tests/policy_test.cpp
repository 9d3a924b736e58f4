// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>

namespace symphony::permissions {
namespace {

using namespace test;
using Kind = Verdict::Kind;

const char* const wishes = "file_access = [\"read:workspace\", \"write:workspace\", \"read:config\", \"read:selected\", \"write:cache\"]\n"
                           "network_access = [\"*\"]\nmodel_access = [\"*\"]\nsystem_access = [\"gpu\"]\nprocess_exec = [\"git\"]\nipc_access = [\"bus:#\"]";

std::string_view word(Kind kind) { return kind == Kind::denied ? "denied" : kind == Kind::allowed ? "allowed" : "open"; }

TEST(Policy, PresetsAreWhatTheDocumentationSays) {
    struct Row {
        const char* object;
        std::string_view strict, balanced, balanced_trusted, permissive;
    };
    const Row rows[] = {
        {"read:config/a", "allowed", "allowed", "allowed", "allowed"},
        {"write:cache/a", "allowed", "allowed", "allowed", "allowed"},
        {"read:selected", "allowed", "allowed", "allowed", "allowed"},
        {"read:workspace/a", "open", "open", "allowed", "allowed"},
        {"write:workspace/a", "open", "open", "allowed", "allowed"},
        {"network:api.example.com:443", "open", "open", "open", "allowed"},
        {"network:10.0.0.1:443", "open", "open", "open", "open"},
        {"network:localhost:443", "open", "open", "open", "open"},
        {"network:[::ffff:127.0.0.1]:443", "open", "open", "open", "open"},
        {"network:*", "open", "open", "open", "open"},
        {"model:gpt-4", "open", "open", "open", "allowed"},
        {"ipc:bus:a", "open", "open", "open", "allowed"},
        {"system:gpu", "open", "open", "open", "open"},
        {"process:git", "open", "open", "open", "open"},
    };
    Subject plain = subject(wishes), trusted = plain;
    trusted.trusted = true;
    for (const auto& row : rows) {
        SCOPED_TRACE(row.object);
        EXPECT_EQ(word(Policy(Preset::strict).judge(trusted, right(row.object)).kind), row.strict);
        EXPECT_EQ(word(Policy(Preset::balanced).judge(plain, right(row.object)).kind), row.balanced);
        EXPECT_EQ(word(Policy(Preset::balanced).judge(trusted, right(row.object)).kind), row.balanced_trusted);
        EXPECT_EQ(word(Policy(Preset::permissive).judge(plain, right(row.object)).kind), row.permissive);
    }
}

class Files {
public:
    Policy load(std::string_view administrators, std::string_view user = {}) const {
        folder.write("admin.toml", administrators);
        std::filesystem::remove(folder / "user.toml");
        if (!user.empty()) folder.write("user.toml", user);
        return Policy::load({{folder / "admin.toml", true}, {folder / "user.toml", false}});
    }
    Folder folder;
};

void expect_judged(const Policy& policy, std::string_view object, Kind kind, std::string_view rule, const Subject& plugin = subject(wishes)) {
    SCOPED_TRACE(object);
    EXPECT_TRUE(policy.warnings().empty()) << policy.warnings()[0];
    const auto verdict = policy.judge(plugin, right(object));
    EXPECT_EQ(word(verdict.kind), word(kind));
    EXPECT_TRUE(policy.rule_id(verdict).ends_with(rule)) << policy.rule_id(verdict);
    EXPECT_FALSE(policy.why(verdict, plugin, right(object)).empty());
}

TEST(Policy, DenyWins) {
    const Files files;
    const auto policy = files.load("", "[[allow]]\nrights = [\"network:*.example.com\"]\n\n[[deny]]\nplugin = \"word-*\"\nrights = [\"network:evil.example.com\", \"read:workspace/.git/**\"]\nreason = \"known bad\"\n");
    expect_judged(policy, "network:api.example.com:443", Kind::allowed, "user.toml:1");
    expect_judged(policy, "network:evil.example.com:443", Kind::denied, "user.toml:4");
    expect_judged(policy, "network:other.org:443", Kind::open, "preset:balanced");
    expect_judged(policy, "read:workspace/.git/config", Kind::denied, "user.toml:4");
    expect_judged(policy, "read:workspace/.gitignore", Kind::open, "preset:balanced");
    const auto whole = policy.judge(subject(wishes), right("read:workspace"));
    EXPECT_EQ(word(whole.kind), "denied") << "a part that is denied denies the whole";
    EXPECT_NE(policy.why(whole, subject(wishes), right("read:workspace")).find("read:workspace/.git/** is a part"), std::string::npos);
    Subject other = subject(wishes, "other");
    expect_judged(policy, "network:evil.example.com:443", Kind::allowed, "user.toml:1", other);
}

TEST(Policy, AdministratorsLock) {
    const Files files;
    const char* const deny = "[[deny]]\nrights = [\"process:*\"]\n";
    const char* const locked = "preset = \"strict\"\nminimum_grade = \"G3\"\nlocked = true\n[[deny]]\nrights = [\"process:*\"]\nlocked = true\n";
    const char* const allow = "[[allow]]\nrights = [\"process:git\"]\n";
    expect_judged(files.load(deny, allow), "process:git", Kind::allowed, "user.toml:1");
    expect_judged(files.load(locked, allow), "process:git", Kind::denied, "admin.toml:4");
    // A user may tighten what is locked, and not loosen it.
    const auto looser = files.load(locked, "preset = \"permissive\"\nminimum_grade = \"G1\"\n");
    EXPECT_EQ(looser.preset(), Preset::strict);
    EXPECT_EQ(looser.minimum_grade(), 3);
    EXPECT_EQ(looser.warnings().size(), 2u);
    EXPECT_EQ(files.load("preset = \"permissive\"\nlocked = true", "preset = \"strict\"\nminimum_grade = \"G4\"\n").preset(), Preset::strict);
    EXPECT_EQ(files.load("minimum_grade = \"G3\"", "minimum_grade = \"G1\"").minimum_grade(), 1);
    EXPECT_EQ(files.load("", "").audit_bytes_max(), 128 << 20);
    EXPECT_EQ(files.load("", "audit_mib = 2").audit_bytes_max(), 2 << 20);
    EXPECT_EQ(files.load("preset = \"strict\"\nlocked = true", "audit_mib = 2").audit_bytes_max(), 128 << 20) << "locked: more, and not less";
    EXPECT_EQ(files.load("audit_mib = 64\nlocked = true", "audit_mib = 65").audit_bytes_max(), 65 << 20);
    for (const char* wrong : {"audit_mib = 0", "audit_mib = 1048577", "audit_mib = \"1\"", "audit_mib = 1.5"}) {
        const auto refused = files.load("", wrong);
        ASSERT_EQ(refused.warnings().size(), 1u) << wrong;
        EXPECT_NE(refused.warnings()[0].find("audit_mib is a number of MiB"), std::string::npos) << refused.warnings()[0];
    }
    EXPECT_EQ(files.load("[[allow]]\nrights = [\"network:*\"]\n", "[[deny]]\nrights = [\"network:a.example\"]").judge(subject(wishes), right("network:a.example:1")).kind, Kind::denied);
}

TEST(Policy, SaysWhichPluginsMayBeAdded) {
    const Files files;
    const auto reason = [](const Policy& policy, std::string_view publisher) { return policy.extensions().check("p", publisher) ? std::string() : std::string(policy.extensions().check("p", publisher).error().reason()); };
    EXPECT_EQ(reason(files.load(""), ""), "");
    EXPECT_EQ(reason(files.load("extensions = \"any\""), ""), "");
    EXPECT_EQ(reason(files.load("extensions = \"signed\""), ""), "extension-unsigned");
    EXPECT_EQ(reason(files.load("extensions = \"signed\""), "RWa"), "");
    EXPECT_EQ(reason(files.load("extensions = \"signed\"\npublishers = [\"RWb\"]"), "RWa"), "extension-publisher");
    EXPECT_EQ(reason(files.load("extensions = \"signed\"\npublishers = [\"RWb\"]"), "RWb"), "");
    EXPECT_EQ(reason(files.load("extensions = \"none\""), "RWa"), "extensions-forbidden");
    // The strictest file counts, whoever wrote it.
    EXPECT_EQ(reason(files.load("extensions = \"none\"", "extensions = \"any\""), "RWa"), "extensions-forbidden");
    EXPECT_EQ(reason(files.load("extensions = \"any\"", "extensions = \"signed\""), ""), "extension-unsigned");
    EXPECT_EQ(reason(files.load("extensions = \"signed\"\npublishers = [\"RWa\", \"RWb\"]", "publishers = [\"RWb\", \"RWc\"]"), "RWc"), "extension-publisher");
    EXPECT_EQ(reason(files.load("extensions = \"signed\"\npublishers = [\"RWa\", \"RWb\"]", "publishers = [\"RWb\", \"RWc\"]"), "RWb"), "");
    // What cannot be understood might have said no.
    EXPECT_EQ(reason(files.load("extensions = \"nobody\""), "RWa"), "extensions-forbidden");
    EXPECT_EQ(reason(files.load("", "extensions = \"nobody\""), ""), "");
}

TEST(Policy, SaysWhoMayRunInProcess) {
    const Files files;
    const auto rule = [&](const char* administrators, const char* user) { return std::filesystem::path(files.load(administrators, user).in_process_rule()).filename(); };
    const char* const locked = "in_process = \"trusted\"\nlocked = true";
    EXPECT_EQ(rule("", ""), "");
    EXPECT_EQ(rule("in_process = \"trusted\"", ""), "admin.toml");
    EXPECT_EQ(rule("in_process = \"trusted\"", "in_process = \"anyone\""), "");
    EXPECT_EQ(rule(locked, "in_process = \"anyone\""), "admin.toml");
    EXPECT_EQ(files.load(locked, "in_process = \"anyone\"").warnings().size(), 1u);
    EXPECT_TRUE(files.load(locked).in_process_locked());
    EXPECT_FALSE(files.load("locked = true", "in_process = \"trusted\"").in_process_locked());
    EXPECT_EQ(rule("= broken", "in_process = \"anyone\""), "admin.toml") << "what is not understood lets nobody in";
    EXPECT_EQ(files.load("in_process = \"everyone\"").warnings().size(), 1u);
}

TEST(Policy, ThatIsBrokenLoosensNoIsolation) {
    const Files files;
    const auto grade = [&](const char* administrators, const char* user) { return files.load(administrators, user).minimum_grade().value_or(-1); };
    const char* const looser = "minimum_grade = \"G0\"";
    EXPECT_EQ(grade("locked = true", looser), 3) << "the default is locked, too";
    EXPECT_EQ(grade("preset = \"strict\"\nlocked = true", "minimum_grade = \"G4\""), 4);
    for (const char* wrong : {"lockd = true", "= broken", "[[deny]]\nplugin = \"a\"", "minimum_grade = \"G9\""}) {
        SCOPED_TRACE(wrong);
        EXPECT_EQ(grade(wrong, looser), 4) << "nobody knows what the administrators wanted";
        EXPECT_EQ(grade("", wrong), 3);
        EXPECT_EQ(files.load(wrong, "preset = \"permissive\"").preset(), Preset::strict);
    }
    for (const char* wrong : {"minimum_grade = \"G4\"\n= broken", "  minimum_grade = \"G4\" # most\nlockd = true"}) {
        SCOPED_TRACE(wrong);
        EXPECT_EQ(grade(wrong, looser), 4);
        EXPECT_EQ(grade("", wrong), 4);
    }
    EXPECT_EQ(grade("minimum_grade = \"G1\"\n= broken", looser), 3) << "less than the default only by a file that is understood";
    EXPECT_EQ(grade("minimum_grade = \"G4\"", "= broken"), 4);
}

TEST(Policy, RulesNamePublisherAndPlugin) {
    const Files files;
    const auto policy = files.load("[[allow]]\npublisher = \"key:*\"\nplugin = \"org.*.tool\"\nrights = [\"model:*\"]\n");
    Subject plugin = subject(wishes);
    const auto judged = [&] { return word(policy.judge(plugin, right("model:m")).kind); };
    EXPECT_EQ(judged(), "open");
    plugin.publisher = "key:A";
    EXPECT_EQ(judged(), "open");
    plugin.plugin = "org.symphony.tool";
    EXPECT_EQ(judged(), "allowed");
    plugin.publisher = "unsigned";
    EXPECT_EQ(judged(), "open");
}

TEST(Policy, ThatIsNotUnderstoodGrantsNothing) {
    const Files files;
    const std::pair<const char*, const char*> wrongs[] = {
        {"preset = \"balanse\"", "admin.toml:1: unknown preset \"balanse\", did you mean \"balanced\"?"},
        {"\nlockd = true", "admin.toml:2: unknown key \"lockd\", did you mean \"locked\"?"},
        {"[[deny]]\nright = [\"network:*\"]", "admin.toml:2: unknown key \"right\", did you mean \"rights\"?"},
        {"[[deny]]\nplugin = \"a\"", "a rule without rights"},
        {"[[deny]]\nrights = [\"network:0x7f.1\"]", "admin.toml:2: right \"network:0x7f.1\""},
        {"[[deny]]\nrights = \"network:*\"", "rights is a list"},
        {"deny = true", "[[deny]]"},
        {"minimum_grade = \"G9\"", "G0"},
        {"minimum_grade = 3", "is a text"},
        {"= broken", "admin.toml:1"},
    };
    for (const auto& [text, expected] : wrongs) {
        SCOPED_TRACE(text);
        const auto policy = files.load(text, "[[allow]]\nrights = [\"network:*\"]\n");
        ASSERT_EQ(policy.warnings().size(), 1u);
        EXPECT_NE(policy.warnings()[0].find(expected), std::string::npos) << policy.warnings()[0];
        EXPECT_EQ(word(policy.judge(subject(wishes), right("network:a.example:1")).kind), "denied");
        EXPECT_EQ(word(policy.judge(subject(wishes), right("write:cache/a")).kind), "allowed");
    }
    EXPECT_EQ(files.load("", "locked = true").warnings().size(), 1u) << "users cannot lock";
    EXPECT_EQ(files.load("", "[[deny]]\nrights = [\"network:*\"]\nlocked = true").warnings().size(), 1u);
    const Folder folder;
    std::filesystem::create_directory(folder / "policy.toml");
    EXPECT_EQ(Policy::load({{folder / "policy.toml", true}}).warnings().size(), 1u) << "a folder is no file";
    EXPECT_TRUE(Policy::load({{folder / "none.toml", true}}).warnings().empty());
}

} // namespace
} // namespace symphony::permissions
