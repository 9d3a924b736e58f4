// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::store {

/// 32 bytes that name something: the SHA-256 of a content, or the keyed id of a blob.
struct Digest {
    std::array<std::uint8_t, 32> bytes{};

    /// 64 lower-case hexadecimal digits.
    std::string hex() const;
    /// Exactly 64 hexadecimal digits of either case; nothing else is an id, paths least of all.
    static std::optional<Digest> parse(std::string_view hex) noexcept;
    friend auto operator<=>(const Digest&, const Digest&) = default;
};

std::string hex_of(Bytes bytes);
/// @return False unless `hex` is exactly twice as long as `to` and all digits.
bool bytes_of_hex(std::string_view hex, std::span<std::uint8_t> to) noexcept;

/// What a caller knows an artifact by: the SHA-256 of its content.
using ContentId = Digest;

struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
};

/// How the bytes of a store are sealed. Fixed when it is made.
enum class Suite : std::uint8_t {
    none = 0,               ///< not encrypted; rot is still found
    aes256_gcm = 1,         ///< for processors with AES instructions
    xchacha20_poly1305 = 2, ///< for the others
};
std::string_view name_of(Suite suite) noexcept; ///< "none", "aes-256-gcm", "xchacha20-poly1305"
std::optional<Suite> suite_named(std::string_view name) noexcept;

/// How contents are cut into chunks. Fixed when a store is made: other cuts would store everything anew.
enum class Profile : std::uint8_t {
    text = 0,     ///< 4, 16, 64 KiB
    standard = 1, ///< 64, 256, 1024 KiB; called "default"
    model = 2,    ///< 256 KiB, 1, 4 MiB
};
std::string_view name_of(Profile profile) noexcept;
std::optional<Profile> profile_named(std::string_view name) noexcept;

/// The classes of damage; each comes with a next step.
enum class Damage : std::uint8_t {
    missing,       ///< a file or a part of it is not there
    torn,          ///< a write was cut off
    bit_rot,       ///< bytes changed by themselves: the plain checksum differs
    wrong_key,     ///< the key is not this store's
    wrong_version, ///< made by a newer program
    tampered,      ///< checksums fit and authentication does not: changed or exchanged on purpose
};
std::string_view name_of(Damage damage) noexcept; ///< "missing", "torn", "bit-rot", "wrong-key", "wrong-version", "tampered"
/// An error whose reason is the class, with the next step as its hint. `what` names the thing and the place.
Error damage_error(Damage damage, std::string what);
/// The class that an error of this store carries, if it is one of damage.
std::optional<Damage> damage_of(const Error& error) noexcept;

/// Both clocks of the store; tests put their own in its place. A wall clock may jump, the steady one does not.
struct Clock {
    virtual ~Clock() = default;
    virtual std::uint64_t wall_ms() const;   ///< since 1970
    virtual std::uint64_t steady_ms() const; ///< since some moment
};

/// Called now and then by long work. @return false to cancel: the work ends with `cancelled` and leaves the store whole.
struct Progress {
    std::string_view stage; ///< such as "reading"
    std::uint64_t done = 0; ///< bytes, or pieces when `total_bytes` makes no sense for the stage
    std::uint64_t total = 0;
};
using ProgressFn = std::function<bool(const Progress&)>;

} // namespace symphony::store
