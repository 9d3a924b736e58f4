// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include "words_table.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace symphony::search {

namespace {

constexpr char32_t no_word = 0xFFFFFFFF;
constexpr char32_t dropped = 0;

/// What a code point becomes in a word, `dropped`, or `no_word` when it parts words.
char32_t fold_slow(char32_t point) noexcept {
    const auto range = std::partition_point(std::begin(word_ranges), std::end(word_ranges), [&](const WordRange& r) { return r.last < point; });
    if (range == std::end(word_ranges) || point < range->first) return no_word;
    const auto behind = std::partition_point(std::begin(fold_runs), std::end(fold_runs), [&](const FoldRun& r) { return r.first <= point; });
    if (behind == std::begin(fold_runs)) return point;
    const FoldRun& run = *std::prev(behind);
    if (point > run.last || (point - run.first) % run.step != 0) return point;
    return run.delta == 0 ? dropped : static_cast<char32_t>(static_cast<std::int64_t>(point) + run.delta);
}

constexpr std::array<char32_t, 128> ascii = [] {
    std::array<char32_t, 128> table{};
    for (char32_t c = 0; c < 128; ++c) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        table[c] = upper ? c + 32 : kept ? c : no_word;
    }
    return table;
}();

char32_t fold(char32_t point) noexcept { return point < 128 ? ascii[point] : fold_slow(point); }

/// One code point at `at`, and its length; U+FFFD of length 1 for a bad byte.
char32_t decode(std::string_view text, std::size_t at, std::size_t& size) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned lead = byte(0);
    size = 1;
    if (lead < 0x80) return lead;
    const std::size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - at < need) return 0xFFFD;
    char32_t point = lead & (0x7Fu >> need);
    for (std::size_t i = 1; i < need; ++i) {
        if ((byte(i) & 0xC0u) != 0x80) return 0xFFFD;
        point = point << 6 | (byte(i) & 0x3Fu);
    }
    size = need;
    return point;
}

void append(std::string& to, char32_t point) {
    if (point < 0x80) {
        to.push_back(static_cast<char>(point));
    } else if (point < 0x800) {
        to.push_back(static_cast<char>(0xC0 | point >> 6));
        to.push_back(static_cast<char>(0x80 | (point & 0x3F)));
    } else if (point < 0x10000) {
        to.push_back(static_cast<char>(0xE0 | point >> 12));
        to.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (point & 0x3F)));
    } else {
        to.push_back(static_cast<char>(0xF0 | point >> 18));
        to.push_back(static_cast<char>(0x80 | (point >> 12 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (point & 0x3F)));
    }
}

} // namespace

bool WordReader::next(Word& word) {
    word.folded.clear();
    while (at_ < text_.size()) {
        std::size_t size = 0;
        const char32_t folded = fold(decode(text_, at_, size));
        if (folded == no_word) {
            if (!word.folded.empty()) return true;
        } else if (folded != dropped || !word.folded.empty()) {
            if (word.folded.empty()) word.offset = at_;
            if (folded != dropped) append(word.folded, folded);
            word.size = at_ + size - word.offset;
        }
        at_ += size;
    }
    return !word.folded.empty();
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    WordReader reader(text);
    for (Word word; reader.next(word);) words.push_back(word.folded);
    return words;
}

std::size_t code_points(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

} // namespace symphony::search
