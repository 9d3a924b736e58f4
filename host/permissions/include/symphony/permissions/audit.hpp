// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/permissions/subject.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::permissions {

/// What happened. `violation`: a layer of the sandbox, the channel or the supervisor stopped something. `refused`: a plugin
/// was not loaded. `lost`: records that did not fit; their number is `count`.
enum class Happening : std::uint8_t { decision, grant, revoke, consent, violation, refused, lost };
std::string_view name_of(Happening kind) noexcept;

struct Record {
    std::int64_t time_ms = 0;     ///< since 1970; 0: now
    std::string publisher, plugin, version, digest, instance;
    Happening kind = Happening::decision;
    std::string object;           ///< a right's canonical text, or what was stopped: "ptrace", "socket(AF_INET)"
    bool allowed = false;
    std::string rule;             ///< "grant:17", "preset:balanced", "policy.toml:7", "seccomp"
    std::string layer;            ///< "L6 broker", "L4 seccomp", "supervisor"; of the reference's names
    std::vector<std::string> chain;
    std::uint64_t count = 1;      ///< how many such happenings it stands for
    std::string text;             ///< one sentence, may be empty
};

/// A record with its place in the chain.
struct Row {
    std::int64_t number = 0;      ///< 1, 2, 3, ...
    std::string previous, hash;   ///< SHA-256, hexadecimal
    Record record;
};

/// One line of JSON as it is hashed and exported; members in a fixed order.
std::string canonical(const Record& record);

/// What verify() found. Damage names the first row that is wrong.
struct Verification {
    enum class Damage : std::uint8_t { none, changed, removed, cut, head, unreadable } damage = Damage::none;
    std::int64_t rows = 0;        ///< that are good, counted from the first that is kept
    std::int64_t dropped = 0;     ///< rows before that one, which the log's bound let go
    std::int64_t row = 0;         ///< number of the first bad or missing one
    std::string text;             ///< a sentence
};
std::string_view name_of(Verification::Damage damage) noexcept;

/// audit.sqlite in the host's state folder: append-only, each row carries the hash of the one before, one chain for all
/// processes. Writing takes no longer than putting it into a queue: one thread appends in groups. What was allowed is
/// sampled, with exact counts; nothing else is dropped on the way, but equal ones are counted together when there are too
/// many. The file is bounded: above `bytes_max` the oldest eighth of the rows goes, and a signed row says where the log begins.
class Audit {
public:
    struct Options {
        std::filesystem::path state_dir;                ///< empty, or not to be written: nothing is kept, one warning
        std::size_t queue_max = 4096;                   ///< records in memory
        std::int64_t sample_ms = 10'000;                ///< an allowed object is recorded once in this time, then counted
        std::function<std::int64_t()> now_ms = {};      ///< empty: the clock
        unsigned denied_rows_max = 100;                 ///< of one plugin in sample_ms, each by itself; more are counted together
        std::int64_t bytes_max = 128 << 20;             ///< of the file
    };
    explicit Audit(Options options);
    Audit(const Audit&) = delete;
    Audit& operator=(const Audit&) = delete;
    ~Audit(); ///< writes what is queued

    /// Returns at once. [any]
    void append(Record record);
    /// The same for something that was allowed, many times a second perhaps. [any]
    void allowed(const Subject& subject, const Right& object, std::string_view rule, std::string_view layer);
    /// Waits until all that was appended before is in the file, sampled counts too.
    Status flush();
    std::vector<std::string> warnings() const;

    struct Filter {
        std::string plugin;                             ///< id; empty: any
        std::optional<Happening> kind;
        std::int64_t since_ms = 0;
        std::size_t last_max = 0;                       ///< only the newest so many; 0: all
    };
    /// In the order of the chain. [blocks]
    Status each(const Filter& filter, const std::function<bool(const Row&)>& visit) const;
    Result<Verification> verify() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The record of something about a subject, to be completed.
Record record_of(const Subject& subject, Happening kind);
/// That a plugin is not started, and why.
Record record_of_refusal(const Subject& subject, const Error& why);

} // namespace symphony::permissions
