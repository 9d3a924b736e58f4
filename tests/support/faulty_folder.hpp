// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "memory_folder.hpp"

#include <functional>
#include <map>
#include <mutex>

namespace symphony::test_support {

enum class FaultKind : std::uint8_t {
    io,         ///< any call fails with `io`
    disk_full,  ///< calls that may need room fail with `exhausted` / "disk-full"; half of a write may be done
    sync,       ///< File::sync() fails with `io`, and what was written to the file since the last one is gone
};
const char* name_of(FaultKind kind);

struct Fault {
    FaultKind kind = FaultKind::io;
    std::uint64_t at_call = 1; ///< counted from arm(), over the calls that this kind concerns
    bool sticky = false;       ///< all calls from there on, until heal()
};

/// A folder that fails as disks do. Beneath it is any other; descriptors are hidden, so that no write goes past it.
/// A File whose sync failed fails every later sync and write, as FdFile does. [any thread]
class FaultyFolder final : public sqlite_files::Folder {
public:
    /// @param inner  Outlives this.
    explicit FaultyFolder(sqlite_files::Folder& inner) : inner_(inner) {}
    FaultyFolder(const FaultyFolder&) = delete;
    FaultyFolder& operator=(const FaultyFolder&) = delete;

    void arm(Fault fault);
    /// No further faults; what was lost stays lost.
    void heal();
    bool fired() const;
    /// Such as "write index.db-wal"; "" when none fired.
    std::string fired_at() const;

    Result<std::unique_ptr<sqlite_files::File>> open(std::string_view path, Mode mode) override;
    Result<std::vector<sqlite_files::Entry>> list(std::string_view path) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;
    Status sync_folder(std::string_view path) override;
    std::string name() const override { return "faulty"; }

private:
    friend class FaultyFile;
    enum class Call : std::uint8_t { open, make, list, rename, remove, sync_folder, read, write, truncate, size, sync };
    /// What was there before the writes since the last sync, so that a failed one can lose them.
    struct Undo {
        std::mutex mutex;
        struct Step {
            std::uint64_t offset, size_before;
            Content before;
        };
        std::vector<Step> steps;
    };
    /// Whether this call is the one that fails.
    bool fails(Call call, std::string_view path);
    Status check(Call call, std::string_view path);
    Error error(Call call, std::string_view path) const;
    std::shared_ptr<Undo> undo_of(std::string_view path);

    sqlite_files::Folder& inner_;
    mutable std::mutex mutex_;
    Fault fault_{};
    bool armed_ = false;
    std::uint64_t calls_ = 0;
    std::string fired_at_;
    std::map<std::string, std::shared_ptr<Undo>, std::less<>> undo_; ///< by path
};

/// One run under a fault: does the work on the folder, heals it, and looks at what is there. @return "" or what is wrong.
using FaultWork = std::function<std::string(FaultyFolder& folder)>;

struct FaultReport {
    std::size_t runs = 0; ///< that reached their fault
    std::vector<std::string> failures;
    bool good() const { return failures.empty() && runs > 0; }
    std::string text() const;
};

/// Runs `work` on a copy of `begin` with call 1 failing, then with call 2, and so on, until a run ends without its fault.
/// @param runs_max  Bounds the search; reaching it is a failure, so that nothing is left out unnoticed.
FaultReport try_fault_at_every_call(FaultKind kind, bool sticky, const MemoryFolder& begin, const FaultWork& work, std::size_t runs_max = 20'000);

} // namespace symphony::test_support
