// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace symphony::brokers {

/// The first bytes that a TLS client sends, as far as they have come.
struct ClientHello {
    enum class State : unsigned char {
        incomplete, ///< so far it can be one: wait for more bytes
        complete,
        not_tls,    ///< something else, or no hello that a server would accept
    };
    State state = State::incomplete;
    std::string server_name;   ///< as sent; empty: there is none
    bool hidden_name = false;  ///< an encrypted hello: the name that counts cannot be seen
};

/// More bytes than any honest hello has: record heads included.
constexpr std::size_t client_hello_bytes_max = 20 * 1024;

/// Reads RFC 8446, 4.1.2 and RFC 6066, 3, from the records that carry it, split in whatever way. Looks at no byte beyond
/// the hello, takes memory for its size at most. What is longer than client_hello_bytes_max is `not_tls`.
ClientHello read_client_hello(Bytes sent);

/// Whether a client that was let through to `host` may send this hello: the name is that host, in any case of letters;
/// to an address (RFC 6066 knows no address as a name) it may be missing.
bool hello_fits(const ClientHello& hello, std::string_view host, bool host_is_address);

} // namespace symphony::brokers
