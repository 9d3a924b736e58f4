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

/// Makes a root of its own and enters it: system folders read-only, three devices, an empty folder /plugin, nothing else. In a new
/// mount namespace, by a process that may mount there; no allocation.
Outcome enter_private_root(const RootContents& contents) noexcept;

/// Puts a copy of the sealed memory file `image` at /plugin/`name`, read-only.
Outcome add_library(int image, const char* name) noexcept;

} // namespace symphony::sandbox
