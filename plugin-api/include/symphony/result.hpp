// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/base.h>
#include <symphony/utf8.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace symphony {

/// What a caller branches on. The numbers are those of the C ABI.
enum class Code : std::int32_t {
    invalid_argument = SYMPHONY_E_INVALID_ARGUMENT,
    not_found = SYMPHONY_E_NOT_FOUND,
    not_granted = SYMPHONY_E_NOT_GRANTED,
    unsupported = SYMPHONY_E_UNSUPPORTED,
    busy = SYMPHONY_E_BUSY,
    cancelled = SYMPHONY_E_CANCELLED,
    deadline = SYMPHONY_E_DEADLINE,
    exhausted = SYMPHONY_E_EXHAUSTED,
    conflict = SYMPHONY_E_CONFLICT,
    data_corrupt = SYMPHONY_E_DATA_CORRUPT,
    io = SYMPHONY_E_IO,
    peer_died = SYMPHONY_E_PEER_DIED,
    internal = SYMPHONY_E_INTERNAL,
    misuse = SYMPHONY_E_MISUSE,
    plugin_failed = SYMPHONY_E_PLUGIN_FAILED,
    abi_mismatch = SYMPHONY_E_ABI_MISMATCH,
    refused = SYMPHONY_E_REFUSED,
};

/// The code's stable name, such as "not-found".
constexpr std::string_view name_of(Code code) noexcept {
    switch (code) {
    case Code::invalid_argument: return "invalid-argument";
    case Code::not_found: return "not-found";
    case Code::not_granted: return "not-granted";
    case Code::unsupported: return "unsupported";
    case Code::busy: return "busy";
    case Code::cancelled: return "cancelled";
    case Code::deadline: return "deadline";
    case Code::exhausted: return "exhausted";
    case Code::conflict: return "conflict";
    case Code::data_corrupt: return "data-corrupt";
    case Code::io: return "io";
    case Code::peer_died: return "peer-died";
    case Code::internal: return "internal";
    case Code::misuse: return "misuse";
    case Code::plugin_failed: return "plugin-failed";
    case Code::abi_mismatch: return "abi-mismatch";
    case Code::refused: return "refused";
    }
    return "unknown";
}

/// A failure: a code for the program, a reason for scripts, a sentence and a remedy for people.
class Error {
public:
    Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}
    Error(Code code, std::string_view reason, std::string message, std::string hint = {})
        : code_(code), reason_(reason), message_(std::move(message)), hint_(std::move(hint)) {}

    Code code() const noexcept { return code_; }
    /// Stable kebab-case name of the cause; the code's name when nothing finer is known.
    std::string_view reason() const noexcept { return reason_.empty() ? name_of(code_) : std::string_view(reason_); }
    /// Lower case, no full stop; names the thing, the values and the place.
    const std::string& message() const noexcept { return message_; }
    /// What to do next, often a command; may be empty.
    const std::string& hint() const noexcept { return hint_; }
    bool retryable() const noexcept { return retryable_ || code_ == Code::busy; }

    Error& with_hint(std::string hint) & { hint_ = std::move(hint); return *this; }
    Error&& with_hint(std::string hint) && { hint_ = std::move(hint); return std::move(*this); }
    Error&& as_retryable() && { retryable_ = true; return std::move(*this); }
    /// Puts "context: " before the message.
    Error&& in(std::string_view context) && {
        message_.insert(0, std::string(context) + ": ");
        return std::move(*this);
    }

    friend bool operator==(const Error&, const Error&) = default;

private:
    Code code_;
    bool retryable_ = false;
    std::string reason_;
    std::string message_;
    std::string hint_;
};

/// A value or an Error. Reading the one that is not there aborts: that is our own bug.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;
    Result(const T& value) : value_(value) {}
    Result(T&& value) : value_(std::move(value)) {}
    Result(Error error) : error_(std::move(error)) {}

    explicit operator bool() const noexcept { return value_.has_value(); }
    T& operator*() & { check(); return *value_; }
    const T& operator*() const& { check(); return *value_; }
    T&& operator*() && { check(); return std::move(*value_); }
    T* operator->() { check(); return &*value_; }
    const T* operator->() const { check(); return &*value_; }
    T value_or(T other) && { return value_ ? std::move(*value_) : std::move(other); }
    const Error& error() const& { check_error(); return *error_; }
    Error&& error() && { check_error(); return std::move(*error_); }

