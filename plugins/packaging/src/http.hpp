// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace symphony::packaging {

/// Appends what has come to the text; at least a byte, or nothing at the end.
using ReadMore = std::function<Status(std::string& to)>;

struct HttpAnswer {
    int status = 0;
    std::string location; ///< of a redirection
    std::string body;     ///< of status 200; else what is left of the connection is not worth reading
    bool keeps = false;   ///< the connection is good for another request
};

/// Reads one answer to a GET (RFC 9112): head of at most 32 KiB, body by length, in chunks or to the end.
/// @param behind  Bytes that came already; afterwards those behind the answer.
/// @return `data_corrupt`, "bad-http"; `exhausted`, "too-large"; `peer_died`, "stream-cut"; or what `more` returned.
Result<HttpAnswer> read_http(std::string& behind, const ReadMore& more, std::uint64_t body_bytes_max);

} // namespace symphony::packaging
