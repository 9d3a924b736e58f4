// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "memory_folder.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace symphony::test_support {

/// One thing that was asked of the disk, or said by the program.
struct Operation {
    enum class Kind : std::uint8_t { create, write, truncate, sync, rename, remove, sync_folder, note };
    Kind kind;
    std::uint64_t file = 0;              ///< which, whatever it is called by now; of create, write, truncate, sync, rename
    std::string path;                    ///< of the name; of rename the old one; of note the text
    std::string to;                      ///< of rename
    std::uint64_t offset = 0;            ///< of write; the size of truncate
    std::shared_ptr<const Content> bytes; ///< of write
    bool failed = false;                 ///< of sync

    /// Such as "write 4096+24 of index.db".
    std::string text() const;
};

/// A folder in memory that keeps what was done to it, so that try_crash_states() can tell what a power cut may leave.
/// [any thread]: operations are kept in the order in which they happened.
class RecordingFolder final : public sqlite_files::Folder {
public:
    /// @param begin  What is on the disk already.
    explicit RecordingFolder(const MemoryFolder& begin = {});
    RecordingFolder(const RecordingFolder&) = delete;
    RecordingFolder& operator=(const RecordingFolder&) = delete;

    /// What the program under test told its caller, at this point: "stored 7". Crash states from here on know it.
    void note(std::string text);

    /// The `nth` File::sync() from now on, counted from 1, fails. As on Linux, what it should have written is still read, no later sync
    /// writes it, and only a power cut tells: unless its page of 4 KiB is written to again.
    void fail_sync(std::uint64_t nth);
    bool sync_failed() const;

    Result<std::unique_ptr<sqlite_files::File>> open(std::string_view path, Mode mode) override;
    Result<std::vector<sqlite_files::Entry>> list(std::string_view path) override { return now_.list(path); }
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;
    Status sync_folder(std::string_view path) override;
    std::string name() const override { return "recording"; }

    struct Recording {
        MemoryFolder begin;
        std::map<std::string, std::uint64_t> files; ///< of `begin`: each path's number
        std::vector<Operation> operations;
    };
    /// Up to now; of a folder that is at rest.
    Recording recording() const;

private:
    friend class RecordingFile;
    std::uint64_t number_of(const std::shared_ptr<MemoryNode>& node);

    mutable std::mutex mutex_;
    MemoryFolder begin_, now_;
    std::map<std::string, std::uint64_t> files_at_begin_;
    std::map<std::shared_ptr<MemoryNode>, std::uint64_t> numbers_;
    std::vector<Operation> operations_;
    std::uint64_t syncs_to_failure_ = 0; ///< 0 = none fails
    bool sync_failed_ = false;
};

} // namespace symphony::test_support
