// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

/// Where something is written. Lines and columns count from 1; 0 is unknown.
/// Places compare equal: where a thing is written is no part of what it says.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    friend bool operator==(const Place&, const Place&) noexcept { return true; }
};

enum class Severity : std::uint8_t { error = 1, warning = 2, note = 3 };

/// "error", "warning" or "note".
std::string_view name_of(Severity severity) noexcept;

/// One finding about a file, for people and for scripts.
struct Diagnostic {
    Severity severity = Severity::error;
    /// Stable kebab-case name of the cause, such as "unknown-key".
    std::string reason;
    /// Lower case, no full stop; names the key, the value and what was expected.
    std::string message;
    /// What to do next; may be empty.
    std::string hint;
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// `manifest.toml:3:1: error: unknown key "nmae" in [extension] [unknown-key]`, without a line end.
std::string format(const Diagnostic& diagnostic);
/// Each on its line, with its `hint: ` line behind it where there is one.
std::string format(const std::vector<Diagnostic>& diagnostics);
bool has_errors(const std::vector<Diagnostic>& diagnostics) noexcept;

} // namespace symphony::manifests
