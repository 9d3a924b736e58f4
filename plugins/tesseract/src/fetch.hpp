// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines.hpp"

#include <symphony/bytes.hpp>
#include <symphony/host.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <string>
#include <string_view>

namespace tess {

/// Image files beyond this are refused unread.
inline constexpr std::uint64_t image_file_bytes_max = std::uint64_t{256} << 20;

/// Reads the file that {path, root?} names beneath the folders that were granted. So a workflow passes names,
/// and only the pages that are being read are in memory.
symphony::Result<symphony::Buffer> fetch_image(const symphony::Host& host, symphony::ValueView image);

/// The bytes of a path as `files` shows it: \xNN is one byte, any other backslash itself.
std::string raw_path(std::string_view shown);

/// One line about a model for people: "4.1 MB file, 2 engines".
std::string describe(const Engines::Info& model);

} // namespace tess
