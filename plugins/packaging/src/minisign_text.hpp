// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/base64.hpp>
#include <symphony/utf8.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// The lines that minisign's files are made of.
namespace symphony::packaging::minisign {

inline constexpr std::string_view untrusted = "untrusted comment: ";
inline constexpr std::string_view trusted = "trusted comment: ";
inline constexpr std::size_t comment_bytes_max = 8192;

inline const std::uint8_t* unsigned_data(std::string_view text) noexcept { return reinterpret_cast<const std::uint8_t*>(text.data()); }

/// Without line ends, of Unix or of Windows; at most six, of which a reader wants four.
inline std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty() && lines.size() < 6) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// Base64 of exactly `size` bytes.
inline std::optional<std::vector<std::uint8_t>> blob(std::string_view text, std::size_t size) {
    if (text.size() != base64::text_size(size)) return std::nullopt;
    auto bytes = from_base64(text);
    if (!bytes || bytes->size() != size) return std::nullopt;
    return *std::move(bytes);
}

inline bool is_comment(std::string_view text) noexcept {
    if (text.size() > comment_bytes_max || valid_utf8_prefix(text) != text.size()) return false;
    for (const char c : text) {
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return false;
    }
    return true;
}

} // namespace symphony::packaging::minisign
