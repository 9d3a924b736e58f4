// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <string>
#include <string_view>

namespace symphony::kit {

inline constexpr std::size_t name_bytes_max = 64;

/// A plugin's name in the spellings of manifests, sources and macros.
struct Names {
    std::string kebab, snake, pascal, upper, id;

    /// @param name  In kebab-case, such as "word-count".
    /// @param id    "" = com.example.NAME.
    /// @return `invalid_argument` with reason `bad-name` or `bad-id`.
    static Result<Names> of(std::string_view name, std::string_view id = {});
};

/// The text with every spelling of one name replaced by that of the other, where it is a word of its own: the id before the
/// name that it ends in. `word_mask_test` has the word `word_mask`; `word_masked` has not.
std::string renamed(std::string_view text, const Names& from, const Names& to);

} // namespace symphony::kit
