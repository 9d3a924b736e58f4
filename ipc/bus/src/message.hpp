// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>

#include <memory>

namespace symphony::bus {

/// One message on its way: immutable, shared by every queue that it waits in. Its content is never copied once it is here.
class Message {
public:
    /// Takes an envelope over.
    explicit Message(ipc::Envelope envelope);
    /// @param encoded  Compact binary of protocol 1.0 that `view` looks into; it is sent on as it is.
    Message(const ipc::EnvelopeView& view, Buffer encoded) noexcept : encoded_(std::move(encoded)), view_(view) {}
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    const ipc::EnvelopeView& view() const noexcept { return view_; }
    ipc::PayloadKind kind() const noexcept { return view_.kind(); }
    /// Empty when it did not come in this form.
    const Buffer& encoded() const noexcept { return encoded_; }
    /// What it counts in a queue: the bytes that it keeps alive.
    std::size_t bytes() const noexcept;
    /// An envelope of its own, whose content shares the memory of this one.
    ipc::Envelope envelope() const;

private:
    Buffer encoded_;
    ipc::Envelope owned_;
    ipc::EnvelopeView view_;
};
using MessageRef = std::shared_ptr<const Message>;

/// The type of an event or a request. @return `invalid_argument` "bad-envelope": it is empty, or has an empty segment.
Status check_type(std::string_view type);
/// What the bus asks of a message beyond what every codec does. @return `invalid_argument` "bad-envelope" naming the field, or `exhausted` "too-large".
Status check(const ipc::EnvelopeView& message);

/// Reads one envelope in compact binary. Bytes of less than 4 KiB are copied, so that a message that waits long does not keep a whole frame alive.
/// The content is not looked at: accessors of ValueView stay inside of it whatever it is.
/// @param bytes  Exactly the envelope. @return As ipc::compact::read.
Result<MessageRef> read_message(const Buffer& bytes);

} // namespace symphony::bus
