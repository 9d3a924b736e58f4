// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/client_hello.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace symphony::brokers {
namespace {

constexpr std::uint8_t handshake_record = 22;
constexpr std::uint8_t client_hello_message = 1;
constexpr std::size_t record_bytes_max = 16 * 1024;
constexpr std::uint16_t server_name_extension = 0;
constexpr std::uint16_t encrypted_hello_extension = 0xFE0D;

/// Takes numbers and parts off the front; once something is missing, everything is.
class Reader {
public:
    explicit Reader(Bytes bytes) : rest_(bytes) {}
    bool good() const { return good_; }
    bool empty() const { return rest_.empty(); }
    std::size_t left() const { return rest_.size(); }

    Bytes take(std::size_t size) {
        if (!good_ || size > rest_.size()) {
            good_ = false;
            return {};
        }
        const Bytes part = rest_.first(size);
        rest_ = rest_.subspan(size);
        return part;
    }
    std::uint32_t number(std::size_t size) {
        std::uint32_t value = 0;
        for (const std::uint8_t byte : take(size)) value = (value << 8) | byte;
        return value;
    }
    /// A part that its own length, in `size` bytes, stands before.
    Bytes counted(std::size_t size) { return take(number(size)); }

private:
    Bytes rest_;
    bool good_ = true;
};

ClientHello refused() {
    ClientHello hello;
    hello.state = ClientHello::State::not_tls;
    return hello;
}

/// RFC 6066, 3: one name of the type host_name.
std::optional<std::string> read_server_name(Bytes extension) {
    Reader reader(extension);
    Reader list(reader.counted(2));
    if (!reader.good() || !reader.empty()) return std::nullopt;
    const std::uint32_t type = list.number(1);
    const Bytes name = list.counted(2);
    if (!list.good() || !list.empty() || type != 0 || name.empty()) return std::nullopt;
    return std::string(text_of(name));
}

ClientHello read_body(Bytes body) {
    ClientHello hello;
    hello.state = ClientHello::State::complete;
    Reader reader(body);
    reader.take(2);  // legacy version
    reader.take(32); // random
    const Bytes session = reader.counted(1);
    const Bytes ciphers = reader.counted(2);
    const Bytes compressions = reader.counted(1);
    if (!reader.good() || session.size() > 32 || ciphers.size() < 2 || ciphers.size() % 2 != 0 || compressions.empty()) return refused();
    if (reader.empty()) return hello; // an old client, which has no extensions
    Reader extensions(reader.counted(2));
    if (!reader.good() || !reader.empty()) return refused();
    bool named = false;
    while (!extensions.empty()) {
        const auto type = static_cast<std::uint16_t>(extensions.number(2));
        const Bytes content = extensions.counted(2);
        if (!extensions.good()) return refused();
        if (type == encrypted_hello_extension) hello.hidden_name = true;
        if (type != server_name_extension) continue;
        auto name = read_server_name(content);
        if (!name || named) return refused(); // two names: which one counts is anybody's guess
        named = true;
        hello.server_name = *std::move(name);
    }
    return hello;
}

} // namespace

ClientHello read_client_hello(Bytes sent) {
    std::vector<std::uint8_t> message;
    Reader reader(sent);
    for (std::size_t total = 0;;) {
        // Records: type, version 3.x, length, fragment. Looked at as soon as they come, so that nothing else waits long.
        const std::size_t left = reader.left();
        const Bytes head = reader.take(std::min<std::size_t>(left, 5));
        if (!head.empty() && head[0] != handshake_record) return refused();
        if (head.size() > 1 && head[1] != 3) return refused();
        if (head.size() < 5) return total + head.size() > client_hello_bytes_max ? refused() : ClientHello();
        const std::size_t size = (std::size_t{head[3]} << 8) | head[4];
        if (size == 0 || size > record_bytes_max) return refused();
        const Bytes fragment = reader.take(std::min(size, reader.left()));
        message.insert(message.end(), fragment.begin(), fragment.end());
        total += 5 + fragment.size();
        if (total > client_hello_bytes_max) return refused();
        if (!message.empty() && message[0] != client_hello_message) return refused();
        if (message.size() >= 4) {
            const std::size_t body = (std::size_t{message[1]} << 16) | (std::size_t{message[2]} << 8) | message[3];
            if (body + 4 > client_hello_bytes_max) return refused();
            // Nothing may follow the hello in its record: no client sends that, and servers differ about it.
            if (message.size() > body + 4) return refused();
            if (message.size() == body + 4) return fragment.size() == size ? read_body(Bytes(message).subspan(4)) : refused();
        }
        if (fragment.size() < size) return ClientHello();
    }
}

bool hello_fits(const ClientHello& hello, std::string_view host, bool host_is_address) {
    if (hello.state != ClientHello::State::complete || hello.hidden_name) return false;
    if (hello.server_name.empty()) return host_is_address;
    constexpr auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    return std::equal(hello.server_name.begin(), hello.server_name.end(), host.begin(), host.end(),
                      [lower](char sent, char granted) { return lower(sent) == granted; });
}

} // namespace symphony::brokers
