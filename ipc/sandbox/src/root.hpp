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

    static RootContents read();
};

/// Makes a root of its own and enters it: system folders read-only, three devices, the library, nothing else. In a new mount
/// namespace, by a process that may mount there; no allocation.
/// @param image  Sealed memory file that becomes /plugin/`library_name`; -1 = none.
Outcome enter_private_root(const RootContents& contents, int image, const char* library_name) noexcept;

} // namespace symphony::sandbox
