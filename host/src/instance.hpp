// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calls.hpp"
#include "files.hpp"
#include "library.hpp"
#include "runtime.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

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

protected:
    ~InstanceHost() = default;
};

/// One plugin in this process: its state, its library, what it may use, and the only place that calls its control
/// functions. Control calls run one at a time on a thread that can be given up on. Lives as long as the runtime.
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
    bool metrics_enabled() const noexcept { return metrics_enabled_; }
    bool needs(std::string_view port) const noexcept { return find_need(port) != nullptr; }
    const manifests::Require* find_need(std::string_view port) const noexcept;

private:
    /// @return False: not back in time; `work` goes on on its abandoned thread and finds its steps forbidden.
    bool run_bounded(std::chrono::steady_clock::time_point limit, std::function<void()> work);
    void load_and_activate();
    Status create(const symphony_plugin& descriptor);
    Result<Library> load(VerifiedImage image);
    Status still_activating() const;
    void wind_down(std::chrono::steady_clock::time_point limit);
    Status move_to(State to, std::string_view reason = {});
    template <class Function, class... Arguments>
    Status control(const char* name, Function function, Arguments... arguments);

    InstanceHost& host_;
    const std::size_t index_;
    const PluginEntry& entry_;
    symphony_host abi_host_{};
    symphony_instance_ops ops_{};
    std::optional<Files> files_;
    Value config_;
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
};

} // namespace symphony::host
