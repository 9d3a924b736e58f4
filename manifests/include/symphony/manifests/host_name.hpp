// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::manifests {

/// An IPv4 or IPv6 address. A plain value; IPv4 in an IPv6 dress (::ffff:1.2.3.4) is the IPv4 address.
class IpAddress {
public:
    /// Reads the strict forms only: four decimal numbers without leading zeros, or RFC 4291 without brackets and zone.
    static std::optional<IpAddress> parse(std::string_view text);
    static IpAddress v4(const std::array<std::uint8_t, 4>& bytes) noexcept;
    static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept;

    bool is_v4() const noexcept { return is_v4_; }
    /// In network order; of an IPv4 address the first four count, the others are 0.
    const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
    /// The one short form: RFC 5952 for IPv6, without brackets.
    std::string text() const;

    /// The range that makes it no address of the public internet, for people: "loopback", "private", "link-local",
    /// "unique-local", "shared (carrier NAT)", "cloud metadata", "multicast", "documentation", ... Empty: a public address.
    /// An IPv4 address carried in a NAT64, 6to4 or ISATAP address counts as itself.
    std::string_view special_range() const noexcept;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
    bool is_v4_ = true;
};

/// What a plugin may call a machine: a DNS name or an address, in its one canonical form. Everything that decides about
/// hosts reads the text once, here, and goes on with the result.
class HostName {
public:
    /// Lower-cases, and strips one dot behind a name. An IPv6 address may stand in brackets. Refuses what any two programs
    /// might read differently: NUL and control bytes, blanks, percent escapes, userinfo, ports, other brackets, characters
    /// outside ASCII, empty, long or dash-edged labels, and every number that is no strict dotted quad (octal, hexadecimal,
    /// short forms, integers).
    /// @return `invalid_argument`, reason "bad-host", or "numeric-host" of numbers.
    static Result<HostName> parse(std::string_view text);

    /// "api.example.com", "192.0.2.1", "2001:db8::1": no brackets, no dot behind.
    const std::string& text() const noexcept { return text_; }
    /// Set when it is an address and no name.
    const std::optional<IpAddress>& address() const noexcept { return address_; }
    /// Whether a name has one or more whole labels in front of `suffix`, which is canonical: what `*.suffix` stands for.
    /// Never of addresses.
    bool is_beneath(std::string_view suffix) const noexcept;

    friend bool operator==(const HostName& a, const HostName& b) noexcept { return a.text_ == b.text_; }

private:
    std::string text_;
    std::optional<IpAddress> address_;
};

} // namespace symphony::manifests
