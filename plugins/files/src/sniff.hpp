// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace files {

enum class Kind : std::uint8_t { text, image, binary, empty };
std::string_view name_of(Kind kind) noexcept;

struct Sniffed {
    Kind kind = Kind::binary;
    std::string_view mime = "application/octet-stream";
};

/// Bytes that sniff() wants to see of a file's beginning.
inline constexpr std::size_t sniff_bytes = 4096;

/// What a file is by its first bytes. `text` is a guess from here (no known magic, no zero byte): the
/// whole content decides, see decode.hpp. The name only chooses among text types.
Sniffed sniff(std::string_view head, std::string_view name);

/// Whether the name promises an image.
bool named_as_image(std::string_view name);

/// No zero byte and hardly any control characters: somebody's text in some 8-bit encoding.
bool looks_like_old_text(std::string_view head);

} // namespace files
