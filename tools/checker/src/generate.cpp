// SPDX-License-Identifier: Apache-2.0
#include "generate.hpp"

#include "subject.hpp"

#include <symphony/manifests/config.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace symphony::checker {
namespace {

using manifests::Type;

std::size_t below(Random& random, std::size_t n) { return static_cast<std::size_t>(random() % n); }

/// Text with everything that text may hold: no blanks, several scripts, controls, long.
std::string any_text(Random& random) {
    constexpr std::array<std::string_view, 14> pieces{"word", " ", "", "\n", "\t", "a.b", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80",
        "e\xCC\x81", "/", "[", "\x7F", "%s"};
    std::string out;
    const std::size_t length = below(random, 8) == 0 ? 2000 + below(random, 6000) : below(random, 12);
    for (std::size_t i = 0; i < length; ++i) out += pieces[below(random, pieces.size())];
    if (below(random, 16) == 0) out.push_back('\0');
    return out;
}

std::int64_t any_integer(Random& random) {
    constexpr std::array<std::int64_t, 10> edges{0, 1, -1, 2, 255, 65536, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min(),
                                                std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
    return below(random, 2) == 0 ? edges[below(random, edges.size())] : static_cast<std::int64_t>(random() % 2001) - 1000;
}

double any_number(Random& random) {
    constexpr std::array<double, 7> edges{0.0, -0.0, 1.5, -1e300, 1e-300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
    return edges[below(random, edges.size())];
}

void put_any(ValueBuilder& to, Random& random, unsigned depth);

void put(ValueBuilder& to, Type type, Style style, Random& random, unsigned depth) {
    const bool plain = style == Style::plain;
    switch (type.kind()) {
    case Type::Kind::any:
        if (plain) to.text("any");
        else put_any(to, random, depth);
        return;
    case Type::Kind::boolean: to.boolean(below(random, 2) == 0); return;
    case Type::Kind::integer: to.integer(plain ? static_cast<std::int64_t>(1 + below(random, 3)) : any_integer(random)); return;
    case Type::Kind::number: to.number(plain ? 1.5 : any_number(random)); return;
    case Type::Kind::text: to.text(plain ? std::array{"one word", "and a line", "lines"}[below(random, 3)] : any_text(random)); return;
    case Type::Kind::bytes: {
        std::string bytes(plain ? 8 : below(random, 5000), 'b');
        if (!plain) std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
        to.bytes(bytes_of(bytes));
        return;
    }
    case Type::Kind::list:
    case Type::Kind::map: break;
    }
    const std::size_t count = plain ? 2 : depth > 4 ? 0 : depth == 0 && below(random, 10) == 0 ? 300 : below(random, 4);
    const bool map = type.kind() == Type::Kind::map;
    map ? to.map() : to.list();
    for (std::size_t i = 0; i < count; ++i) {
        if (map) to.key(plain ? std::array{"text", "name"}[i] : "k" + std::to_string(i));
        put(to, type.element(), style, random, depth + 1);
    }
    to.end();
}

void put_any(ValueBuilder& to, Random& random, unsigned depth) {
    constexpr std::array kinds{Type::Kind::boolean, Type::Kind::integer, Type::Kind::number, Type::Kind::text, Type::Kind::bytes, Type::Kind::list, Type::Kind::map};
    const std::size_t at = below(random, kinds.size() + 1);
    if (at == kinds.size()) to.null();
    else put(to, Type(kinds[at > 4 && depth > 6 ? 0 : at]), Style::hostile, random, depth + 1);
}

void put_deep(ValueBuilder& to, std::size_t depth) {
    for (std::size_t i = 0; i < depth; ++i) to.list();
    to.integer(1);
    for (std::size_t i = 0; i < depth; ++i) to.end();
}

} // namespace

Value make_input(const manifests::Operation& operation, Style style, Random& random) {
    ValueBuilder builder;
    if (style == Style::hostile && below(random, 12) == 0) { // no map at all
        put_any(builder, random, 0);
        return builder.build();
    }
    builder.map();
    for (const auto& slot : operation.inputs) {
        if (style == Style::plain ? slot.type.optional() && below(random, 2) == 0 : slot.type.optional() && below(random, 3) == 0) continue;
        if (style == Style::hostile && below(random, 6) == 0) continue;
        builder.key(slot.name);
        if (style == Style::hostile && below(random, 12) == 0) put_deep(builder, 100);
        else if (style == Style::hostile && below(random, 3) == 0) put_any(builder, random, 0);
        else put(builder, slot.type, style, random, 0);
    }
    if (style == Style::hostile && below(random, 4) == 0) {
        builder.key("nobody asked for this");
        put_any(builder, random, 0);
    }
    return builder.end().build();
}

bool fits(Type type, ValueView value) {
    switch (type.kind()) {
    case Type::Kind::any: return true;
    case Type::Kind::boolean: return value.is_bool();
    case Type::Kind::integer: return value.is_integer();
    case Type::Kind::number: return value.is_number();
    case Type::Kind::text: return value.is_text();
    case Type::Kind::bytes: return value.is_bytes();
    case Type::Kind::list: {
        if (!value.is_list()) return false;
        for (const ValueView item : value.items()) {
            if (!fits(type.element(), item)) return false;
        }
        return true;
    }
    case Type::Kind::map: {
        if (!value.is_map()) return false;
        for (const auto& [key, item] : value.entries()) {
            if (!fits(type.element(), item)) return false;
        }
        return true;
    }
    }
    return false;
}

manifests::Data plain_setting(const manifests::ConfigKey& key) {
    using manifests::ConfigType;
    if (!key.choices.empty()) return key.choices.front();
    const auto* least = key.min.as<std::int64_t>();
    const auto length = static_cast<std::size_t>(least == nullptr ? 1 : std::max<std::int64_t>(*least, 1));
    switch (key.type) {
    case ConfigType::string: return std::string(std::min<std::size_t>(length, 4096), 'x');
    case ConfigType::boolean: return false;
    case ConfigType::integer:
    case ConfigType::duration:
    case ConfigType::size: return least == nullptr ? std::int64_t{1} : *least;
    case ConfigType::number: {
        if (const auto* low = key.min.as<double>()) return *low;
        return least == nullptr ? 1.0 : static_cast<double>(*least);
    }
    case ConfigType::list: return manifests::Data::List(std::min<std::size_t>(length, 100), manifests::Data("x"));
    case ConfigType::map: {
        manifests::Data::Map map;
        for (std::size_t i = 0; i < std::min<std::size_t>(length, 100); ++i) map.emplace_back("k" + std::to_string(i), "x");
        return map;
    }
    }
    return {};
}

manifests::Data allowed_setting(const manifests::ConfigKey& key, Random& random) {
    using manifests::ConfigType;
    if (!key.choices.empty()) return key.choices[below(random, key.choices.size())];
    const auto* min = key.min.as<std::int64_t>();
    const auto* max = key.max.as<std::int64_t>();
    switch (key.type) {
    case ConfigType::boolean: return below(random, 2) == 0;
    case ConfigType::integer:
    case ConfigType::duration:
    case ConfigType::size:
        // Only what a limit names: a plugin that states none is not asked to take 2^63 threads.
        if (below(random, 3) == 0 && min != nullptr) return *min;
        if (below(random, 3) == 0 && max != nullptr && *max <= 65'536) return *max;
        return key.default_value.is_null() ? plain_setting(key) : key.default_value;
    case ConfigType::string: {
        std::string text = any_text(random).substr(0, max == nullptr ? 64 : static_cast<std::size_t>(std::max<std::int64_t>(*max, 0)));
        text.resize(valid_utf8_prefix(text));
        if (min != nullptr && text.size() < static_cast<std::size_t>(*min)) text.append(static_cast<std::size_t>(*min) - text.size(), 'x');
        return text;
    }
    case ConfigType::number:
    case ConfigType::list:
    case ConfigType::map: break;
    }
    return below(random, 2) == 0 || key.default_value.is_null() ? plain_setting(key) : key.default_value;
}

Value forbidden_settings(const manifests::Manifest& manifest, Random& random) {
    ValueBuilder builder;
    if (below(random, 6) == 0) {
        put_any(builder, random, 0);
        return builder.build();
    }
    builder.map();
    for (const auto& key : manifests::config_keys(manifest)) {
        if (below(random, 4) == 0) continue;
        builder.key(key.name);
        // Numbers that are out of range are not made: a host never passes them, and "a million threads" is no test of reading.
        switch (below(random, 4)) {
        case 0: builder.text("no such thing"); break;
        case 1: builder.list().null().end(); break;
        case 2: builder.null(); break;
        default: builder.map().add("a", "b").end(); break;
        }
    }
    builder.add("nobody asked for this", true);
    return builder.end().build();
}

} // namespace symphony::checker
