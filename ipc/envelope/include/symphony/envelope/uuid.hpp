// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::ipc {

/// 128 bits that name one message (RFC 9562). Compares as its bytes and its text do: of version 7 the older one is less.
struct Uuid {
    static constexpr std::size_t text_size = 36;
    std::array<std::uint8_t, 16> bytes{};

    bool is_nil() const noexcept { return *this == Uuid(); }
    unsigned version() const noexcept { return bytes[6] >> 4; }
    /// Of version 7: when it was made, in milliseconds since 1970.
    std::uint64_t unix_ms() const noexcept;

    /// Lower case, as in `0190a8f0-7b1c-7def-8123-456789abcdef`.
    void to_text(char (&to)[text_size]) const noexcept;
    std::string text() const;
    /// The same form in either case, and nothing else.
    static std::optional<Uuid> parse(std::string_view text) noexcept;

    friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// Makes UUIDs of version 7 that ascend strictly, whatever the clock does and from however many threads. [any]
///
/// RFC 9562, 6.2, method 3: behind the milliseconds stand 12 bits of their fraction; the source never gives the same 60 bits twice, nor
/// smaller ones, so that it runs ahead of the clock when asked for more than four million a second. The other 62 bits are
/// SipHash-2-4 (Aumasson and Bernstein 2012) of those 60 under a key of the source: unique among sources and not to be guessed.
/// A forked child makes a source of its own: two with one key could give the same UUID.
class UuidSource {
public:
    /// Nanoseconds since 1970.
    using Clock = std::uint64_t (*)();
    /// Takes its key from the kernel.
    explicit UuidSource(Clock clock = &system_clock_ns) noexcept;
    UuidSource(const UuidSource&) = delete;
    UuidSource& operator=(const UuidSource&) = delete;
    ~UuidSource() = default;

    Uuid next() noexcept;

    static std::uint64_t system_clock_ns() noexcept;

private:
    Clock clock_;
    std::array<std::uint64_t, 2> key_{};
    std::atomic<std::uint64_t> last_{0};
};

} // namespace symphony::ipc
