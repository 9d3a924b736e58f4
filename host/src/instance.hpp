// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calls.hpp"
#include "files.hpp"
#include "isolation.hpp"
#include "library.hpp"
#include "output_budget.hpp"
#include "runtime.hpp"

#include <symphony/brokers/services.hpp>
#include <symphony/permissions/subject.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <type_traits>
#include <vector>

namespace symphony::manifests {
struct Require;
}

namespace symphony::host {

class Instance;
class Metrics;

/// What an instance needs of the runtime around it. [any]
class InstanceHost {
public:
    InstanceHost() = default;
    InstanceHost(const InstanceHost&) = delete;
    InstanceHost& operator=(const InstanceHost&) = delete;

    virtual const RuntimeOptions& options() const = 0;
    virtual std::uint64_t now_ns() const = 0;
    virtual CallTable& calls() = 0;
    virtual Metrics& metrics() = 0;
    virtual void report(Event event) noexcept = 0;
    virtual Result<EffectiveConfig> config_of(const PluginEntry& entry) const = 0;
    virtual Files::Folders folders_of(const manifests::Manifest& manifest) const = 0;
    /// The ports service.
    virtual Result<symphony_handle> acquire_for(Instance& caller, std::string_view port, std::string_view provider) = 0;
    virtual void release_for(Instance& caller, symphony_handle port) = 0;
    /// The callee and the port's id behind a handle of `caller`; null when the handle is stale.
    virtual Target* find_port(const Instance* caller, symphony_handle port, symphony_str& name) const noexcept = 0;
    virtual Value list_ports(std::string_view port) const = 0;
    /// A breach of a call's rules, of an isolated plugin in its own process.
    virtual void on_misuse(Target& plugin, std::string_view reason, std::string_view what) noexcept = 0;
    virtual Placement placement_of(const PluginEntry& entry) const = 0;
    /// Writes the record and tells it. @param cool_down  After that one start is allowed as a probe; 0 = never by itself.
    virtual void quarantine(Instance& plugin, std::string_view reason, const std::string& message, std::uint32_t count,
                            std::chrono::seconds cool_down) = 0;

protected:
    ~InstanceHost() = default;
};

/// One plugin, here or in a process of its own: its state, its library, what it may use, and the only place that calls its
/// control functions. Control calls run one at a time on a thread that can be given up on. Lives as long as the runtime.
class Instance final : public Target {
public:
    Instance(InstanceHost& host, std::size_t index, const PluginEntry& entry);

    /// Loads, creates, initialises and activates, once. A second caller waits for the first and gets its result.
    /// @return The error of the failed step, or `deadline` with reason `start-timeout`.
    Status start();
    /// Quiesces, deactivates and destroys until `limit`, as far as it got in its life.
    /// @return `deadline` with reason `wedged`.
    Status stop(std::chrono::steady_clock::time_point limit);
    /// Marks it failed: no call enters any more, those inside end with `error`.
    void fail(const Error& error);
    /// For a plugin whose process is gone: starts a new one, after a pause that grows with each time. Others wait with us.
    /// @return The error of the start, or why it is not started any more: five times in a minute are enough.
    Status revive(std::chrono::steady_clock::time_point limit);
    /// Loads, creates and initialises, without activating: for one that is to take another's place.
    Status prepare();
    /// After prepare(): takes the place of `old`, with its state. Calls under way end in `old`, calls that come meanwhile wait.
    /// @param limit  For the calls that are under way.
    /// @return What failed, `busy` when calls are still under way: `old` then goes on.
    Status take_over(Instance& old, std::chrono::steady_clock::time_point limit);
    /// Who takes the calls: itself, or who took its place. Waits while that is being decided; null when it is not by `limit`. [any]
    Instance* heir(std::chrono::steady_clock::time_point limit);
    /// Its place is being taken, or was.
    bool moving() const noexcept { return moving_.load(std::memory_order_acquire); }
    /// Its process is gone, and the next call may start a new one.
    bool gone() const noexcept { return gone_.load(std::memory_order_acquire); }
    Placement placement() const;
    /// Of its process, when it has one.
    std::shared_ptr<Process> process() const;

    std::size_t index() const noexcept { return index_; }
    const PluginEntry& entry() const noexcept { return entry_; }
    const manifests::Manifest& manifest() const noexcept { return *entry_.manifest; }
    InstanceHost& host() const noexcept { return host_; }
    State state() const;
    std::optional<Error> error() const;
    bool wedged() const;
    std::string sha256() const;
    /// "plugin "text" 1.0.0"
    std::string who() const;
    Event event(Event::Kind kind, std::string_view reason, std::string text) const;

