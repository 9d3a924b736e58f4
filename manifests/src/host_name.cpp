// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/host_name.hpp>

#include "text.hpp"

#include <algorithm>

namespace symphony::manifests {
namespace {

constexpr std::size_t host_bytes_max = 253;
constexpr std::size_t label_bytes_max = 63;

constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f'); }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::optional<std::array<std::uint8_t, 4>> read_quad(std::string_view text) {
    std::array<std::uint8_t, 4> out{};
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t end = i == 3 ? text.size() : text.find('.');
        if (end == std::string_view::npos || end == 0 || end > 3 || (end > 1 && text[0] == '0')) return std::nullopt;
        unsigned value = 0;
        for (const char c : text.substr(0, end)) {
            if (!is_digit(c)) return std::nullopt;
            value = value * 10 + static_cast<unsigned>(c - '0');
        }
        if (value > 255) return std::nullopt;
        out[i] = static_cast<std::uint8_t>(value);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

/// RFC 4291, 2.2: groups, one "::", and perhaps a dotted quad for the last 32 bits.
std::optional<std::array<std::uint8_t, 16>> read_groups(std::string_view text) {
    std::array<std::uint8_t, 16> out{};
    std::size_t filled = 0;
    std::optional<std::size_t> gap;
    if (text.size() > 45) return std::nullopt;
    if (text.starts_with("::")) {
        gap = 0;
        text.remove_prefix(2);
    } else if (text.starts_with(':')) {
        return std::nullopt;
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(':'), text.size());
        const std::string_view group = text.substr(0, end);
        if (end == text.size() && group.find('.') != std::string_view::npos) {
            const auto quad = read_quad(group);
            if (!quad || filled > 12) return std::nullopt;
            std::copy(quad->begin(), quad->end(), out.begin() + static_cast<std::ptrdiff_t>(filled));
            filled += 4;
            break;
        }
        if (group.empty() || group.size() > 4 || filled > 14) return std::nullopt;
        unsigned value = 0;
        for (char c : group) {
            c = lower(c);
            if (!is_hex(c)) return std::nullopt;
            value = value * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'a' + 10);
        }
        out[filled++] = static_cast<std::uint8_t>(value >> 8);
        out[filled++] = static_cast<std::uint8_t>(value & 0xFF);
        text.remove_prefix(end);
        if (text.empty()) break;
        text.remove_prefix(1);
        if (text.starts_with(':')) {
            if (gap) return std::nullopt;
            gap = filled;
            text.remove_prefix(1);
        } else if (text.empty()) {
            return std::nullopt;
        }
    }
    if (!gap) return filled == 16 ? std::optional(out) : std::nullopt;
    if (filled > 14) return std::nullopt;
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(*gap);
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(filled);
    std::fill(begin, std::copy_backward(begin, end, out.end()), std::uint8_t{0});
    return out;
}

/// A prefix of an address and what it is set apart for.
struct Range {
    std::array<std::uint8_t, 16> prefix;
    unsigned bits;
    std::string_view name;
};

bool within(const std::array<std::uint8_t, 16>& address, const Range& range) noexcept {
    const std::size_t whole = range.bits / 8;
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), range.prefix.begin())) return false;
    const unsigned rest = range.bits % 8;
    return rest == 0 || ((address[whole] ^ range.prefix[whole]) >> (8 - rest)) == 0;
}

