// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace symphony::search {

/// Words that no writing has, which the full text has beside a document's own: so that what would cost a look at every match of a
/// common word is one more list of documents instead. All begin with, or have in them, one letter that hardly any text has; a word
/// asked for that has it too is looked for in name and text alone.

/// U+A7FF, a letter of epigraphy to SQLite's tokenizer too.
inline constexpr std::string_view token_mark = "\xEA\x9F\xBF";

/// For a tag (`t`) or a type (`y`): its bytes in digits. Nothing for a long one, which only the tables have. [pure]
std::optional<std::string> label_token(char kind, std::string_view value);

/// Whether two neighbours have a token of their own: both are short, as the common words of most languages are. [pure]
bool has_pair_token(std::string_view first, std::string_view second) noexcept;
std::string pair_token(std::string_view first, std::string_view second);

/// The tokens of all neighbours in a text that have one, parted by blanks. [pure]
std::string pair_tokens_of(std::string_view text);

} // namespace symphony::search
