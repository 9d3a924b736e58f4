// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON at the edges. Includes nlohmann/json: for source files, not for widely used headers.

#include <symphony/base64.hpp>
#include <symphony/value.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

/// JSON has no bytes: they become {"$bytes": "<base64>"} and come back from it, or are refused.
enum class JsonBytes : std::uint8_t { base64, refuse };

namespace detail {

inline constexpr std::string_view json_bytes_key = "$bytes";

inline Status write_json(nlohmann::json& to, ValueView from, JsonBytes bytes, std::size_t depth) {
    if (depth > value_depth_max) return Error(Code::data_corrupt, "bad-value", "value: containers deeper than 128");
    switch (from.kind()) {
    case Kind::null: to = nullptr; return {};
    case Kind::boolean: to = from.as_bool(); return {};
    case Kind::integer:
        if (const auto number = from.to_uint()) to = *number;
        else to = from.as_int();
        return {};
    case Kind::number:
        if (!std::isfinite(from.as_double())) {
            return Error(Code::unsupported, "not-json", "JSON has no number for infinity or NaN");
        }
        to = from.as_double();
        return {};
    case Kind::text:
        if (!is_valid_utf8(from.as_text())) return Error(Code::data_corrupt, "bad-utf8", "value: text that is not UTF-8");
        to = std::string(from.as_text());
        return {};
    case Kind::bytes:
        if (bytes == JsonBytes::refuse) {
            return Error(Code::unsupported, "not-json", "JSON has no bytes; the value holds " + std::to_string(from.size()) + " of them");
        }
        to = nlohmann::json::object({{std::string(json_bytes_key), to_base64(from.as_bytes())}});
        return {};
    case Kind::list:
        to = nlohmann::json::array();
        for (const ValueView item : from.items()) {
            nlohmann::json child;
            if (auto status = write_json(child, item, bytes, depth + 1); !status) return status;
            to.push_back(std::move(child));
        }
        return {};
    case Kind::map:
        to = nlohmann::json::object();
        if (from.size() == 1 && from.contains(json_bytes_key) && bytes == JsonBytes::base64) {
            return Error(Code::unsupported, "reserved-key", "a map whose only key is \"$bytes\" would read back as bytes");
        }
        for (const auto [key, item] : from.entries()) {
            if (!is_valid_utf8(key)) return Error(Code::data_corrupt, "bad-utf8", "value: a key that is not UTF-8");
            if (auto status = write_json(to[std::string(key)], item, bytes, depth + 1); !status) return std::move(status).error().in(key);
        }
        return {};
    case Kind::invalid: break;
    }
    return Error(Code::data_corrupt, "bad-value", "value: malformed item");
}

inline Status read_json(ValueBuilder& to, const nlohmann::json& from, JsonBytes bytes, std::size_t depth) {
    if (depth > value_depth_max) return Error(Code::invalid_argument, "too-deep", "JSON deeper than 128");
    const auto check = [](const std::string& text) { return is_valid_utf8(text); };
    switch (from.type()) {
    case nlohmann::json::value_t::null: to.null(); return {};
    case nlohmann::json::value_t::boolean: to.boolean(from.get<bool>()); return {};
    case nlohmann::json::value_t::number_integer: to.integer(from.get<std::int64_t>()); return {};
    case nlohmann::json::value_t::number_unsigned: to.unsigned_integer(from.get<std::uint64_t>()); return {};
    case nlohmann::json::value_t::number_float: to.number(from.get<double>()); return {};
    case nlohmann::json::value_t::string:
        if (!check(from.get_ref<const std::string&>())) return Error(Code::invalid_argument, "bad-utf8", "JSON text that is not UTF-8");
        to.text(from.get_ref<const std::string&>());
        return {};
    case nlohmann::json::value_t::array:
        if (depth == value_depth_max) return Error(Code::invalid_argument, "too-deep", "JSON deeper than 128");
        to.list(from.size());
        for (const auto& item : from) {
            if (auto status = read_json(to, item, bytes, depth + 1); !status) return status;
        }
        to.end();
        return {};
    case nlohmann::json::value_t::object: {
        if (bytes == JsonBytes::base64 && from.size() == 1 && from.contains(json_bytes_key) && from.front().is_string()) {
            const auto raw = from_base64(from.front().get_ref<const std::string&>());
            if (!raw) return raw.error();
            to.bytes(*raw);
            return {};
        }
        if (depth == value_depth_max) return Error(Code::invalid_argument, "too-deep", "JSON deeper than 128");
        to.map(from.size());
        for (const auto& [key, item] : from.items()) {
            if (!check(key)) return Error(Code::invalid_argument, "bad-utf8", "a JSON key that is not UTF-8");
            if (auto status = read_json(to.key(key), item, bytes, depth + 1); !status) return status;
        }
        to.end();
        return {};
    }
    case nlohmann::json::value_t::binary: to.bytes(from.get_binary()); return {};
    case nlohmann::json::value_t::discarded: break;
    }
    return Error(Code::invalid_argument, "bad-json", "not a JSON value");
}

/// nlohmann's parser feeding a builder-ready tree, so that duplicate keys, too large integers and depth are
/// refused with their place instead of being changed in silence.
class JsonReader final : public nlohmann::json_sax<nlohmann::json> {
public:
    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t& digits) override {
        if (digits.find_first_of(".eE") == string_t::npos) return refuse("number-out-of-range", "integer " + digits.substr(0, 40) + " does not fit 64 bits");
        return add(value);
    }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(nlohmann::json::object()); }
    bool start_array(std::size_t) override { return open(nlohmann::json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (stack_.back()->contains(name)) return refuse("duplicate-key", "key \"" + name + "\" is there twice");
        key_ = std::move(name);
        return true;
    }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& thrown) override {
        std::string what = thrown.what();
        if (const auto cut = what.find("] "); cut != std::string::npos) what.erase(0, cut + 2);
        return refuse("bad-json", "byte " + std::to_string(at) + ": " + to_valid_utf8(what));
    }

    std::optional<Error> error;
    nlohmann::json root;

