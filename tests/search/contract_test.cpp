// SPDX-License-Identifier: Apache-2.0
// What search/1 promises, held against every provider that this build has, in the host's process and in one of its own.
#include "provider.hpp"

#include <symphony/sandbox/machine.hpp>
#include <symphony/testing.hpp>
#include <symphony/utf8.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <fstream>
#include <random>
#include <set>

using symphony::Result;
using symphony::Status;
using symphony::search_tests::Provider;
namespace host = symphony::host;
namespace ports = symphony::ports;

namespace {

using Ids = std::set<std::string>;

const nlohmann::json& vectors() {
    static const nlohmann::json table = nlohmann::json::parse(std::ifstream(SYMPHONY_SEARCH_VECTORS));
    return table;
}

std::vector<ports::Document> vector_documents() {
    std::vector<ports::Document> documents;
    for (const auto& item : vectors().at("documents")) {
        documents.push_back({item.at("id"), item.at("name"), item.at("text"), item.at("type"), item.at("tags"), item.at("inputs"), item.at("date_unix_ms")});
    }
    return documents;
}

ports::Document document(std::string id, std::string text, std::vector<std::string> tags = {}) {
    return {.id = std::move(id), .text = std::move(text), .tags = std::move(tags)};
}

struct Where {
    const char* plugin;
    bool isolated;
};

std::vector<Where> everywhere() {
    std::vector<Where> all;
    for (const char* plugin : {"search-fts", "search-tantivy"}) {
        if (!std::filesystem::exists(std::filesystem::path(SYMPHONY_SEARCH_PLUGINS) / plugin / "manifest.toml")) continue;
        all.push_back({plugin, false});
        all.push_back({plugin, true});
    }
    return all;
}

class SearchContract : public testing::TestWithParam<Where> {
protected:
    void SetUp() override {
        if (!GetParam().isolated) return;
        if (symphony::sandbox::Machine::probe().grade < symphony::sandbox::Grade::no_namespaces) GTEST_SKIP() << "this machine cannot isolate well enough";
        host::Isolation::Options options;
        options.runner = SYMPHONY_SEARCH_RUNNER;
        isolation_ = std::make_unique<host::Isolation>(std::move(options));
    }
    std::unique_ptr<Provider> start() {
        auto provider = Provider::start(GetParam().plugin, folder_.path(), isolation_.get());
        if (!provider) {
            ADD_FAILURE() << provider.error().message();
            std::abort();
        }
        return std::move(*provider);
    }
    std::unique_ptr<Provider> filled() {
        auto provider = start();
        expect_done(provider->index(vector_documents()));
        expect_done(provider->commit("feed", 8));
        return provider;
    }
    static void expect_done(const Status& status) { EXPECT_TRUE(status) << status.error().reason() << ": " << status.error().message(); }
    static Ids found(Provider& provider, const ports::Query& query) {
        const auto hits = provider.search(query);
        EXPECT_TRUE(hits) << query.text << ": " << hits.error().message();
        Ids all;
        if (!hits) return all;
        for (const auto& hit : hits->hits) EXPECT_TRUE(all.insert(hit.id).second) << "twice: " << hit.id;
        return all;
    }
    static Ids ids(Provider& provider, const std::string& text) { return found(provider, {.text = text, .limit = 1000}); }
    static std::string refusal(Provider& provider, const ports::Query& query) {
        const auto hits = provider.search(query);
        return hits ? "none" : std::string(hits.error().reason());
    }

    symphony::testing::TempFolder folder_;
    std::unique_ptr<host::Isolation> isolation_;
};

std::string name_of(const testing::TestParamInfo<Where>& info) {
    return std::string(info.param.plugin + std::string_view("search-").size()) + (info.param.isolated ? "Isolated" : "InProcess");
}

} // namespace

TEST_P(SearchContract, MatchesWhatTheTableSays) {
    const auto provider = filled();
    for (const auto& item : vectors().at("queries")) {
        const std::string query = item.at("query");
        const Ids expected = item.at("matches").get<Ids>();
        EXPECT_EQ(ids(*provider, query), expected) << query;
        EXPECT_EQ(found(*provider, {.text = query, .newest_first = true}), expected) << query;
        EXPECT_EQ(provider->search({.text = query, .limit = 1})->total, expected.size()) << query;
    }
    for (const auto& item : vectors().at("errors")) EXPECT_EQ(refusal(*provider, {.text = item.at("query")}), item.at("reason")) << item;
}

