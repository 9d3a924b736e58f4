// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/sync.hpp>

#include <gtest/gtest.h>

namespace symphony::ipc {
namespace {

SyncEvent event(SyncKind kind, std::string file, std::uint64_t revision) {
    SyncEvent out;
    out.kind = kind;
    out.file = std::move(file);
    out.revision = revision;
    if (kind == SyncKind::file_changed) out.change = "created";
    return out;
}

TEST(Sync, EveryKindComesBackAsItWas) {
    for (std::size_t i = 0; i < sync_types.size(); ++i) {
        SyncEvent sent = event(static_cast<SyncKind>(i), "/a/b", i + 1);
        if (sent.kind == SyncKind::buffer_updated) sent.edits = {{1, 2, "x"}, {0, 0, "\xC3\xA4"}};
        if (sent.kind == SyncKind::cursor_moved) sent.at = 7, sent.anchor = 3;
        const auto back = read_sync(sync_types[i], content_of(sent));
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(*back, sent) << sync_types[i];
    }
}

TEST(Sync, RefusesWhatIsNoSuchContent) {
    const auto expect_refused = [](std::string_view type, const Value& content) {
        const auto got = read_sync(type, content);
        ASSERT_FALSE(got) << type;
        EXPECT_EQ(got.error().reason(), "bad-sync");
    };
    expect_refused("sync.nothing", Value());
    expect_refused("sync.view-closed", Value());
    expect_refused("sync.view-closed", content_of(event(SyncKind::view_closed, "a/b", 1)));
    expect_refused("sync.view-closed", content_of(event(SyncKind::view_closed, "/a", 0)));
    expect_refused("sync.file-changed", content_of(event(SyncKind::view_closed, "/a", 1)));
    expect_refused("sync.buffer-updated", content_of(event(SyncKind::view_closed, "/a", 1)));
    expect_refused("sync.cursor-moved", content_of(event(SyncKind::view_closed, "/a", 1)));
    expect_refused("sync.buffer-updated", ValueBuilder().map().add("file", "/a").add("revision", 1u).key("edits").list().integer(1).end().end().build());
}

TEST(Sync, NoticesGapsAndRepetitionsOfEachFileByItself) {
    using Seen = SyncOrder::Seen;
    SyncOrder order(2);
    const auto see = [&](std::string file, std::uint64_t revision, SyncKind kind = SyncKind::file_modified) { return order.see(event(kind, std::move(file), revision)); };
    EXPECT_EQ(see("/a", 1), Seen::next);
    EXPECT_EQ(see("/b", 1), Seen::next);
    EXPECT_EQ(see("/a", 2), Seen::next);
    EXPECT_EQ(see("/a", 2), Seen::repeated);
    EXPECT_EQ(see("/b", 4), Seen::gap);
    EXPECT_EQ(see("/b", 5), Seen::next);
    EXPECT_EQ(see("/a", 3), Seen::next);
    EXPECT_EQ(see("/c", 1), Seen::full);
    EXPECT_EQ(see("/a", 4, SyncKind::view_closed), Seen::next);
    EXPECT_EQ(see("/c", 1), Seen::next);
    EXPECT_EQ(see("/b", 1), Seen::next) << "its sender has started anew";
    EXPECT_EQ(order.files(), 2u);
}

} // namespace
} // namespace symphony::ipc
