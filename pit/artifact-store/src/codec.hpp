// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "types.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace symphony::store {

/// Appends little-endian numbers and length-prefixed bytes.
class ByteWriter {
public:
    ByteWriter() { out_.reserve(256); } // most records need no more
    void u8(std::uint8_t value) { out_.push_back(value); }
    void u16(std::uint16_t value) { number(value, 2); }
    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void f64(double value) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        u64(bits);
    }
    void raw(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
    void text(std::string_view text) {
        u32(static_cast<std::uint32_t>(text.size()));
        raw(bytes_of(text));
    }
    void digest(const Digest& digest) { raw(digest.bytes); }
    void zeros(std::size_t count) { out_.insert(out_.end(), count, 0); }

    std::size_t size() const noexcept { return out_.size(); }
    Bytes bytes() const noexcept { return out_; }
    std::vector<std::uint8_t> take() noexcept { return std::move(out_); }

private:
    void number(std::uint64_t value, std::size_t bytes) {
        std::array<std::uint8_t, 8> little{};
        for (std::size_t i = 0; i < little.size(); ++i) little[i] = static_cast<std::uint8_t>(value >> (8 * i));
        out_.insert(out_.end(), little.begin(), little.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
    std::vector<std::uint8_t> out_;
};

/// Reads what ByteWriter wrote, from bytes that nobody vouches for: past the end everything is zero or empty and good() is false.
class ByteReader {
public:
    explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    double f64() {
        const std::uint64_t bits = u64();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
    Bytes raw(std::size_t size) {
        if (!good_ || size > bytes_.size() - at_) {
            good_ = false;
            return {};
        }
        const Bytes part = bytes_.subspan(at_, size);
        at_ += size;
        return part;
    }
    std::string text(std::size_t size_max) {
        const std::uint32_t size = u32();
        if (size > size_max) good_ = false;
        return std::string(text_of(raw(size)));
    }
    Digest digest() {
        Digest digest;
        const Bytes part = raw(digest.bytes.size());
        if (good_) std::copy(part.begin(), part.end(), digest.bytes.begin());
        return digest;
    }
    /// A count of things that each take at least `each_min` bytes: never more than could be there.
    std::uint32_t count(std::size_t each_min) {
        const std::uint32_t count = u32();
        if (count > left() / std::max<std::size_t>(each_min, 1)) good_ = false;
        return good_ ? count : 0;
    }
    std::size_t left() const noexcept { return bytes_.size() - at_; }
    bool good() const noexcept { return good_; }
    bool ended() const noexcept { return good_ && left() == 0; }

private:
    std::uint64_t number(std::size_t size) {
        const Bytes part = raw(size);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < part.size(); ++i) value |= static_cast<std::uint64_t>(part[i]) << (8 * i);
        return value;
    }
    Bytes bytes_;
    std::size_t at_ = 0;
    bool good_ = true;
};

} // namespace symphony::store
