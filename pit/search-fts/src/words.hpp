// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::search {

/// A word of a text: where it stands, and its folded form (lower case, without diacritics).
struct Word {
    std::size_t offset = 0; ///< bytes
    std::size_t size = 0;   ///< bytes
    std::string folded;
};

/// Walks the words of a text as SQLite's tokenizer unicode61 with `remove_diacritics 2` finds them. Bytes that are not UTF-8
/// part words. [pure]
class WordReader {
public:
    explicit WordReader(std::string_view text, std::size_t offset = 0) noexcept : text_(text), at_(offset) {}
    /// Makes `word` the next one; its memory is used again. @return false at the end.
    bool next(Word& word);

private:
    std::string_view text_;
    std::size_t at_;
};

/// The folded words of a text.
std::vector<std::string> words_of(std::string_view text);

/// How many code points a text of valid UTF-8 has.
std::size_t code_points(std::string_view text) noexcept;

} // namespace symphony::search
