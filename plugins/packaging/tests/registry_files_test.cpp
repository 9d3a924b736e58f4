// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/registry_files.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace symphony::packaging {
namespace {

using ::testing::HasSubstr;

PublicKey some_key() { return SecretKey::generate()->public_key(); }

RegistryRoot some_root() {
    RegistryRoot root;
    root.registry = "main";
    root.version = 3;
    root.expires = 1'800'000'000;
    root.root = {2, {some_key(), some_key()}};
    root.snapshot = {1, {some_key()}};
    std::sort(root.root.keys.begin(), root.root.keys.end());
    root.publishers = {{some_key(), "Example", {"org.example.*", "com.acme.tool"}}};
    root.revoked = {{some_key(), "stolen"}};
    root.successors = {{root.revoked[0].key, root.publishers[0].key}};
    return root;
}

TEST(Times, AreSecondsAndText) {
    for (const auto& [text, time] : std::vector<std::pair<std::string, UnixTime>>{
             {"1970-01-01T00:00:00Z", 0}, {"2000-02-29T12:00:00Z", 951'825'600}, {"2026-11-27T20:15:00Z", 1'795'810'500}, {"9999-12-31T23:59:59Z", 253'402'300'799}}) {
        SCOPED_TRACE(text);
        const auto read = parse_time(text);
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, time);
        EXPECT_EQ(time_text(time), text);
    }
    for (const auto* text : {"", "2026-11-27", "2026-11-27 20:15:00Z", "2026-11-27T20:15:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
                             "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-0aT00:00:00Z", "2026-01-01T00:00:00Zx"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_time(text));
    }
}

TEST(RegistryFiles, ReadWhatTheyWrote) {
    const RegistryConfig config{"main", "The main \"registry\""};
    EXPECT_EQ(*parse_config(print(config), "config.toml"), config);
    const auto root = some_root();
    const auto root_again = parse_root(print(root), "root.toml");
    ASSERT_TRUE(root_again) << root_again.error().message();
    EXPECT_EQ(*root_again, root);
    const RegistrySnapshot snapshot{"main", 7, 3, 1'800'000'000, sha256_of("config"), {{"00", sha256_of("0")}, {"fe", sha256_of("f")}}, {{"SYM-1", sha256_of("a")}}};
    const auto snapshot_again = parse_snapshot(print(snapshot), "snapshot.toml");
    ASSERT_TRUE(snapshot_again) << snapshot_again.error().message();
    EXPECT_EQ(*snapshot_again, snapshot);
    EXPECT_EQ(*snapshot_again->find_shard("fe"), sha256_of("f"));
    EXPECT_EQ(snapshot_again->find_shard("01"), nullptr);
    const ShardList list{{{"a", 10, sha256_of("a")}, {"b.c", 999'999'999'999, sha256_of("b")}}};
    EXPECT_EQ(*parse_shard(print(list), "list"), list);
    EXPECT_EQ(*parse_shard("", "list"), ShardList());
}

TEST(RegistryFiles, SayWhatIsWrong) {
    const auto root = print(some_root());
    const auto edited = [&](const std::string& from, const std::string& to) {
        auto text = root;
        text.replace(text.find(from), from.size(), to);
        const auto read = parse_root(text, "root.toml");
        return read ? std::string("good") : std::string(read.error().reason()) + ": " + read.error().message();
    };
    EXPECT_THAT(edited("format = 1", "format = 2"), HasSubstr("registry-too-new"));
    EXPECT_THAT(edited("threshold = 2", "threshold = 3"), HasSubstr("expected 1 to the number of keys, 2, found 3"));
    EXPECT_THAT(edited("threshold = 2", "threshold = 0"), HasSubstr("bad-value"));
    EXPECT_THAT(edited("expires = \"2027", "expires = \"27"), HasSubstr("expected a time"));
    EXPECT_THAT(edited("[[root]]", "[[roots]]"), HasSubstr("has no [[root]]"));
    EXPECT_THAT(edited("org.example.*", "org.*.example"), HasSubstr("expected ids"));
    EXPECT_THAT(edited("why = \"stolen\"", "why = \"\""), HasSubstr("bad-value"));
    auto twice = some_root();
    twice.root.keys[1] = twice.root.keys[0];
    EXPECT_THAT(parse_root(print(twice), "root.toml").error().message(), HasSubstr("one key is there twice"));
    const auto good = sha256_of("x");
    for (const auto& text : std::vector<std::string>{good + " 10 b\n" + good + " 10 a\n", good + " 10 a", good + " 0 a\n", good + " x a\n", good + " 10 A\n", good + " 10 ../a\n", "x 10 a\n", good + " 9999999999999 a\n"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_shard(text, "list"));
    }
}

TEST(RegistryFiles, FollowSuccessorsToTheEnd) {
    RegistryRoot root;
    const auto a = some_key(), b = some_key(), c = some_key();
    root.successors = {{a, b}, {b, c}};
    EXPECT_EQ(root.successor_of(a), c);
    EXPECT_EQ(root.successor_of(c), c);
    root.successors.push_back({c, a}); // a ring ends too
    (void)root.successor_of(a);
    SUCCEED();
}

TEST(RegistryFiles, GiveNamesToPublishers) {
    const auto mine = some_key(), other = some_key();
    RegistryRoot root;
    root.publishers = {{mine, "me", {"org.example.*", "com.acme.tool"}}};
    EXPECT_TRUE(root.may_publish(mine, "org.example.greet"));
    EXPECT_FALSE(root.may_publish(other, "org.example.greet"));
    EXPECT_FALSE(root.may_publish(other, "com.acme.tool"));
    EXPECT_TRUE(root.may_publish(other, "com.acme.tools"));
    EXPECT_TRUE(root.may_publish(other, "org.example")) << "beneath is not the name itself";
    EXPECT_TRUE(root.may_publish(other, "org.examples.greet"));
}

TEST(RegistryFiles, AreWhereTheDigestOfTheIdSays) {
    const auto filed = sha256_of("org.example.greet").substr(0, 4);
    EXPECT_EQ(index_path("org.example.greet"), "index/" + filed.substr(0, 2) + "/" + filed.substr(2) + "/org.example.greet.jsonl");
    EXPECT_EQ(package_path("a", "1.0.0", "x86_64-linux-gnu"), "packages/a/a-1.0.0-x86_64-linux-gnu.sympkg");
}

} // namespace
} // namespace symphony::packaging
