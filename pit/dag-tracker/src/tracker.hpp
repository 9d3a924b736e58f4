// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "call_cache.hpp"
#include "journal.hpp"
#include "parse.hpp"
#include "run.hpp"
#include "shared_limits.hpp"

#include <symphony/host.hpp>
#include <symphony/ports/workflow.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// A workflow file read and checked.
struct Checked {
    std::vector<Diagnostic> diagnostics;
    std::shared_ptr<const Plan> plan;  ///< null when there is no graph at all
    bool ok = false;                   ///< may be run
    std::map<std::string, std::string> files;  ///< that sub-workflows came from: text by path
};

/// What the plugin does, apart from being a plugin. Const methods may be called concurrently.
class Tracker {
public:
    explicit Tracker(Host host);

    /// @param files  Texts of files that sub-workflows name; others are read from what a person named.
    /// @param to_run  Without a file that a sub-workflow names it is not ok; else that is only told.
    Checked check(std::string_view path, std::string_view text, const CheckOptions& options = {}, std::map<std::string, std::string> files = {}, bool to_run = true) const;
    /// Acquires the providers and runs. The settings are those of the plugin; `deadline_ns` of the call counts too.
    /// @return What `PluginCaller::acquire` says when a provider cannot be had; a failed node is part of the result.
    /// @param on_tick  Called on the calling thread every few milliseconds, also while nothing happens.
    /// @param log  Of a run that is recorded, else null. Its end is recorded, too; that it could not be is part of the result.
    Result<RunResult> run(const Call& call, std::shared_ptr<const Plan> plan, const Value& inputs, RunSettings settings, std::shared_ptr<RunLog> log,
                          const std::function<void(const RunEvent&)>& on_event, const std::function<void()>& on_tick = {}) const;

    /// The record of all runs, opened when it is first needed. [blocks]
    Result<std::shared_ptr<Journal>> journal() const;
    /// A record for a new run. @param asked  What a person asked for; without it the configuration counts, and where nothing can be
    /// recorded the run goes on without (`warning` says so). @return Null when the run is not to be recorded.
    Result<std::shared_ptr<RunLog>> begin_log(const Checked& checked, std::string_view path, std::string_view source, const Value& inputs, Value options,
                                              std::optional<Durability> asked, std::string& warning) const;
    /// The workflow of a recorded run, with the files that it had then.
    Checked check_again(const NewRun& made, const CheckOptions& options = {}) const;
    /// The record of a run that goes on, with the plan for it. @param changed_too  Also when a plugin is not what it was.
    /// @return `conflict` "plugin-changed" or those of Journal::resume(); `invalid_argument` "invalid-workflow".
    struct Resumed {
        std::shared_ptr<RunLog> log;
        std::shared_ptr<const Plan> plan;
    };
    Result<Resumed> resume_log(std::string_view id, bool changed_too) const;
    /// The cache of calls, opened when it is first needed. [blocks]
    Result<std::shared_ptr<CallCache>> cache() const;
    /// Makes a new cache in the place of one that cannot be opened. [blocks]
    Status remake_cache() const;
    /// What answers calls of a run instead of their plugins, and notes how each call is known. Null when there is nothing to do.
    /// @param wanted   False: no call is answered so.
    /// @param log      Of the run, or null.
    /// @param warning  Why the cache is not used, when that is so and nobody has wished it.
    std::shared_ptr<CallMemory> memory(const std::shared_ptr<const Plan>& plan, bool wanted, const RunLog* log, std::string& warning) const;
    RunSettings settings() const;
    const Limits& limits() const noexcept { return limits_; }
    const Host& host() const noexcept { return host_; }
    /// A call of some run never came back: threads are not ours to wait for any more.
    bool left_behind() const noexcept { return *left_behind_; }

private:
    Host host_;
    Limits limits_;
    struct Opened {
        std::mutex mutex;
        std::shared_ptr<ValueStore> values;
        std::shared_ptr<Journal> journal;
        std::shared_ptr<CallCache> cache;
        const std::shared_ptr<SharedLimits> limits = std::make_shared<SharedLimits>();
    };
    std::shared_ptr<ValueStore> values() const;  // with the mutex of opened_ held
    std::unique_ptr<Opened> opened_ = std::make_unique<Opened>();
    std::unique_ptr<std::atomic<bool>> left_behind_ = std::make_unique<std::atomic<bool>>(false);
};

/// "text 1.0.0 is now 1.1.0, json is another build of 1.0.0"; empty when none of the plan's plugins is another than it was. @param then  NewRun::plugins.
std::string changed_plugins(ValueView then, const Plan& now);
/// The same of one plugin alone.
std::string changed_plugin(ValueView then, const Provider& now);

ports::CheckReport check_report(const Checked& checked);
ports::RunEvent port_event(const Plan& plan, const RunEvent& event);
ports::RunReport run_report(const Plan& plan, const RunResult& result);
/// Why a node failed, or null.
const Problem* failure_of(const RunResult& result, Id node);
/// The first error of a workflow that may not be run, as the answer to a call.
Error invalid_workflow(const Checked& checked);

} // namespace symphony::tracker
