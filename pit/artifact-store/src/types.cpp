// SPDX-License-Identifier: Apache-2.0
#include "types.hpp"

#include <array>
#include <cstring>

namespace symphony::store {
namespace {

constexpr std::array<std::string_view, 3> suite_names{"none", "aes-256-gcm", "xchacha20-poly1305"};
constexpr std::array<std::string_view, 3> profile_names{"text", "default", "model"};
constexpr std::array<std::string_view, 6> damage_names{"missing", "torn", "bit-rot", "wrong-key", "wrong-version", "tampered"};
constexpr std::array<std::string_view, 6> damage_hints{
    "put the file back from a backup, or run `symphony artifact repair` to save the rest and list what is lost",
    "run `symphony artifact repair`: what was acknowledged before the cut is kept",
    "read again; when it stays, check the disk, then run `symphony artifact repair` to save what is intact",
    "give the passphrase or key file of this store; `symphony artifact key list` shows its key slots",
    "use a newer Symphony: this store was made by one",
    "somebody changed these files: restore them from a backup that you trust, then run `symphony artifact verify --data`",
};

template <class Enum, std::size_t N>
std::optional<Enum> named(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == name) return static_cast<Enum>(i);
    }
    return std::nullopt;
}

int digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

std::string Digest::hex() const { return hex_of(bytes); }

std::optional<Digest> Digest::parse(std::string_view hex) noexcept {
    Digest digest;
    if (!bytes_of_hex(hex, digest.bytes)) return std::nullopt;
    return digest;
}

std::string hex_of(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

bool bytes_of_hex(std::string_view hex, std::span<std::uint8_t> to) noexcept {
    if (hex.size() != to.size() * 2) return false;
    for (std::size_t i = 0; i < to.size(); ++i) {
        const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        to[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

std::size_t DigestHash::operator()(const Digest& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.bytes.data(), sizeof hash);
    return hash;
}

std::string_view name_of(Suite suite) noexcept { return suite_names[static_cast<std::size_t>(suite)]; }
std::optional<Suite> suite_named(std::string_view name) noexcept { return named<Suite>(suite_names, name); }
std::string_view name_of(Profile profile) noexcept { return profile_names[static_cast<std::size_t>(profile)]; }
std::optional<Profile> profile_named(std::string_view name) noexcept { return named<Profile>(profile_names, name); }
std::string_view name_of(Damage damage) noexcept { return damage_names[static_cast<std::size_t>(damage)]; }

Error damage_error(Damage damage, std::string what) {
    const Code code = damage == Damage::wrong_key ? Code::refused : damage == Damage::wrong_version ? Code::unsupported : Code::data_corrupt;
    return Error(code, name_of(damage), std::move(what), std::string(damage_hints[static_cast<std::size_t>(damage)]));
}

std::optional<Damage> damage_of(const Error& error) noexcept { return named<Damage>(damage_names, error.reason()); }

std::uint64_t Clock::wall_ms() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

std::uint64_t Clock::steady_ms() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

} // namespace symphony::store
