// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>

#include <array>
#include <limits>
#include <random>
#include <string>

namespace symphony::ipc::testing {

/// Envelopes of every shape, from a seed, that all codecs can write.
class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    Envelope envelope() {
        Envelope out;
        out.version.minor = below(4) == 0 ? static_cast<std::uint16_t>(random_()) : std::uint16_t{0};
        out.id = uuid();
        out.unix_us = integer();
        if (below(2) == 0) out.correlation = uuid();
        out.type = "t" + text(60);
        out.sender = text(40);
        out.recipient = text(40);
        switch (below(4)) {
        case 0: out.payload = Request{static_cast<std::uint32_t>(integer()), value()}; break;
        case 1:
            out.payload = Response{value()};
            out.correlation = uuid();
            break;
        case 2: out.payload = Event{value()}; break;
        default:
            out.payload = Failure{static_cast<Code>(SYMPHONY_E_INVALID_ARGUMENT - static_cast<int>(below(17))), below(2) == 0, text(15), text(900), text(200)};
        }
        return out;
    }
    Value value() {
        ValueBuilder builder;
        put(builder, 0);
        return builder.build();
    }
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    std::uint64_t raw() { return random_(); }

private:
    Uuid uuid() {
        Uuid out;
        for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(random_());
        out.bytes[0] |= 1; // never nil
        return out;
    }
    /// All widths alike, and the edges.
    std::uint64_t integer() {
        switch (below(4)) {
        case 0: return std::numeric_limits<std::uint64_t>::max() - below(3);
        case 1: return (std::uint64_t{1} << below(64)) - below(2);
        default: return random_() >> below(64);
        }
    }
    std::string text(std::size_t characters_max) {
        static constexpr std::array<std::string_view, 16> odd{"é", "世", "🙂", "\"", "\\", "\n", "\x01", "\x7F", "/", "ß", "\u2028", "\t", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF", std::string_view("\0", 1), " "};
        std::string out;
        const bool plain = below(3) != 0;
        for (std::uint64_t n = below(characters_max + 1); n > 0; --n) {
            if (plain || below(4) != 0) out += static_cast<char>('a' + below(26));
            else out += odd[below(odd.size())];
        }
        return out;
    }
    double number() {
        switch (below(4)) {
        case 0: return static_cast<double>(static_cast<std::int64_t>(random_()));
        case 1: return below(2) == 0 ? -0.0 : std::numeric_limits<double>::denorm_min();
        case 2: return static_cast<double>(below(1000)) / 8;
        default: {
            const double wild = std::bit_cast<double>(random_());
            return wild - wild == 0 ? wild : 1.5;
        }
        }
    }
    void put(ValueBuilder& to, std::size_t depth) {
        switch (below(depth < 5 ? 9 : 7)) {
        case 0: to.null(); return;
        case 1: to.boolean(below(2) == 0); return;
        case 2: to.unsigned_integer(integer()); return;
        case 3: to.integer(static_cast<std::int64_t>(integer())); return;
        case 4: to.number(number()); return;
        case 5: to.text(text(300)); return;
        case 6: {
            std::string raw;
            for (std::uint64_t n = below(5) == 0 ? below(700) : below(9); n > 0; --n) raw += static_cast<char>(random_());
            to.bytes(bytes_of(raw));
            return;
        }
        case 7:
            to.list();
            for (std::uint64_t n = below(below(6) == 0 ? 40 : 5); n > 0; --n) put(to, depth + 1);
            to.end();
            return;
        default:
            to.map();
            for (std::uint64_t n = below(below(6) == 0 ? 40 : 5), i = 0; i < n; ++i) put(to.key(std::to_string(i * 7 % 5) + text(9) + std::to_string(i)), depth + 1);
            to.end();
        }
    }

    std::mt19937_64 random_;
};

} // namespace symphony::ipc::testing
