// SPDX-License-Identifier: Apache-2.0
#include "letter_model.hpp"

#include <gtest/gtest.h>

namespace {

void expect_language(std::string_view text, std::string_view expected) {
    SCOPED_TRACE(text);
    const auto model = letter_model::Model::load("european");
    ASSERT_TRUE(model);
    EXPECT_EQ(model->guess(text).front().first, expected);
}

TEST(LetterModel, TellsLanguagesApart) {
    expect_language("The quick brown fox jumps over the lazy dog while they watch", "english");
    expect_language("Jeden Morgen gehen wir zusammen durch den Wald und reden", "german");
    expect_language("Quelques personnes qui disaient la meme chose etaient venues", "french");
}

TEST(LetterModel, KnowsNothingOfATextWithoutLetters) {
    const auto model = letter_model::Model::load("european");
    for (const auto& [language, score] : model->guess("1234 ...")) EXPECT_EQ(score, 0) << language;
}

TEST(LetterModel, HasNoModelOfAnotherName) {
    EXPECT_FALSE(letter_model::Model::load("martian"));
    for (const auto name : letter_model::Model::names()) EXPECT_GT(letter_model::Model::load(name)->resident_bytes(), 0u);
}

} // namespace
