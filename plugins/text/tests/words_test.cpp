// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <gtest/gtest.h>

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

struct Found {
    std::string text;
    bool letters = false;
    bool operator==(const Found&) const = default;
};

std::vector<Found> ours(std::string_view text) {
    std::vector<Found> out;
    text::Words().each(text, [&](const text::Word& word) {
        out.push_back({std::string(word.text), word.letters});
        return true;
    });
    return out;
}

/// ICU over the whole text at once, without our shortcut for ASCII and without cutting into runs.
std::vector<Found> by_icu(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::BreakIterator> breaks(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, text.data(), static_cast<std::int64_t>(text.size()), &status);
    breaks->setText(&utext, status);
    std::vector<Found> out;
    std::int32_t start = breaks->first();
    for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; start = end, end = breaks->next()) {
        const std::string word(text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)));
        if (breaks->getRuleStatus() < UBRK_WORD_NUMBER || word.find_first_not_of('_') == std::string::npos) continue;
        bool letters = false;
        for (std::int32_t i = 0; i < static_cast<std::int32_t>(word.size());) {
            UChar32 c = 0;
            U8_NEXT_UNSAFE(word.data(), i, c);
            letters = letters || u_isalpha(c);
        }
        out.push_back({word, letters});
    }
    utext_close(&utext);
    return out;
}

std::string printed(const std::vector<Found>& words) {
    std::string out;
    for (const Found& word : words) out += "[" + word.text + (word.letters ? "" : "#") + "]";
    return out;
}

void expect_as_icu(const std::vector<std::string>& alphabet, std::uint32_t seed, std::size_t length, int rounds) {
    std::mt19937 random(seed);
    for (int round = 0; round < rounds; ++round) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
        ASSERT_EQ(printed(ours(text)), printed(by_icu(text))) << "seed " << seed << " round " << round << "\n" << text;
    }
}

TEST(Words, AgreeWithIcuOnAscii) {
    std::vector<std::string> alphabet;
    for (char c = 1; c < 127; ++c) {
        if (c != '@') alphabet.emplace_back(1, c); // ICU 72 alone takes it for a letter
    }
    expect_as_icu(alphabet, 1, 200, 500);
    expect_as_icu({"a", "Z", "1", "0", "_", ".", "'", ",", ";", ":", " ", "\n", "\"", "-"}, 2, 60, 5000);
}

TEST(Words, AgreeWithIcuOnMixedText) {
    expect_as_icu({"a", "1", "_", ".", "'", " ", "\n", "é", "e\u0301", "\u0301", "Ж", "世", "界", "ー", "カ", "\u200D", "🙂", "א", "\"", "’", "\u00AD"}, 3, 80, 2000);
    expect_as_icu({"word ", "longer-words, of ascii. ", "é ", "\u0301x ", "some more text that goes on and on for a while; ", "слово\n"}, 4, 300, 100);
}

TEST(Words, EndAtAnAtSignInEveryIcu) {
    EXPECT_EQ(printed(ours("me@example.org @you")), "[me][example.org][you]");
    EXPECT_EQ(printed(ours("müller@example.org @été @ _@_")), "[müller][example.org][été]");
}

TEST(Words, TermsMeetInOneForm) {
    text::TermForm form;
    const auto term = [&](std::string_view word, bool ascii) { return std::string(form.of({word, ascii, true})); };
    EXPECT_EQ(term("MiXed", true), "mixed");
    EXPECT_EQ(term("E\u0301TE\u0301", false), "été");
    EXPECT_EQ(term("ПРИВЕТ", false), "привет");
    EXPECT_EQ(term("ΟΔΟΣ", false), "οδος");
}

TEST(Words, ManyMegabytesWithoutABlankEnd) {
    std::string text;
    while (text.size() < (3u << 20)) text += "世界人民大团结";
    EXPECT_GT(ours(text).size(), 100'000u);
    EXPECT_EQ(ours(std::string(3u << 20, 'x')).size(), 1u);
}

} // namespace
