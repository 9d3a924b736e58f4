// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/diagnostic.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace symphony::manifests {

/// What must not reach toml++: too many bytes, or a key such as a.a.a.… whose tables would overflow the stack.
/// One pass over the text, about a nanosecond a byte.
/// @return The trouble ("too-large", "too-deep"), or nothing.
std::optional<Diagnostic> toml_trouble(std::string_view text, std::string_view file, std::size_t bytes_max);

} // namespace symphony::manifests
