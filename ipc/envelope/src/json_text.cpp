// SPDX-License-Identifier: Apache-2.0
#include "json_text.hpp"

#include "fault.hpp"

#include <symphony/base64.hpp>
#include <symphony/envelope/json.hpp>

#include <bit>
#include <cmath>

namespace symphony::ipc::json {
namespace {

namespace items = symphony::msgpack;

/// How a byte stands in a string: 0 as it is, 'u' by its number, else behind a backslash.
constexpr auto escapes = [] {
    std::array<char, 256> out{};
    for (std::size_t i = 0; i < 0x20; ++i) out[i] = 'u';
    out['\b'] = 'b';
    out['\t'] = 't';
    out['\n'] = 'n';
    out['\f'] = 'f';
    out['\r'] = 'r';
    out['"'] = '"';
    out['\\'] = '\\';
    return out;
}();

/// Whether one of eight bytes has to be escaped (zero bytes of a word: Mycroft 1987).
bool needs_escape(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    const std::uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    return (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & highs;
}

Error not_expressible(std::string what) { return {Code::unsupported, "not-expressible", "JSON has no way to say " + std::move(what)}; }

constexpr std::string_view bytes_key = "$bytes";

/// Walks items that Value::check() found whole. Recursive, value_depth_max deep.
class ValueWriter {
public:
    ValueWriter(Text& to, const std::uint8_t* end) noexcept : to_(to), end_(end) {}
    Status status;

    const std::uint8_t* item(const std::uint8_t* p) {
        const items::Head head = items::read_head(p, end_);
        switch (head.kind) {
        case Kind::null: to_.raw("null"); return head.body;
        case Kind::boolean: to_.raw(head.bits != 0 ? "true" : "false"); return head.body;
        case Kind::integer:
            if (head.negative) to_.integer(static_cast<std::int64_t>(head.bits));
            else to_.integer(head.bits);
            return head.body;
        case Kind::number: {
            const double value = std::bit_cast<double>(head.bits);
            if (std::isfinite(value)) to_.number(value);
            else refuse("infinity or NaN");
            return head.body;
        }
        case Kind::text: to_.string(text_of({head.body, head.count})); return head.body + head.count;
        case Kind::bytes: to_.bytes({head.body, head.count}); return head.body + head.count;
        case Kind::list: return list(head);
        case Kind::map: return map(head);
        case Kind::invalid: break;
        }
        refuse("what is no value");
        return end_;
    }

private:
    const std::uint8_t* list(const items::Head& head) {
        const std::uint8_t* p = head.body;
        to_.raw("[");
        for (std::uint32_t i = 0; i < head.count; ++i) {
            if (i > 0) to_.raw(",");
            p = item(p);
        }
        to_.raw("]");
        return p;
    }
    const std::uint8_t* map(const items::Head& head) {
        const std::uint8_t* p = head.body;
        to_.raw("{");
        for (std::uint32_t i = 0; i < head.count; ++i) {
            if (i > 0) to_.raw(",");
            const items::Head name = items::read_head(p, end_);
            const std::string_view key = text_of({name.body, name.count});
            if (head.count == 1 && key == bytes_key) refuse("a map whose one key is \"$bytes\": it would read as bytes");
            to_.string(key);
            to_.raw(":");
            p = item(name.body + name.count);
        }
        to_.raw("}");
        return p;
    }
    void refuse(std::string what) {
        if (status) status = not_expressible(std::move(what));
    }

    Text& to_;
    const std::uint8_t* end_;
};

} // namespace

void Text::number(double value) {
    auto* const p = reinterpret_cast<char*>(to_.reserve(40));
    char* end = std::to_chars(p, p + 38, value).ptr;
    if (std::string_view(p, static_cast<std::size_t>(end - p)).find_first_of(".e") == std::string_view::npos) {
        *end++ = '.';
        *end++ = '0';
    }
    to_.commit(reinterpret_cast<std::uint8_t*>(end));
}

void Text::string(std::string_view value) {
    constexpr std::size_t chunk_max = 512;
    to_.byte('"');
    while (!value.empty()) {
        const std::string_view chunk = value.substr(0, chunk_max);
        value.remove_prefix(chunk.size());
        std::uint8_t* p = to_.reserve(6 * chunk.size() + 8);
        std::size_t i = 0;
        while (i < chunk.size()) {
            if (i + 8 <= chunk.size()) {
                const auto word = load<std::uint64_t>(chunk.data() + i);
                if (!needs_escape(word)) [[likely]] {
                    std::memcpy(p, &word, 8);
                    p += 8;
                    i += 8;
                    continue;
                }
            }
            const std::size_t stop = std::min(i + 8, chunk.size());
            for (; i < stop; ++i) {
                const auto c = static_cast<unsigned char>(chunk[i]);
                const char escape = escapes[c];
                if (escape == 0) {
                    *p++ = c;
                    continue;
                }
                *p++ = '\\';
                *p++ = static_cast<std::uint8_t>(escape);
                if (escape != 'u') continue;
                constexpr std::string_view digits = "0123456789abcdef";
                for (const unsigned shift : {12u, 8u, 4u, 0u}) *p++ = static_cast<std::uint8_t>(digits[unsigned{c} >> shift & 15u]);
            }
        }
        to_.commit(p);
    }
    to_.byte('"');
}

void Text::bytes(Bytes value) {
    raw("{\"$bytes\":\"");
    const std::size_t size = base64::text_size(value.size());
    std::uint8_t* const p = to_.reserve(size);
    base64::encode(reinterpret_cast<char*>(p), value);
    to_.commit(p + size);
    raw("\"}");
}

Status Text::value(ValueView value) {
    const Bytes bytes = value.bytes();
    if (bytes.empty()) {
        raw("null");
        return {};
    }
    ValueWriter writer(*this, bytes.data() + bytes.size());
    writer.item(bytes.data());
    return std::move(writer.status);
}

Status write_value(OutBuffer& to, ValueView value) {
    if (value.exists()) {
        if (auto status = Value::check(value.bytes()); !status) return status;
    }
    const std::size_t start = to.size();
    auto status = Text(to).value(value);
    if (!status) to.cut(start);
    return status;
}

} // namespace symphony::ipc::json
