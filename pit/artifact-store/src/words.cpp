// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace symphony::store {
namespace {

std::size_t characters_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

} // namespace

std::string size_words(std::uint64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto number = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (number >= 1024 && unit + 1 < units.size()) {
        number /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), number < 10 ? "%.1f %s" : "%.0f %s", number, units[unit]);
    return text.data();
}

namespace {

std::string formatted(std::uint64_t unix_ms, bool stamp) {
    namespace ch = std::chrono;
    constexpr std::uint64_t ms_max = 253'402'300'799'999; // the year 9999
    const ch::sys_time<ch::milliseconds> time{ch::milliseconds(static_cast<std::int64_t>(std::min(unix_ms, ms_max)))};
    const auto day = ch::floor<ch::days>(time);
    const ch::year_month_day date{day};
    const ch::hh_mm_ss clock{time - day};
    std::array<char, 48> text{};
    const int year = static_cast<int>(date.year());
    const unsigned month = static_cast<unsigned>(date.month()), dom = static_cast<unsigned>(date.day());
    const auto hours = static_cast<int>(clock.hours().count()), minutes = static_cast<int>(clock.minutes().count());
    if (stamp) {
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", year, month, dom, hours, minutes, static_cast<int>(clock.seconds().count()),
                      static_cast<int>(clock.subseconds().count()));
    } else {
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d", year, month, dom, hours, minutes);
    }
    return text.data();
}

} // namespace

std::string time_words(std::uint64_t unix_ms) { return unix_ms == 0 ? "-" : formatted(unix_ms, false); }
std::string time_stamp(std::uint64_t unix_ms) { return unix_ms == 0 ? std::string() : formatted(unix_ms, true); }

std::string count_words(std::uint64_t count, std::string_view what) {
    return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string short_id(std::string_view id) { return std::string(id.substr(0, 12)); }

std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view right_aligned) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        if (widths.size() < row.size()) widths.resize(row.size());
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters_of(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string blanks(widths[i] - characters_of(row[i]), ' ');
            const bool right = i < right_aligned.size() && right_aligned[i] == 'r';
            if (right) out += blanks;
            out += row[i];
            if (i + 1 == row.size()) break;
            if (!right) out += blanks;
            out += "  ";
        }
        while (out.ends_with(' ')) out.pop_back();
        out += '\n';
    }
    return out;
}

} // namespace symphony::store
