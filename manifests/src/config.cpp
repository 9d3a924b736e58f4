// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/config.hpp>

#include "config_value.hpp"
#include "rules.hpp"
#include "text.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/manifests/units.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace symphony::manifests {
namespace {

Error expected(const ConfigKey& key, std::string_view what, const Data& given) {
    std::string message = "expected " + std::string(what);
    if (!key.secret) {
        const auto* text = given.as<std::string>();
        message += ", found " + (text != nullptr ? "text " + shown(*text) : std::string(given.kind()));
    }
    return Error(Code::invalid_argument, "wrong-type", std::move(message));
}

/// Milliseconds or bytes, from text or from a number that is not negative.
Result<Data> quantity(const ConfigKey& key, const Data& given, Result<std::uint64_t> (*read)(std::string_view)) {
    if (const auto* integer = given.as<std::int64_t>(); integer != nullptr && *integer >= 0) return given;
    if (const auto* text = given.as<std::string>()) {
        if (const auto value = read(*text)) return Data(static_cast<std::int64_t>(*value));
    }
    return expected(key, expected_of(key.type), given);
}

std::optional<std::int64_t> length_of(const Data& value) noexcept {
    const auto length = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    if (const auto* text = value.as<std::string>()) {
        // Characters, as JSON Schema counts: every byte that does not continue one.
        return std::count_if(text->begin(), text->end(),
                             [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; });
    }
    if (const auto* list = value.as<Data::List>()) return length(list->size());
    if (const auto* map = value.as<Data::Map>()) return length(map->size());
    return std::nullopt;
}

/// Negative, zero or positive as value is below, at or above the bound.
int compare(const Data& value, const Data& bound) noexcept {
    const auto three_way = [](auto left, auto right) { return left < right ? -1 : left > right ? 1 : 0; };
    const auto* number = value.as<double>();
    if (number != nullptr) {
        const auto* limit = bound.as<double>();
        return limit != nullptr ? three_way(*number, *limit) : 0;
    }
    const auto* integer = value.as<std::int64_t>();
    const auto* limit = bound.as<std::int64_t>();
    if (limit == nullptr) return 0;
    return three_way(integer != nullptr ? *integer : length_of(value).value_or(0), *limit);
}

std::string bound_text(const ConfigKey& key, const Data& bound) {
    if (!bounds_length(key.type)) return to_toml(presented(key, bound));
    const auto unit = key.type == ConfigType::string ? " characters" : key.type == ConfigType::list ? " items" : " entries";
    return to_toml(bound) + unit;
}

template <class T>
std::optional<T> read_number(std::string_view text) {
    T value{};
    const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (trouble != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<bool> read_boolean(std::string_view text) {
    for (const auto* yes : {"true", "yes", "on", "1"}) {
        if (text == yes) return true;
    }
    for (const auto* no : {"false", "no", "off", "0"}) {
        if (text == no) return false;
    }
    return std::nullopt;
}

Data::List split_at_commas(std::string_view text) {
    Data::List out;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        auto item = text.substr(0, end);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        out.emplace_back(item);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

const ConfigKey* find_key(const std::vector<ConfigKey>& keys, std::string_view name) noexcept {
    const auto at = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& key) { return key.name == name; });
    return at == keys.end() ? nullptr : &*at;
}

Diagnostic finding(const Setting& setting, std::string_view reason, std::string message, std::string hint) {
    return {Severity::error, std::string(reason), std::move(message), std::move(hint), setting.origin, setting.place.line,
            setting.place.column};
}

Diagnostic unknown(const Setting& setting, const std::vector<ConfigKey>& keys) {
    std::vector<std::string_view> names;
    for (const auto& key : keys) names.emplace_back(key.name);
    const auto near = nearest(setting.key, names);
    return finding(setting, "unknown-key", "unknown setting " + shown(setting.key),
                   near.empty() ? "known settings: " + joined(names, "and") : "did you mean \"" + std::string(near) + "\"?");
}

void put(Data::Map& to, std::string_view key, Data value) { to.emplace_back(std::string(key), std::move(value)); }

/// What JSON Schema says of one key.
Data key_schema(const ConfigKey& key) {
    Data::Map out;
    const bool quantity_type = key.type == ConfigType::duration || key.type == ConfigType::size;
    switch (key.type) {
    case ConfigType::string: put(out, "type", "string"); break;
    case ConfigType::integer: put(out, "type", "integer"); break;
    case ConfigType::number: put(out, "type", "number"); break;
    case ConfigType::boolean: put(out, "type", "boolean"); break;
    case ConfigType::list: put(out, "type", "array"); break;
    case ConfigType::map: put(out, "type", "object"); break;
    case ConfigType::duration:
    case ConfigType::size:
        put(out, "type", Data::List{"string", "integer"});
        put(out, "pattern", key.type == ConfigType::size ? codec::size.pattern : codec::duration.pattern);
        break;
    }
    if (!key.description.empty()) put(out, "description", key.description);
    if (!key.default_value.is_null()) put(out, "default", presented(key, key.default_value));
    // Lengths of texts, lists and maps have keywords of their own; for text quantities only integers can be compared.
    const std::string_view least = key.type == ConfigType::string ? "minLength" : key.type == ConfigType::list ? "minItems"
                                   : key.type == ConfigType::map  ? "minProperties" : "minimum";
    const std::string_view most = key.type == ConfigType::string ? "maxLength" : key.type == ConfigType::list ? "maxItems"
                                  : key.type == ConfigType::map  ? "maxProperties" : "maximum";
    if (!key.min.is_null()) {
        put(out, least, key.min);
    } else if (quantity_type) {
        put(out, least, 0);
    }
    if (!key.max.is_null()) put(out, most, key.max);
    if (!key.choices.empty()) {
        Data::List choices;
        for (const auto& choice : key.choices) {
            choices.push_back(presented(key, choice));
            if (quantity_type) choices.push_back(choice);
        }
        put(out, "enum", std::move(choices));
    }
    if (key.secret) put(out, "writeOnly", true);
    return Data(std::move(out));
}

} // namespace

std::string_view expected_of(ConfigType type) noexcept {
    switch (type) {
    case ConfigType::string: return "text";
    case ConfigType::integer: return "an integer";
    case ConfigType::number: return "a number";
    case ConfigType::boolean: return "true or false";
    case ConfigType::duration: return "a duration such as \"250ms\" or \"5s\"";
    case ConfigType::size: return "a size such as \"2GB\" or \"512MiB\"";
    case ConfigType::list: return "a list";
    case ConfigType::map: return "a map";
    }
    return "a value";
}

bool bounds_length(ConfigType type) noexcept {
    return type == ConfigType::string || type == ConfigType::list || type == ConfigType::map;
}

Result<Data> normalise(const ConfigKey& key, const Data& given) {
    switch (key.type) {
    case ConfigType::string:
        if (given.as<std::string>() != nullptr) return given;
        break;
    case ConfigType::integer:
        if (given.as<std::int64_t>() != nullptr) return given;
        break;
    case ConfigType::number:
        if (const auto* number = given.as<double>(); number != nullptr && std::isfinite(*number)) return given;
        if (const auto* integer = given.as<std::int64_t>()) return Data(static_cast<double>(*integer));
        break;
    case ConfigType::boolean:
        if (given.as<bool>() != nullptr) return given;
        break;
    case ConfigType::duration: return quantity(key, given, parse_duration);
    case ConfigType::size: return quantity(key, given, parse_size);
    case ConfigType::list:
        if (given.as<Data::List>() != nullptr) return given;
        break;
    case ConfigType::map:
        if (given.as<Data::Map>() != nullptr) return given;
        break;
    }
    return expected(key, expected_of(key.type), given);
}

Result<Data> normalise_bound(const ConfigKey& key, const Data& given) {
    if (!bounds_length(key.type)) return normalise(key, given);
    if (const auto* length = given.as<std::int64_t>(); length != nullptr && *length >= 0) return given;
    return expected(key, "a length, which is an integer from 0", given);
}

Status check_limits(const ConfigKey& key, const Data& value) {
    const auto trouble = [&](std::string message) {
        if (!key.secret) message += ", found " + shown(to_toml(presented(key, value)));
        return Error(Code::invalid_argument, "out-of-range", std::move(message));
    };
    if (!key.min.is_null() && compare(value, key.min) < 0) return trouble("expected at least " + bound_text(key, key.min));
    if (!key.max.is_null() && compare(value, key.max) > 0) return trouble("expected at most " + bound_text(key, key.max));
    if (key.choices.empty() || std::find(key.choices.begin(), key.choices.end(), value) != key.choices.end()) return {};
    std::vector<std::string> texts;
    for (const auto& choice : key.choices) texts.push_back(to_toml(presented(key, choice)));
    return trouble("expected " + joined({texts.begin(), texts.end()}, "or"));
}

Data presented(const ConfigKey& key, const Data& value) {
    const auto* integer = value.as<std::int64_t>();
    if (integer == nullptr || *integer < 0) return value;
    if (key.type == ConfigType::duration) return Data(duration_text(static_cast<std::uint64_t>(*integer)));
    if (key.type == ConfigType::size) return Data(size_text(static_cast<std::uint64_t>(*integer)));
    return value;
}

const EffectiveSetting* EffectiveConfig::find(std::string_view key) const noexcept {
    const auto at = std::find_if(settings.begin(), settings.end(), [&](const auto& one) { return one.key == key; });
    return at == settings.end() ? nullptr : &*at;
}

ConfigValue EffectiveConfig::values() const {
    Data::Map out;
    for (const auto& setting : settings) {
        if (!setting.value.is_null()) out.emplace_back(setting.key, setting.value);
    }
    return Data(std::move(out));
}

ConfigValue EffectiveConfig::redacted() const {
    Data::Map out;
    for (const auto& setting : settings) {
        if (!setting.value.is_null()) out.emplace_back(setting.key, setting.secret ? Data("(secret)") : setting.value);
    }
    return Data(std::move(out));
}

const std::vector<ConfigKey>& common_config_keys() {
    static const std::vector<ConfigKey> keys = [] {
        const auto key = [](std::string name, ConfigType type, Data fallback, std::string description) {
            ConfigKey out;
            out.name = std::move(name);
            out.type = type;
            out.default_value = std::move(fallback);
            out.description = std::move(description);
            return out;
        };
        std::vector<ConfigKey> all{
            key("enabled", ConfigType::boolean, true, "Whether the plugin may be used"),
            key("metrics_enabled", ConfigType::boolean, true, "Whether its calls are counted and timed"),
            key("retry", ConfigType::integer, 0, "How often a failed call is made again, where that is safe"),
            key("timeout", ConfigType::duration, 0, "Most time that a call may take; 0s: no limit"),
        };
        all[2].min = 0;
        all[2].max = 100;
        return all;
    }();
    return keys;
}

std::vector<ConfigKey> config_keys(const Manifest& manifest) {
    std::vector<ConfigKey> keys = manifest.configuration;
    for (const auto& common : common_config_keys()) {
        if (find_key(keys, common.name) == nullptr) keys.push_back(common);
    }
    std::sort(keys.begin(), keys.end(), [](const ConfigKey& left, const ConfigKey& right) { return left.name < right.name; });
    return keys;
}

EffectiveConfig check_config(const std::vector<ConfigKey>& keys, const std::vector<Setting>& settings) {
    EffectiveConfig out;
    for (const auto& key : keys) out.settings.push_back({key.name, key.default_value, "default", key.secret});
    std::sort(out.settings.begin(), out.settings.end(), [](const auto& left, const auto& right) { return left.key < right.key; });
    for (const auto& setting : settings) {
        const auto* key = find_key(keys, setting.key);
        if (key == nullptr) {
            out.diagnostics.push_back(unknown(setting, keys));
            continue;
        }
        const auto* text = setting.typed ? setting.value.as<std::string>() : nullptr;
        auto value = text != nullptr ? read_typed(*key, *text) : normalise(*key, setting.value);
        if (!value) {
            out.diagnostics.push_back(finding(setting, "wrong-type", setting.key + ": " + value.error().message(), value.error().hint()));
        } else if (const auto fits = check_limits(*key, *value); !fits) {
            out.diagnostics.push_back(finding(setting, "out-of-range", setting.key + ": " + fits.error().message(), {}));
        } else {
            const auto at = std::find_if(out.settings.begin(), out.settings.end(), [&](const auto& one) { return one.key == key->name; });
            at->value = *std::move(value);
            at->origin = setting.origin;
        }
    }
    for (const auto& key : keys) {
        const bool tried = std::any_of(settings.begin(), settings.end(), [&](const auto& one) { return one.key == key.name; });
        if (key.required && !tried && key.default_value.is_null()) {
            out.diagnostics.push_back({Severity::error, "missing-key", "the setting " + quoted(key.name) + " is required and not given",
                                       "expected " + std::string(expected_of(key.type)), {}, 0, 0});
        }
    }
    return out;
}

Result<ConfigValue> read_typed(const ConfigKey& key, std::string_view text) {
    Data value(text);
    switch (key.type) {
    case ConfigType::string:
    case ConfigType::duration:
    case ConfigType::size: break;
    case ConfigType::integer:
        if (const auto integer = read_number<std::int64_t>(text)) value = *integer;
        break;
    case ConfigType::number:
        if (const auto number = read_number<double>(text)) value = *number;
        break;
    case ConfigType::boolean:
        if (const auto boolean = read_boolean(text)) value = *boolean;
        break;
    case ConfigType::list: value = text.starts_with('[') ? read_toml_value(text) : Data(split_at_commas(text)); break;
    case ConfigType::map: value = read_toml_value(text); break;
    }
    auto settled = normalise(key, value.is_null() ? Data(text) : value);
    if (!settled && key.type == ConfigType::map) return std::move(settled).error().with_hint("such as { name = \"value\", count = 2 }");
    return settled;
}

std::string config_schema(const std::vector<ConfigKey>& keys, std::string_view title) {
    Data::Map properties;
    Data::List required;
    for (const auto& key : keys) {
        put(properties, key.name, key_schema(key));
        if (key.required && key.default_value.is_null()) required.emplace_back(key.name);
    }
    Data::Map out;
    put(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put(out, "title", title);
    put(out, "type", "object");
    put(out, "properties", std::move(properties));
    if (!required.empty()) put(out, "required", std::move(required));
    put(out, "additionalProperties", false);
    return to_pretty_json(Data(std::move(out))) + "\n";
}

} // namespace symphony::manifests
