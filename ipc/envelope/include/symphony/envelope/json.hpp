// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>
#include <symphony/envelope/out_buffer.hpp>

#include <memory>

/// Values and envelopes as JSON (RFC 8259), written without a tree and read by simdjson. Bytes are {"$bytes": "<base64>"}, as in
/// symphony/json.hpp, which is for who handles trees. 64-bit integers are exact, a number with a point or an exponent is a double.
namespace symphony::ipc::json {

/// Appends one envelope on one line. [any]
/// @return `invalid_argument` "bad-utf8", `exhausted` "too-large", `data_corrupt` "bad-envelope" or "bad-value", `unsupported` "not-expressible"
///   (infinity, NaN, a map whose one key is "$bytes"); then nothing was appended.
Status write(OutBuffer& to, const EnvelopeView& envelope);

/// Appends one value. @return as above.
Status write_value(OutBuffer& to, ValueView value);

/// Reads, and keeps its memory from one message to the next, up to 1 MiB. Used by one thread at a time.
class Reader {
public:
    Reader();
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();

    /// `to` looks into this object and is good until the next call.
    /// @return `data_corrupt` "bad-envelope" naming the field; "bad-json", "bad-utf8" or "number-out-of-range" naming the byte; "duplicate-key",
    ///   "too-deep", "bad-base64"; `exhausted` "too-large"; `unsupported` "newer-protocol" or "older-protocol".
    Status read(Bytes from, EnvelopeView& to, const ReadRules& rules = {});

    /// One value. @return as above.
    Result<Value> read_value(Bytes from, std::size_t bytes_max = ReadRules().bytes_max);

    class Impl;
    /// For the modes of this codec in the same library.
    Impl& impl() noexcept { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace symphony::ipc::json
