// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::host {

/// Why a plugin is not started any more, until somebody releases it.
struct Quarantine {
    std::string id;
    std::string name;
    std::string version;
    std::string digest;   ///< sha256 of the library it happened with; another build is another chance
    std::string reason;   ///< "crashed", "misuse", "plugin-threw", "start-timeout"
    std::string message;  ///< one sentence
    std::string log;      ///< what is known of the last time, for people
    std::uint32_t count = 1;
    std::chrono::sys_seconds time;
    /// From then on one start is allowed as a probe; none: only a person releases it.
    std::optional<std::chrono::sys_seconds> probe_at;
};

/// One fatal signal of an earlier host process, attributed to a plugin.
struct Crash {
    std::string id, name, version, digest;
    std::string text;  ///< "SIGSEGV at 0x0 in method 1 of operator/1, call 17"
    std::chrono::sys_seconds time;
};

/// What of the plugins' failures outlives the process: quarantine/<id>.toml and crashes/ beneath the state folder.
/// Files are replaced atomically, so several hosts may share a folder. Const methods may be called concurrently.
class Supervisor {
public:
    static constexpr std::uint32_t crashes_max = 3;
    static constexpr std::chrono::minutes crashes_window{10};

    /// @param state_dir  Empty: nothing is kept and nothing is found.
    explicit Supervisor(std::filesystem::path state_dir) : dir_(std::move(state_dir)) {}

    std::optional<Quarantine> find(std::string_view id) const;
    std::vector<Quarantine> all() const;  ///< sorted by id
    /// Writes the record; an older one of the same plugin is replaced and its count goes on.
    /// @return `io` when the folder cannot be written.
    Status quarantine(Quarantine record) const;
    /// @return `not_found` when the plugin is in no quarantine.
    Status release(std::string_view id) const;

    /// Crashes within the window before `now`, newest last; takes records away that are older or of no crash.
    std::vector<Crash> recent_crashes(std::chrono::sys_seconds now) const;
    /// Takes the crash records of one plugin away, because they were acted on.
    void forget_crashes(std::string_view id) const;

    /// An open, locked, empty file that the crash handler writes to; -1 without a state folder. It goes with remove_crash_file().
    int open_crash_file() const;
    static void remove_crash_file(int fd);

private:
    std::filesystem::path dir_;
};

/// The refusal that a quarantine record stands for.
Error refusal_of(const Quarantine& record);

} // namespace symphony::host
