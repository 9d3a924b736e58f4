// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/value.hpp>

#include <functional>
#include <string_view>

namespace json {

/// Asked now and then by long work; true = stop and answer `cancelled`.
using Cancelled = std::function<bool()>;

/// Containers in containers of a document; leaves room for the maps that values travel in.
inline constexpr std::size_t depth_max = 100;
/// Results that can grow beyond their inputs end here.
inline constexpr std::size_t output_bytes_max = std::size_t{256} << 20;

/// Runs one operation of the manifest. Pure; may run on many threads at once.
symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const Cancelled& cancelled);

symphony::Result<symphony::Value> parse(symphony::ValueView input, const Cancelled& cancelled);
symphony::Result<symphony::Value> select(symphony::ValueView input, const Cancelled& cancelled);
symphony::Result<symphony::Value> merge(symphony::ValueView input);
symphony::Result<symphony::Value> fill_template(symphony::ValueView input);
symphony::Result<symphony::Value> format(symphony::ValueView input);

} // namespace json