    // For services, from create until destroy.
    const Files& files() const noexcept { return *files_; }
    const Value& config() const noexcept { return config_; }
    const permissions::Subject& subject() const noexcept { return subject_; }
    /// Whether anything of the kind was asked for and is not denied as a whole.
    bool offers(manifests::RightKind kind) const;
    /// A line of its log. What no longer fits into output_volume is dropped, which is said once. [any]
    void write_log(std::uint32_t level, std::string_view text);
    /// Something that a broker refused for another reason than a missing right, for the audit log. [any]
    void record_refused(std::string_view kind, std::string_view what, const Error& why) const;
    /// What it asked for of network, secrets and models; null what it did not.
    const brokers::PluginServices& brokers() const noexcept { return brokers_; }
    /// Grants changed: what it holds by one that is gone is taken away, with its process if need be.
    void check_grants();
    bool metrics_enabled() const noexcept { return metrics_enabled_; }
    bool needs(std::string_view port) const noexcept { return find_need(port) != nullptr; }
    const manifests::Require* find_need(std::string_view port) const noexcept;

private:
    using Creator = std::function<symphony_status(const symphony_host*, const symphony_buf*, symphony_instance**,
                                                  const symphony_instance_ops**, symphony_error*)>;
    /// @return False: not back in time; `work` goes on on its abandoned thread and finds its steps forbidden. A plugin in a
    ///   process of its own is killed for `too_late` instead, and its thread comes back.
    bool run_bounded(std::chrono::steady_clock::time_point limit, std::function<void()> work, const Error& too_late);
    Status start_once();
    void set_ready(bool ready) const;
    Status start_within(std::unique_lock<std::mutex>& lock, std::function<Status()> steps);
    void attempt(const std::function<Status()>& steps);
    Status load();
    Status activate();
    Status load_and_activate();
    Result<std::optional<Buffer>> pause(std::chrono::steady_clock::time_point limit);
    Status quiesce_and_save(std::chrono::steady_clock::time_point limit, std::optional<Buffer>& state);
    void resume();
    void end_move(Instance* heir);
    Result<Creator> load_here(VerifiedImage image);
    Result<Creator> load_isolated(const VerifiedImage& image);
    Status create(const Creator& creator);
    Files::Rules file_rules();
    Status check_gpu() const;
    /// Whether a right of the system is asked for and granted; may ask a person.
    bool may_system(std::string_view name) const;
    void meet_brokers(std::shared_ptr<const brokers::Secrets> secrets);
    void leave_brokers();
    void hold(const permissions::Right& right, const std::string& rule);
    void process_dying();
    void process_gone(const Error& cause);
    bool bury(std::chrono::steady_clock::time_point limit);
    void end_process();
    Status still_activating() const;
    void wind_down(std::chrono::steady_clock::time_point limit);
    Status move_to(State to, std::string_view reason = {});
    /// Calls one control function, with a frame for crash attribution and its exceptions caught.
    template <class Function, class... Arguments>
    Status control(const char* name, Function function, Arguments... arguments) {
        if constexpr (std::is_pointer_v<Function>) {
            if (function == nullptr) return {}; // optional in the ABI
        }
        return control_step(name, [&](symphony_error* error) { return function(arguments..., error); });
    }
    Status control_step(const char* name, const std::function<symphony_status(symphony_error*)>& step);

    InstanceHost& host_;
    const std::size_t index_;
    const PluginEntry& entry_;
    symphony_host abi_host_{};
    symphony_instance_ops ops_{};
    std::optional<Files> files_;
    Value config_;
    permissions::Subject subject_;
    OutputBudget output_;
    brokers::PluginServices brokers_;
    struct Held {
        std::vector<permissions::Right> rights;
        bool more = false;  // than these
    };
    std::map<std::string, Held> held_;  // files that its process was given, by the rule that allowed it; under mutex_
    bool metrics_enabled_ = true;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool busy_ = false;       // a control thread is at work, or was given up on
    bool wedged_ = false;
    bool created_ = false;    // a destroy is owed; control thread only
    bool activated_ = false;  // and a deactivate before it
    bool left_thread_ = false;
    std::uintptr_t code_begin_ = 0, code_end_ = 0;
    State state_ = State::discovered;
    std::optional<Error> error_;
    std::string sha256_;
    Placement placement_;
    std::shared_ptr<Process> process_;   // null: in this process
    std::atomic<bool> gone_{false};
    bool ending_ = false;                // we end its process ourselves
    std::vector<std::chrono::steady_clock::time_point> deaths_;  // within the last minute
    std::uint32_t violations_ = 0;
    std::uint32_t starts_ = 0;           // control thread only
    std::atomic<bool> moving_{false};
    Instance* heir_ = nullptr;           // set once
};

/// Enters `callee` through the call table. A plugin whose process is gone is started again first. [any, may block then]
symphony_status enter(CallTable& table, Target& callee, Target* caller, const symphony_call& call, symphony_handle* call_out,
                      symphony_error* error);

} // namespace symphony::host
