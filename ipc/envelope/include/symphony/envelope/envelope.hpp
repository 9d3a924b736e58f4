// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/uuid.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// What every message between endpoints is wrapped in; ipc/docs/envelope.md is its written layout.
namespace symphony::ipc {

/// Another major cannot be read; another minor appended fields, which an older reader skips.
struct Version {
    std::uint16_t major = 1;
    std::uint16_t minor = 0;
    friend auto operator<=>(const Version&, const Version&) = default;
};
inline constexpr Version protocol_version{1, 0};
std::string to_text(Version version);

/// Text and content of an envelope that owns them, and of one that looks at bytes that somebody else keeps alive.
struct Owned {
    using Text = std::string;
    using Content = Value;
};
struct Borrowed {
    using Text = std::string_view;
    /// One MessagePack item; no bytes stand for null.
    using Content = Bytes;
};

template <class Form>
struct BasicRequest {
    std::uint32_t timeout_ms = 0; ///< how long the sender waits; 0: it does not say
    typename Form::Content content{};
};
template <class Form>
struct BasicResponse {
    typename Form::Content content{};
};
template <class Form>
struct BasicEvent {
    typename Form::Content content{};
};
/// What a request ends with when it fails: an Error on its way.
template <class Form>
struct BasicFailure {
    Code code = Code::internal; ///< a code that this side does not know reads as `internal`
    bool retryable = false;
    typename Form::Text reason{}, message{}, hint{};
};

/// Numbers on the wire.
enum class PayloadKind : std::uint8_t { request = 1, response = 2, event = 3, error = 4 };
inline constexpr std::array<std::string_view, 4> payload_kind_names{"request", "response", "event", "error"};

template <class Form>
struct BasicEnvelope {
    using Text = typename Form::Text;
    using Payload = std::variant<BasicRequest<Form>, BasicResponse<Form>, BasicEvent<Form>, BasicFailure<Form>>;

    Version version = protocol_version; ///< of who wrote it
    Uuid id;
    std::uint64_t unix_us = 0; ///< when it was sent; 53 bits last until 2255, for readers whose numbers are doubles
    std::optional<Uuid> correlation; ///< the message that this one answers
    Text type{};      ///< what it is about: segments between dots
    Text sender{};    ///< endpoint
    Text recipient{}; ///< endpoint, or empty: whoever the routes name
    Payload payload;

    PayloadKind kind() const noexcept { return static_cast<PayloadKind>(payload.index() + 1); }
};

using Envelope = BasicEnvelope<Owned>;
using EnvelopeView = BasicEnvelope<Borrowed>;
using Request = BasicRequest<Owned>;
using Response = BasicResponse<Owned>;
using Event = BasicEvent<Owned>;
using Failure = BasicFailure<Owned>;
using RequestView = BasicRequest<Borrowed>;
using ResponseView = BasicResponse<Borrowed>;
using EventView = BasicEvent<Borrowed>;
using FailureView = BasicFailure<Borrowed>;

/// The content of a request, response or event; nothing for an error.
inline Bytes content_of(const EnvelopeView& envelope) noexcept {
    if (const auto* request = std::get_if<RequestView>(&envelope.payload)) return request->content;
    if (const auto* response = std::get_if<ResponseView>(&envelope.payload)) return response->content;
    if (const auto* event = std::get_if<EventView>(&envelope.payload)) return event->content;
    return {};
}

/// Looks into `envelope`, which must outlive the view.
EnvelopeView view_of(const Envelope& envelope) noexcept;
/// A copy of everything. With `holder`, content that lies in its bytes is shared instead of copied.
Envelope own(const EnvelopeView& view, const Buffer& holder = {});

/// The same message: contents by value, so that the order of keys does not matter.
bool operator==(const Envelope& a, const Envelope& b);

/// The payload of a failed request, cut to what an envelope holds, and back.
Failure failure_of(const Error& error);
Error error_of(const Failure& failure);

/// What an envelope can hold, in bytes; more is refused by who writes it and by who reads it, before memory is taken.
inline constexpr std::size_t name_bytes_max = 255;     // type, sender, recipient
inline constexpr std::size_t reason_bytes_max = 63;
inline constexpr std::size_t message_bytes_max = 4096;
inline constexpr std::size_t hint_bytes_max = 1024;
/// Fields of one record, those of newer writers among them.
inline constexpr std::size_t fields_max = 64;

/// How a reader treats bytes from outside.
struct ReadRules {
    /// Of the whole encoded envelope.
    std::size_t bytes_max = 16u << 20;
    /// Without, what is inside of the content is not looked at: for a router, which passes it on unread. Accessors of ValueView stay
    /// inside the bytes even if they lie. JSON is always checked.
    bool check_content = true;
};

} // namespace symphony::ipc