TEST_P(SearchContract, CommitMakesVisibleAndDurableWithTheWatermark) {
    {
        const auto provider = filled();
        expect_done(provider->index({document("late", "unicorn")}));
        expect_done(provider->remove({"a1", "nobody"}));
        EXPECT_EQ(provider->status()->pending, 3u);
        EXPECT_EQ(provider->status()->watermark, 8u);
    }
    {
        const auto provider = start();
        EXPECT_EQ(ids(*provider, "unicorn OR revenue"), (Ids{"a1"})) << "what was not committed is gone, as one";
        const auto status = provider->status();
        ASSERT_TRUE(status);
        EXPECT_EQ(status->documents, 8u);
        EXPECT_EQ(status->feed, "feed");
        EXPECT_EQ(status->watermark, 8u);
        EXPECT_EQ(status->pending, 0u);
        EXPECT_GT(status->size_bytes, 0u);
        expect_done(provider->index({document("late", "unicorn")}));
        expect_done(provider->remove({"a1"}));
        expect_done(provider->commit("other feed", UINT64_MAX));
        EXPECT_EQ(ids(*provider, "unicorn OR revenue"), (Ids{"late"})) << "visible when commit returned";
    }
    const auto provider = start();
    EXPECT_EQ(ids(*provider, "unicorn OR revenue"), (Ids{"late"}));
    EXPECT_EQ(provider->status()->feed, "other feed");
    EXPECT_EQ(provider->status()->watermark, UINT64_MAX);
}

TEST_P(SearchContract, TheLastDocumentOfAnIdCounts) {
    const auto provider = filled();
    expect_done(provider->index({document("a1", "pigeon"), document("a1", "pelican", {"bird", "bird"}), document("a7", "gone")}));
    expect_done(provider->remove({"a7"}));
    expect_done(provider->index({document("a2", "first")}));
    expect_done(provider->index({document("a2", "second")}));
    expect_done(provider->commit("feed", 9));
    EXPECT_EQ(ids(*provider, "pigeon OR revenue OR tag:finance OR fox OR gone OR first"), Ids{});
    EXPECT_EQ(ids(*provider, "pelican tag:bird"), Ids{"a1"});
    EXPECT_EQ(ids(*provider, "second"), Ids{"a2"});
    EXPECT_EQ(provider->status()->documents, 7u);
    EXPECT_EQ(provider->search({.text = "tag:bird", .facets = 5})->facets, (std::vector<ports::FacetCount>{{"tag", "bird", 1}}));
}

TEST_P(SearchContract, PagesWithoutGapsAndRepeats) {
    const auto provider = start();
    std::vector<ports::Document> documents;
    for (int i = 0; i < 57; ++i) documents.push_back(document("d" + std::to_string(i), "same words"));
    for (std::size_t i = 0; i < documents.size(); i += 10) {
        const auto from = documents.begin() + static_cast<std::ptrdiff_t>(i);
        expect_done(provider->index({from, from + static_cast<std::ptrdiff_t>(std::min<std::size_t>(10, documents.size() - i))}));
        expect_done(provider->commit("feed", i));
    }
    for (const char* text : {"same", "", "wor*", "same words"}) {
        Ids seen;
        for (std::uint32_t offset = 0; offset < 60; offset += 10) {
            for (const std::string& id : found(*provider, {.text = text, .offset = offset, .limit = 10})) EXPECT_TRUE(seen.insert(id).second) << text << ": " << id;
        }
        EXPECT_EQ(seen.size(), 57u) << text;
    }
}

TEST_P(SearchContract, ShowsExcerptsAndCountsFacets) {
    const auto provider = filled();
    const auto hits = provider->search({.text = "\"lazy dog\" reven*", .facets = 2, .excerpt_bytes = 200});
    ASSERT_TRUE(hits) << hits.error().message();
    ASSERT_EQ(hits->hits.size(), 1u);
    const auto& hit = hits->hits[0];
    ASSERT_EQ(hit.highlights.size(), 4u);
    EXPECT_EQ(hit.excerpt.substr(hit.highlights[0], hit.highlights[1]), "lazy dog");
    EXPECT_EQ(hit.excerpt.substr(hit.highlights[2], hit.highlights[3]), "Revenue");
    EXPECT_GT(hit.score, 0);
    EXPECT_EQ(hits->facets, (std::vector<ports::FacetCount>{{"tag", "draft", 1}, {"tag", "finance", 1}, {"type", "text/plain", 1}}));
    const auto many = provider->search({.text = "type:text/*", .limit = 1, .facets = 2});
    ASSERT_TRUE(many);
    EXPECT_EQ(many->total, 7u);
    EXPECT_EQ(many->facets, (std::vector<ports::FacetCount>{{"tag", "nature", 2}, {"tag", "AND", 1}, {"type", "text/plain", 4}, {"type", "text/markdown", 2}}));
}

