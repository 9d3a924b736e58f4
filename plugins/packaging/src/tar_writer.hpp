// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace symphony::packaging {

/// Writes a tar of regular files in the form of POSIX.1-1988 (ustar), which every tar reads and of which there is one form: no times, no owners.
class TarWriter {
public:
    /// @param mode  0644 or 0755. @return `invalid_argument`, reason "path-too-long", when the name does not fit a ustar header.
    Status add(std::string_view path, std::uint32_t mode, std::string_view bytes);
    /// The whole tar; the writer is empty afterwards.
    std::string end();

private:
    std::string tar_;
};

/// zstd at one fixed level, with a checksum. The same bytes in give the same bytes out, of one version of zstd.
Result<std::string> compressed(std::string_view bytes);

} // namespace symphony::packaging
