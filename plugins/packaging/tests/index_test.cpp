// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/compact_index.hpp>
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/signature.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace symphony::packaging {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

IndexLine some_line(const std::string& id = "org.example.greet", const std::string& version = "1.0.0") {
    IndexLine line;
    line.id = id;
    line.version = version;
    line.abi = "1.2";
    line.host = "^1.0";
    line.needs = {{"a", "^1", false}, {"b", ">=1, <3", true}};
    line.provides = {{"operator/1", false}, {"pool/1", true}};
    line.uses = {{"search/1", ""}, {"store/1", "org.example.store"}};
    line.rights = {"read:workspace/**", "network:api.example.com:443"};
    line.rights_added = {"network:api.example.com:443"};
    line.artifacts = {{"x86_64-linux-gnu", sha256_of("package"), sha256_of("files"), 1234}};
    line.manifest = sha256_of("manifest" + id + version);
    line.signer = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    line.yanked = true;
    line.advisories = {"SYM-2026-0001"};
    line.name = "greet";
    line.description = "Says \"hello\" to wörds";
    line.license = "MIT";
    line.keywords = {"operator", "apply"};
    return line;
}

TEST(IndexLine, ReadsWhatItWrote) {
    const auto line = some_line();
    const auto text = print(line);
    IndexReader reader(text, "greet.jsonl");
    const auto view = reader.next();
    ASSERT_TRUE(view) << view.error().message();
    ASSERT_NE(*view, nullptr);
    EXPECT_EQ(own(**view), line);
    EXPECT_EQ(print(own(**view)), text);
    EXPECT_EQ(*reader.next(), nullptr);
}

TEST(IndexLine, SaysWhatIsWrongAndWhere) {
    const auto good = print(some_line());
    const auto wrong = [&](const std::string& from, const std::string& to) {
        auto text = good;
        text.replace(text.find(from), from.size(), to);
        text = good + text;
        IndexReader reader(text, "greet.jsonl");
        EXPECT_TRUE(reader.next());
        const auto second = reader.next();
        return second ? std::string("good") : std::string(second.error().reason()) + ": " + second.error().message();
    };
    EXPECT_EQ(wrong("\"license\"", "\"of-a-newer-registry\""), "good");
    EXPECT_EQ(wrong("{", ""), "bad-index-line: greet.jsonl:2: is no object of JSON");
    for (const auto& [from, to, message] : std::vector<std::tuple<std::string, std::string, std::string>>{
             {"\"1.0.0\"", "\"1.0\"", "version"}, {"\"1.2\"", "\"1\"", "abi"}, {"\"^1.0\"", "\"^^1\"", "host"}, {"\"^1\"", "\"one\"", "needs range"},
             {"\"id\": \"a\"", "\"id\": \"c\"", "not in the order"}, {"\"optional\": true", "\"optional\": 1", "optional"}, {"\"pool/1\"", "\"pool\"", "port"},
             {"\"read:workspace/**\"", "\"fly\"", "rights"}, {"\"size\": 1234", "\"size\": -1", "size"}, {"\"RW", "\"XX", "signer"}, {"\"manifest\"", "\"other\"", "must be there"},
             {"\"yanked\": true", "\"yanked\": \"yes\"", "yanked"}, {"\"greet\"", "\"gr\\u001beet\"", "name"}, {"[\"operator\", \"apply\"]", "\"operator\"", "keywords"}}) {
        SCOPED_TRACE(from + " -> " + to);
        EXPECT_THAT(wrong(from, to), HasSubstr("greet.jsonl:2: "));
        EXPECT_THAT(wrong(from, to), HasSubstr(message));
    }
    IndexReader endless(std::string_view(good).substr(0, good.size() - 1), "greet.jsonl");
    EXPECT_FALSE(endless.next());
}

TEST(IndexFile, MergesLaterLinesThatMayChangeLittle) {
    auto first = some_line();
    first.yanked = false;
    first.advisories.clear();
    auto later = some_line();
    later.artifacts.push_back({"aarch64-linux-gnu", sha256_of("other"), sha256_of("files"), 99});
    const auto newer = some_line("org.example.greet", "0.9.0");
    const auto read = read_index_file(print(first) + print(newer) + print(later), "org.example.greet", "greet.jsonl");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, (std::vector<IndexLine>{newer, later}));
    auto evil = later;
    evil.manifest = sha256_of("evil");
    EXPECT_FALSE(read_index_file(print(first) + print(evil), "org.example.greet", "greet.jsonl"));
    evil = later;
    evil.artifacts[0].sha256 = sha256_of("evil");
    EXPECT_FALSE(read_index_file(print(first) + print(evil), "org.example.greet", "greet.jsonl"));
    EXPECT_FALSE(read_index_file(print(some_line("org.example.other")), "org.example.greet", "greet.jsonl"));
}

// ---- the compact index

