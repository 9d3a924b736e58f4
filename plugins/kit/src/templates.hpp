// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace symphony::kit {

/// One file of sdk-template/, as it is there.
struct TemplateFile {
    const char* path;  ///< "cpp/src/plugin.cpp"
    const unsigned char* bytes;
    std::size_t size;
};

/// All of them, sorted by path. Made when the plugin is built.
std::span<const TemplateFile> template_files() noexcept;

} // namespace symphony::kit
