// SPDX-License-Identifier: Apache-2.0
#include "sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace symphony::tracker {
namespace {

EVP_MD_CTX* context() {
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> own(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    return own.get();
}

std::array<std::uint8_t, 8> little_endian(std::uint64_t number) noexcept {
    std::array<std::uint8_t, 8> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return out;
}

/// Tells a value to SHA-256 in one form: a letter for the kind, then eight bytes for a number or a length, then the content; the keys of a
/// map in the order of their bytes. No value's form is the beginning of another's.
class ValueHash {
public:
    void put(ValueView value) {
        switch (value.kind()) {
        case Kind::null:
        case Kind::invalid: return letter('n');
        case Kind::boolean: return letter(value.as_bool() ? 't' : 'f');
        case Kind::integer:
            if (const auto small = value.to_int()) return number('i', static_cast<std::uint64_t>(*small));
            return number('u', value.as_uint());
        case Kind::number: return number('d', std::bit_cast<std::uint64_t>(value.as_double()));
        case Kind::text: return blob('s', bytes_of(value.as_text()));
        case Kind::bytes: return blob('b', value.as_bytes());
        case Kind::list:
            number('l', value.size());
            for (const ValueView item : value.items()) put(item);
            return;
        case Kind::map: return put_map(value);
        }
    }
    Digest finish() noexcept {
        flush();
        return hash_.finish();
    }

private:
    /// Entries of all maps that are open lie in one vector: a list of small maps allocates nothing for each.
    void put_map(ValueView map) {
        const std::size_t from = entries_.size();
        for (const auto [key, value] : map.entries()) entries_.emplace_back(key, value);
        const std::size_t to = entries_.size();
        const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(from);
        const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
        if (!std::is_sorted(first, entries_.end(), by_key)) std::stable_sort(first, entries_.end(), by_key);
        number('m', to - from);
        for (std::size_t i = from; i < to; ++i) {
            const auto entry = entries_[i];  // a copy: inner maps move the vector
            blob('k', bytes_of(entry.first));
            put(entry.second);
        }
        entries_.resize(from);
    }

    void letter(char kind) { *room(1) = static_cast<std::uint8_t>(kind); }
    void number(char kind, std::uint64_t value) {
        std::uint8_t* to = room(9);
        *to = static_cast<std::uint8_t>(kind);
        const auto bytes = little_endian(value);
        std::copy(bytes.begin(), bytes.end(), to + 1);
    }
    void blob(char kind, Bytes content) {
        number(kind, content.size());
        if (content.size() > small_max) {
            flush();
            hash_.add(content);
        } else if (!content.empty()) {
            std::copy(content.begin(), content.end(), room(content.size()));
        }
    }
    std::uint8_t* room(std::size_t bytes) {
        if (used_ + bytes > buffer_.size()) flush();
        return buffer_.data() + std::exchange(used_, used_ + bytes);
    }
    void flush() noexcept {
        hash_.add({buffer_.data(), used_});
        used_ = 0;
    }

    static constexpr std::size_t small_max = 1024;
    Sha256 hash_;
    std::array<std::uint8_t, 4096> buffer_;
    std::size_t used_ = 0;
    std::vector<std::pair<std::string_view, ValueView>> entries_;
};

int hex_digit(char c) noexcept { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

} // namespace

Sha256::Sha256() {
    if (context() == nullptr || EVP_DigestInit_ex2(context(), EVP_sha256(), nullptr) != 1) throw std::runtime_error("SHA-256 is not available");
}
Sha256& Sha256::add(Bytes piece) noexcept {
    if (!piece.empty()) EVP_DigestUpdate(context(), piece.data(), piece.size());
    return *this;
}
Sha256& Sha256::add_sized(Bytes piece) noexcept { return add_number(piece.size()).add(piece); }
Sha256& Sha256::add_number(std::uint64_t number) noexcept { return add(little_endian(number)); }
Digest Sha256::finish() noexcept {
    Digest out;
    EVP_DigestFinal_ex(context(), out.bytes.data(), nullptr);
    return out;
}

Digest sha256(Bytes bytes) { return Sha256().add(bytes).finish(); }

Digest digest_of(ValueView value) {
    ValueHash hash;
    hash.put(value);
    return hash.finish();
}

std::string hex_of(const Digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(64);
    for (const std::uint8_t byte : digest.bytes) {
        out += digits[byte >> 4];
        out += digits[byte & 15u];
    }
    return out;
}

std::optional<Digest> digest_of_hex(std::string_view text) {
    if (text.size() != 64) return std::nullopt;
    Digest out;
    for (std::size_t i = 0; i < 32; ++i) {
        const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return out;
}

} // namespace symphony::tracker
