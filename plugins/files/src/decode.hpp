// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace files {

struct Decoded {
    std::string text;               // UTF-8 without a byte order mark
    std::string_view encoding;      // "utf-8", "utf-8-bom", "utf-16le" or "utf-16be"
};

/// The content of a text file. Takes the string over, so that UTF-8 is not copied.
/// @return `data_corrupt`: "binary" (zero bytes), "not-utf8", "bad-utf16", "unsupported-encoding" (UTF-32),
///   each with the byte where it shows.
symphony::Result<Decoded> decode(std::string content);

/// Checks what decode() checks, without making the text.
symphony::Status check_text(std::string_view content);

/// Lines as people count them: a last one without its end counts.
std::uint64_t lines_of(std::string_view text);

} // namespace files
