// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace files {

/// A path of any bytes as text for people and workflows, reversibly: bytes that are not UTF-8, control
/// characters and the backslash become \xNN.
std::string shown(std::string_view path);

/// The bytes again. A backslash that does not begin \xNN stands for itself.
std::string raw_path(std::string_view text);

/// Whether shown() had to change anything but a backslash.
bool odd(std::string_view path);

} // namespace files
