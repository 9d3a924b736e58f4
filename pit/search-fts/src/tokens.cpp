// SPDX-License-Identifier: Apache-2.0
#include "tokens.hpp"

#include "words.hpp"

namespace symphony::search {

namespace {

constexpr std::size_t label_bytes_max = 64;
// Three letters are the 40 most common words of English, and two fifths of what is written; four would be twice the tokens.
constexpr std::size_t short_letters_max = 3;

bool is_short(std::string_view word) noexcept {
    return word.size() <= short_letters_max * 4 && code_points(word) <= short_letters_max && word.find(token_mark) == std::string_view::npos;
}

} // namespace

std::optional<std::string> label_token(char kind, std::string_view value) {
    if (value.size() > label_bytes_max) return std::nullopt;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string token(token_mark);
    token.push_back(kind);
    for (const char c : value) {
        token.push_back(digits[static_cast<unsigned char>(c) >> 4]);
        token.push_back(digits[static_cast<unsigned char>(c) & 15]);
    }
    return token;
}

bool has_pair_token(std::string_view first, std::string_view second) noexcept { return is_short(first) && is_short(second); }

std::string pair_token(std::string_view first, std::string_view second) {
    std::string token(first);
    token += token_mark;
    return token += second;
}

std::string pair_tokens_of(std::string_view text) {
    std::string tokens;
    std::string before;
    bool before_is_short = false;
    WordReader reader(text);
    for (Word word; reader.next(word);) {
        const bool short_too = is_short(word.folded);
        if (before_is_short && short_too) {
            if (!tokens.empty()) tokens.push_back(' ');
            tokens += pair_token(before, word.folded);
        }
        if (short_too) before = word.folded;
        before_is_short = short_too;
    }
    return tokens;
}

} // namespace symphony::search
