// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

namespace symphony::tracker {

/// Appends MessagePack in its one shortest form: equal values have equal bytes, numbers that four bytes hold have four. An envelope (ipc) has values as they came, and no digest.
class Packer {
public:
    Bytes bytes() const noexcept { return bytes_of(out_); }
    std::size_t size() const noexcept { return out_.size(); }
    std::string take() noexcept { return std::move(out_); }
    void reserve(std::size_t bytes) { out_.reserve(bytes); }
    void cut(std::size_t size) { out_.resize(size); }

    void null() { out_ += '\xC0'; }
    void boolean(bool value) { out_ += value ? '\xC3' : '\xC2'; }
    void integer(std::int64_t value) {
        if (value >= 0) unsigned_integer(static_cast<std::uint64_t>(value));
        else if (value >= -32) out_ += static_cast<char>(value);
        else if (value >= std::numeric_limits<std::int8_t>::min()) put('\xD0', static_cast<std::uint8_t>(value));
        else if (value >= std::numeric_limits<std::int16_t>::min()) put('\xD1', static_cast<std::uint16_t>(value));
        else if (value >= std::numeric_limits<std::int32_t>::min()) put('\xD2', static_cast<std::uint32_t>(value));
        else put('\xD3', static_cast<std::uint64_t>(value));
    }
    void unsigned_integer(std::uint64_t value) {
        if (value < 0x80) out_ += static_cast<char>(value);
        else if (value <= 0xFF) put('\xCC', static_cast<std::uint8_t>(value));
        else if (value <= 0xFFFF) put('\xCD', static_cast<std::uint16_t>(value));
        else if (value <= 0xFFFFFFFF) put('\xCE', static_cast<std::uint32_t>(value));
        else put('\xCF', value);
    }
    void number(double value) {
        if (is_short(value)) put('\xCA', std::bit_cast<std::uint32_t>(static_cast<float>(value)));
        else put('\xCB', std::bit_cast<std::uint64_t>(value));
    }
    /// Whether four bytes say the same. @param value  Finite.
    static bool is_short(double value) noexcept {
        return value >= -std::numeric_limits<float>::max() && value <= std::numeric_limits<float>::max() && static_cast<double>(static_cast<float>(value)) == value;
    }
    void text(std::string_view value) {
        if (value.size() < 32) out_ += static_cast<char>(0xA0u | value.size());
        else sized('\xD9', value.size());
        out_.append(value);
    }
    /// Three pieces as one text.
    void text(std::string_view before, char middle, std::string_view after) {
        const std::size_t size = before.size() + 1 + after.size();
        if (size < 32) out_ += static_cast<char>(0xA0u | size);
        else sized('\xD9', size);
        out_.append(before);
        out_ += middle;
        out_.append(after);
    }
    void blob(Bytes value) {
        sized('\xC4', value.size());
        out_.append(text_of(value));
    }
    void list(std::size_t items) { container(0x90u, '\xDC', items); }
    void map(std::size_t pairs) { container(0x80u, '\xDE', pairs); }
    void raw(Bytes bytes) { out_.append(text_of(bytes)); }

private:
    template <class T>
    void put(char tag, T value) {
        char wide[1 + sizeof(T)];
        wide[0] = tag;
        for (std::size_t i = 0; i < sizeof(T); ++i) wide[sizeof(T) - i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
        out_.append(wide, sizeof wide);
    }
    void sized(char tag, std::size_t size) {
        if (size <= 0xFF) put(tag, static_cast<std::uint8_t>(size));
        else if (size <= 0xFFFF) put(static_cast<char>(tag + 1), static_cast<std::uint16_t>(size));
        else put(static_cast<char>(tag + 2), static_cast<std::uint32_t>(size));
    }
    void container(unsigned small, char tag, std::size_t count) {
        if (count < 16) out_ += static_cast<char>(small | count);
        else if (count <= 0xFFFF) put(tag, static_cast<std::uint16_t>(count));
        else put(static_cast<char>(tag + 1), static_cast<std::uint32_t>(count));
    }

    std::string out_;
};

/// Containers in containers of a constant, a default or the metadata.
inline constexpr std::size_t constant_depth_max = 20;

/// Appends a constant of a file: keys sorted by bytes, the members "$bytes", "$null" and "$map" of docs/workflow-file.md
/// resolved. On failure a null takes its place.
/// @return `invalid_argument` "bad-value" (not finite, not base64, a second key) or "too-deep".
Status pack(Packer& to, const Doc& from);

/// Appends a value of the same kind that came another way. @return as above.
Status pack(Packer& to, ValueView from);

/// Whether a map with this one key has to be wrapped in {"$map": …} to be read back as itself.
bool is_marked(ValueView map) noexcept;

} // namespace symphony::tracker
