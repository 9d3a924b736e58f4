// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/value.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

/// Typed reading of an operation's inputs. Every failure names the operation, the input, what was
/// expected and what came: `count: input "top" is text, not integer`. An optional input that is null
/// counts as not given. Views point into the value it was made from.
class Inputs {
public:
    /// @param known  Every input the operation takes; any other is `unknown-input`.
    static Result<Inputs> of(std::string_view operation, ValueView input, std::initializer_list<std::string_view> known) {
        const Inputs inputs(operation, input);
        if (!input.is_map()) return inputs.error("wrong-kind", "inputs are " + std::string(name_of(input.kind())) + ", not map");
        for (const auto [name, value] : input.entries()) {
            bool found = false;
            for (const std::string_view candidate : known) found = found || candidate == name;
            if (!found) return inputs.error("unknown-input", "there is no input " + quoted(name), "it takes " + joined(known));
        }
        return inputs;
    }

    /// The answer of apply() to an operation that the plugin does not have.
    static Error unknown_operation(std::string_view operation, std::initializer_list<std::string_view> known) {
        return {Code::not_found, "unknown-operation", "there is no operation " + quoted(operation), "it offers " + joined(known)};
    }

    std::string_view operation() const noexcept { return operation_; }
    bool given(std::string_view name) const noexcept { return !map_[name].is_null(); }

    Result<ValueView> any(std::string_view name) const {
        const ValueView value = map_[name];
        if (!value.exists()) return error("missing-input", "input " + quoted(name) + " is missing");
        return value;
    }
    Result<ValueView> need(std::string_view name, Kind kind) const {
        const ValueView value = SYMPHONY_TRY(any(name));
        if (value.kind() != kind && !(kind == Kind::number && value.is_number())) return wrong(name, name_of(kind));
        return value;
    }
    Result<std::string_view> text(std::string_view name) const { return SYMPHONY_TRY(need(name, Kind::text)).as_text(); }
    Result<std::string_view> text_or(std::string_view name, std::string_view otherwise) const {
        return given(name) ? text(name) : Result<std::string_view>(otherwise);
    }
    Result<bool> boolean_or(std::string_view name, bool otherwise) const {
        if (!given(name)) return otherwise;
        return SYMPHONY_TRY(need(name, Kind::boolean)).as_bool();
    }
    /// An optional integer that has to lie in [low, high].
    Result<std::uint64_t> integer_or(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const {
        if (!given(name)) return otherwise;
        const ValueView value = SYMPHONY_TRY(need(name, Kind::integer));
        const auto number = value.to_uint();
        if (number && *number >= low && *number <= high) return *number;
        const std::string found = number ? std::to_string(*number) : std::to_string(value.as_int());
        return error("out-of-range", "input " + quoted(name) + " is " + found + ", not in " + std::to_string(low) + " to " + std::to_string(high));
    }
    /// A list of texts; with `required` false an input that is not given is the empty list.
    Result<std::vector<std::string_view>> texts(std::string_view name, bool required) const {
        std::vector<std::string_view> out;
        if (!required && !given(name)) return out;
        const ValueView list = SYMPHONY_TRY(need(name, Kind::list));
        out.reserve(list.size());
        for (const ValueView item : list.items()) {
            if (!item.is_text()) return wrong_item(name, out.size(), "text", item);
            out.push_back(item.as_text());
        }
        return out;
    }

    Error wrong(std::string_view name, std::string_view expected) const {
        return error("wrong-kind", "input " + quoted(name) + " is " + std::string(name_of(map_[name].kind())) + ", not " + std::string(expected));
    }
    Error wrong_item(std::string_view name, std::size_t index, std::string_view expected, ValueView found) const {
        return error("wrong-kind", "input " + quoted(name) + ": item " + std::to_string(index) + " is " +
                                       std::string(name_of(found.kind())) + ", not " + std::string(expected));
    }
    /// `invalid_argument` with the operation's name in front.
    Error error(std::string_view reason, std::string message, std::string hint = {}) const {
        return Error(Code::invalid_argument, reason, std::move(message), std::move(hint)).in(operation_);
    }

    static std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

private:
    Inputs(std::string_view operation, ValueView map) noexcept : operation_(operation), map_(map) {}

    static std::string joined(std::initializer_list<std::string_view> names) {
        std::string out;
        for (const std::string_view name : names) out += (out.empty() ? "" : ", ") + std::string(name);
        return out;
    }

    std::string_view operation_;
    ValueView map_;
};

} // namespace symphony
