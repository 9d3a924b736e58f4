// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>

#include <type_traits>

/// The one description of an envelope's fields, in the order in which they are written. Each codec has a visitor that writes and one that
/// reads (then nothing here is const):
///
///     field(name, value)              Version, Uuid, optional<Uuid>, an integer, bool, Code
///     text(name, value, bytes_max)
///     content(name, value)
///     kind(name, PayloadKind)         a reader answers what it found, 0 for a fault
///     record(name, body)              a record of its own: it grows at its end, and who is older skips what it does not know
///
/// A field that is added goes to the end of its record, and to ipc/docs/envelope.md.
namespace symphony::ipc {

template <class Visitor, class Payload>
[[gnu::always_inline]] inline void describe_payload(Visitor& v, Payload& payload) {
    using Kind = std::remove_const_t<Payload>;
    if constexpr (std::is_same_v<Kind, FailureView>) {
        v.field("code", payload.code);
        v.field("retryable", payload.retryable);
        v.text("reason", payload.reason, reason_bytes_max);
        v.text("message", payload.message, message_bytes_max);
        v.text("hint", payload.hint, hint_bytes_max);
    } else {
        if constexpr (std::is_same_v<Kind, RequestView>) v.field("timeout_ms", payload.timeout_ms);
        v.content("content", payload.content);
    }
}

template <class Visitor, class View>
[[gnu::always_inline]] inline void describe_header(Visitor& v, View& envelope) {
    v.field("id", envelope.id);
    v.field("unix_us", envelope.unix_us);
    v.field("correlation", envelope.correlation);
    v.text("type", envelope.type, name_bytes_max);
    v.text("sender", envelope.sender, name_bytes_max);
    v.text("recipient", envelope.recipient, name_bytes_max);
}

/// For a visitor that reads, `envelope` holds the alternative that `kind` named when its payload is described.
template <class Visitor, class View>
[[gnu::always_inline]] inline void describe(Visitor& v, View& envelope) {
    v.field("version", envelope.version);
    v.record("header", [&] { describe_header(v, envelope); });
    constexpr bool writes = std::is_const_v<View>;
    switch (v.kind("kind", writes ? envelope.kind() : PayloadKind{})) {
    case PayloadKind::request:
        if constexpr (!writes) envelope.payload.template emplace<RequestView>();
        return v.record("payload", [&] { describe_payload(v, *std::get_if<RequestView>(&envelope.payload)); });
    case PayloadKind::response:
        if constexpr (!writes) envelope.payload.template emplace<ResponseView>();
        return v.record("payload", [&] { describe_payload(v, *std::get_if<ResponseView>(&envelope.payload)); });
    case PayloadKind::event:
        if constexpr (!writes) envelope.payload.template emplace<EventView>();
        return v.record("payload", [&] { describe_payload(v, *std::get_if<EventView>(&envelope.payload)); });
    case PayloadKind::error:
        if constexpr (!writes) envelope.payload.template emplace<FailureView>();
        return v.record("payload", [&] { describe_payload(v, *std::get_if<FailureView>(&envelope.payload)); });
    }
}

} // namespace symphony::ipc
