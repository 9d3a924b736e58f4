// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include "database.hpp"

#include <gtest/gtest.h>

using namespace symphony::search;

namespace {

std::string utf8(char32_t c) {
    std::string out;
    if (c < 0x80) return {static_cast<char>(c)};
    if (c >= 0x10000) out += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F))};
    else if (c >= 0x800) out += static_cast<char>(0xE0 | c >> 12);
    if (c >= 0x800) out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    else out += static_cast<char>(0xC0 | c >> 6);
    return out + static_cast<char>(0x80 | (c & 0x3F));
}

} // namespace

/// The table is only right if words are what SQLite takes for words, for every code point.
TEST(Words, AreThoseOfUnicode61) {
    auto database = Database::open(":memory:", nullptr);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("CREATE VIRTUAL TABLE f USING fts5(x, tokenize = 'unicode61 remove_diacritics 2');"
                                  "CREATE VIRTUAL TABLE v USING fts5vocab(f, 'instance'); BEGIN;"));
    std::vector<std::vector<std::string>> ours(0x20000);
    for (char32_t c = 1; c < 0x20000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        const std::string text = "q" + utf8(c) + "z " + utf8(c) + "y";
        ours[c] = words_of(text);
        auto insert = database->cached("INSERT INTO f(rowid, x) VALUES(?, ?)");
        ASSERT_TRUE(insert);
        ASSERT_TRUE(insert->bind(static_cast<std::int64_t>(c)).bind(text).run());
    }
    auto rows = database->prepare("SELECT doc, term FROM v ORDER BY doc, offset");
    ASSERT_TRUE(rows);
    std::vector<std::vector<std::string>> theirs(ours.size());
    while (*rows->step()) theirs[static_cast<std::size_t>(rows->integer(0))].emplace_back(rows->text(1));
    for (std::size_t c = 1; c < ours.size(); ++c) ASSERT_EQ(ours[c], theirs[c]) << "code point " << c;
}

TEST(Words, KnowWhereTheyStand) {
    const std::string text = "  \xC3\x84pfel, e\xCC\x81t\xCC\x81! \xFF\xC3";
    WordReader reader(text);
    Word word;
    ASSERT_TRUE(reader.next(word));
    EXPECT_EQ(word.folded, "apfel");
    EXPECT_EQ(text.substr(word.offset, word.size), "\xC3\x84pfel");
    ASSERT_TRUE(reader.next(word));
    EXPECT_EQ(word.folded, "et");
    EXPECT_EQ(text.substr(word.offset, word.size), "e\xCC\x81t\xCC\x81");
    EXPECT_FALSE(reader.next(word));
}
