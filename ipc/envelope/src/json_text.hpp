// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/out_buffer.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace symphony::ipc::json {

/// Writes JSON token by token; who calls sees to it that the tokens make sense.
class Text {
public:
    explicit Text(OutBuffer& to) noexcept : to_(to) {}
    OutBuffer& out() noexcept { return to_; }

    void raw(std::string_view text) { to_.append(text); }
    /// `"name":`, after a comma if it is not the first. @param name  Needs no escapes.
    [[gnu::always_inline]] void key(bool first, std::string_view name) {
        std::uint8_t* p = to_.reserve(name.size() + 4);
        if (!first) *p++ = ',';
        *p++ = '"';
        std::memcpy(p, name.data(), name.size());
        p += name.size();
        *p++ = '"';
        *p++ = ':';
        to_.commit(p);
    }
    template <std::integral T>
    void integer(T value) {
        auto* const p = reinterpret_cast<char*>(to_.reserve(24));
        to_.commit(reinterpret_cast<std::uint8_t*>(std::to_chars(p, p + 24, value).ptr));
    }
    /// The shortest text that reads as the same double, and never as an integer. @param value  Finite.
    void number(double value);
    /// @param value  UTF-8.
    void string(std::string_view value);
    void bytes(Bytes value);
    /// @param value  Checked. @return `unsupported` "not-expressible".
    Status value(ValueView value);

private:
    OutBuffer& to_;
};

} // namespace symphony::ipc::json
