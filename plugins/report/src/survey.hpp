// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <functional>
#include <string_view>

namespace report {

/// Runs one operation of the manifest. Pure: equal input gives equal bytes. May run on many threads at once.
/// @param cancelled  Asked between the parts; true = stop and answer `cancelled`.
symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const std::function<bool()>& cancelled);

} // namespace report
