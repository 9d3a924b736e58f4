// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <algorithm>

namespace json {

std::string place(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const auto column = std::count_if(before.begin() + static_cast<std::ptrdiff_t>(start), before.end(),
                                      [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }) + 1;
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

} // namespace json
