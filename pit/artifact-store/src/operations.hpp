// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

#include <symphony/call.hpp>

namespace symphony::store {

/// What a workflow's node asks of the store; manifest.toml lists inputs and outputs.
///
/// `store` keeps a value: text and bytes as they are, anything else as JSON. Of a map, `content` names the member to keep
/// and `name_from` the member to call it by; `sources` are results of earlier calls, and those with the same path become inputs.
Result<Value> store_operation(Store& store, const Host& host, const Call& call, const Value& input);
/// `load` gives it back: text, a value, or bytes, by its media type or as `as` says.
Result<Value> load_operation(Store& store, const Host& host, const Value& input);

} // namespace symphony::store
