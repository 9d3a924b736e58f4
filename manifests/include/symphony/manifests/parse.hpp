// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

constexpr std::size_t manifest_bytes_max = 256 * 1024;

/// Unknown keys are errors when an author checks, and warnings when a host loads what a newer author wrote.
enum class Strictness : std::uint8_t { load, lint };

struct Parsed {
    std::optional<Manifest> manifest; ///< present when no diagnostic is an error
    std::vector<Diagnostic> diagnostics; ///< all of them, in the order of the file
    /// Who it says it is, as far as that could be read, also without a manifest: a refused plugin has a name.
    std::string id;
    std::string name;
    std::string version;
};

/// Reads a manifest. Never throws, never aborts, whatever the bytes; const and free of state. [any]
/// @param file  How diagnostics call it.
Parsed parse(std::string_view text, std::string_view file, Strictness strictness) noexcept;

/// The known word nearest to `word` (Damerau-Levenshtein, at most a third of its length), or empty.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

} // namespace symphony::manifests
