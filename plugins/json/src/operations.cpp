// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/inputs.hpp>

namespace json {

symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const Cancelled& cancelled) {
    if (operation == "parse") return parse(input, cancelled);
    if (operation == "select") return select(input, cancelled);
    if (operation == "merge") return merge(input);
    if (operation == "template") return fill_template(input);
    if (operation == "format") return format(input);
    return symphony::Inputs::unknown_operation(operation, {"parse", "select", "merge", "template", "format"});
}

} // namespace json