private:
    void check() const {
        if (!value_) {
            std::fprintf(stderr, "symphony: read a value from an error: %s\n", error_->message().c_str());
            std::abort();
        }
    }
    void check_error() const {
        if (!error_) {
            std::fputs("symphony: read an error from a value\n", stderr);
            std::abort();
        }
    }
    std::optional<T> value_;
    std::optional<Error> error_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    Result() noexcept {} // NOLINT: defaulted, `return {};` would clear the place of the error too, which costs more than many a call
    Result(Error error) : error_(std::move(error)) {}
    explicit operator bool() const noexcept { return !error_.has_value(); }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }

private:
    std::optional<Error> error_;
};

/// Success or an Error.
using Status = Result<void>;

namespace detail {
template <class T>
T unwrap(Result<T>&& result) { return *std::move(result); }
inline void unwrap(Result<void>&&) {}
} // namespace detail

/// Copies text into a fixed array, cut between UTF-8 characters, zero-terminated.
template <std::size_t N>
void copy_cut(char (&to)[N], std::string_view text) noexcept {
    std::size_t n = text.size() < N ? text.size() : N - 1;
    while (n > 0 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0u) == 0x80u) --n;
    std::memcpy(to, text.data(), n);
    to[n] = '\0';
}

/// The same for text that may have been cut between bytes of a character: each byte that belongs to none becomes '?'.
template <std::size_t N>
void copy_clean(char (&to)[N], std::string_view text) noexcept {
    copy_cut(to, text);
    const std::size_t size = std::strlen(to);
    for (std::size_t good = 0; (good += valid_utf8_prefix({to + good, size - good})) < size;) to[good] = '?';
}

/// Reads an array that another module filled: stops at its end even without a terminator.
template <std::size_t N>
std::string_view read_bounded(const char (&from)[N]) noexcept {
    return {from, ::strnlen(from, N)};
}

/// Writes an Error into the C struct. `out` may be null.
inline symphony_status to_c(const Error& error, symphony_error* out) noexcept {
    if (out != nullptr) {
        symphony_error filled{};
        filled.struct_size = sizeof filled;
        filled.code = static_cast<symphony_status>(error.code());
        filled.flags = error.retryable() ? SYMPHONY_ERROR_RETRYABLE : 0u;
        if (error.reason() != name_of(error.code())) copy_cut(filled.reason, error.reason());
        copy_clean(filled.message, error.message());
        copy_clean(filled.hint, error.hint());
        const std::uint32_t room = out->struct_size != 0 ? out->struct_size : sizeof filled;
        std::memcpy(out, &filled, room < sizeof filled ? room : sizeof filled);
    }
    return static_cast<symphony_status>(error.code());
}

/// Reads the C struct. Unknown codes become `internal`; unterminated texts are cut at the array's end.
inline Error from_c(const symphony_error& from, symphony_status status) {
    symphony_error copy{};
    const std::uint32_t size = from.struct_size < sizeof copy ? from.struct_size : sizeof copy;
    std::memcpy(&copy, &from, size);
    const auto number = copy.code < 0 ? copy.code : status;
    const auto code = number <= SYMPHONY_E_INVALID_ARGUMENT && number >= SYMPHONY_E_REFUSED
                          ? static_cast<Code>(number) : Code::internal;
    Error error(code, read_bounded(copy.reason), std::string(read_bounded(copy.message)),
                std::string(read_bounded(copy.hint)));
    if ((copy.flags & SYMPHONY_ERROR_RETRYABLE) != 0) return std::move(error).as_retryable();
    return error;
}

} // namespace symphony

#define SYMPHONY_CONCAT_(a, b) a##b
#define SYMPHONY_NAME_(a, b) SYMPHONY_CONCAT_(a, b)
#define SYMPHONY_TRY_(result, ...)                                                                     \
    __extension__({                                                                                    \
        auto result = (__VA_ARGS__);                                                                   \
        if (!result) return std::move(result).error();                                                 \
        ::symphony::detail::unwrap(std::move(result));                                                 \
    })
/// The value of a Result, or an early return of its Error. May be nested. Not behind a member of a braced list: GCC leaks that member.
#define SYMPHONY_TRY(...) SYMPHONY_TRY_(SYMPHONY_NAME_(symphony_result_, __COUNTER__), __VA_ARGS__)