TEST_P(SearchContract, RanksTheNameAboveTheTextAndTheNewestFirstWithoutWords) {
    const auto provider = filled();
    EXPECT_EQ(provider->search({.text = "dog"})->hits.at(0).id, "a7");
    std::vector<std::string> order;
    const auto newest = provider->search({.text = "date:2026"});
    ASSERT_TRUE(newest);
    for (const auto& hit : newest->hits) order.push_back(hit.id);
    EXPECT_EQ(order, (std::vector<std::string>{"a8", "a7", "a6", "a2", "a1"}));
}

TEST_P(SearchContract, SaysSoWhereTheEndOfAStringStandsForMoreThanItLooksAt) {
    constexpr std::uint64_t many = 10'500;
    const auto provider = start();
    std::vector<ports::Document> documents;
    for (std::uint64_t i = 0; i < many; ++i) documents.push_back(document("d" + std::to_string(i), "some zz" + std::to_string(i)));
    expect_done(provider->index(documents));
    expect_done(provider->commit("feed", 1));
    const auto hits = provider->search({.text = "\"some zz\"*", .limit = 1});
    ASSERT_TRUE(hits) << hits.error().message();
    EXPECT_TRUE(hits->partial ? hits->total < many : hits->total == many) << hits->total;
    const auto few = provider->search({.text = "\"some zz1040\"*", .limit = 1});
    ASSERT_TRUE(few) << few.error().message();
    EXPECT_FALSE(few->partial);
    EXPECT_EQ(few->total, 11u) << "1040 and 10400 to 10409";
}

TEST_P(SearchContract, RefusesWhatIsNotAllowed) {
    const auto provider = filled();
    EXPECT_EQ(refusal(*provider, {.limit = 1001}), "query-too-large");
    EXPECT_EQ(refusal(*provider, {.offset = 9990}), "query-too-large");
    EXPECT_EQ(refusal(*provider, {.facets = 101}), "query-too-large");
    EXPECT_EQ(refusal(*provider, {.excerpt_bytes = 4097}), "query-too-large");
    EXPECT_EQ(found(*provider, {.offset = 9980}), Ids{});
    for (const std::string& id : {std::string(), std::string(257, 'i')}) {
        const Status refused = provider->index({document("fine", "zebra"), document(id, "zebra")});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason(), "bad-document");
    }
    expect_done(provider->commit("feed", 9));
    EXPECT_EQ(ids(*provider, "zebra"), Ids{});
}

TEST_P(SearchContract, ClearForgetsEverythingAndIsUsableAtOnce) {
    const auto provider = filled();
    expect_done(provider->clear());
    EXPECT_EQ(provider->status()->documents, 0u);
    EXPECT_EQ(provider->status()->feed, "");
    EXPECT_EQ(provider->status()->watermark, 0u);
    EXPECT_EQ(ids(*provider, ""), Ids{});
    expect_done(provider->index({document("x", "phoenix")}));
    expect_done(provider->commit("feed", 1));
    EXPECT_EQ(ids(*provider, "phoenix"), Ids{"x"});
}

TEST_P(SearchContract, DamageIsNamedAndClearMendsIt) {
    { const auto provider = filled(); }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() / "state")) {
        if (!entry.is_regular_file() || entry.path().extension() == ".lock") continue;
        std::ofstream(entry.path(), std::ios::binary | std::ios::trunc) << "neither a database nor a segment " << std::string(5000, '?');
    }
    const auto provider = start();
    EXPECT_EQ(refusal(*provider, {.text = "fox"}), "index-damaged");
    const Status refused = provider->index({document("x", "x")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason(), "index-damaged");
    expect_done(provider->clear());
    expect_done(provider->index({document("x", "phoenix")}));
    expect_done(provider->commit("feed", 1));
    EXPECT_EQ(ids(*provider, "phoenix"), Ids{"x"});
}

TEST_P(SearchContract, EndsWithoutLeavingAnythingBehind) {
    const auto provider = filled();
    for (int i = 0; i < 12; ++i) {
        expect_done(provider->index({document(std::to_string(i), "many small commits make merges")}));
        expect_done(provider->commit("feed", 9 + static_cast<std::uint64_t>(i)));
    }
    provider->stop();
    EXPECT_EQ(provider->misuse(), "");
    EXPECT_EQ(ids(*start(), "merges").size(), 12u);
}

INSTANTIATE_TEST_SUITE_P(Providers, SearchContract, testing::ValuesIn(everywhere()), name_of);

