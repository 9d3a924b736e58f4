// SPDX-License-Identifier: Apache-2.0
#include "period.hpp"

namespace symphony::search {

namespace {

/// Days from 1970-01-01 to the first of a month. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
constexpr std::uint64_t days_to(unsigned year, unsigned month) noexcept {
    const unsigned y = month <= 2 ? year - 1 : year;
    const unsigned era = y / 400;
    const unsigned year_of_era = y - era * 400;
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
    const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return std::uint64_t{era} * 146097 + day_of_era - 719468;
}
static_assert(days_to(1970, 1) == 0 && days_to(2000, 3) == 11017);

constexpr std::uint64_t day_ms = 86'400'000;

/// Exactly `digits` digits at the front of `text`, which are taken off.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) noexcept {
    if (text.size() < digits) return {};
    unsigned value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return {};
        value = value * 10 + static_cast<unsigned>(text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

std::optional<unsigned> take_part(std::string_view& text, unsigned max) noexcept {
    if (!text.starts_with('-')) return {};
    text.remove_prefix(1);
    const auto value = take_number(text, 2);
    return value && *value >= 1 && *value <= max ? value : std::nullopt;
}

std::optional<Period> parse_one(std::string_view text) noexcept {
    const auto year = take_number(text, 4);
    if (!year || *year < 1970) return {};
    if (text.empty()) return Period{days_to(*year, 1) * day_ms, days_to(*year + 1, 1) * day_ms};
    const auto month = take_part(text, 12);
    if (!month) return {};
    const std::uint64_t first = days_to(*year, *month);
    const std::uint64_t next = *month == 12 ? days_to(*year + 1, 1) : days_to(*year, *month + 1);
    if (text.empty()) return Period{first * day_ms, next * day_ms};
    const auto day = take_part(text, static_cast<unsigned>(next - first));
    if (!day || !text.empty()) return {};
    return Period{(first + *day - 1) * day_ms, (first + *day) * day_ms};
}

} // namespace

std::optional<Period> parse_period(std::string_view text) noexcept {
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos) return parse_one(text);
    const std::string_view from = text.substr(0, dots), to = text.substr(dots + 2);
    if (from.empty() && to.empty()) return {};
    Period period;
    if (!from.empty()) {
        const auto begin = parse_one(from);
        if (!begin) return {};
        period.from_ms = begin->from_ms;
    }
    if (!to.empty()) {
        const auto end = parse_one(to);
        if (!end) return {};
        period.to_ms = end->to_ms;
    }
    return period.from_ms < period.to_ms ? std::optional(period) : std::nullopt;
}

} // namespace symphony::search
