// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

/// Which plugins may be used besides those that a symphony came with; each is stricter than the one before.
enum class Extensions : std::uint8_t { any, signed_only, none };
/// As policies and distributions write them, in that order.
inline constexpr std::array<std::string_view, 3> extension_words{"any", "signed", "none"};
constexpr std::string_view name_of(Extensions extensions) noexcept { return extension_words[static_cast<std::size_t>(extensions)]; }

/// The rule of a symphony about plugins that it did not come with: the host holds to it when it loads one, and who installs when one is brought. [any]
struct ExtensionRule {
    Extensions which = Extensions::any;
    std::string file; ///< that says so, for messages; empty: none
    /// Public keys of whom `signed` means; nothing: whom the user trusts.
    std::optional<std::vector<std::string>> publishers;

    /// Whether any may be added. @return `refused`: "extensions-forbidden".
    Status check_open() const;
    /// Whether this one may be used. @param publisher  Who signed it; empty: nobody.
    /// @return `refused`, with the plugin's name in front: "extensions-forbidden", "extension-unsigned", "extension-publisher".
    Status check(std::string_view plugin, std::string_view publisher) const;
};

} // namespace symphony::manifests
