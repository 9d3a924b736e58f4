// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/host_name.hpp>

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using symphony::manifests::HostName;

/// Any bytes: what is read is canonical and reads as itself, and no name is an address to the C library.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto host = HostName::parse({reinterpret_cast<const char*>(data), size});
    if (!host) return 0;
    const std::string& text = host->text();
    const auto again = HostName::parse(text);
    if (!again || again->text() != text || again->address() != host->address()) std::abort();
    in_addr v4{};
    in6_addr v6{};
    const bool is_v4 = ::inet_aton(text.c_str(), &v4) != 0; // reads every numeric form there is
    const bool is_v6 = ::inet_pton(AF_INET6, text.c_str(), &v6) == 1;
    if (host->address()) {
        if (host->address()->is_v4() ? !is_v4 : !is_v6) std::abort();
        const void* bytes = is_v4 ? static_cast<const void*>(&v4) : &v6;
        if (std::string_view(static_cast<const char*>(bytes), is_v4 ? 4 : 16) !=
            std::string_view(reinterpret_cast<const char*>(host->address()->bytes().data()), is_v4 ? 4 : 16)) {
            std::abort();
        }
        static_cast<void>(host->address()->special_range());
        return 0;
    }
    if (is_v4 || is_v6 || text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') std::abort();
    for (const char c : text) {
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_')) std::abort();
    }
    return 0;
}