CompactIndex index_of(const std::vector<std::vector<IndexLine>>& packages) {
    CompactIndex::Builder builder;
    for (const auto& lines : packages) EXPECT_TRUE(builder.add(lines.front().id, lines));
    auto bytes = builder.finish(sha256_of("snapshot"));
    EXPECT_TRUE(bytes);
    auto index = CompactIndex::open(*std::move(bytes));
    EXPECT_TRUE(index) << index.error().message();
    return *std::move(index);
}

IndexLine described(const std::string& id, const std::string& name, const std::string& description, std::vector<std::string> keywords = {}, const std::string& version = "1.0.0") {
    auto line = some_line(id, version);
    line.name = name;
    line.description = description;
    line.keywords = std::move(keywords);
    line.yanked = false;
    return line;
}

TEST(CompactIndex, FindsAPackage) {
    auto pre = described("b", "bee", "buzzes", {}, "2.0.0-rc.1");
    auto yanked = described("b", "bee", "buzzes", {}, "1.5.0");
    yanked.yanked = true;
    const auto index = index_of({{described("b", "bee", "buzzes"), yanked, pre}, {described("a", "ay", "")}, {described("c", "sea", "is wet")}});
    EXPECT_EQ(index.packages(), 3u);
    EXPECT_EQ(index.snapshot(), sha256_of("snapshot"));
    const auto found = index.find("b");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "bee");
    EXPECT_EQ(found->version, "1.0.0") << "neither yanked nor a pre-release";
    EXPECT_EQ(found->versions, 3u);
    EXPECT_FALSE(index.find("bb"));
    EXPECT_FALSE(index.find(""));
    EXPECT_EQ(index_of({}).packages(), 0u);
    EXPECT_FALSE(index_of({}).find("a"));
}

TEST(CompactIndex, RanksWhatItFinds) {
    const auto index = index_of({{described("org.example.json", "json", "Reads and writes trees")},
                                 {described("org.example.jsonlines", "lines", "Reads lines")},
                                 {described("org.example.trees", "trees", "Draws a tree from json")},
                                 {described("org.example.text", "text", "Counts words", {"count", "json"})},
                                 {described("org.example.sound", "sound", "Plays")}});
    const auto ids = [&](std::string_view words) {
        std::vector<std::string> out;
        for (const auto& hit : index.search(words, 10)) out.emplace_back(hit.summary.id);
        return out;
    };
    EXPECT_THAT(ids("json"), ElementsAre("org.example.json", "org.example.jsonlines", "org.example.text", "org.example.trees"));
    EXPECT_THAT(ids("JSON tree"), ElementsAre("org.example.json", "org.example.trees")) << "both have both words; the first is called so";
    EXPECT_THAT(ids("  words\tcounts "), ElementsAre("org.example.text"));
    EXPECT_THAT(ids("org.example.sound"), ElementsAre("org.example.sound"));
    EXPECT_TRUE(ids("nothing").empty());
    EXPECT_EQ(ids("").size(), 5u) << "no word: all of them";
    std::size_t total = 0;
    EXPECT_EQ(index.search("example", 2, &total).size(), 2u);
    EXPECT_EQ(total, 5u);
}

TEST(CompactIndex, GivesTheResolverWhatTheLinesSay) {
    const auto index = index_of({{some_line()}});
    CompactIndex::Reader reader(index, {"x86_64-linux-gnu"}, {});
    const auto package = reader.find("org.example.greet");
    ASSERT_TRUE(package && *package != nullptr);
    const auto& release = (*package)->releases[0];
    EXPECT_EQ(release.version.text(), "1.0.0");
    std::vector<std::string> needs;
    for (const auto& need : release.needs) needs.push_back(std::string(need.id) + " " + need.range->text() + (need.optional ? "?" : ""));
    EXPECT_THAT(needs, ElementsAre("symphony-core ^1.2", "symphony-core ^1.0", "a ^1", "b >=1, <3?"));
    ASSERT_EQ(release.offers.size(), 2u);
    EXPECT_TRUE(release.offers[1].exclusive);
    ASSERT_EQ(release.uses.size(), 2u);
    EXPECT_EQ(release.uses[1].provider, "org.example.store");
    EXPECT_TRUE(release.yanked);
    EXPECT_EQ(release.barred, "");
    EXPECT_EQ(*reader.find("org.example.nobody"), nullptr);
    EXPECT_THAT(reader.offering("pool/1"), ElementsAre("org.example.greet"));
    EXPECT_EQ(reader.similar("org.example.gret"), "org.example.greet");
}

TEST(CompactIndex, RefusesDamagedBytes) {
    CompactIndex::Builder builder;
    ASSERT_TRUE(builder.add("a", {some_line("a")}));
    const auto bytes = *builder.finish(sha256_of("snapshot"));
    EXPECT_TRUE(CompactIndex::open(bytes));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        auto damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
        EXPECT_FALSE(CompactIndex::open(damaged)) << at;
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(CompactIndex::open(bytes.substr(0, size)));
}

} // namespace
} // namespace symphony::packaging
