// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <symphony/envelope/compact.hpp>

namespace symphony::bus {
namespace {

constexpr std::size_t shared_bytes_min = 4096;

Error bad(std::string_view field, std::string_view what) {
    return {Code::invalid_argument, "bad-envelope", "envelope: \"" + std::string(field) + "\" " + std::string(what)};
}

} // namespace

Message::Message(ipc::Envelope envelope) : owned_(std::move(envelope)), view_(ipc::view_of(owned_)) {}

std::size_t Message::bytes() const noexcept {
    const std::size_t content = encoded_.empty() ? view_.type.size() + view_.sender.size() + view_.recipient.size() + ipc::content_of(view_).size() : encoded_.size();
    return sizeof(Message) + content;
}

ipc::Envelope Message::envelope() const {
    return encoded_.empty() ? owned_ : ipc::own(view_, encoded_);
}

Status check_type(std::string_view type) {
    constexpr std::string_view hint = "words with single dots between them, such as build.done";
    if (type.empty()) return bad("type", "is empty").with_hint(std::string(hint));
    if (type.front() == '.' || type.back() == '.' || type.find("..") != std::string_view::npos) return bad("type", "has an empty segment").with_hint(std::string(hint));
    return {};
}

Status check(const ipc::EnvelopeView& message) {
    for (const auto& [field, text] : {std::pair{"type", message.type}, {"sender", message.sender}, {"recipient", message.recipient}}) {
        if (text.size() > ipc::name_bytes_max) {
            return Error(Code::exhausted, "too-large", "envelope: \"" + std::string(field) + "\" has " + std::to_string(text.size()) + " bytes, more than " + std::to_string(ipc::name_bytes_max));
        }
    }
    if (!message.type.empty()) SYMPHONY_TRY(check_type(message.type));
    const auto kind = message.kind();
    if (message.id.is_nil()) return bad("id", "is nil");
    if (message.type.empty() && (kind == ipc::PayloadKind::request || kind == ipc::PayloadKind::event)) return bad("type", "is empty");
    if (kind == ipc::PayloadKind::response && !message.correlation) return bad("correlation", "is missing from a response");
    return {};
}

Result<MessageRef> read_message(const Buffer& bytes) {
    Buffer kept = bytes.size() < shared_bytes_min ? Buffer::copy(bytes.bytes()) : bytes;
    ipc::EnvelopeView view;
    ipc::ReadRules rules;
    rules.check_content = false;
    SYMPHONY_TRY(ipc::compact::read(kept, view, rules));
    return MessageRef(std::make_shared<const Message>(view, std::move(kept)));
}

} // namespace symphony::bus
