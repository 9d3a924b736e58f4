// SPDX-License-Identifier: Apache-2.0
#include "sizes.hpp"

#include <symphony/utf8.hpp>

#include <charconv>

namespace symphony::ipc_bench {

Result<std::uint64_t> number_of(std::string_view text, std::string_view what, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size() || value < least || value > most) {
        return Error(Code::invalid_argument, "usage", std::string(what) + ": \"" + to_valid_utf8(text.substr(0, 100)) + "\" is no whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
}

Result<std::size_t> size_of(std::string_view text) {
    const std::string_view all = text;
    unsigned shift = 0;
    for (const auto& [unit, bits] : {std::pair{std::string_view("KiB"), 10u}, {std::string_view("MiB"), 20u}, {std::string_view("B"), 0u}}) {
        if (!text.ends_with(unit)) continue;
        text.remove_suffix(unit.size());
        shift = bits;
        break;
    }
    while (text.ends_with(' ')) text.remove_suffix(1);
    auto value = number_of(text, "--size", 1, message_bytes_max >> shift);
    if (!value) return Error(Code::invalid_argument, "usage", "--size: \"" + to_valid_utf8(all.substr(0, 100)) + "\" is no size up to 8MiB", "write it as 64, 1KiB or 1MiB");
    return static_cast<std::size_t>(*value) << shift;
}

std::string text_of_size(std::size_t bytes) {
    if (bytes % (std::size_t{1} << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
    if (bytes % (std::size_t{1} << 10) == 0) return std::to_string(bytes >> 10) + " KiB";
    return std::to_string(bytes) + " B";
}

} // namespace symphony::ipc_bench
