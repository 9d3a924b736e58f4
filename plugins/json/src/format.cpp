// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/inputs.hpp>
#include <symphony/json.hpp>

namespace json {

using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

Result<Value> format(ValueView input) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("format", input, {"value", "pretty"}));
    const ValueView value = SYMPHONY_TRY(inputs.any("value"));
    const bool pretty = SYMPHONY_TRY(inputs.boolean_or("pretty", false));
    auto text = symphony::print_json(value, pretty ? 2 : -1);
    if (!text) return std::move(text).error().in("format: input \"value\"");
    return ValueBuilder().map(1).add("text", std::string_view(*text)).end().build();
}

} // namespace json
