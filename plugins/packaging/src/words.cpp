// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <symphony/manifests/semver.hpp>
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/signature.hpp>

#include <algorithm>
#include <cstdint>

namespace symphony::packaging {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_word(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'z'); }

bool control_at(std::string_view text, std::size_t at) noexcept {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7f) return true;
    return byte == 0xC2 && at + 1 < text.size() && (static_cast<unsigned char>(text[at + 1]) & 0xE0u) == 0x80u;
}

} // namespace

bool has_control(std::string_view text) noexcept {
    // Most texts have no byte that could be one: that is seen without a branch for each.
    std::uint8_t suspicious = 0;
    for (const char c : text) {
        const auto byte = static_cast<std::uint8_t>(c);
        suspicious = static_cast<std::uint8_t>(suspicious | static_cast<std::uint8_t>((byte < 0x20) | (byte == 0x7f) | (byte == 0xC2)));
    }
    if (suspicious == 0) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (control_at(text, i)) return true;
    }
    return false;
}

std::string clean(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!control_at(text, i)) {
            out += text[i];
            continue;
        }
        out += '?';
        if (static_cast<unsigned char>(text[i]) == 0xC2) ++i;
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t shown_max = 60;
    auto cut = text.substr(0, shown_max);
    while (cut.size() < text.size() && !cut.empty() && (static_cast<unsigned char>(text[cut.size()]) & 0xC0u) == 0x80u) cut.remove_suffix(1);
    return "\"" + clean(cut) + (cut.size() < text.size() ? "..." : "") + "\"";
}

bool is_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 100 && is_word(text[0]) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_triple(std::string_view text) noexcept {
    return text.size() <= 64 && std::count(text.begin(), text.end(), '-') >= 1 && text.front() != '-' && text.back() != '-' && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_port(std::string_view text) noexcept {
    const auto slash = text.find('/');
    return slash != std::string_view::npos && slash > 0 && text.size() <= 110 && slash + 1 < text.size() &&
           std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash), [](char c) { return is_word(c) || c == '.' || c == '-'; }) &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(slash) + 1, text.end(), is_digit);
}

bool is_version(std::string_view text) noexcept { return text.size() <= 256 && static_cast<bool>(manifests::Version::parse(text)); }
bool is_range(std::string_view text) noexcept { return text.size() <= 1024 && static_cast<bool>(manifests::Range::parse(text)); }
bool is_digest(std::string_view text) noexcept { return text.starts_with("sha256:") && is_sha256(text.substr(7)); }
bool is_key(std::string_view text) noexcept { return text.size() == 56 && static_cast<bool>(PublicKey::parse(text)); }

} // namespace symphony::packaging
