// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/value.hpp>

#include <functional>
#include <string_view>

namespace text {

/// Asked now and then by long work; true = stop and answer `cancelled`.
using Cancelled = std::function<bool()>;

/// More text than this in one input is refused with `too-large`.
inline constexpr std::size_t text_bytes_max = std::size_t{512} << 20;

/// Runs one operation of the manifest. Pure; may run on many threads at once.
symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const Cancelled& cancelled);

symphony::Result<symphony::Value> split(symphony::ValueView input, const Cancelled& cancelled);
symphony::Result<symphony::Value> count(symphony::ValueView input, const Cancelled& cancelled);
symphony::Result<symphony::Value> match(symphony::ValueView input, const Cancelled& cancelled);
symphony::Result<symphony::Value> normalise(symphony::ValueView input, const Cancelled& cancelled);

} // namespace text