// The IANA special-purpose registries, and the services of cloud machines that trust who can reach them. First hit counts.
constexpr Range ranges_v4[] = {
    {{255, 255, 255, 255}, 32, "broadcast"},
    {{169, 254, 169, 254}, 32, "cloud metadata"},
    {{169, 254, 170, 2}, 32, "cloud metadata"},
    {{100, 100, 100, 200}, 32, "cloud metadata"},
    {{168, 63, 129, 16}, 32, "cloud metadata"},
    {{192, 0, 0, 192}, 32, "cloud metadata"},
    {{0, 0, 0, 0}, 32, "unspecified"},
    {{0, 0, 0, 0}, 8, "this network"},
    {{10, 0, 0, 0}, 8, "private"},
    {{100, 64, 0, 0}, 10, "shared (carrier NAT)"},
    {{127, 0, 0, 0}, 8, "loopback"},
    {{169, 254, 0, 0}, 16, "link-local"},
    {{172, 16, 0, 0}, 12, "private"},
    {{192, 0, 0, 0}, 24, "protocol assignments"},
    {{192, 0, 2, 0}, 24, "documentation"},
    {{192, 88, 99, 0}, 24, "6to4 relay"},
    {{192, 168, 0, 0}, 16, "private"},
    {{198, 18, 0, 0}, 15, "benchmarking"},
    {{198, 51, 100, 0}, 24, "documentation"},
    {{203, 0, 113, 0}, 24, "documentation"},
    {{224, 0, 0, 0}, 4, "multicast"},
    {{240, 0, 0, 0}, 4, "reserved"},
};
constexpr Range ranges_v6[] = {
    {{}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54}, 128, "cloud metadata"},
    {{}, 96, "IPv4-compatible"},
    {{0, 0x64, 0xFF, 0x9B, 0, 1}, 48, "local NAT64"},
    {{1, 0, 0, 0, 0, 0, 0, 0}, 64, "discard"},
    {{0x20, 0x01, 0x0D, 0xB8}, 32, "documentation"},
    {{0x20, 0x01, 0, 0}, 32, "Teredo"},
    {{0x20, 0x01, 0, 0}, 23, "protocol assignments"},
    {{0x3F, 0xFF, 0}, 20, "documentation"},
    {{0xFC}, 7, "unique-local"},
    {{0xFE, 0x80}, 10, "link-local"},
    {{0xFE, 0xC0}, 10, "site-local"},
    {{0xFF}, 8, "multicast"},
};

/// The IPv4 address that an IPv6 address leads to: NAT64 (RFC 6052), 6to4 (RFC 3056), ISATAP (RFC 5214).
std::optional<IpAddress> carried(const std::array<std::uint8_t, 16>& a) noexcept {
    constexpr Range nat64{{0, 0x64, 0xFF, 0x9B}, 96, ""};
    if (within(a, nat64)) return IpAddress::v4({a[12], a[13], a[14], a[15]});
    if (a[0] == 0x20 && a[1] == 0x02) return IpAddress::v4({a[2], a[3], a[4], a[5]});
    if ((a[8] & 0xFDU) == 0 && a[9] == 0 && a[10] == 0x5E && a[11] == 0xFE) return IpAddress::v4({a[12], a[13], a[14], a[15]});
    return std::nullopt;
}

Error bad_host(std::string_view text, std::string_view what, std::string hint = "give a plain host name such as \"api.example.com\"") {
    return Error(Code::invalid_argument, "bad-host", "host " + shown(text) + ": " + std::string(what), std::move(hint));
}

/// What is wrong with single bytes, before anything is read into them.
std::string_view bad_bytes(std::string_view text) noexcept {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == 0) return "a zero byte is in it";
        if (byte < 0x20 || byte == 0x7F) return "a control character is in it";
        if (c == ' ') return "a blank is in it";
        if (c == '%') return "percent escapes and zones are not read";
        if (c == '@') return "user information is not part of a host";
        if (c == '/' || c == '\\' || c == '?' || c == '#') return "a path is not part of a host";
    }
    return {};
}

/// The last label decides, as in the WHATWG URL standard: when it is a number, some program reads the host as an address.
bool ends_in_number(std::string_view name) noexcept {
    const std::size_t dot = name.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
    if (all_of(last, is_digit)) return true;
    return last.starts_with("0x") && all_of(last.substr(2), is_hex);
}

std::string_view bad_label(std::string_view label) noexcept {
    if (label.empty()) return "an empty part between dots";
    if (label.size() > label_bytes_max) return "a part of more than 63 characters";
    if (label.front() == '-' || label.back() == '-') return "a part begins or ends with a dash";
    if (!all_of(label, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; })) {
        return "only letters, digits, dashes and dots make a name";
    }
    return {};
}

} // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (const auto quad = read_quad(text)) return v4(*quad);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
    if (const auto groups = read_groups(text)) return v6(*groups);
    return std::nullopt;
}

