// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace symphony::composer {

/// A shell script for /bin/sh of any Debian, with the payload behind it: it compares its own digest, unpacks once into the cache and starts bin/symphony from there.
/// It uses coreutils, tar and gzip, which are essential packages. @param payload  A tar in gzip.
std::string single_file_of(const std::string& title, std::string_view payload);

/// What is behind the script; empty when these bytes are no such file.
std::string_view payload_of(std::string_view bytes) noexcept;

} // namespace symphony::composer
