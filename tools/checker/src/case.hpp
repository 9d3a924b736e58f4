// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "generate.hpp"
#include "report.hpp"
#include "subject.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace symphony::checker {

/// What is being done, for whoever finds this process dead: a text in shared memory.
inline constexpr std::size_t step_bytes = 256;

/// One case at work, in a process of its own. find(), skip() and step() may be called on any thread.
class Case {
public:
    /// @param report  Where what is found goes at once, so that a crash loses nothing.
    Case(Subject& plugin, std::uint64_t seed, std::chrono::seconds time, char* where, int report)
        : subject(plugin), random(seed), limit(time), step_(where), report_(report) {}

    Subject& subject;
    Random random;
    const std::chrono::seconds limit; ///< then the process is killed

    const manifests::Manifest& manifest() const noexcept { return subject.manifest(); }
    void step(std::string_view what) noexcept;
    /// A rule is broken. The same finding twice is one.
    void find(std::string_view rule, std::string message, std::string hint = {});
    /// Something could not be tried.
    void skip(const std::string& why) { send(Told::not_tried, {why}); }
    /// What builds on this case has no ground.
    void stop() { send(Told::stopped, {}); }
    void done() { send(Told::done, {}); }

private:
    void send(Told kind, std::initializer_list<std::string_view> texts);

    char* step_;
    int report_;
    std::mutex mutex_;
    std::set<std::string> told_;
};

/// A case: a name, what to run, and the rule that is broken when it crashes or hangs.
struct CaseEntry {
    std::string_view name;
    std::string_view crash_rule;
    bool ground;  ///< the others build on it
    void (*run)(Case&);
};
std::span<const CaseEntry> cases() noexcept;

// One function for each, by file.
void check_loads(Case& at);
void check_life(Case& at);
void check_unknown_ids(Case& at);
void check_answers(Case& at);
void check_cancel(Case& at);
void check_late_cancel(Case& at);
void check_stops(Case& at);
void check_borrowed_buffers(Case& at);
void check_newer_host(Case& at);
void check_older_host(Case& at);
void check_malformed_records(Case& at);
void check_input_fuzz(Case& at);
void check_grants(Case& at);
void check_config_inside(Case& at);
void check_config_outside(Case& at);
void check_threads(Case& at);
void check_pure(Case& at);
void check_state(Case& at);
void check_state_garbage(Case& at);
void check_reload(Case& at);
void check_process(Case& at);
void check_exit_handlers(Case& at);
void check_placement(Case& at);

} // namespace symphony::checker
