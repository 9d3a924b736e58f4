// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recording_folder.hpp"

#include <optional>
#include <set>

namespace symphony::test_support {

inline constexpr std::uint64_t block_bytes = 512;

/// What was written to a file and not synced since.
struct Change {
    bool truncates = false;
    std::uint64_t offset = 0; ///< of a truncate the size
    std::shared_ptr<const Content> bytes;
    bool doomed = false; ///< a failed sync should have written it: no later one does, unless its page is written to again
};

/// How much of a file's changes a crash leaves: the first `cut` writes for each block, other numbers for the blocks in `blocks`.
struct Kept {
    std::size_t cut = 0;
    std::map<std::uint64_t, std::size_t> blocks;
    std::size_t size_cut = 0; ///< the size is that after so many changes, and of the truncations those among them are there
};

/// A file as the disk has it, and what may come on top.
struct DiskFile {
    std::shared_ptr<const Content> synced = std::make_shared<Content>();
    std::vector<Change> changes;

    void sync();
    void fail_sync();
    /// The blocks that a change touches.
    std::set<std::uint64_t> blocks_of(std::size_t change) const;
    std::uint64_t size_after(std::size_t count) const;
    std::shared_ptr<const Content> after(const Kept& kept) const;
};

/// What was done to a name and not synced since.
struct NameChange {
    enum class Kind : std::uint8_t { link, rename, unlink };
    Kind kind;
    std::uint64_t file = 0;
    std::string path;
    std::string to; ///< of rename
    void apply(std::map<std::string, std::uint64_t>& names) const;
};

/// The disk beneath a recorded folder, at one of its operations.
struct CrashDisk {
    std::map<std::uint64_t, DiskFile> files;
    std::map<std::string, std::uint64_t> names;
    std::vector<NameChange> name_changes;

    explicit CrashDisk(const RecordingFolder::Recording& recording);
    void apply(const Operation& operation);

private:
    void sync_names(const std::string& folder);
};

} // namespace symphony::test_support
