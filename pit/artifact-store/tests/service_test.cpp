// SPDX-License-Identifier: Apache-2.0
#include "artifact_store.hpp"

#include <symphony/ports/search.hpp>
#include <symphony/testing.hpp>

#include <gmock/gmock.h>

#include <openssl/sha.h>

#include <algorithm>
#include <map>
#include <random>

namespace symphony::store {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string sha256(std::string_view content) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
    Digest out;
    std::copy(digest.begin(), digest.end(), out.bytes.begin());
    return out.hex();
}

/// search/1 in memory: enough to see what is fed, when, and under which watermark.
class MemorySearch final : public ports::Search {
public:
    struct State {
        std::mutex mutex;
        std::map<std::string, ports::Document> documents;
        std::string feed;
        std::uint64_t watermark = 0;
        int clears = 0, commits = 0;
    };
    static State& state() {
        static State one;
        return one;
    }
    static void reset() {
        const std::lock_guard lock(state().mutex);
        state().documents.clear();
        state().feed.clear();
        state().watermark = 0;
        state().clears = state().commits = 0;
    }

    Result<void> index(Call&, const std::vector<ports::Document>& documents) override {
        const std::lock_guard lock(state().mutex);
        for (const auto& document : documents) state().documents[document.id] = document;
        return {};
    }
    Result<void> remove(Call&, const std::vector<std::string>& ids) override {
        const std::lock_guard lock(state().mutex);
        for (const auto& id : ids) state().documents.erase(id);
        return {};
    }
    Result<ports::Hits> search(Call&, const ports::Query& query) override {
        if (query.text == "(") return Error(Code::invalid_argument, "bad-query", "a parenthesis is not closed");
        const std::lock_guard lock(state().mutex);
        ports::Hits hits;
        for (const auto& [id, document] : state().documents) {
            if (document.text.find(query.text) == std::string::npos && document.name.find(query.text) == std::string::npos) continue;
            hits.hits.push_back({id, 1.5, document.text.substr(0, 20), {0, 1}});
        }
        hits.total = hits.hits.size();
        return hits;
    }
    Result<void> commit(Call&, std::string_view feed, std::uint64_t watermark) override {
        const std::lock_guard lock(state().mutex);
        state().feed = feed;
        state().watermark = watermark;
        ++state().commits;
        return {};
    }
    Result<ports::IndexStatus> status(Call&) override {
        const std::lock_guard lock(state().mutex);
        ports::IndexStatus out;
        out.documents = state().documents.size();
        out.feed = state().feed;
        out.watermark = state().watermark;
        return out;
    }
    Result<void> clear(Call&) override {
        const std::lock_guard lock(state().mutex);
        state().documents.clear();
        state().feed.clear();
        state().watermark = 0;
        ++state().clears;
        return {};
    }
};

class ServiceTest : public ::testing::Test {
protected:
    void start(bool with_search = false) {
        host_ = std::make_unique<symphony::testing::FakeHost>();
        host_->grant_files("state", folder_.path() / "state");
        host_->grant_files("selected", folder_.path());
        std::filesystem::create_directories(folder_.path() / "state");
        if (with_search) {
            ASSERT_TRUE(host_->add<MemorySearch>("memory-search"));
        }
        const auto added = host_->add("artifact-store", symphony::testing::descriptor_of<ArtifactStorePlugin, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING>(), config_);
        ASSERT_TRUE(added) << added.error().message();
        client_.emplace(*ports::ArtifactStoreClient::acquire(host_->host(), "artifact-store"));
    }
    void TearDown() override {
        client_.reset();
        host_.reset();
    }

    ports::ArtifactInfo put(std::string_view content, const ports::PutOptions& options = {}) {
        const auto info = client_->put(Buffer::copy(content), options);
        if (!info) {
            ADD_FAILURE() << info.error().message();
            return {};
        }
        return *info;
    }
    ports::ArtifactInfo put_named(std::string_view content, std::string name) {
        ports::PutOptions options;
        options.name = std::move(name);
        options.media_type = "text/plain";
        return put(content, options);
    }
    template <class T>
    void expect_error(const Result<T>& result, std::string_view reason) {
        ASSERT_FALSE(result) << "expected " << reason;
        EXPECT_EQ(result.error().reason(), reason) << result.error().message();
    }