namespace {

/// Documents and queries by chance, over few words so that much matches.
class Chance {
public:
    explicit Chance(std::uint32_t seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return engine_() % n; }
    std::string word() {
        static constexpr const char* words[] = {"ape", "apes", "bee", "cat", "\xC3\xA4pe", "dog", "elk", "elks", "fox", "fog", "gnu", "42"};
        return words[below(std::size(words))];
    }
    /// The first two letters of a word.
    std::string begin() {
        const std::string whole = word();
        return whole.substr(0, static_cast<unsigned char>(whole[0]) < 0x80 ? 2 : 3);
    }
    ports::Document document(std::size_t number) {
        ports::Document made;
        made.id = "d" + std::to_string(number);
        for (std::size_t i = below(4); i > 0; --i) made.name += word() + " ";
        for (std::size_t i = below(12); i > 0; --i) made.text += word() + (below(4) == 0 ? ", " : " ");
        made.type = below(2) == 0 ? "text/plain" : "text/html";
        for (std::size_t i = below(3); i > 0; --i) made.tags.push_back(word());
        for (std::size_t i = below(3); i > 0 && number > 0; --i) made.inputs.push_back("d" + std::to_string(below(number)));
        made.date_unix_ms = (18'000 + below(900)) * 86'400'000;
        return made;
    }
    std::string term() {
        switch (below(11)) {
        case 0: return "\"" + word() + " " + word() + (below(3) == 0 ? " " + word() : "") + "\"";
        case 1: return begin() + "*";
        case 2: return "\"" + word() + " " + begin() + "\"*";
        case 3: return "name:" + word();
        case 4: return "tag:" + word();
        case 5: return "type:text/" + std::string(below(2) == 0 ? "h*" : "plain");
        case 6: return "date:20" + std::to_string(19 + below(3)) + (below(2) == 0 ? ".." : "");
        case 7: return "input:d" + std::to_string(below(60));
        case 8: return (below(2) == 0 ? "name:\"" : "text:\"") + word() + " " + word() + "\"";
        default: return word();
        }
    }
    std::string query(int depth) {
        if (depth == 0 || below(3) == 0) return (below(5) == 0 ? "NOT " : "") + term();
        static constexpr const char* between[] = {" ", " AND ", " OR ", " -"};
        const std::string left = query(depth - 1), right = query(depth - 1);
        const std::string joined = "(" + left + ")" + between[below(4)] + "(" + right + ")";
        return below(6) == 0 ? "NOT (" + joined + ")" : joined;
    }

private:
    std::mt19937 engine_;
};

} // namespace

TEST(SearchDifferential, ProvidersMatchTheSameDocuments) {
    if (everywhere().size() < 4) GTEST_SKIP() << "this build has one provider";
    const char* given = std::getenv("SYMPHONY_SEED");
    const auto seed = static_cast<std::uint32_t>(given != nullptr ? std::atoi(given) : 20261127);
    SCOPED_TRACE("SYMPHONY_SEED=" + std::to_string(seed));
    const symphony::testing::TempFolder folder;
    auto fts = Provider::start("search-fts", folder.path() / "fts"), tantivy = Provider::start("search-tantivy", folder.path() / "tantivy");
    ASSERT_TRUE(fts && tantivy);
    Chance chance(seed);
    for (std::uint64_t round = 0; round < 4; ++round) {
        std::vector<ports::Document> documents;
        for (std::size_t i = 0; i < 120; ++i) documents.push_back(chance.document(chance.below(300)));
        std::vector<std::string> gone;
        for (std::size_t i = 0; i < 10; ++i) gone.push_back("d" + std::to_string(chance.below(300)));
        for (Provider* provider : {fts->get(), tantivy->get()}) {
            ASSERT_TRUE(provider->index(documents));
            ASSERT_TRUE(provider->remove(gone));
            ASSERT_TRUE(provider->commit("feed", round));
        }
        EXPECT_EQ((*fts)->status()->documents, (*tantivy)->status()->documents);
        for (int i = 0; i < 500; ++i) {
            const ports::Query query{.text = chance.query(3), .limit = 1000, .facets = 20, .excerpt_bytes = 60, .newest_first = chance.below(2) == 0};
            SCOPED_TRACE(query.text);
            const auto ours = (*fts)->search(query), theirs = (*tantivy)->search(query);
            ASSERT_TRUE(ours && theirs) << (ours ? theirs : ours).error().message();
            const auto shown = [](const ports::Hits& hits) {
                std::map<std::string, std::pair<std::string, std::vector<std::uint32_t>>> all;
                for (const auto& hit : hits.hits) all[hit.id] = {hit.excerpt, hit.highlights};
                return all;
            };
            ASSERT_EQ(shown(*ours), shown(*theirs));
            ASSERT_EQ(ours->total, theirs->total);
            ASSERT_EQ(ours->facets, theirs->facets);
        }
    }
}
