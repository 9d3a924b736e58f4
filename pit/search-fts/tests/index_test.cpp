// SPDX-License-Identifier: Apache-2.0
#include "index.hpp"
#include "vectors.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <set>

using symphony::Result;
using symphony::Status;
namespace ports = symphony::ports;
using namespace symphony::search;

namespace {

/// An index in a folder of its own, which can be opened again.
class IndexTest : public ::testing::Test {
protected:
    Index open(IndexOptions options = {}) { return Index(*storage_, options); }
    Index filled() {
        Index index = open();
        EXPECT_TRUE(index.index(vector_documents()));
        EXPECT_TRUE(index.commit("feed", 8));
        return index;
    }

    static Result<ports::Hits> find(Index& index, std::string text) {
        ports::Query query;
        query.text = std::move(text);
        return index.search(query, [] { return false; });
    }
    static std::set<std::string> ids(Index& index, const std::string& text) {
        const auto hits = find(index, text);
        EXPECT_TRUE(hits) << text << ": " << hits.error().message();
        std::set<std::string> found;
        if (!hits) return found;
        for (const auto& hit : hits->hits) found.insert(hit.id);
        EXPECT_EQ(found.size(), hits->total) << text;
        return found;
    }
    static void expect_reason(const Status& status, std::string_view reason) {
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().reason(), reason) << status.error().message();
    }
    static ports::Document document(std::string id, std::string text) {
        ports::Document made;
        made.id = std::move(id);
        made.text = std::move(text);
        return made;
    }

    symphony::testing::TempFolder folder_;
    std::unique_ptr<symphony::sqlite_files::Folder> files_ = *symphony::sqlite_files::PosixFolder::open(folder_.path());
    std::unique_ptr<Storage> storage_ = *Storage::in(*files_, "index.db");
};

} // namespace

TEST_F(IndexTest, MatchesWhatTheTableSays) {
    Index index = filled();
    for (const auto& item : vectors().at("queries")) {
        const std::string query = item.at("query");
        EXPECT_EQ(ids(index, query), item.at("matches").get<std::set<std::string>>()) << query;
    }
}

TEST_F(IndexTest, FindsTheSameWhenTheNewestComeFirst) {
    Index index = filled();
    for (const auto& item : vectors().at("queries")) {
        ports::Query query;
        query.text = item.at("query");
        query.newest_first = true;
        const auto hits = index.search(query, [] { return false; });
        ASSERT_TRUE(hits) << query.text << ": " << hits.error().message();
        std::set<std::string> found;
        for (const auto& hit : hits->hits) found.insert(hit.id);
        EXPECT_EQ(found, item.at("matches").get<std::set<std::string>>()) << query.text;
    }
    ports::Query query;
    query.text = "fox";
    query.newest_first = true;
    const auto hits = index.search(query, [] { return false; });
    ASSERT_TRUE(hits);
    EXPECT_EQ(hits->hits[0].id, "a7");
    EXPECT_EQ(hits->hits[2].id, "a1");
}

TEST_F(IndexTest, RanksANameAboveAText) {
    Index index = filled();
    const auto hits = find(index, "dog");
    ASSERT_TRUE(hits);
    EXPECT_EQ(hits->hits.at(0).id, "a7");
    EXPECT_GT(hits->hits[0].score, hits->hits[1].score);
}

TEST_F(IndexTest, KeepsWhatWasCommittedAndNothingElse) {
    {
        Index index = filled();
        ASSERT_TRUE(index.index({document("new", "unicorn")}));
        ASSERT_TRUE(index.remove({"a1"}));
        EXPECT_EQ(index.status()->pending, 2u);
    }
    Index again = open();
    const auto status = again.status();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->documents, 8u);
    EXPECT_EQ(status->feed, "feed");
    EXPECT_EQ(status->watermark, 8u);
    EXPECT_EQ(ids(again, "unicorn"), std::set<std::string>{});
    EXPECT_EQ(ids(again, "revenue"), std::set<std::string>{"a1"});
}

TEST_F(IndexTest, ReplacesAndRemovesById) {
    Index index = filled();
    auto changed = document("a1", "pelican");
    changed.tags = {"birds"};
    ASSERT_TRUE(index.index({document("a1", "pigeon"), changed}));
    ASSERT_TRUE(index.remove({"a7", "nobody"}));
    ASSERT_TRUE(index.commit("feed", UINT64_MAX));
    EXPECT_EQ(ids(index, "fox"), std::set<std::string>{"a2"});
    EXPECT_EQ(ids(index, "pigeon OR revenue OR tag:finance"), std::set<std::string>{});
    EXPECT_EQ(ids(index, "pelican tag:birds"), std::set<std::string>{"a1"});
    EXPECT_EQ(index.status()->documents, 7u);
    EXPECT_EQ(index.status()->watermark, UINT64_MAX);
}

