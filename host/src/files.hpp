// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime.hpp"

#include <symphony/abi/services/fs.h>
#include <symphony/value.hpp>

#include <mutex>

namespace symphony::manifests {
struct Manifest;
}

namespace symphony::host {

/// The files of one plugin: roots that its manifest asked for and that were granted. Paths are resolved by the kernel
/// beneath the root without symbolic links; only regular files come out. In process this is policy for honest code.
/// [any, blocks]
class Files {
public:
    struct Folders {
        std::filesystem::path config, cache, state, temp;  ///< the plugin's own; made when first used; empty = none
    };
    Files(const manifests::Manifest& manifest, const Grants& grants, Folders own);

    /// Whether any root is granted at all.
    bool any() const noexcept;

    /// An owned descriptor. `flags` are SYMPHONY_FS_*.
    Result<int> open(std::string_view root, std::string_view path, std::uint32_t flags) const;
    /// As described in services/fs.h. Empty `path` of "selected": what was typed.
    Result<Value> list(std::string_view root, std::string_view path) const;
    Status rename(std::string_view root, std::string_view from, std::string_view to) const;
    /// A regular file or an empty folder.
    Status remove(std::string_view root, std::string_view path) const;

private:
    enum Root : std::uint8_t { workspace, selected, config, cache, state, temp, roots_count };
    struct Place;
    Result<Place> resolve(std::string_view root, std::string_view path, std::uint32_t flags) const;
    Error not_granted(std::string_view right, std::string_view path) const;

    std::string who_;
    const Grants& grants_;
    Folders own_;
    std::uint32_t rights_[roots_count] = {};  // SYMPHONY_FS_READ | SYMPHONY_FS_WRITE
};

} // namespace symphony::host
