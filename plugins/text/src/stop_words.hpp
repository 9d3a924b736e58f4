// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace text {

/// Words that carry little meaning alone; what "@english" stands for in a list of stop words.
std::span<const std::string_view> english_stop_words() noexcept;

} // namespace text
