// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/compact.hpp>
#include <symphony/envelope/json.hpp>
#include <symphony/envelope/msgpack.hpp>

#include <array>
#include <string>
#include <string_view>

namespace symphony::ipc::testing {

inline constexpr std::array<std::string_view, 3> codec_names{"compact-binary", "msgpack", "json"};

inline Result<std::string> write(std::string_view codec, const Envelope& envelope) {
    OutBuffer out;
    auto status = codec == "compact-binary" ? compact::write(out, view_of(envelope))
                  : codec == "msgpack"      ? msgpack::write(out, view_of(envelope))
                                            : json::write(out, view_of(envelope));
    if (!status) return std::move(status).error();
    return std::string(out.text());
}

/// From memory of exactly the right size, so that a sanitizer sees one byte too many.
inline Result<Envelope> read(std::string_view codec, std::string_view text, const ReadRules& rules = {}) {
    const Buffer held = Buffer::copy(text);
    EnvelopeView view;
    json::Reader reader;
    auto status = codec == "compact-binary" ? compact::read(held, view, rules)
                  : codec == "msgpack"      ? msgpack::read(held, view, rules)
                                            : reader.read(held, view, rules);
    if (!status) return std::move(status).error();
    return own(view, held);
}

/// Bytes from hex with blanks, for layouts that are written down.
inline std::string unhex(std::string_view hex) {
    std::string out;
    int high = -1;
    for (const char c : hex) {
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) continue;
        if (high < 0) high = digit;
        else {
            out += static_cast<char>(high << 4 | digit);
            high = -1;
        }
    }
    return out;
}

} // namespace symphony::ipc::testing
