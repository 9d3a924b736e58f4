// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>
#include <symphony/envelope/out_buffer.hpp>

/// Envelopes in MessagePack: records are arrays, the content stands in its place as the item that it is. Stateless. [any]
namespace symphony::ipc::msgpack {

/// Appends one envelope. The content has to be one whole item; its inside is not looked at, and who reads it checks it.
/// @return `invalid_argument` "bad-utf8", `exhausted` "too-large", `data_corrupt` "bad-envelope"; then nothing was appended.
Status write(OutBuffer& to, const EnvelopeView& envelope);

/// Reads one envelope that fills `from`; `to` looks into it.
/// @return `data_corrupt` "bad-envelope" or "bad-value" with the byte, `exhausted` "too-large", `unsupported` "newer-protocol" or "older-protocol".
Status read(Bytes from, EnvelopeView& to, const ReadRules& rules = {});

} // namespace symphony::ipc::msgpack
