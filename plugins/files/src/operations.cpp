// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/inputs.hpp>

namespace files {

symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const Context& context) {
    if (operation == "walk") return walk(input, context);
    if (operation == "read") return read(input, context);
    if (operation == "read_all") return read_all(input, context);
    if (operation == "read_bytes") return read_bytes(input, context);
    return symphony::Inputs::unknown_operation(operation, {"walk", "read", "read_all", "read_bytes"});
}

} // namespace files
