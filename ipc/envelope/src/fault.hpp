// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace symphony::ipc {

/// The first thing that is wrong with an envelope. What comes after it is not looked at.
class Fault {
public:
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

    Fault() noexcept {} // NOLINT: see the members
    explicit operator bool() const noexcept { return what_ != nullptr; }
    /// @param what  A literal, and so is `field`.
    [[gnu::cold, gnu::noinline]] void set(Code code, const char* reason, const char* what, const char* field, std::size_t at = nowhere) noexcept {
        if (what_ != nullptr) return;
        code_ = code;
        reason_ = reason;
        what_ = what;
        field_ = field;
        at_ = at;
    }
    void malformed(const char* what, const char* field, std::size_t at = nowhere) noexcept { set(Code::data_corrupt, "bad-envelope", what, field, at); }
    void too_large(const char* field, std::size_t at = nowhere) noexcept { set(Code::exhausted, "too-large", "is longer than an envelope can hold", field, at); }

    [[gnu::cold]] Error error() const {
        std::string message = "envelope: ";
        if (*field_ != '\0') message.append("\"").append(field_).append("\" ");
        message += what_;
        if (at_ != nowhere) message += " at byte " + std::to_string(at_);
        return {code_, reason_, std::move(message)};
    }

private:
    const char* what_ = nullptr;
    // Set with what_; until then nobody pays for them.
    Code code_;
    const char* reason_;
    const char* field_;
    std::size_t at_;
};

template <class T>
[[gnu::always_inline]] inline T load(const void* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

/// The bytes of a short text OR-ed together, each read once or twice and none behind its end: no high bit, no byte that is not ASCII.
/// @param n  At most 32.
[[gnu::always_inline]] inline std::uint64_t merged(const char* p, std::size_t n) noexcept {
    if (n >= 16) {
        return load<std::uint64_t>(p) | load<std::uint64_t>(p + 8) | load<std::uint64_t>(p + n - 16) | load<std::uint64_t>(p + n - 8);
    }
    if (n >= 8) return load<std::uint64_t>(p) | load<std::uint64_t>(p + n - 8);
    if (n >= 4) return load<std::uint32_t>(p) | load<std::uint32_t>(p + n - 4);
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < n; ++i) all |= static_cast<unsigned char>(p[i]);
    return all;
}

/// UTF-8, with a short way for short ASCII, which is what names are made of.
[[gnu::always_inline]] inline bool is_text(std::string_view text) noexcept {
    if (text.size() <= 32 && (merged(text.data(), text.size()) & 0x8080808080808080u) == 0) [[likely]] return true;
    return is_valid_utf8(text);
}

/// A copy that need not call anybody when it is short. Writes within `n` bytes.
[[gnu::always_inline]] inline void copy_short(std::uint8_t* to, const void* from, std::size_t n) noexcept {
    const auto* const p = static_cast<const char*>(from);
    if (n > 32) [[unlikely]] {
        std::memcpy(to, p, n);
    } else if (n >= 16) {
        const auto a = load<std::uint64_t>(p), b = load<std::uint64_t>(p + 8), c = load<std::uint64_t>(p + n - 16), d = load<std::uint64_t>(p + n - 8);
        std::memcpy(to, &a, 8);
        std::memcpy(to + 8, &b, 8);
        std::memcpy(to + n - 16, &c, 8);
        std::memcpy(to + n - 8, &d, 8);
    } else if (n >= 8) {
        const auto a = load<std::uint64_t>(p), b = load<std::uint64_t>(p + n - 8);
        std::memcpy(to, &a, 8);
        std::memcpy(to + n - 8, &b, 8);
    } else {
        for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<std::uint8_t>(p[i]);
    }
}

/// What holds for every envelope, whoever wrote it and in whatever codec.
[[gnu::always_inline]] inline void check_sense(const EnvelopeView& envelope, Fault& fault) noexcept {
    if ((load<std::uint64_t>(envelope.id.bytes.data()) | load<std::uint64_t>(envelope.id.bytes.data() + 8)) == 0) [[unlikely]] fault.malformed("is nil", "id");
    const PayloadKind kind = envelope.kind();
    if (kind == PayloadKind::response && !envelope.correlation) fault.malformed("is missing from a response", "correlation");
    if (envelope.type.empty() && (kind == PayloadKind::request || kind == PayloadKind::event)) fault.malformed("is empty", "type");
}

/// Texts and content, which are all of an envelope that has no bound of its own; with the rest they stay below 2^31.
inline constexpr std::size_t variable_bytes_max = 0x7FFF0000;
[[gnu::always_inline]] inline std::size_t variable_bytes(const EnvelopeView& envelope) noexcept {
    const std::size_t names = envelope.type.size() + envelope.sender.size() + envelope.recipient.size();
    const auto* failure = std::get_if<FailureView>(&envelope.payload);
    if (failure == nullptr) return names + content_of(envelope).size();
    return names + failure->reason.size() + failure->message.size() + failure->hint.size();
}

/// The code of a number on the wire; what this side does not know is `internal`.
inline Code code_of(std::int64_t number) noexcept {
    return number <= SYMPHONY_E_INVALID_ARGUMENT && number >= SYMPHONY_E_REFUSED ? static_cast<Code>(number) : Code::internal;
}

/// Every rule of a value, on the content if there is one. @return `data_corrupt` "bad-value" with the byte of the content.
Status check_content(const EnvelopeView& envelope);

/// @return Whether an envelope has a version that this side reads; a fault otherwise.
[[gnu::always_inline]] inline bool check_version(Version version, Fault& fault, std::size_t at) noexcept {
    if (version.major == protocol_version.major) [[likely]] return true;
    if (version.major > protocol_version.major) {
        fault.set(Code::unsupported, "newer-protocol", "is of a newer major than this side reads (1); update this side", "version", at);
    } else {
        fault.set(Code::unsupported, "older-protocol", "is of an older major than this side reads (1); update the sender", "version", at);
    }
    return false;
}

} // namespace symphony::ipc