    symphony::testing::TempFolder folder_;
    Value config_ = ValueBuilder().map().end().build();
    std::unique_ptr<symphony::testing::FakeHost> host_;
    std::optional<ports::ArtifactStoreClient> client_;
};

TEST_F(ServiceTest, KeepsBytesUnderTheirSha256) {
    start();
    const auto info = put("hello\n");
    EXPECT_EQ(info.id, sha256("hello\n"));
    EXPECT_EQ(info.size, 6u);
    EXPECT_EQ(client_->get(info.id, 0, 0)->text(), "hello\n");
    EXPECT_EQ(client_->get(info.id.substr(0, 8), 1, 3)->text(), "ell");
    EXPECT_EQ(put("").id, sha256(""));
    EXPECT_EQ(client_->get(sha256(""), 0, 0)->size(), 0u);
}

TEST_F(ServiceTest, SaysWhatIsWrongWithAReasonThatStays) {
    start();
    expect_error(client_->get(std::string(64, '0'), 0, 0), "no-store");
    put("hello\n");
    expect_error(client_->get(std::string(64, '0'), 0, 0), "unknown-artifact");
    expect_error(client_->get("no such name", 0, 0), "unknown-artifact");
    expect_error(client_->get("../../etc/passwd", 0, 0), "unknown-artifact");
    expect_error(client_->get("", 0, 0), "unknown-artifact");
    expect_error(client_->get(sha256("hello\n"), 7, 0), "bad-range");
    expect_error(client_->get(sha256("hello\n"), 5, 2), "bad-range");
    expect_error(client_->get(sha256("hello\n"), 1, ~std::uint64_t{0}), "bad-range");
    const auto refused = [&](auto change, std::string_view reason) {
        ports::PutOptions options;
        change(options);
        expect_error(client_->put(Buffer::copy("x"), options), reason);
        expect_error(client_->begin_put(options), reason);
    };
    refused([](auto& options) { options.name = "line\nbreak"; }, "bad-name");
    refused([](auto& options) { options.name = std::string(1025, 'n'); }, "bad-name");
    refused([](auto& options) { options.tags = {""}; }, "bad-tag");
    refused([](auto& options) { options.tags = {std::string(256, 't')}; }, "bad-tag");
    refused([](auto& options) { options.tags.assign(65, "t"); }, "too-many");
    refused([](auto& options) { options.message = std::string(65'537, 'm'); }, "bad-text");
    refused([](auto& options) { options.inputs = {"no such name"}; }, "unknown-artifact");
    expect_error(client_->set_quality(sha256("hello\n"), 1.5), "bad-quality");
    expect_error(client_->lease(sha256("hello\n"), 0), "bad-time");
    expect_error(client_->lease(sha256("hello\n"), 31ull * 24 * 3'600'000), "bad-time");
    expect_error(client_->renew(4711, 1000), "unknown-lease");
}

TEST_F(ServiceTest, StoresAContentInParts) {
    start();
    std::mt19937 random(7);
    std::string content(5'000'000, '\0');
    std::generate(content.begin(), content.end(), [&] { return static_cast<char>(random()); });
    ports::PutOptions options;
    options.name = "big";
    const auto upload = client_->begin_put(options);
    ASSERT_TRUE(upload) << upload.error().message();
    EXPECT_EQ(upload->handle.size(), 32u);
    const Buffer whole = Buffer::copy(content);
    for (std::size_t at = 0; at < content.size(); at += 1'000'000) {
        const auto part = whole.slice(at, 1'000'000);
        ASSERT_EQ(*client_->append_put(upload->handle, at, part), at + part.size());
        ASSERT_EQ(*client_->append_put(upload->handle, at, part), at + part.size()) << "the same part again, after a lost answer";
    }
    expect_error(client_->append_put(upload->handle, 3, whole.slice(0, 5)), "wrong-offset");
    expect_error(client_->finish_put(upload->handle, 4'999'999), "wrong-offset");
    expect_error(client_->info("big"), "unknown-artifact");
    EXPECT_EQ(client_->stats()->uploads, 1u);
    const auto info = client_->finish_put(upload->handle, content.size());
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->id, sha256(content));
    expect_error(client_->append_put(upload->handle, content.size(), whole.slice(0, 5)), "unknown-upload");
    expect_error(client_->finish_put(upload->handle, content.size()), "unknown-upload");
    EXPECT_TRUE(client_->abandon_put(upload->handle));

    std::string streamed;
    CallOptions<ports::ContentPart> call;
    call.on_part = [&](const ports::ContentPart& part) {
        EXPECT_EQ(part.offset, streamed.size());
        EXPECT_LE(part.content.size(), 700'000u);
        streamed += part.content.text();
    };
    ASSERT_TRUE(client_->stream("big", 0, 0, 700'000, call));
    EXPECT_EQ(sha256(streamed), info->id);
    EXPECT_EQ(client_->get("big@1", 4'000'000, 1000)->text(), std::string_view(content).substr(4'000'000, 1000));
}

TEST_F(ServiceTest, ForgetsUploadsThatAreAbandoned) {
    start();
    const auto upload = client_->begin_put({});
    ASSERT_TRUE(client_->append_put(upload->handle, 0, Buffer::copy("some")));
    EXPECT_TRUE(client_->abandon_put(upload->handle));
    expect_error(client_->finish_put(upload->handle, 4), "unknown-upload");
    expect_error(client_->info(sha256("some")), "unknown-artifact");
    for (std::size_t i = 0; i < Uploads::uploads_max; ++i) ASSERT_TRUE(client_->begin_put({}));
    expect_error(client_->begin_put({}), "too-many-uploads");
}

TEST(Uploads, EndsWhatIsSilentForTooLong) {
    symphony::testing::FakeHost host;
    symphony::testing::TempFolder folder;
    host.grant_files("state", folder.path());
    Session session(host.host(), {}, {}, [] { return Result<std::optional<Secret>>(std::optional<Secret>()); }, "test", "test");
    auto store = session.writer({}, true);
    ASSERT_TRUE(store) << store.error().message();
    Uploads uploads(std::chrono::milliseconds(1000));
    const auto handle = uploads.begin(*store, {});
    ASSERT_TRUE(handle);
    uploads.sweep(Uploads::Clock::now());
    EXPECT_EQ(uploads.count(), 1u);
    uploads.sweep(Uploads::Clock::now() + std::chrono::milliseconds(2000));
    EXPECT_EQ(uploads.count(), 0u);
    EXPECT_EQ(uploads.append(*handle, 0, bytes_of("x")).error().reason(), "unknown-upload");
}

TEST_F(ServiceTest, CountsVersionsOfANameAndGuardsThem) {
    start();
    const auto first = put_named("one", "notes");
    const auto second = put_named("two", "notes");
    EXPECT_EQ(first.version, 1u);
    EXPECT_EQ(second.version, 2u);
    EXPECT_EQ(second.parent, first.id);
    EXPECT_EQ(client_->info("notes")->id, second.id);
    EXPECT_EQ(client_->info("notes@1")->id, first.id);
    const auto history = client_->history("notes", 0, 0);
    ASSERT_EQ(history->size(), 2u);
    EXPECT_EQ(history->front().version, 2u);
    ports::PutOptions options;
    options.name = "notes";
    options.after_version = 1;
    expect_error(client_->put(Buffer::copy("three"), options), "newer-version");
    options.after_version = 2;
    EXPECT_EQ(put("three", options).version, 3u);
    put_named("x", "others");
    EXPECT_EQ(client_->names("", "", 1)->items.front().name, "notes");
    EXPECT_EQ(client_->names("", client_->names("", "", 1)->next, 5)->items.front().name, "others");
}

TEST_F(ServiceTest, TracesLineageInBothDirections) {
    start();
    const auto source = put_named("scan", "scan.png");
    ports::PutOptions options;
    options.name = "scan.txt";
    options.inputs = {"scan.png"};
    options.made_by = {"run-7", "recognise", "tesseract@1.0.0"};
    const auto text = put("text", options);
    const auto inputs = client_->lineage("scan.txt", ports::LineageDirection::inputs, 0, 0);
    ASSERT_EQ(inputs->size(), 2u);
    EXPECT_EQ(inputs->front().origins.front().made_by.node, "recognise");
    EXPECT_EQ(inputs->back().id, source.id);
    const auto outputs = client_->lineage(source.id, ports::LineageDirection::outputs, 0, 0);
    ASSERT_EQ(outputs->size(), 2u);
    EXPECT_EQ(outputs->back().id, text.id);
    const auto listed = client_->list({"", "", "", "", "run-7", 0, 0}, "", 0);
    ASSERT_EQ(listed->items.size(), 1u);
    EXPECT_EQ(listed->items.front().id, text.id);
}

TEST_F(ServiceTest, KeepsWhatIsHeldPinnedReferredToOrLeased) {
    start();
    const auto info = put("keep me");
    const auto other = put("me too");
    EXPECT_TRUE(client_->hold(info.id, true, "case 7"));
    EXPECT_EQ(client_->info(info.id)->hold_reason, "case 7");
    expect_error(client_->remove(info.id), "held");
    EXPECT_TRUE(client_->hold(info.id, false, ""));
    EXPECT_TRUE(client_->pin(info.id, true));
    expect_error(client_->remove(info.id), "held");
    EXPECT_TRUE(client_->pin(info.id, false));
    EXPECT_TRUE(client_->refer("workflow:x", info.id, false));
    expect_error(client_->remove(info.id), "held");
    EXPECT_TRUE(client_->unrefer("workflow:x", info.id));
    EXPECT_TRUE(client_->unrefer("workflow:x", info.id)) << "again is no fault";
    const auto lease = client_->lease(info.id, 60'000);
    ASSERT_TRUE(lease);
    expect_error(client_->remove(info.id), "held");
    EXPECT_TRUE(client_->renew(*lease, 120'000));
    EXPECT_TRUE(client_->release(*lease));
    EXPECT_TRUE(client_->release(*lease)) << "again is no fault";
    EXPECT_TRUE(client_->remove(info.id));
    expect_error(client_->info(info.id), "unknown-artifact");
    EXPECT_TRUE(client_->info(other.id));
    EXPECT_TRUE(client_->verify({})->good);
    EXPECT_TRUE(client_->collect({}));
}

TEST_F(ServiceTest, ExplainsAndKeepsTheQuality) {
    start();
    const auto info = put_named("some words\n", "notes");
    EXPECT_LT(info.quality, 0);
    const auto report = client_->assess("notes");
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->parts.size(), 3u);
    EXPECT_EQ(client_->info("notes")->quality, report->score);
}

class HalfScorer final : public ports::Operator {
public:
    Result<Value> apply(Call&, std::string_view operation, const Value& input) override {
        if (operation == "odd") return ValueBuilder().map().add("score", 2.0).end().build();
        ValueBuilder out;
        out.map().add("score", 0.5).key("parts").list().map().add("name", "length").add("score", 0.5).add("weight", 1.0).key("reasons").list();
        out.text("has " + std::to_string(input["size"].as_uint()) + " bytes").end().end().end();
        return out.end().build();
    }
};

TEST_F(ServiceTest, LetsAnotherPluginScore) {
    config_ = ValueBuilder().map().add("quality_operator", "scorer.half").end().build();
    start();
    ASSERT_TRUE(host_->add<HalfScorer>("scorer"));
    put_named("12345", "notes");
    const auto report = client_->assess("notes");
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->score, 0.5);
    EXPECT_EQ(report->scorer, "scorer.half");
    ASSERT_EQ(report->parts.size(), 1u);
    EXPECT_THAT(report->parts[0].reasons, ElementsAre("has 5 bytes"));
}

TEST_F(ServiceTest, RefusesAScoreThatIsNone) {
    config_ = ValueBuilder().map().add("quality_operator", "scorer.odd").end().build();
    start();
    ASSERT_TRUE(host_->add<HalfScorer>("scorer"));
    put_named("12345", "notes");
    expect_error(client_->assess("notes"), "bad-score");
}

std::vector<std::string> names_of(const ports::ArtifactHits& hits) {
    std::vector<std::string> out;
    for (const auto& hit : hits.hits) out.push_back(hit.artifact.name);
    return out;
}

TEST_F(ServiceTest, FindsByNameAndTagWithoutAnIndex) {
    start();
    put_named("alpha beta", "first notes");
    put_named("gamma", "second");
    const auto hits = client_->find({"notes", 0, 0, 0, 0, false});
    ASSERT_TRUE(hits) << hits.error().message();
    EXPECT_THAT(names_of(*hits), ElementsAre("first notes"));
    EXPECT_THAT(hits->note, HasSubstr("names, tags"));
    expect_error(client_->find({"(", 0, 0, 0, 0, false}), "bad-query");
}

TEST_F(ServiceTest, FeedsTheIndexBeforeItAsks) {
    MemorySearch::reset();
    start(true);
    put_named("alpha beta", "first");
    const auto hits = client_->find({"alpha", 0, 0, 0, 100, false});
    ASSERT_TRUE(hits) << hits.error().message();
    EXPECT_THAT(names_of(*hits), ElementsAre("first"));
    EXPECT_TRUE(hits->hits[0].indexed);
    EXPECT_EQ(hits->hits[0].score, 1.5);
    EXPECT_EQ(hits->note, "");
    EXPECT_THAT(MemorySearch::state().feed, HasSubstr(client_->stats()->repository));
    EXPECT_EQ(client_->stats()->search_behind, 0u);

    // A text that is replaced, one that goes, and one that comes.
    put_named("delta", "first");
    put_named("alpha again", "second");
    EXPECT_THAT(names_of(*client_->find({"alpha again", 0, 0, 0, 0, false})), ElementsAre("second"));
    ASSERT_TRUE(client_->remove(sha256("alpha again")));
    EXPECT_THAT(names_of(*client_->find({"alpha again", 0, 0, 0, 0, false})), IsEmpty());
    const int commits = MemorySearch::state().commits;
    EXPECT_TRUE(client_->find({"delta", 0, 0, 0, 0, false}));
    EXPECT_EQ(MemorySearch::state().commits, commits) << "nothing is new, so nothing is fed";
    expect_error(client_->find({"(", 0, 0, 0, 0, false}), "bad-query");
}

TEST_F(ServiceTest, GoesOnBehindTheWatermarkAndBeginsAnewWhereItMustNot) {
    MemorySearch::reset();
    start(true);
    put_named("alpha", "first");
    ASSERT_TRUE(client_->find({"alpha", 0, 0, 0, 0, false}));
    TearDown();
    start(true);
    put_named("beta", "second");
    ASSERT_TRUE(client_->find({"beta", 0, 0, 0, 0, false}));
    EXPECT_EQ(MemorySearch::state().clears, 0) << "it is this store's index, and it goes on";
    EXPECT_EQ(MemorySearch::state().documents.size(), 2u);
    MemorySearch::state().watermark += 1'000'000; // an index that is newer than its store
    ASSERT_TRUE(client_->find({"beta", 0, 0, 0, 0, false}));
    EXPECT_EQ(MemorySearch::state().clears, 1);
    MemorySearch::state().feed = "another store";
    EXPECT_THAT(names_of(*client_->find({"beta", 0, 0, 0, 0, false})), ElementsAre("second"));
    EXPECT_EQ(MemorySearch::state().clears, 2);
    EXPECT_EQ(MemorySearch::state().documents.size(), 2u);
}

TEST_F(ServiceTest, IndexesTheBeginningOfTextsAndNothingOfTheRest) {
    MemorySearch::reset();
    start(true);
    put_named(std::string(Feeder::text_bytes_max - 1, 'a') + "\xC3\xA9 tail", "long");
    ports::PutOptions options;
    options.name = "picture";
    options.media_type = "image/png";
    options.tags = {"t"};
    put("\x89PNG words", options);
    ASSERT_TRUE(client_->find({"x", 0, 0, 0, 0, false}));
    std::map<std::string, ports::Document> by_name;
    for (const auto& [id, document] : MemorySearch::state().documents) by_name[document.name] = document;
    EXPECT_EQ(by_name["long"].text.size(), Feeder::text_bytes_max - 1) << "a character is not cut in two";
    EXPECT_EQ(by_name["picture"].text, "");
    EXPECT_THAT(by_name["picture"].tags, ElementsAre("t"));
}

TEST_F(ServiceTest, StoresAndLoadsForWorkflows) {
    start();
    const auto work = *ports::OperatorClient::acquire(host_->host(), "artifact-store");
    ValueBuilder value;
    value.map().key("value").map().add("path", "a/b.txt").add("text", "words\n").end().add("content", "text").add("name_from", "path").add("prefix", "in/");
    const auto source = work.apply("store", value.end().build());
    ASSERT_TRUE(source) << source.error().message();
    EXPECT_EQ((*source)["id"].as_text(), sha256("words\n"));
    EXPECT_EQ((*source)["name"].as_text(), "in/a/b.txt");
    EXPECT_EQ((*source)["media_type"].as_text(), "text/plain");

    ValueBuilder next;
    next.map().key("value").map().add("path", "a/b.txt").add("count", 1).end().add("name_from", "path").add("prefix", "out/").add("node", "count");
    next.add("plugin", "artifact-store").key("sources").list().value(*source).end().key("tags").list().text("made").end();
    const auto made = work.apply("store", next.end().build());
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ((*made)["media_type"].as_text(), "application/json");
    const auto lineage = client_->lineage((*made)["id"].as_text(), 0, 0, 0);
    ASSERT_EQ(lineage->size(), 2u);
    EXPECT_EQ(lineage->back().id, sha256("words\n"));
    EXPECT_THAT(lineage->front().origins.front().made_by.plugin_digest, HasSubstr("artifact-store@1.0.0"));

    const auto loaded = work.apply("load", ValueBuilder().map().add("id", "out/a/b.txt").add("as", "value").end().build());
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ((*loaded)["content"]["count"].as_int(), 1);
    const auto text = work.apply("load", ValueBuilder().map().add("id", "in/a/b.txt").end().build());
    EXPECT_EQ((*text)["content"].as_text(), "words\n");
    expect_error(work.apply("load", ValueBuilder().map().add("id", "in/a/b.txt").add("as", "value").end().build()), "no-json");
    expect_error(work.apply("load", ValueBuilder().map().add("id", "nothing").end().build()), "unknown-artifact");
    expect_error(work.apply("store", ValueBuilder().map().end().build()), "missing-input");
    expect_error(work.apply("store", ValueBuilder().map().add("value", "x").add("plugin", "nobody").end().build()), "unknown-plugin");
    expect_error(work.apply("burn", ValueBuilder().map().end().build()), "unknown-operation");
}

TEST_F(ServiceTest, StopsWithUploadsAndAnIdleThreadBehindIt) {
    MemorySearch::reset();
    start(true);
    put_named("alpha", "first");
    ASSERT_TRUE(client_->begin_put({}));
    EXPECT_TRUE(host_->quiesce("artifact-store", std::chrono::seconds(10)));
    TearDown();
    start();
    EXPECT_EQ(client_->get("first", 0, 0)->text(), "alpha");
    EXPECT_EQ(client_->stats()->artifacts, 1u);
}

} // namespace
} // namespace symphony::store
