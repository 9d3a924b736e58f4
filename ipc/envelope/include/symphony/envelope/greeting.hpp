// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>
#include <symphony/envelope/out_buffer.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace symphony::ipc {

/// The first thing that each side of a connection sends. Its layout (ipc/docs/envelope.md) never changes but at its end, whatever becomes
/// of the envelope, so that two sides that do not understand each other can say so.
struct Greeting {
    std::string name; ///< of the program, for people
    /// Every major that this side reads and writes, once, with its newest minor.
    std::vector<Version> versions{protocol_version};
    /// Names as in CodecInfo, the preferred one first.
    std::vector<std::string> codecs{"compact-binary", "msgpack", "json"};
    /// Largest encoded envelope that this side takes, in bytes.
    std::uint64_t envelope_bytes_max = ReadRules().bytes_max;

    friend bool operator==(const Greeting&, const Greeting&) = default;
};

inline constexpr std::size_t greeting_bytes_max = 4096;
inline constexpr std::size_t greeting_items_max = 16; // versions, codecs

/// @return `invalid_argument` "bad-greeting": what a greeting cannot hold.
Status write(OutBuffer& to, const Greeting& greeting);
/// Reads one greeting that fills `from`. @return `data_corrupt` "not-symphony" (something else speaks there) or "bad-greeting" with the byte.
Result<Greeting> read_greeting(Bytes from);

/// What both sides use from here on.
struct Agreement {
    Version version;
    std::string codec;
    std::uint64_t envelope_bytes_max = 0;

    friend bool operator==(const Agreement&, const Agreement&) = default;
};

/// Both sides come to the same: the newest major that both have, with the older of their minors; of the codecs that both have the one
/// that the connecting side prefers; the smaller of the limits.
/// @return `unsupported` "no-common-version" or "no-common-codec", naming what each side has.
Result<Agreement> agree(const Greeting& connecting, const Greeting& listening);

} // namespace symphony::ipc
