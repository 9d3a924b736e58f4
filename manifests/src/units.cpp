// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/units.hpp>

#include "text.hpp"

#include <array>
#include <optional>
#include <span>

namespace symphony::manifests {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t kilo = 1000;
constexpr std::uint64_t kibi = 1024;
// For printing: the first that divides evenly.
constexpr std::array<Unit, 10> size_units{{
    {"TB", kilo * kilo * kilo * kilo}, {"TiB", kibi * kibi * kibi * kibi},
    {"GB", kilo * kilo * kilo}, {"GiB", kibi * kibi * kibi},
    {"MB", kilo * kilo}, {"MiB", kibi * kibi},
    {"KB", kilo}, {"KiB", kibi}, {"kB", kilo}, {"B", 1},
}};
constexpr std::array<Unit, 5> duration_units{{
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1},
}};

/// digits, perhaps a fraction, a unit; whole in the base unit and at most 2^63-1.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
    __extension__ using Wide = unsigned __int128;
    Wide value = 0;
    Wide divisor = 1;
    std::size_t at = 0;
    std::size_t digits = 0;
    bool fraction = false;
    for (; at < text.size(); ++at) {
        if (text[at] == '.' && !fraction && digits != 0) {
            fraction = true;
            digits = 0;
            continue;
        }
        if (!is_digit(text[at])) break;
        // 2^63 with nine more digits times the largest factor stays far below 2^128.
        if (value > Wide{INT64_MAX} * 1'000'000'000 || (fraction && digits == 9)) return std::nullopt;
        value = value * 10 + static_cast<unsigned>(text[at] - '0');
        if (fraction) divisor *= 10;
        ++digits;
    }
    if (digits == 0) return std::nullopt;
    for (const auto& unit : units) {
        if (text.substr(at) != unit.name) continue;
        const Wide product = value * unit.factor;
        if (product % divisor != 0 || product / divisor > INT64_MAX) return std::nullopt;
        return static_cast<std::uint64_t>(product / divisor);
    }
    return std::nullopt;
}

std::string quantity_text(std::uint64_t value, std::span<const Unit> units) {
    for (const auto& unit : units) {
        if (value != 0 && value % unit.factor == 0) return std::to_string(value / unit.factor).append(unit.name);
    }
    return std::to_string(0).append(units.back().name);
}

} // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    if (const auto bytes = parse_quantity(text, size_units)) return *bytes;
    return Error(Code::invalid_argument, "bad-size", "expected a size such as \"2GB\" or \"512MiB\", found " + shown(text),
                 "units: B KB MB GB TB are decimal, KiB MiB GiB TiB binary; no blank before the unit");
}

Result<std::uint64_t> parse_duration(std::string_view text) {
    if (const auto ms = parse_quantity(text, duration_units)) return *ms;
    return Error(Code::invalid_argument, "bad-duration",
                 "expected a duration such as \"250ms\" or \"5s\", found " + shown(text),
                 "units: ms s m h d; no blank before the unit");
}

Result<std::uint32_t> parse_percent(std::string_view text) {
    constexpr std::array<Unit, 1> percent{{{"%", 1}}};
    const auto value = parse_quantity(text, percent);
    if (value && *value >= 1 && *value <= 100'000) return static_cast<std::uint32_t>(*value);
    return Error(Code::invalid_argument, "bad-percent",
                 "expected a share of one core such as \"50%\", up to \"100000%\", found " + shown(text));
}

std::string size_text(std::uint64_t bytes) { return quantity_text(bytes, size_units); }
std::string duration_text(std::uint64_t ms) { return ms == 0 ? "0s" : quantity_text(ms, duration_units); }

} // namespace symphony::manifests
