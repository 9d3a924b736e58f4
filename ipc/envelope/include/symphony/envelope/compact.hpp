// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>
#include <symphony/envelope/out_buffer.hpp>

/// Envelopes in compact binary, the encoding of port calls (plugin-api/docs/compact-binary.md). Stateless. [any]
namespace symphony::ipc::compact {

/// Appends one envelope. Content is not looked at: only its length is written, and who reads it checks it.
/// @return `invalid_argument` "bad-utf8", `exhausted` "too-large", `data_corrupt` "bad-envelope"; then nothing was appended.
Status write(OutBuffer& to, const EnvelopeView& envelope);

/// Reads one envelope that fills `from`; `to` looks into it.
/// @return `data_corrupt` "bad-envelope" or "bad-value" with the byte, `exhausted` "too-large", `unsupported` "newer-protocol" or "older-protocol".
Status read(Bytes from, EnvelopeView& to, const ReadRules& rules = {});

} // namespace symphony::ipc::compact
