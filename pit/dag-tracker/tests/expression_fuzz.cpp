// SPDX-License-Identifier: Apache-2.0
// The text up to the first zero byte is an expression, the rest the value that it looks at.
#include "expression.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const symphony::Bytes all(data, size);
    const std::string_view text = symphony::text_of(all);
    const auto zero = text.find('\0');
    const auto parsed = symphony::tracker::Expression::parse(text.substr(0, zero));
    if (!parsed) return 0;
    const auto rest = zero == std::string_view::npos ? symphony::Bytes() : all.subspan(zero + 1);
    const symphony::ValueView value(rest);
    static_cast<void>(parsed->holds(value, value));
    // What is accepted is accepted again as it was written.
    if (!symphony::tracker::Expression::parse(parsed->text())) __builtin_trap();
    return 0;
}
