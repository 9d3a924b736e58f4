// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "operations.hpp"

#include <symphony/inputs.hpp>

#include <string_view>
#include <vector>

namespace text {

struct Document {
    std::string_view path; // empty for plain text
    std::string_view text;
};

/// The inputs `text` and `texts`, of which at least one is there: a text, a list of maps {path?, text}.
symphony::Result<std::vector<Document>> documents(const symphony::Inputs& inputs);

/// One required text input within the size limit.
symphony::Result<std::string_view> bounded_text(const symphony::Inputs& inputs, std::string_view name);

symphony::Error cancelled_error(std::string_view operation);

} // namespace text