TEST_F(IndexTest, PagesWithoutGapsAndRepeats) {
    Index index = open();
    std::vector<ports::Document> documents;
    for (int i = 0; i < 57; ++i) documents.push_back(document("d" + std::to_string(i), "same words"));
    ASSERT_TRUE(index.index(documents));
    ASSERT_TRUE(index.commit("feed", 1));
    for (const char* text : {"same", ""}) {
        std::set<std::string> seen;
        ports::Query query;
        query.text = text;
        query.limit = 10;
        for (query.offset = 0; query.offset < 60; query.offset += 10) {
            const auto hits = index.search(query, [] { return false; });
            ASSERT_TRUE(hits);
            EXPECT_EQ(hits->total, 57u);
            for (const auto& hit : hits->hits) EXPECT_TRUE(seen.insert(hit.id).second) << hit.id;
        }
        EXPECT_EQ(seen.size(), 57u);
    }
}

TEST_F(IndexTest, CountsFacetsOverAllMatches) {
    Index index = filled();
    ports::Query query;
    query.text = "type:text/*";
    query.limit = 1;
    query.facets = 2;
    const auto hits = index.search(query, [] { return false; });
    ASSERT_TRUE(hits);
    std::vector<std::string> told;
    for (const auto& facet : hits->facets) told.push_back(facet.field + "=" + facet.value + ":" + std::to_string(facet.count));
    EXPECT_EQ(told, (std::vector<std::string>{"tag=nature:2", "tag=AND:1", "type=text/plain:4", "type=text/markdown:2"}));
}

TEST_F(IndexTest, SaysWhenItLookedAtTheNewestOnly) {
    Index index = open({.ranked_max = 20});
    std::vector<ports::Document> documents;
    for (int i = 0; i < 50; ++i) documents.push_back(document(std::to_string(i), i % 2 == 0 ? "common" : "common rare"));
    ASSERT_TRUE(index.index(documents));
    ASSERT_TRUE(index.commit("feed", 1));
    ports::Query query;
    query.text = "common";
    query.limit = 20;
    const auto hits = index.search(query, [] { return false; });
    ASSERT_TRUE(hits);
    EXPECT_TRUE(hits->partial);
    EXPECT_EQ(hits->total, 20u);
    for (const auto& hit : hits->hits) EXPECT_GE(std::stoi(hit.id), 30) << "not of the newest";
    query.text = "common tag:none";
    EXPECT_FALSE(index.search(query, [] { return false; })->partial);
}

TEST_F(IndexTest, RefusesWhatIsTooLarge) {
    Index index = filled();
    ports::Query query;
    query.limit = 1001;
    EXPECT_EQ(index.search(query, [] { return false; }).error().reason(), "query-too-large");
    query = {.offset = 9990};
    EXPECT_EQ(index.search(query, [] { return false; }).error().reason(), "query-too-large");
    query = {.facets = 101};
    EXPECT_EQ(index.search(query, [] { return false; }).error().reason(), "query-too-large");
    query = {.excerpt_bytes = 4097};
    EXPECT_EQ(index.search(query, [] { return false; }).error().reason(), "query-too-large");
    expect_reason(index.index({document("", "x")}), "bad-document");
    expect_reason(index.index({document("fine", "x"), document(std::string(257, 'i'), "x")}), "bad-document");
    EXPECT_EQ(ids(index, "x"), std::set<std::string>{});
}

