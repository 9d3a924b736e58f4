// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/inputs.hpp>

namespace text {

symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const Cancelled& cancelled) {
    if (operation == "split") return split(input, cancelled);
    if (operation == "count") return count(input, cancelled);
    if (operation == "match") return match(input, cancelled);
    if (operation == "normalise") return normalise(input, cancelled);
    return symphony::Inputs::unknown_operation(operation, {"split", "count", "match", "normalise"});
}

} // namespace text
