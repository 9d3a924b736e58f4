// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::search {

enum class Field : std::uint8_t { any, text, name, tag, type, input };

/// A query in the grammar of search/1, read. Flat: an `and` has no `and` in it, nor an `or` an `or`; `inverted` has no `inverted` in it.
struct Node {
    enum class Kind : std::uint8_t {
        all,      ///< every document
        none,     ///< no document
        words,    ///< `words` one after the other in `field` (any, text or name)
        exact,    ///< `value` is the `field` (tag, type or input)
        dated,    ///< from_ms <= date < to_ms
        both,     ///< all of `children`
        either,   ///< one of `children`
        inverted, ///< not children[0]
    };
    Kind kind = Kind::all;
    Field field = Field::any;
    bool prefix = false; ///< the last word, or the value, only begins so
    std::vector<std::string> words;
    std::string value;
    std::uint64_t from_ms = 0; ///< since 1970
    std::uint64_t to_ms = UINT64_MAX;
    std::vector<Node> children;
};

inline constexpr std::size_t query_bytes_max = 4096;
inline constexpr std::size_t query_terms_max = 64;
inline constexpr std::size_t query_words_max = 256;
inline constexpr std::size_t query_depth_max = 32;

/// Reads a query of valid UTF-8. @return `invalid_argument`: "bad-query" with the place in bytes from 1, or "query-too-large". [pure]
Result<Node> parse_query(std::string_view text);

/// What was understood, for tests and messages: `(and "two words" name:"wor"* (not tag:"x"))`, `date:[0,86400000)`, `*`, `!`.
std::string to_text(const Node& node);

/// The words nodes that a match has or may have: those beneath no `inverted`. They live as long as the node.
std::vector<const Node*> wanted_words(const Node& node);

} // namespace symphony::search
