// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/client_hello.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using symphony::Bytes;
using symphony::brokers::ClientHello;

/// Any bytes, which come in pieces: an answer for every prefix; once it is final it stays what it is, and a hello is never
/// let through to another host than the one it names.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes sent(data, size);
    const ClientHello whole = symphony::brokers::read_client_hello(sent);
    const std::size_t step = size / 64 + 1;
    for (std::size_t prefix = 0; prefix < size; prefix += step) {
        const ClientHello part = symphony::brokers::read_client_hello(sent.first(prefix));
        if (part.state == ClientHello::State::incomplete) continue;
        if (whole.state == part.state && whole.server_name == part.server_name && whole.hidden_name == part.hidden_name) continue;
        // Bytes behind a finished hello in the same read may turn it down; nothing may turn it into another one.
        if (whole.state != ClientHello::State::not_tls) std::abort();
    }
    if (whole.state == ClientHello::State::incomplete && size > symphony::brokers::client_hello_bytes_max + 5) std::abort();
    const bool fits = symphony::brokers::hello_fits(whole, "api.example.com", false);
    if (fits && (whole.server_name.size() != 15 || whole.hidden_name || whole.state != ClientHello::State::complete)) std::abort();
    return 0;
}
