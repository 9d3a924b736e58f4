// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace report {

struct Bar {
    std::string label;
    std::uint64_t value = 0;
    std::string detail; // behind the label in the bar's tooltip
};

/// Horizontal bars as one SVG element, longest label cut, values written at the ends. Its colours are the page's
/// CSS classes; title and description make it readable without seeing it. @param id  Unique within the page.
std::string bar_chart(std::string_view id, std::string_view title, std::string_view unit, const std::vector<Bar>& bars);

struct Share {
    std::string_view css_class; // colours are the page's
    std::string label;
    std::uint64_t value = 0;
};

/// One strip whose parts are as wide as their shares, as one SVG element. Nothing when all shares are 0.
std::string share_strip(std::string_view label, const std::vector<Share>& shares);

/// One bar from 0 to 100 with a tick at each threshold of trust.
std::string confidence_bar(double confidence);

} // namespace report
