// SPDX-License-Identifier: Apache-2.0
#include "chart.hpp"

#include "escape.hpp"
#include "facts.hpp"

#include <algorithm>

namespace report {

namespace {

// Units of the viewBox, which are CSS pixels at full size.
constexpr double chart_width = 900;
constexpr double label_width = 176;
constexpr double value_width = 76;
constexpr double row_height = 26;
constexpr double bar_height = 14;
constexpr std::size_t label_characters = 22;

std::string number(double value) {
    std::string text = fixed(value, 1);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text;
}

std::string rectangle(std::string_view css_class, double x, double y, double width, double height, double radius) {
    return "<rect class=\"" + std::string(css_class) + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) +
           "\" height=\"" + number(height) + "\" rx=\"" + number(radius) + "\"/>";
}

} // namespace

std::string bar_chart(std::string_view id, std::string_view title, std::string_view unit, const std::vector<Bar>& bars) {
    std::uint64_t most = 1;
    for (const Bar& bar : bars) most = std::max(most, bar.value);
    const double height = static_cast<double>(bars.size()) * row_height + 4;
    const double room = chart_width - label_width - value_width;
    const std::string name(id);

    std::string svg = "<svg class=\"chart\" viewBox=\"0 0 " + number(chart_width) + " " + number(height) + "\" role=\"img\" aria-labelledby=\"" + name + "-t " + name + "-d\">\n";
    svg += "<title id=\"" + name + "-t\">" + html(title) + "</title>\n<desc id=\"" + name + "-d\">";
    for (std::size_t i = 0; i < bars.size(); ++i) svg += (i == 0 ? "" : ", ") + html(bars[i].label) + " " + grouped(bars[i].value);
    svg += " " + html(unit) + "</desc>\n";
    svg += "<line class=\"axis\" x1=\"" + number(label_width) + "\" y1=\"0\" x2=\"" + number(label_width) + "\" y2=\"" + number(height) + "\"/>\n";
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const Bar& bar = bars[i];
        const double top = static_cast<double>(i) * row_height + 2;
        const double middle = top + row_height / 2;
        const double width = std::max(bar.value == 0 ? 0.0 : 2.0, room * static_cast<double>(bar.value) / static_cast<double>(most));
        svg += "<g><title>" + html(bar.label) + ": " + grouped(bar.value) + " " + html(unit) + (bar.detail.empty() ? "" : ", " + html(bar.detail)) + "</title>";
        svg += "<text class=\"label\" x=\"" + number(label_width - 10) + "\" y=\"" + number(middle) + "\">" + html(shortened(bar.label, label_characters)) + "</text>";
        svg += rectangle("bar", label_width, middle - bar_height / 2, width, bar_height, 2);
        svg += "<text class=\"value\" x=\"" + number(label_width + width + 8) + "\" y=\"" + number(middle) + "\">" + grouped(bar.value) + "</text></g>\n";
    }
    return svg + "</svg>\n";
}

std::string share_strip(std::string_view label, const std::vector<Share>& shares) {
    constexpr double width = 400;
    constexpr double height = 10;
    constexpr double gap = 1.5;
    std::uint64_t total = 0;
    std::string described(label);
    std::size_t parts = 0;
    for (const Share& share : shares) {
        if (share.value == 0) continue;
        total += share.value;
        described += (parts++ == 0 ? ": " : ", ") + grouped(share.value) + " " + share.label;
    }
    if (total == 0) return {};
    std::string svg = "<svg class=\"strip\" viewBox=\"0 0 400 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" + html(described) + "\">";
    const double room = width - gap * static_cast<double>(parts - 1);
    double x = 0;
    for (const Share& share : shares) {
        if (share.value == 0) continue;
        const double part = room * static_cast<double>(share.value) / static_cast<double>(total);
        svg += rectangle(share.css_class, x, 0, part, height, 0);
        x += part + gap;
    }
    return svg + "</svg>";
}

std::string confidence_bar(double confidence) {
    const Trust trust = trust_of(confidence);
    std::string svg = "<svg class=\"meter\" viewBox=\"0 0 200 12\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"confidence " + fixed(confidence, 1) + " of 100, " + std::string(name_of(trust)) + "\">";
    svg += rectangle("track", 0, 0, 200, 12, 0);
    svg += rectangle(name_of(trust), 0, 0, confidence * 2, 12, 0);
    for (const double tick : {trust_fair_min, trust_high_min}) {
        svg += "<line class=\"tick\" x1=\"" + number(tick * 2) + "\" y1=\"0\" x2=\"" + number(tick * 2) + "\" y2=\"12\"/>";
    }
    return svg + "</svg>";
}

} // namespace report