private:
    bool refuse(std::string_view reason, std::string message) {
        error.emplace(Code::invalid_argument, reason, "JSON: " + std::move(message));
        return false;
    }
    nlohmann::json& put(nlohmann::json&& value) {
        if (stack_.empty()) return root = std::move(value);
        nlohmann::json& in = *stack_.back();
        if (in.is_object()) return in[key_] = std::move(value);
        in.push_back(std::move(value));
        return in.back();
    }
    bool add(nlohmann::json value) {
        put(std::move(value));
        return true;
    }
    bool open(nlohmann::json container) {
        if (stack_.size() >= value_depth_max) return refuse("too-deep", "deeper than 128");
        stack_.push_back(&put(std::move(container)));
        return true;
    }
    bool close() {
        stack_.pop_back();
        return true;
    }
    std::vector<nlohmann::json*> stack_;
    std::string key_;
};

} // namespace detail

/// Exact: 64-bit integers stay integers. Refused: infinity and NaN (`not-json`), text that is not UTF-8.
inline Result<nlohmann::json> to_json(ValueView value, JsonBytes bytes = JsonBytes::base64) {
    nlohmann::json out;
    if (auto status = detail::write_json(out, value, bytes, 0); !status) return std::move(status).error();
    return out;
}

inline Result<Value> from_json(const nlohmann::json& json, JsonBytes bytes = JsonBytes::base64) {
    ValueBuilder builder;
    if (auto status = detail::read_json(builder, json, bytes, 0); !status) return std::move(status).error();
    return builder.build();
}

/// JSON text to a tree. Refused, each with its reason: syntax and bad UTF-8 (`bad-json`), `duplicate-key`,
/// integers beyond 64 bits (`number-out-of-range`), `too-deep`.
inline Result<nlohmann::json> parse_json_tree(std::string_view text) {
    detail::JsonReader reader;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) {
        return reader.error ? *reader.error : Error(Code::invalid_argument, "bad-json", "not JSON");
    }
    return std::move(reader.root);
}

inline Result<Value> parse_json(std::string_view text, JsonBytes bytes = JsonBytes::base64) {
    return from_json(SYMPHONY_TRY(parse_json_tree(text)), bytes);
}

/// @param indent  Blanks per level; negative for one line.
inline Result<std::string> print_json(ValueView value, int indent = -1, JsonBytes bytes = JsonBytes::base64) {
    return SYMPHONY_TRY(to_json(value, bytes)).dump(indent);
}

} // namespace symphony
