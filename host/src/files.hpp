// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime.hpp"

#include <symphony/abi/services/fs.h>
#include <symphony/manifests/rights.hpp>
#include <symphony/value.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {
struct Manifest;
}

namespace symphony::host {

/// The files of one plugin: what its manifest asked for, beneath roots, and what is granted at the moment of each request.
/// Paths are resolved by the kernel beneath the root without symbolic links; the folders that were checked are those the
/// file is opened in; only regular files come out. Nothing of the host's own state does. In process this is policy for
/// honest code; an isolated plugin gets the same descriptors through its channel. [any, blocks]
class Files {
public:
    struct Folders {
        std::filesystem::path config, cache, state, temp;  ///< the plugin's own; made when first used; empty = none
    };
    /// What decides beyond the manifest. Functions are called for every request, on its thread.
    struct Rules {
        /// May ask a person, and records. Empty: what was requested is granted, if Grants::allows does not say otherwise.
        std::function<Status(const manifests::Right&)> require;
        /// The same without a trace, for listings. Empty: as above.
        std::function<bool(const manifests::Right&)> allows;
        /// Folders and files of the host: its state, its grants, its quarantine. Nothing in them is handed out or changed,
        /// through whatever root, name or hard link; a plugin's own folders in them are.
        std::vector<std::filesystem::path> kept_out;
    };
    Files(const manifests::Manifest& manifest, const Grants& grants, Folders own, Rules rules = {});
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    /// Removes the files beside typed ones that never took their place.
    ~Files();

    /// Whether any root is granted at all.
    bool any() const;

    /// An owned descriptor. `flags` are SYMPHONY_FS_*.
    ///
    /// A single file that was typed to be written is two grants: the file, and new files beside it which are called as
    /// Files::write_atomic of the SDK calls them and can only take its place. So a full disk leaves the old file.
    Result<int> open(std::string_view root, std::string_view path, std::uint32_t flags) const;
    /// As described in services/fs.h. Empty `path` of "selected": what was typed. Where a pattern is granted, what it
    /// covers and the folders on the way.
    Result<Value> list(std::string_view root, std::string_view path) const;
    Status rename(std::string_view root, std::string_view from, std::string_view to) const;
    /// A regular file or an empty folder.
    Status remove(std::string_view root, std::string_view path) const;
    /// Names in a folder that may be listed or written in part are on the disk. The root's own name too, when it is the root.
    Status sync_folder(std::string_view root, std::string_view path) const;

private:
    enum Root : std::uint8_t { workspace, selected, config, cache, state, temp, roots_count };
    struct Place;
    struct Folder;
    struct Beside;
    struct Inode;
    /// @param named  A place that may be listed though not all of it is granted.
    Result<Place> resolve(std::string_view root, std::string_view path, std::uint32_t flags, bool named = false) const;
    Result<Place> resolve_selected(std::string_view path, std::uint32_t flags) const;
    Status check(Root root, std::uint32_t flags, const std::string& object, std::string_view path) const;
    bool allows(const manifests::Right& right) const;
    struct Cover;
    /// How much of the folder `object` is asked for.
    Cover cover(manifests::FileAccess access, std::string_view root, const std::string& object) const;
    Result<Folder> walk(const Place& place, std::string_view path, bool make) const;
    Status check_file(int fd, std::string_view what, std::string_view path) const;
    Result<int> open_beside(const Place& place, std::string_view path, std::uint32_t flags) const;
    Error not_granted(std::string_view right, std::string_view path) const;

    std::string who_, id_;
    const Grants& grants_;
    Folders own_;
    Rules rules_;
    std::vector<manifests::Right> requested_;
    std::unique_ptr<Beside> beside_;
};

} // namespace symphony::host