TEST_F(IndexTest, StopsWhenItIsTold) {
    Index index = open();
    std::vector<ports::Document> documents;
    for (int i = 0; i < 20'000; ++i) documents.push_back(document(std::to_string(i), "word"));
    ASSERT_TRUE(index.index(documents));
    ASSERT_TRUE(index.commit("feed", 1));
    ports::Query query;
    query.text = "word -tag:x";
    const auto stopped = index.search(query, [] { return true; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().reason(), "query-too-slow");
    EXPECT_TRUE(find(index, "word"));
}

TEST_F(IndexTest, ADamagedFileIsNamedAndClearMakesItUsable) {
    { Index index = filled(); }
    {
        std::fstream file(folder_.path() / "index.db", std::ios::in | std::ios::out | std::ios::binary);
        file << "this is no database, whatever the name says it is";
    }
    Index index = open();
    EXPECT_EQ(find(index, "fox").error().reason(), "index-damaged");
    expect_reason(index.index({document("x", "x")}), "index-damaged");
    EXPECT_EQ(index.status().error().reason(), "index-damaged");
    ASSERT_TRUE(index.clear());
    EXPECT_EQ(index.status()->documents, 0u);
    EXPECT_EQ(index.status()->feed, "");
    ASSERT_TRUE(index.index({document("x", "x")}));
    ASSERT_TRUE(index.commit("other", 3));
    EXPECT_EQ(ids(index, "x"), std::set<std::string>{"x"});
}

TEST_F(IndexTest, DamageAnywhereIsAnErrorAndNeverACrash) {
    { Index index = filled(); }
    const auto path = folder_.path() / "index.db";
    std::string bytes;
    {
        std::ifstream file(path, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    for (std::size_t at = 100; at < bytes.size(); at += 1009) {
        std::string damaged = bytes;
        for (std::size_t i = at; i < std::min(at + 16, damaged.size()); ++i) damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
        std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
        Index index = open();
        for (const char* text : {"fox", "dog nature", "", "tag:draft", "fo*", "\"lazy dog\""}) {
            const auto hits = find(index, text);
            EXPECT_TRUE(hits || hits.error().reason() == "index-damaged" || hits.error().reason() == "io") << hits.error().message();
        }
    }
}

TEST_F(IndexTest, FindsPhrasesOfShortWordsAsThoseOfLongOnes) {
    // Pairs of short neighbours are found by a token of their own: a string finds what it says and nothing else.
    Index index = open();
    auto named = document("named", "an ape");
    named.name = "end of the day";
    named.tags = {"of the"};
    ASSERT_TRUE(index.index({document("a", "End of\nthe  year"), document("b", "of others the end"), document("c", "ofthe o fthe"), document("d", "the of"), named}));
    ASSERT_TRUE(index.commit("feed", 1));
    using Ids = std::set<std::string>;
    EXPECT_EQ(ids(index, "\"of the\""), (Ids{"a", "named"}));
    EXPECT_EQ(ids(index, "text:\"of the\""), (Ids{"a"}));
    EXPECT_EQ(ids(index, "name:\"of the\""), (Ids{"named"}));
    EXPECT_EQ(ids(index, "\"of the\" tag:\"of the\""), (Ids{"named"}));
    EXPECT_EQ(ids(index, "\"of the\" -tag:\"of the\""), (Ids{"a"}));
    EXPECT_EQ(ids(index, "\"of the\" year"), (Ids{"a"}));
    EXPECT_EQ(ids(index, "\"end of the\""), (Ids{"a", "named"}));
    EXPECT_EQ(ids(index, "\"of the\" OR \"an ape\" OR \"the of\""), (Ids{"a", "d", "named"}));
    ASSERT_TRUE(index.remove({"a"}));
    ASSERT_TRUE(index.index({document("named", "of an age")}));
    ASSERT_TRUE(index.commit("feed", 2));
    EXPECT_EQ(ids(index, "\"of the\""), Ids{});
    EXPECT_EQ(ids(index, "\"of an\" OR tag:\"of the\""), (Ids{"named"}));
}

TEST_F(IndexTest, NoWordOfATextIsTakenForATokenOfTheIndex) {
    // The letter that marks tokens, in words that a tag, a type and a pair would have.
    Index index = open();
    auto tagged = document("tagged", "of the");
    tagged.tags = {"ab"};
    tagged.type = "cd";
    ASSERT_TRUE(index.index({tagged, document("says", "\xEA\x9F\xBFt6162 \xEA\x9F\xBFy6364 of\xEA\x9F\xBFthe")}));
    ASSERT_TRUE(index.commit("feed", 1));
    using Ids = std::set<std::string>;
    EXPECT_EQ(ids(index, "\xEA\x9F\xBFt6162"), (Ids{"says"}));
    EXPECT_EQ(ids(index, "\xEA\x9F\xBFt*"), (Ids{"says"}));
    EXPECT_EQ(ids(index, "of\xEA\x9F\xBFthe"), (Ids{"says"}));
    EXPECT_EQ(ids(index, "\"\xEA\x9F\xBFy6364 \xEA\x9F\xBFt6162\""), Ids{});
    EXPECT_EQ(ids(index, "\"of the\""), (Ids{"tagged"}));
    EXPECT_EQ(ids(index, "of tag:ab"), (Ids{"tagged"}));
    EXPECT_EQ(ids(index, "the -tag:ab"), Ids{});
    EXPECT_EQ(ids(index, "(of OR y6364) type:cd"), (Ids{"tagged"}));
}
