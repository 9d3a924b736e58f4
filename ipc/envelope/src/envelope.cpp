// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/envelope.hpp>

#include "fault.hpp"

#include <algorithm>

namespace symphony::ipc {
namespace {

Value own_content(Bytes content, const Buffer& holder) {
    if (content.empty()) return {};
    const std::uint8_t* const start = holder.data();
    // As numbers: comparing pointers into different objects says nothing.
    const auto begin = reinterpret_cast<std::uintptr_t>(start), place = reinterpret_cast<std::uintptr_t>(content.data());
    if (place >= begin && place + content.size() <= begin + holder.size()) return Value::unchecked(holder.slice(place - begin, content.size()));
    return Value::unchecked(Buffer::copy(content));
}

struct Own {
    const Buffer& holder;
    Envelope::Payload operator()(const RequestView& from) const { return Request{from.timeout_ms, own_content(from.content, holder)}; }
    Envelope::Payload operator()(const ResponseView& from) const { return Response{own_content(from.content, holder)}; }
    Envelope::Payload operator()(const EventView& from) const { return Event{own_content(from.content, holder)}; }
    Envelope::Payload operator()(const FailureView& from) const {
        return Failure{from.code, from.retryable, std::string(from.reason), std::string(from.message), std::string(from.hint)};
    }
};

struct View {
    EnvelopeView::Payload operator()(const Request& from) const noexcept { return RequestView{from.timeout_ms, from.content.bytes()}; }
    EnvelopeView::Payload operator()(const Response& from) const noexcept { return ResponseView{from.content.bytes()}; }
    EnvelopeView::Payload operator()(const Event& from) const noexcept { return EventView{from.content.bytes()}; }
    EnvelopeView::Payload operator()(const Failure& from) const noexcept {
        return FailureView{from.code, from.retryable, from.reason, from.message, from.hint};
    }
};

struct Same {
    bool operator()(const Request& a, const Request& b) const { return a.timeout_ms == b.timeout_ms && a.content == b.content; }
    bool operator()(const Response& a, const Response& b) const { return a.content == b.content; }
    bool operator()(const Event& a, const Event& b) const { return a.content == b.content; }
    bool operator()(const Failure& a, const Failure& b) const {
        return a.code == b.code && a.retryable == b.retryable && a.reason == b.reason && a.message == b.message && a.hint == b.hint;
    }
    template <class A, class B>
    bool operator()(const A&, const B&) const noexcept { return false; }
};

/// At most `bytes_max` bytes, cut between characters.
std::string cut(std::string_view text, std::size_t bytes_max) {
    std::string whole = to_valid_utf8(text.substr(0, std::min(text.size(), bytes_max + 1)));
    if (whole.size() <= bytes_max) return whole;
    while (bytes_max > 0 && (static_cast<unsigned char>(whole[bytes_max]) & 0xC0u) == 0x80u) --bytes_max;
    whole.resize(bytes_max);
    return whole;
}

} // namespace

std::string to_text(Version version) { return std::to_string(version.major) + "." + std::to_string(version.minor); }

EnvelopeView view_of(const Envelope& from) noexcept {
    return {from.version, from.id, from.unix_us, from.correlation, from.type, from.sender, from.recipient, std::visit(View{}, from.payload)};
}

Envelope own(const EnvelopeView& from, const Buffer& holder) {
    return {from.version, from.id, from.unix_us, from.correlation, std::string(from.type), std::string(from.sender), std::string(from.recipient),
            std::visit(Own{holder}, from.payload)};
}

bool operator==(const Envelope& a, const Envelope& b) {
    return a.version == b.version && a.id == b.id && a.unix_us == b.unix_us && a.correlation == b.correlation && a.type == b.type &&
           a.sender == b.sender && a.recipient == b.recipient && std::visit(Same{}, a.payload, b.payload);
}

Status check_content(const EnvelopeView& envelope) {
    const Bytes content = content_of(envelope);
    if (content.empty()) return {};
    auto status = Value::check(content);
    if (!status) return std::move(status).error().in("envelope: \"content\"");
    return {};
}

Failure failure_of(const Error& error) {
    return {error.code(), error.retryable(), cut(error.reason(), reason_bytes_max), cut(error.message(), message_bytes_max), cut(error.hint(), hint_bytes_max)};
}

Error error_of(const Failure& failure) {
    Error error(failure.code, failure.reason == name_of(failure.code) ? std::string_view() : std::string_view(failure.reason), failure.message, failure.hint);
    if (failure.retryable) return std::move(error).as_retryable();
    return error;
}

} // namespace symphony::ipc