IpAddress IpAddress::v4(const std::array<std::uint8_t, 4>& bytes) noexcept {
    IpAddress out;
    std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
    return out;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
    constexpr Range mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96, ""};
    if (within(bytes, mapped)) return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
    IpAddress out;
    out.bytes_ = bytes;
    out.is_v4_ = false;
    return out;
}

std::string IpAddress::text() const {
    std::string out;
    if (is_v4_) {
        for (std::size_t i = 0; i < 4; ++i) out += (i == 0 ? "" : ".") + std::to_string(bytes_[i]);
        return out;
    }
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i) groups[i] = (static_cast<unsigned>(bytes_[2 * i]) << 8) | bytes_[2 * i + 1];
    // The longest run of two or more zero groups, the first of equal ones, is written "::".
    std::size_t gap = 8, gap_size = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t end = i;
        while (end < 8 && groups[end] == 0) ++end;
        if (end - i > gap_size) {
            gap = i;
            gap_size = end - i;
        }
    }
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == gap) {
            out += "::";
            i += gap_size - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out += ':';
        bool leading = true;
        for (int shift = 12; shift >= 0; shift -= 4) {
            const unsigned digit = (groups[i] >> shift) & 0xFU;
            leading = leading && digit == 0 && shift != 0;
            if (!leading) out += "0123456789abcdef"[digit];
        }
    }
    return out;
}

std::string_view IpAddress::special_range() const noexcept {
    if (is_v4_) {
        for (const Range& range : ranges_v4) {
            if (within(bytes_, range)) return range.name;
        }
        return {};
    }
    if (const auto inner = carried(bytes_)) {
        const std::string_view range = inner->special_range();
        if (!range.empty()) return range;
    }
    for (const Range& range : ranges_v6) {
        if (within(bytes_, range)) return range.name;
    }
    // Only 2000::/3 is in use, and the well-known NAT64 prefix.
    const bool global = (bytes_[0] & 0xE0U) == 0x20U || carried(bytes_).has_value();
    return global ? std::string_view() : std::string_view("reserved");
}

Result<HostName> HostName::parse(std::string_view text) {
    if (text.empty()) return bad_host(text, "it is empty");
    if (const auto what = bad_bytes(text); !what.empty()) return bad_host(text, what);
    if (!all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
        return bad_host(text, "characters outside ASCII", "write the ASCII form of an international name, such as \"xn--bcher-kva.example\"");
    }
    HostName out;
    if (text.front() == '[') {
        const auto address = text.back() == ']' ? read_groups(text.substr(1, text.size() - 2)) : std::nullopt;
        if (!address) return bad_host(text, "brackets hold an IPv6 address and nothing else", "give \"[2001:db8::1]\" without zone or port");
        out.address_ = IpAddress::v6(*address);
    } else if (text.find(':') != std::string_view::npos) {
        out.address_ = IpAddress::parse(text);
        if (!out.address_) return bad_host(text, "no host name has a colon, and it is no IPv6 address", "give the port by itself");
    }
    if (out.address_) {
        out.text_ = out.address_->text();
        return out;
    }
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (name.back() == '.') name.pop_back();
    if (name.empty() || name.size() > host_bytes_max) return bad_host(text, name.empty() ? "it has no labels" : "longer than 253 characters");
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t end = std::min(name.find('.', at), name.size());
        if (const auto what = bad_label(std::string_view(name).substr(at, end - at)); !what.empty()) return bad_host(text, what);
        at = end + 1;
    }
    if (ends_in_number(name)) {
        const auto quad = read_quad(name);
        if (!quad) {
            return Error(Code::invalid_argument, "numeric-host",
                         "host " + shown(text) + ": a number that is no address of four decimal parts",
                         "write an IPv4 address as \"192.0.2.1\"");
        }
        out.address_ = IpAddress::v4(*quad);
        name = out.address_->text();
    }
    out.text_ = std::move(name);
    return out;
}

bool HostName::is_beneath(std::string_view suffix) const noexcept {
    if (address_ || suffix.empty() || text_.size() < suffix.size() + 2) return false;
    return std::string_view(text_).ends_with(suffix) && text_[text_.size() - suffix.size() - 1] == '.';
}

} // namespace symphony::manifests
