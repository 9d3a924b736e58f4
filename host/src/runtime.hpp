// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "instance_state.hpp"
#include "trust.hpp"

#include <symphony/about.hpp>
#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {
struct Manifest;
}
namespace symphony::brokers {
class NetworkBroker;
class Secrets;
}
namespace symphony::permissions {
class Permissions;
}

namespace symphony::host {

/// One plugin as the catalog and the resolver know it. Everything outlives the runtime.
struct PluginEntry {
    const manifests::Manifest* manifest = nullptr;
    std::filesystem::path folder;  ///< the folder of manifest.toml
    std::string manifest_sha256;   ///< of the manifest's bytes, when the catalog knows them
    bool core = false;             ///< may start in safe mode
    std::optional<Error> refusal;  ///< the catalog or the resolver will not have it started
};

/// What the runtime needs from catalog and resolver. Const methods may be called concurrently.
class PluginSource {
public:
    PluginSource() = default;
    PluginSource(const PluginSource&) = delete;
    PluginSource& operator=(const PluginSource&) = delete;
    virtual ~PluginSource() = default;
    virtual std::size_t size() const = 0;
    /// Stays where it is; `at` < size(). May read the manifest only now.
    virtual const PluginEntry& entry(std::size_t at) const = 0;
    /// What came after the entry at `at` and could not take its place.
    struct PassedOver {
        std::string manifest_sha256;
        Error why;
    };
    virtual std::optional<PassedOver> passed_over(std::size_t at) const;
    /// Indices of entries that provide `port`, best first, unusable ones included.
    virtual std::vector<std::size_t> providers(std::string_view port) const = 0;
    /// Indices of entries with activation "startup". The default asks every entry.
    virtual std::vector<std::size_t> startup() const;
    /// By id or short name: `not_found`, or `conflict` when the short name is ambiguous.
    virtual Result<std::size_t> find(std::string_view id_or_name) const = 0;
};

/// A plugin's effective configuration: what it reads, and what the host itself honours.
struct EffectiveConfig {
    std::string values = "\x80";                ///< one MessagePack map, no secrets in it
    bool enabled = true;                        ///< false: refused with reason `disabled`
    std::chrono::nanoseconds timeout{0};        ///< default deadline of every call, 0 = none
    std::chrono::milliseconds cancel_grace{0};  ///< what a cancelled call may still take; 0 = RuntimeOptions::cancel_grace
    std::uint32_t retry = 0;                    ///< shown to callers in the ports list
    bool metrics_enabled = true;
    std::shared_ptr<const brokers::Secrets> secrets;  ///< its secret keys; null = none
};

/// A path the person typed on the command line of this run.
struct SelectedPath {
    std::string typed;           ///< bytes as typed; what a plugin passes as `path` begins with it
    std::filesystem::path path;  ///< absolute
    bool read = false;
    bool write = false;
};

struct Grants {
    std::filesystem::path workspace;       ///< empty = none
    std::vector<SelectedPath> selected;
    /// Policy beyond "the manifest asked": plugin id and right, such as "read:workspace".
    /// Empty function: every requested right of the known roots is granted.
    std::function<bool(std::string_view plugin, std::string_view right)> allows;
};

/// Something that happened to a plugin. Transitions, and what people or the log should hear of.
struct Event {
    enum class Kind : std::uint8_t { transition, refused, misuse, crashed, quarantined, wedged, warning };
    Kind kind = Kind::transition;
    std::string plugin;                          ///< short name
    std::string version;
    State from = State::discovered;
    State to = State::discovered;
    std::chrono::system_clock::time_point time;
    std::string reason;                          ///< stable kebab-case
    std::string text;                            ///< one sentence
};

class Isolation;

struct RuntimeOptions {
    std::filesystem::path state_dir;   ///< quarantine/, crashes/, data/<plugin>; empty = nothing is kept
    std::filesystem::path cache_dir;   ///< plugins/<plugin>
    std::filesystem::path config_dir;  ///< plugins/<plugin>
    std::vector<std::filesystem::path> kept_out;  ///< more of the host's than these, of which no plugin gets anything
    bool safe_mode = false;            ///< only core plugins start
    bool paranoid = false;             ///< arguments are passed in read-only pages
    bool handle_crashes = false;       ///< install the fatal-signal handler (once per process)
    std::string triple = "x86_64-linux-gnu";
    About about;                       ///< what plugins in this process are told of the host
    std::chrono::milliseconds start_timeout{20'000};  ///< when the manifest names none; a machine that is busy with everything else takes seconds
    std::chrono::milliseconds cancel_grace{2000};    ///< a cancelled call is ended by the host after this
    std::uint32_t misuses_max = 16;                  ///< then the plugin is quarantined
    Isolation* isolation = nullptr;                  ///< outlives the runtime; null: isolated plugins are refused
    PlacementPolicy placement;
    permissions::Permissions* permissions = nullptr; ///< outlives the runtime; null: what a manifest asks for is granted, but no network
    brokers::NetworkBroker* network = nullptr;       ///< outlives the runtime; null: no plugin reaches a network
    Grants grants;
    std::function<Result<EffectiveConfig>(const PluginEntry&)> config;  ///< empty = defaults
    std::function<void(const Event&)> on_event;                         ///< called on any thread
    std::function<void(std::string_view plugin, std::uint32_t level, std::string_view text)> on_log;
    std::function<std::uint64_t()> now_ns;   ///< monotonic; empty = the real clock. Tests pass a fake
};

/// What a method answered: [0] is the encoded result record, the rest its attachments. Kept by reference when counted.
using Reply = std::vector<Buffer>;

/// A provider of a port. Valid until the runtime shuts down; copies are the same handle.
struct PortHandle {
    symphony_handle value = 0;
};

struct CallOptions {
    std::chrono::nanoseconds timeout{0};   ///< 0 = the plugin's own `timeout`
    std::stop_token cancel;
    /// Streamed parts and progress, in order, on the callee's thread; never after call() returned.
    std::function<void(std::span<const symphony_buf> part)> on_part;
    std::function<void(std::uint32_t permille, std::string_view note)> on_progress;
};

struct PluginStatus {
    std::size_t index = 0;              ///< of PluginSource::entry()
    State state = State::discovered;
    bool wedged = false;                ///< did not come back in time; its thread was given up on
    std::optional<Error> error;         ///< why it is refused or failed
    std::string sha256;                 ///< of the image actually mapped, or empty
    Placement placement;
    std::int64_t pid = 0;               ///< of its own process, 0 = it has none
    std::uint64_t calls = 0, failures = 0, late = 0, misuses = 0;
};

/// Loads, starts, calls and stops plugins. All methods may be called on any thread.
class Runtime {
public:
    /// Reads quarantine and crash records; loads no plugin. `source` outlives the runtime.
    static Result<Runtime> create(const PluginSource& source, RuntimeOptions options);
    Runtime(Runtime&&) noexcept;
    ~Runtime();  ///< shuts down with a second's budget when that was not done

