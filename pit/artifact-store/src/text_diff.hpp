// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace symphony::store {

struct TextDiffLimits {
    std::size_t edits_max = 2000;         ///< beyond, the middle counts as replaced in one piece
    std::size_t output_bytes_max = 1u << 20;
    std::size_t context = 3;              ///< lines around a change
};

struct TextDiff {
    std::string text;      ///< hunks of a unified diff, without its two heading lines; empty when the texts are the same
    std::size_t added = 0, removed = 0; ///< lines
    bool cut = false;      ///< the output had more
};

/// Line by line. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, the greedy form between what the texts begin
/// and end with in common. Time and memory are bounded by `edits_max` squared.
TextDiff text_diff(std::string_view a, std::string_view b, const TextDiffLimits& limits);

} // namespace symphony::store
