// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

/// A set of paths (or dotted names): one text for each part. In a part `any_run` stands for any characters, none too; the
/// part `any_parts` for any number of parts, none too. All else is itself. Parts of a path are never empty.
using Parts = std::vector<std::string>;
inline constexpr char any_run = '\x01';
inline constexpr std::string_view any_parts = "\x02";

bool has_wildcard(const Parts& pattern) noexcept;
/// Whether a path without wildcards is in the set. No memory is taken.
bool matches(const Parts& pattern, const Parts& path) noexcept;
/// Whether every path of `inner` is in one of `outer`: language inclusion, by exploring the product of the inner automaton
/// with the subsets of the outer one. Where that takes too long (patterns made for it) the answer is no, the safe one.
/// @param patience  When given: how many steps may be taken, less those that were.
bool included(const Parts& inner, std::span<const Parts* const> outer, std::size_t* patience = nullptr);
/// Whether the two sets have a path in common.
bool intersect(const Parts& a, const Parts& b);

} // namespace symphony::manifests