    /// Loads and activates everything with activation "startup". Failures are events, not an error.
    void start();

    /// A provider of `port`, loaded and activated when needed. Empty provider: the best that starts.
    /// @return `not_found`, `refused` with a reason such as `digest-mismatch`, `deadline` (start-timeout), ...
    Result<PortHandle> acquire(std::string_view port, std::string_view provider = {});

    /// Runs one method and waits. The call runs on a thread of its own, so a hung plugin never holds the caller.
    /// @return The reply, or the plugin's error, `deadline`, `cancelled`, `plugin_failed`.
    Result<Reply> call(PortHandle port, std::uint32_t method, std::span<const symphony_buf> args,
                       const CallOptions& options = {});

    /// Lets the plugin at `next` of the source take the place of the one at `now`, with its state: calls that are under way end first,
    /// calls made meanwhile wait, handles lead to the new one. Nothing is done when `now` does not run.
    /// @param patience  How long calls that are under way are waited for.
    /// @return What failed, `busy` when calls did not end: the one at `now` then goes on.
    Status replace(std::size_t now, std::size_t next, std::chrono::milliseconds patience);
    /// Stops a plugin that is there no more: handles to it are closed, calls that are under way get `patience` to end.
    Status retire(std::size_t plugin, std::chrono::milliseconds patience);

    /// Cancels every running call. Returns at once.
    void cancel_all();
    /// The longest that a cancelled call may still take, of the plugins that were started.
    std::chrono::milliseconds cancel_grace() const;

    /// Cancels, quiesces, deactivates and destroys everything, callers before callees, within the budget.
    /// @return `deadline` naming the plugins that did not stop: the process then must end with _exit().
    Status shutdown(std::chrono::milliseconds budget);

    std::vector<PluginStatus> status() const;
    /// Metrics of the plugins and of the host's calls, as text lines "plugin.name value", sorted.
    std::string metrics_text() const;

    /// Why a plugin would be refused now without loading it (catalog, disabled, quarantine, safe mode, no artifact).
    std::optional<Error> refusal(std::size_t plugin) const;
    /// Where it would run, and why.
    Placement placement(std::size_t plugin) const;

private:
    struct Impl;
    explicit Runtime(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

} // namespace symphony::host
