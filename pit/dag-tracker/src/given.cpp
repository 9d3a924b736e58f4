// SPDX-License-Identifier: Apache-2.0
#include "given.hpp"

#include "json_text.hpp"
#include "validate.hpp"

#include <charconv>
#include <cmath>

namespace symphony::tracker {
namespace {

Error usage(std::string message, std::string hint = {}) { return {Code::invalid_argument, "usage", std::move(message), std::move(hint)}; }

Error no_such_value(std::string_view text, Type type) {
    return usage(shown(text) + " is no " + type.as_optional(false).text());
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

Result<Value> structured(std::string_view text, Type type) {
    auto value = value_of_json(text);
    if (!value) return usage(shown(text) + " is no " + type.as_optional(false).text() + " as JSON: " + value.error().message());
    if (const auto fits = value_fits(*value, type); !fits) return usage(shown(text) + ": " + fits.error().message());
    return value;
}

Value split_texts(std::string_view text) {
    ValueBuilder list;
    list.list();
    while (!text.empty()) {
        const auto comma = text.find(',');
        list.text(text.substr(0, comma));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return list.end().build();
}

std::vector<std::string_view> names_of(const Workflow& workflow) {
    std::vector<std::string_view> names;
    for (const auto& input : workflow.inputs) names.push_back(input.name);
    return names;
}

const InputDecl* find(const Workflow& workflow, std::string_view name) {
    for (const auto& input : workflow.inputs) {
        if (input.name == name) return &input;
    }
    return nullptr;
}

} // namespace

Result<Value> value_given(std::string_view text, Type type) {
    ValueBuilder one;
    switch (type.kind()) {
    case Type::Kind::text:
        if (!is_valid_utf8(text)) return ValueBuilder().bytes(bytes_of(text)).build();  // a path may be any bytes
        return one.text(text).build();
    case Type::Kind::boolean:
        if (text == "true" || text == "yes" || text == "1") return one.boolean(true).build();
        if (text == "false" || text == "no" || text == "0") return one.boolean(false).build();
        return no_such_value(text, type);
    case Type::Kind::integer:
        if (const auto number = number_in<std::int64_t>(text)) return one.integer(*number).build();
        return no_such_value(text, type);
    case Type::Kind::number:
        if (const auto number = number_in<std::int64_t>(text)) return one.integer(*number).build();
        if (const auto number = number_in<double>(text); number && std::isfinite(*number)) return one.number(*number).build();
        return no_such_value(text, type);
    case Type::Kind::bytes: {
        auto value = value_of_json("{\"$bytes\":\"" + std::string(text) + "\"}");
        if (!value || !value->is_bytes()) return usage(shown(text) + " is no base64");
        return value;
    }
    case Type::Kind::list:
        if (type.element().kind() == Type::Kind::text && !text.starts_with('[')) return split_texts(text);
        return structured(text, type);
    case Type::Kind::map: return structured(text, type);
    case Type::Kind::any: break;
    }
    if (auto value = value_of_json(text)) return value;
    return one.text(text).build();
}

Result<Value> inputs_given(const Workflow& workflow, std::span<const std::string> words) {
    const auto known = names_of(workflow);
    std::vector<std::string_view> seen;
    ValueBuilder map;
    map.map(words.size());
    for (const std::string_view word : words) {
        const auto equals = word.find('=');
        const auto name = word.substr(0, equals);
        const InputDecl* input = find(workflow, name);
        if (input == nullptr) return usage("workflow " + shown(workflow.id) + " has no input " + shown(name), meant(name, known, "its inputs"));
        if (equals == std::string_view::npos) return usage("--input " + std::string(word) + " has no value", "--input " + input->name + "=VALUE");
        if (std::find(seen.begin(), seen.end(), name) != seen.end()) return usage("input " + shown(name) + " is given twice", "give lists as JSON: --input 'NAME=[1, 2]'");
        seen.push_back(name);
        auto value = value_given(word.substr(equals + 1), input->type);
        if (!value) return std::move(value).error().in("input " + shown(name)).with_hint("it is " + input->type.text() + (input->description.empty() ? "" : ": " + input->description));
        map.add(name, value->view());
    }
    return map.end().build();
}

Status check_inputs(const Workflow& workflow, ValueView inputs) {
    const auto known = names_of(workflow);
    for (const auto [name, value] : inputs.entries()) {
        const InputDecl* input = find(workflow, name);
        if (input == nullptr) return Error(Code::invalid_argument, "unknown-input", "workflow " + shown(workflow.id) + " has no input " + shown(name), meant(name, known, "its inputs"));
        // Text that is no UTF-8, such as an odd path, comes as bytes.
        if (input->type.kind() == Type::Kind::text && value.is_bytes()) continue;
        if (auto fits = value_fits(value, input->type.as_optional()); !fits) return std::move(fits).error().in("input " + shown(name));
    }
    for (const auto& input : workflow.inputs) {
        if (!input.required || input.otherwise || !inputs[input.name].is_null()) continue;
        return Error(Code::invalid_argument, "missing-input", "input " + shown(input.name) + " is not given" + (input.description.empty() ? "" : " (" + input.description + ")"),
                     "--input " + input.name + "=VALUE");
    }
    return {};
}

std::string required_inputs(const Workflow& workflow) {
    std::string text;
    for (const auto& input : workflow.inputs) {
        if (input.required && !input.otherwise) text += (text.empty() ? "--input " : " --input ") + input.name + "=…";
    }
    return text;
}

} // namespace symphony::tracker
