// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/uuid.hpp>

#include <sys/random.h>

#include <bit>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace symphony::ipc {
namespace {

constexpr std::uint8_t no_digit = 0xFF;
constexpr auto digit_values = [] {
    std::array<std::uint8_t, 256> out{};
    for (auto& value : out) value = no_digit;
    for (unsigned i = 0; i < 10; ++i) out['0' + i] = static_cast<std::uint8_t>(i);
    for (unsigned i = 0; i < 6; ++i) out['a' + i] = out['A' + i] = static_cast<std::uint8_t>(10 + i);
    return out;
}();
constexpr auto digit_pairs = [] {
    std::array<char, 512> out{};
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < 256; ++i) {
        out[2 * i] = digits[i >> 4];
        out[2 * i + 1] = digits[i & 15];
    }
    return out;
}();
/// Where the two digits of each byte stand in the text.
constexpr std::array<std::uint8_t, 16> places{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

/// SipHash-2-4 of eight bytes.
std::uint64_t sip_hash(const std::array<std::uint64_t, 2>& key, std::uint64_t message) noexcept {
    std::uint64_t a = key[0] ^ 0x736f6d6570736575u, b = key[1] ^ 0x646f72616e646f6du;
    std::uint64_t c = key[0] ^ 0x6c7967656e657261u, d = key[1] ^ 0x7465646279746573u;
    const auto rounds = [&](int count) noexcept {
        for (; count > 0; --count) {
            a += b; b = std::rotl(b, 13); b ^= a; a = std::rotl(a, 32);
            c += d; d = std::rotl(d, 16); d ^= c;
            a += d; d = std::rotl(d, 21); d ^= a;
            c += b; b = std::rotl(b, 17); b ^= c; c = std::rotl(c, 32);
        }
    };
    constexpr std::uint64_t length = std::uint64_t{8} << 56;
    for (const std::uint64_t word : {message, length}) {
        d ^= word;
        rounds(2);
        a ^= word;
    }
    c ^= 0xFF;
    rounds(4);
    return a ^ b ^ c ^ d;
}

} // namespace

std::uint64_t Uuid::unix_ms() const noexcept {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 6; ++i) out = out << 8 | bytes[i];
    return out;
}

void Uuid::to_text(char (&to)[text_size]) const noexcept {
    for (std::size_t i = 0; i < bytes.size(); ++i) std::memcpy(to + places[i], digit_pairs.data() + 2 * std::size_t{bytes[i]}, 2);
    to[8] = to[13] = to[18] = to[23] = '-';
}

std::string Uuid::text() const {
    char out[text_size];
    to_text(out);
    return {out, text_size};
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
    if (text.size() != text_size || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
    Uuid out;
    unsigned seen = 0;
    for (std::size_t i = 0; i < out.bytes.size(); ++i) {
        const unsigned high = digit_values[static_cast<unsigned char>(text[places[i]])];
        const unsigned low = digit_values[static_cast<unsigned char>(text[places[i] + 1u])];
        seen |= high | low;
        out.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    if (seen > 15) return std::nullopt;
    return out;
}

std::uint64_t UuidSource::system_clock_ns() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

UuidSource::UuidSource(Clock clock) noexcept : clock_(clock) {
    // 16 bytes are never given in part; before the kernel's generator is seeded this waits.
    if (::getrandom(key_.data(), sizeof key_, 0) != static_cast<ssize_t>(sizeof key_)) std::abort();
}

Uuid UuidSource::next() noexcept {
    constexpr std::uint64_t ns_per_ms = 1'000'000;
    const std::uint64_t now_ns = clock_();
    const std::uint64_t now = now_ns / ns_per_ms << 12 | (now_ns % ns_per_ms << 12) / ns_per_ms;
    std::uint64_t last = last_.load(std::memory_order_relaxed);
    std::uint64_t mine = 0;
    do {
        mine = now > last ? now : last + 1;
    } while (!last_.compare_exchange_weak(last, mine, std::memory_order_relaxed));
    const std::uint64_t random = sip_hash(key_, mine);
    const std::uint64_t high = mine >> 12 << 16 | 0x7000u | (mine & 0xFFFu);
    const std::uint64_t low = (random & 0x3FFF'FFFF'FFFF'FFFFu) | 0x8000'0000'0000'0000u;
    Uuid out;
    for (std::size_t i = 0; i < 8; ++i) {
        out.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
        out.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return out;
}

} // namespace symphony::ipc
