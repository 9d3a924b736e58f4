// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::search {

/// A part of a text, and what in it was asked for: pairs of byte offset and byte length, ascending.
struct Excerpt {
    std::string text;
    std::vector<std::uint32_t> highlights;
};

/// How far into a text an excerpt is looked for.
inline constexpr std::size_t excerpt_scan_bytes_max = 256 * 1024;

/// The first part of `text` of at most `bytes_max` bytes that has most different terms of `wanted`, then most of them, cut between
/// words; the begin of the text where it has none. @param text  Valid UTF-8. [pure]
Excerpt make_excerpt(std::string_view text, const std::vector<const Node*>& wanted, std::size_t bytes_max);

} // namespace symphony::search
