// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stage.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace symphony::sandbox {

/// What every private root has from the host, read once.
struct RootContents {
    struct Link {
        std::string name, target;
    };
    struct File {
        std::string name, bytes;
    };
    std::vector<std::string> folders;  ///< bound read-only, without the leading slash: "usr", "etc/alternatives"
    std::vector<Link> links;           ///< "lib" -> "usr/lib"
    std::vector<File> files;           ///< "etc/ld.so.cache"
    /// Of the composed distribution that this program is of, whose host has checked its seal: its lib/ is there too, read-only and at its own place, where the
    /// runner's search path (RPATH) has it. Absolute; empty: there is none. What else is in the distribution is not there.
    std::string libraries;
    std::string programs;              ///< an empty folder in the root: the search path goes by bin/../lib
    std::string libraries_hidden;      ///< why they are not there, though they could be; empty: nothing is wrong

    static RootContents read();
    /// Fills the last three for the distribution in `prefix`. @param owner  Who owns the program: he or root owns the folder.
    void add_distribution(const std::string& prefix, std::uint32_t owner);
};

/// Makes a root of its own and enters it: system folders read-only, three devices, an empty folder /plugin, nothing else. In a new
/// mount namespace, by a process that may mount there; no allocation.
Outcome enter_private_root(const RootContents& contents) noexcept;

/// Puts a copy of the sealed memory file `image` at /plugin/`name`, read-only.
Outcome add_library(int image, const char* name) noexcept;

} // namespace symphony::sandbox
