// SPDX-License-Identifier: Apache-2.0
#include "identifiers.hpp"

#include <algorithm>

namespace symphony::tracker {

bool is_id(std::string_view text) noexcept {
    const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    if (text.empty() || text.size() > 64 || !word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '-'; });
}

bool is_workflow_id(std::string_view text) noexcept {
    const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (text.empty() || text.size() > 100 || !word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

/// A relative path that stays beneath its folder.
bool is_inner_path(std::string_view path) noexcept {
    if (path.empty() || path.size() > 255 || path.front() == '/' || path.back() == '/') return false;
    for (const char c : path) {
        if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F) return false;
    }
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return false;
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    return true;
}

bool is_plugin_name(std::string_view text) noexcept {
    const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    if (text.empty() || text.size() > 255 || !word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

} // namespace symphony::tracker
