// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace word_mask {

struct Masked {
    std::string text;
    std::uint64_t hits = 0;
};

/// Replaces every place where one of the words starts, from left to right, the longest word first.
/// Empty words are ignored. Bytes are compared, so case and accents count.
Masked mask_words(std::string_view text, std::vector<std::string_view> words, std::string_view mask);

} // namespace word_mask
