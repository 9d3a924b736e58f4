// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>
#include <symphony/result.hpp>
#include <symphony/utf8.hpp>

#include <optional>
#include <string>
#include <string_view>

/// Reading our own small TOML files, which somebody else may have written. For .cpp files only: toml++ costs seconds.
namespace symphony::packaging {

/// @param file  How errors call it. @param reason  Of what is no TOML.
inline Result<toml::table> parse_toml(std::string_view text, const std::string& file, std::string_view reason, std::size_t bytes_max) {
    if (const auto trouble = manifests::toml_trouble(text, file, bytes_max)) return Error(Code::data_corrupt, reason, file + ": " + trouble->message);
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& broken) {
        return Error(Code::data_corrupt, reason, file + ":" + std::to_string(broken.source().begin.line) + ": " + std::string(broken.description()));
    }
}

/// A text without control characters, at most `bytes_max`; nothing when there is none. @return Nothing inside when it is something else.
inline std::optional<std::string> text_in(const toml::table& table, std::string_view key, std::size_t bytes_max = 1024) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return std::string();
    const auto* text = node->as_string();
    if (text == nullptr || (*text)->size() > bytes_max) return std::nullopt;
    for (const char c : **text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    }
    return **text;
}

/// A basic string of TOML. Control characters are left out; bytes that are no UTF-8 become question marks.
inline std::string toml_text(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        for (const char c : text.substr(0, valid_utf8_prefix(text))) {
            if (c == '"' || c == '\\') out += '\\';
            if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) out += c;
        }
        text.remove_prefix(valid_utf8_prefix(text));
        if (text.empty()) break;
        out += '?';
        text.remove_prefix(1);
    }
    return out + "\"";
}

} // namespace symphony::packaging
