// SPDX-License-Identifier: Apache-2.0
#include "search_fts.hpp"
#include "vectors.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

using symphony::CancelSource;
using symphony::Result;
using symphony::Status;
namespace ports = symphony::ports;
using symphony::search::SearchFts;

namespace {

struct Rig {
    explicit Rig(const std::filesystem::path& folder) {
        host.grant_files("state", folder);
        const Status added = host.add("search-fts", symphony::testing::descriptor_of<SearchFts, SYMPHONY_INSTANCE_BLOCKING>());
        EXPECT_TRUE(added) << added.error().message();
    }
    ports::SearchClient client() { return *ports::SearchClient::acquire(host.host(), "search-fts"); }
    symphony::testing::FakeHost host;
};

} // namespace

TEST(SearchFts, KeepsItsIndexInTheFilesThatTheHostGives) {
    const symphony::testing::TempFolder folder;
    {
        Rig rig(folder.path());
        const auto client = rig.client();
        ASSERT_TRUE(client.index(vector_documents()));
        ASSERT_TRUE(client.commit("feed", 8));
        ASSERT_TRUE(client.index({{.id = "lost", .text = "lost"}}));
    }
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "index.db"));
    Rig rig(folder.path());
    const auto client = rig.client();
    const auto status = client.status();
    ASSERT_TRUE(status) << status.error().message();
    EXPECT_EQ(status->documents, 8u);
    EXPECT_EQ(status->watermark, 8u);
    EXPECT_GT(status->size_bytes, 0u);
    const auto hits = client.search({.text = "lazy fox", .excerpt_bytes = 40});
    ASSERT_TRUE(hits) << hits.error().message();
    ASSERT_EQ(hits->hits.size(), 1u);
    EXPECT_EQ(hits->hits[0].id, "a1");
    EXPECT_FALSE(hits->hits[0].highlights.empty());
    ASSERT_TRUE(client.clear());
    EXPECT_EQ(client.status()->documents, 0u);
}

TEST(SearchFts, OneProcessHasTheFile) {
    const symphony::testing::TempFolder folder;
    Rig first(folder.path());
    Rig second(folder.path());
    const auto refused = second.client().status();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason(), "index-in-use");
    ASSERT_TRUE(first.client().status());
}

TEST(SearchFts, GivesUpACallThatWasCancelled) {
    const symphony::testing::TempFolder folder;
    Rig rig(folder.path());
    std::vector<ports::Document> documents;
    for (int i = 0; i < 20'000; ++i) documents.push_back({.id = std::to_string(i), .text = "word"});
    ASSERT_TRUE(rig.client().index(documents));
    CancelSource source;
    source.cancel();
    const auto stopped = rig.client().search({.text = "word -tag:x"}, {.cancel = source.token()});
    ASSERT_FALSE(stopped);
}
