// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace symphony::checker {

inline constexpr std::uint32_t level_max = 10;
inline constexpr std::uint32_t level_of_registries = 5;

/// One rule. Ids are stable: they are written into build files.
struct Rule {
    std::string_view id;
    std::uint32_t level;         ///< held to from this level on
    bool advisory;               ///< told, and not counted as broken
    std::string_view part;       ///< the case that finds it; "static" = without running code
    std::string_view sentence;   ///< what a plugin owes
    std::string_view remedy;
};

std::span<const Rule> rules() noexcept;
/// Null when there is none of this id.
const Rule* find_rule(std::string_view id) noexcept;
/// The table of docs/rules.md, which a test compares with the file.
std::string rules_page();

} // namespace symphony::checker
