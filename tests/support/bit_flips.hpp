// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "memory_folder.hpp"

#include <functional>

namespace symphony::test_support {

struct FlipOptions {
    std::uint64_t seed = 1;
    std::size_t flips_max = 0;              ///< of all bytes, chosen by the seed; 0 = one bit of every byte
    std::function<bool(const std::string& path)> wants; ///< which files; empty = all
    std::size_t failures_max = 5;
};

struct Flip {
    std::string path;
    std::uint64_t offset; ///< bytes
    unsigned bit;         ///< 0 to 7
    std::string text() const;
};

struct FlipReport {
    std::uint64_t seed = 0;
    std::size_t bytes = 0, flips = 0;
    std::vector<std::string> failures;
    bool good() const { return failures.empty() && flips > 0; }
    std::string text() const;
};

/// Flips one bit in a copy of `begin`, has it looked at, and goes on with the next byte, over all files. Which bit of a byte is the
/// seed's choice.
/// @param check  Gets the damaged copy, which it may change. @return "" when the damage was found or does not matter, else what is wrong.
FlipReport try_bit_flips(const MemoryFolder& begin, const FlipOptions& options, const std::function<std::string(MemoryFolder& damaged, const Flip& flip)>& check);

} // namespace symphony::test_support
