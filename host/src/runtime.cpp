// SPDX-License-Identifier: Apache-2.0
#include "runtime.hpp"

#include "crash.hpp"
#include "instance.hpp"
#include "metrics.hpp"
#include "port_list.hpp"
#include "port_table.hpp"
#include "supervisor.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/permissions/permissions.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <set>
#include <unistd.h>

namespace symphony::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto stop_max = std::chrono::seconds(5); // of one plugin, while others go on

std::uint64_t monotonic_ns() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}
std::chrono::sys_seconds wall_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

/// One call of the app, kept alive by its thread as long as the plugin may look at it.
struct Waiter {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    bool returned = false; // the thread came back from the plugin
    Reply reply;
    std::optional<Error> error;
    CallOptions options;
    std::vector<Buffer> kept;
    std::vector<symphony_buf> args;
    symphony_handle id = 0; // written by CallTable, read by the waiting thread: through atomic_ref only

    void end(Reply with, std::optional<Error> failed) {
        const std::lock_guard lock(mutex);
        reply = std::move(with);
        error = std::move(failed);
        done = true;
        changed.notify_all();
    }
};

Error readable(const Error& from) {
    Error out(from.code(), to_valid_utf8(from.reason()), to_valid_utf8(from.message()), to_valid_utf8(from.hint()));
    return from.retryable() ? std::move(out).as_retryable() : out;
}

void waiter_complete(void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) {
    Reply reply;
    for (std::uint32_t i = 0; i < count; ++i) reply.push_back(Buffer::keep(out[i]));
    static_cast<Waiter*>(ctx)->end(std::move(reply), std::nullopt);
}
void waiter_fail(void* ctx, symphony_handle, const symphony_error* error) {
    static_cast<Waiter*>(ctx)->end({}, readable(from_c(*error, error->code)));
}
void waiter_emit(void* ctx, symphony_handle, const symphony_buf* part, std::uint32_t count) {
    const auto& on_part = static_cast<Waiter*>(ctx)->options.on_part;
    if (on_part) on_part({part, count});
}
void waiter_progress(void* ctx, symphony_handle, std::uint32_t permille, symphony_str note) {
    const auto& on_progress = static_cast<Waiter*>(ctx)->options.on_progress;
    if (on_progress) on_progress(permille, to_valid_utf8(from_c(note)));
}
constexpr symphony_call_ops waiter_ops{sizeof(symphony_call_ops), 0, &waiter_complete, &waiter_fail, &waiter_emit, &waiter_progress, nullptr};

} // namespace

std::optional<PluginSource::PassedOver> PluginSource::passed_over(std::size_t) const { return std::nullopt; }

std::vector<std::size_t> PluginSource::startup() const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < size(); ++i) {
        const PluginEntry& at = entry(i);
        if (at.manifest != nullptr && at.manifest->activation.startup) out.push_back(i);
    }
    return out;
}

struct Runtime::Impl final : InstanceHost, CallObserver {
    Impl(const PluginSource& plugins, RuntimeOptions wanted)
        : source(plugins), chosen(std::move(wanted)), supervisor(chosen.state_dir),
          table(*this, CallTableOptions{chosen.cancel_grace, std::chrono::milliseconds(10), chosen.paranoid, chosen.now_ns}) {}
    ~Impl() {
        if (!temp.empty()) {
            std::error_code ignored;
            std::filesystem::remove_all(temp, ignored);
        }
        if (crash_file < 0) return;
        set_crash_record(-1);
        Supervisor::remove_crash_file(crash_file);
    }

    // InstanceHost
    const RuntimeOptions& options() const override { return chosen; }
    std::uint64_t now_ns() const override { return chosen.now_ns(); }
    CallTable& calls() override { return table; }
    Metrics& metrics() override { return counted; }
    void report(Event event) noexcept override;
    Result<EffectiveConfig> config_of(const PluginEntry& entry) const override {
        return chosen.config ? chosen.config(entry) : Result<EffectiveConfig>(EffectiveConfig());
    }
    Files::Folders folders_of(const manifests::Manifest& manifest) const override;
    Result<symphony_handle> acquire_for(Instance& caller, std::string_view port, std::string_view provider) override {
        return acquire(&caller, port, provider);
    }
    void release_for(Instance& caller, symphony_handle port) override { ports.remove(&caller, port); }
    Target* find_port(const Instance* caller, symphony_handle port, symphony_str& name) const noexcept override {
        const PortTable::Entry entry = ports.find(caller, port);
        if (entry.callee != nullptr) name = to_c(*entry.port);
        return entry.callee;
    }
    Value list_ports(std::string_view port) const override {
        return port_list(source, port, *this, [this](std::size_t at) { return refusal(at); });
    }
    Placement placement_of(const PluginEntry& entry) const override;
    void quarantine(Instance& plugin, std::string_view reason, const std::string& message, std::uint32_t count,
                    std::chrono::seconds cool_down) override;
    // CallObserver
    void on_misuse(Target& plugin, std::string_view reason, std::string_view what) noexcept override;
    void on_throw(Target& plugin, std::string_view what) noexcept override;

    Result<symphony_handle> acquire(Instance* caller, std::string_view port, std::string_view provider);
    Result<Instance*> activate(std::size_t index, Instance* caller);
    Status wait_for_start(Instance& plugin, Instance* caller);
    Result<std::vector<std::size_t>> candidates(std::string_view port, std::string_view provider) const;
    std::optional<Error> refusal(std::size_t index) const;
    void refused(std::size_t index, const Error& error);
    void open_crash_file();
    void check_grants();
    bool may_still_call(const Instance& caller, const manifests::Manifest& callee, std::string_view rule) const;
    void count_crashes();
    std::vector<Instance*> callers_first();
    Instance* running(std::size_t index) const;
    Status end(Instance& plugin, Clock::time_point limit);

    const PluginSource& source;
    RuntimeOptions chosen;
    Supervisor supervisor;
    Metrics counted;
    PortTable ports;
    std::atomic<bool> ending{false};
    int crash_file = -1;
    std::uint64_t watching = 0; // of Permissions::on_change
    std::set<std::pair<std::size_t, std::string>> recorded; // refusals and why; under mutex
    std::map<std::string, std::string, std::less<>> crashed; // in earlier host processes: id -> when, for people
    mutable std::filesystem::path temp;

    mutable std::mutex mutex; // what follows
    std::map<std::size_t, std::unique_ptr<Instance>> instances;
    std::vector<std::unique_ptr<Instance>> dropped; // that were to take another's place
    std::vector<Instance*> started;
    std::map<Instance*, std::set<Instance*>> uses;
    std::map<Instance*, Instance*> waits_for; // a plugin in its start, for another's
    bool wedged = false;

    CallTable table; // last: its threads look at all of the above
};

// --- what is reported -------------------------------------------------------------------------------------------

void Runtime::Impl::report(Event event) noexcept {
    try {
        if (chosen.on_event) chosen.on_event(event);
    } catch (...) { // the sink is the app's; a report that fails must not fail the work
    }
}

void Runtime::Impl::on_misuse(Target& plugin, std::string_view reason, std::string_view what) noexcept {
    auto& instance = static_cast<Instance&>(plugin);
    const std::uint64_t count = plugin.misuses.fetch_add(1, std::memory_order_relaxed) + 1;
    // The first tells what is wrong; a flood of them would hide everything else.
    if (count == 1) report(instance.event(Event::Kind::misuse, reason, instance.who() + ": " + std::string(what)));
    if (count != chosen.misuses_max) return;
    const std::string message = "broke the rules of a call " + std::to_string(count) + " times, last: " + std::string(what);
    instance.fail(Error(Code::plugin_failed, "misuse", instance.who() + ": " + message));
    quarantine(instance, "misuse", message, static_cast<std::uint32_t>(count), std::chrono::seconds(0));
}

void Runtime::Impl::on_throw(Target& plugin, std::string_view what) noexcept {
    auto& instance = static_cast<Instance&>(plugin);
    const std::string text = to_valid_utf8(what);
    instance.fail(Error(Code::plugin_failed, "plugin-threw", instance.who() + ": " + text));
    quarantine(instance, "plugin-threw", text, 1, std::chrono::seconds(0));
}

void Runtime::Impl::quarantine(Instance& plugin, std::string_view reason, const std::string& message, std::uint32_t count,
                               std::chrono::seconds cool_down) {
    Quarantine record;
    record.id = plugin.manifest().id();
    record.name = plugin.manifest().name();
    record.version = plugin.label.version;
    record.digest = plugin.label.sha256;
    record.reason = reason;
    record.message = message;
    record.count = count;
    record.time = wall_now();
    if (cool_down.count() > 0) {
        // Each time that a probe fails it waits twice as long, a day at most.
        const auto earlier = supervisor.find(record.id);
        const auto factor = earlier && earlier->probe_at ? 2 * (*earlier->probe_at - earlier->time) : cool_down;
        record.probe_at = record.time + std::min<std::chrono::seconds>(factor, std::chrono::hours(24));
    }
    report(plugin.event(Event::Kind::quarantined, reason, plugin.who() + ": put into quarantine: " + message));
    if (const Status kept = supervisor.quarantine(std::move(record)); !kept) {
        report(plugin.event(Event::Kind::warning, kept.error().reason(), kept.error().message()));
    }
}

/// Crashes of earlier processes: three in ten minutes are enough.
void Runtime::Impl::count_crashes() {
    std::map<std::string, std::vector<Crash>> by_plugin;
    for (Crash& crash : supervisor.recent_crashes(wall_now())) by_plugin[crash.id].push_back(std::move(crash));
    for (const auto& [id, crashes] : by_plugin) {
        const Crash& last = crashes.back();
        const std::string times = std::to_string(crashes.size()) + (crashes.size() == 1 ? " time" : " times");
        Event event;
        event.kind = Event::Kind::crashed;
        event.plugin = last.name;
        event.version = last.version;
        event.time = std::chrono::system_clock::now();
        event.reason = "crashed";
        event.text = "plugin \"" + last.name + "\" " + last.version + ": crashed " + times + " in the last ten minutes, last: " + last.text;
        report(event);
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(wall_now() - last.time).count();
        crashed[id] = (minutes < 1 ? "less than a minute" : std::to_string(minutes) + " minutes") + " ago: " + last.text;
        if (crashes.size() < Supervisor::crashes_max) continue;
        Quarantine record{id, last.name, last.version, last.digest, "crashed", "crashed " + times + " in ten minutes, last: " + last.text, {}, static_cast<std::uint32_t>(crashes.size()), wall_now()};
        for (const Crash& crash : crashes) record.log += crash.text + "\n";
        event.kind = Event::Kind::quarantined;
        event.text = "plugin \"" + last.name + "\" " + last.version + ": put into quarantine: " + record.message;
        if (supervisor.quarantine(std::move(record))) supervisor.forget_crashes(id);
        report(event);
    }
}

void Runtime::Impl::open_crash_file() {
    if (!chosen.handle_crashes || crash_file >= 0) return;
    crash_file = supervisor.open_crash_file();
    set_crash_record(crash_file);
}

// --- what may start ---------------------------------------------------------------------------------------------

std::optional<Error> Runtime::Impl::refusal(std::size_t index) const {
    const PluginEntry& entry = source.entry(index);
    if (entry.refusal) return entry.refusal;
    if (entry.manifest == nullptr) return Error(Code::refused, "no-manifest", "its manifest cannot be read");
    const manifests::Manifest& manifest = *entry.manifest;
    const std::string who = "plugin \"" + manifest.name() + "\" " + manifest.extension.version.text();
    if (chosen.safe_mode && !entry.core) {
        return Error(Code::refused, "safe-mode", who + ": only core plugins start in safe mode", "leave out --safe-mode");
    }
    const auto config = config_of(entry);
    if (!config) return config.error();
    if (!config->enabled) return Error(Code::refused, "disabled", who + ": is switched off by its configuration (enabled = false)", "--set " + manifest.name() + ".enabled=true");
    const manifests::Artifact* artifact = manifest.find_artifact(chosen.triple);
    if (const auto record = supervisor.find(manifest.id())) {
        const bool rebuilt = !record->digest.empty() && artifact != nullptr && artifact->sha256 != record->digest;
        const bool probe = record->probe_at && wall_now() >= *record->probe_at;
        if (!rebuilt && !probe) return refusal_of(*record);
    }
    if (artifact == nullptr) {
        return Error(Code::refused, "no-artifact", who + ": its manifest lists no library for " + chosen.triple,
                     "build it with symphony_add_plugin, or install a package for this platform");
    }
    if (const Status placed = chosen.placement.check(manifest, artifact->sha256); !placed) return placed.error();
    if (manifest.resources.gpu_required && placement_of(entry).isolated) {
        return Error(Code::refused, "gpu-not-isolated", who + ": needs a GPU, which no isolated plugin gets",
                     "if you trust it: --in-process " + manifest.name() + ", where policy lets it");
    }
    return std::nullopt;
}

Placement Runtime::Impl::placement_of(const PluginEntry& entry) const {
    const manifests::Artifact* artifact = entry.manifest->find_artifact(chosen.triple);
    const auto at = crashed.find(entry.manifest->id());
    return chosen.placement.decide(*entry.manifest, artifact != nullptr ? artifact->sha256 : std::string(), at == crashed.end() ? "" : at->second);
}

Files::Folders Runtime::Impl::folders_of(const manifests::Manifest& manifest) const {
    const auto own = [&](const std::filesystem::path& base, const char* kind) {
        return base.empty() ? std::filesystem::path() : base / kind / manifest.id();
    };
    Files::Folders out{own(chosen.config_dir, "plugins"), own(chosen.cache_dir, "plugins"), own(chosen.state_dir, "data"), {}};
    const auto rights = manifests::RightSet::requested(manifest).rights();
    if (std::none_of(rights.begin(), rights.end(), [](const manifests::Right& right) { return right.root() == "temp"; })) return out;
    const std::lock_guard lock(mutex);
    if (temp.empty()) {
        std::error_code failed;
        std::string made = (std::filesystem::temp_directory_path(failed) / "symphony-XXXXXX").string();
        if (!failed && ::mkdtemp(made.data()) != nullptr) temp = made;
    }
    if (!temp.empty()) out.temp = temp / manifest.id();
    return out;
}

Result<std::vector<std::size_t>> Runtime::Impl::candidates(std::string_view port, std::string_view provider) const {
    if (provider.empty()) {
        std::vector<std::size_t> all = source.providers(port);
        if (!all.empty()) return all;
        return Error(Code::not_found, "no-provider", "no plugin provides " + std::string(port), "symphony list");
    }
    const std::size_t index = SYMPHONY_TRY(source.find(provider));
    const PluginEntry& entry = source.entry(index);
    if (entry.manifest != nullptr && entry.manifest->find_provide(port) == nullptr) {
        return Error(Code::not_found, "no-provider", "plugin \"" + entry.manifest->name() + "\" does not provide " + std::string(port), "symphony show " + entry.manifest->name());
    }
    return std::vector<std::size_t>{index};
}

Result<symphony_handle> Runtime::Impl::acquire(Instance* caller, std::string_view port, std::string_view provider) {
    std::optional<Error> first;
    for (const std::size_t index : SYMPHONY_TRY(candidates(port, provider))) {
        // Who asks for the best provider of a port that it provides itself wants another one.
        if (caller != nullptr && provider.empty() && caller->index() == index) continue;
        const manifests::Manifest* const manifest = source.entry(index).manifest;
        permissions::Decision allowed;
        const bool judged = caller != nullptr && chosen.permissions != nullptr && manifest != nullptr;
        if (judged) {
            if (Status may = chosen.permissions->require(caller->subject(), manifests::right_to_call(manifest->id()), "L6 broker", &allowed); !may) {
                if (!first) first = std::move(may).error();
                continue;
            }
        }
        auto plugin = activate(index, caller);
        if (!plugin) {
            if (!first) first = plugin.error();
            refused(index, plugin.error());
            continue;
        }
        const symphony_handle handle = ports.add(caller, **plugin, (*plugin)->manifest().find_provide(port)->port, allowed.rule);
        if (judged && !may_still_call(*caller, *manifest, allowed.rule)) { // withdrawn before check_grants() could know of it
            ports.remove(caller, handle);
            if (!first) first = chosen.permissions->explain(caller->subject(), manifests::right_to_call(manifest->id())).error();
            continue;
        }
        if (handle == 0) return Error(Code::exhausted, "too-many-handles", "65536 port handles are held");
        return handle;
    }
    if (first) return *first;
    return Error(Code::not_found, "no-provider", "no other plugin provides " + std::string(port), "symphony list");
}

/// Tells that a plugin does not start, and keeps it on record: once a run, and not what somebody switched off.
void Runtime::Impl::refused(std::size_t index, const Error& error) {
    Event event;
    event.kind = Event::Kind::refused;
    event.time = std::chrono::system_clock::now();
    event.reason = error.reason();
    event.text = error.message();
    const manifests::Manifest* manifest = source.entry(index).manifest;
    if (manifest != nullptr) event.plugin = manifest->name(), event.version = manifest->extension.version.text();
    report(event);
    permissions::Audit* audit = chosen.permissions != nullptr ? chosen.permissions->audit() : nullptr;
    if (audit == nullptr || manifest == nullptr || error.code() != Code::refused || event.reason == "disabled" || event.reason == "safe-mode") return;
    {
        const std::lock_guard lock(mutex);
        if (!recorded.emplace(index, event.reason).second) return;
    }
    permissions::Subject subject;
    subject.plugin = manifest->id();
    subject.version = event.version;
    if (const manifests::Artifact* artifact = manifest->find_artifact(chosen.triple)) subject.digest = artifact->sha256;
    chosen.placement.trust.identify(subject);
    audit->append(permissions::record_of_refusal(subject, error));
}

Result<Instance*> Runtime::Impl::activate(std::size_t index, Instance* caller) {
    if (ending.load(std::memory_order_acquire)) return Error(Code::cancelled, "shutting-down", "the host is shutting down");
    Instance* plugin = nullptr;
    {
        const std::lock_guard lock(mutex);
        if (const auto at = instances.find(index); at != instances.end()) plugin = at->second.get();
    }
    if (plugin == nullptr || plugin->state() == State::discovered) {
        if (auto why = refusal(index)) return *why;
        const std::lock_guard lock(mutex);
        open_crash_file();
        auto& made = instances[index];
        if (!made) made = std::make_unique<Instance>(*this, index, source.entry(index));
        plugin = made.get();
    }
    Status alive = wait_for_start(*plugin, caller);
    for (int moves = 0; !alive && plugin->moving() && moves < 16; ++moves) { // its place was taken between the look-up and now
        Instance* const heir = plugin->heir(Clock::now() + stop_max);
        if (heir == nullptr) break;
        plugin = heir;
        alive = wait_for_start(*plugin, caller);
    }
    SYMPHONY_TRY(std::move(alive));
    const std::lock_guard lock(mutex);
    if (std::find(started.begin(), started.end(), plugin) == started.end()) started.push_back(plugin);
    if (caller != nullptr) uses[caller].insert(plugin);
    return plugin;
}

void Runtime::Impl::check_grants() {
    std::vector<Instance*> all;
    {
        const std::lock_guard lock(mutex);
        for (const auto& [index, plugin] : instances) all.push_back(plugin.get());
    }
    if (chosen.network != nullptr) chosen.network->recheck();
    for (Instance* plugin : all) plugin->check_grants();
    ports.close_lost([this](const Instance& holder, const Instance& callee, const std::string& rule) {
        return may_still_call(holder, callee.manifest(), rule);
    });
}

bool Runtime::Impl::may_still_call(const Instance& caller, const manifests::Manifest& callee, std::string_view rule) const {
    return chosen.permissions->holds(caller.subject(), manifests::right_to_call(callee.id()), rule);
}

/// Starts a plugin, or waits for whoever does. Two that need each other in their starts would wait for ever.
Status Runtime::Impl::wait_for_start(Instance& plugin, Instance* caller) {
    const bool starting = caller != nullptr && caller->state() != State::active;
    if (starting) {
        const std::lock_guard lock(mutex);
        for (Instance* at = &plugin; at != nullptr;) {
            if (at == caller) {
                return Error(Code::conflict, "start-cycle", caller->who() + ": needs " + plugin.who() + " in its start, which is waiting for it",
                             "acquire ports when they are first used, not in activate");
            }
            const auto next = waits_for.find(at);
            at = next == waits_for.end() ? nullptr : next->second;
        }
        waits_for[caller] = &plugin;
    }
    Status done = plugin.start();
    if (starting) {
        const std::lock_guard lock(mutex);
        waits_for.erase(caller);
    }
    return done;
}

/// Reverse post-order along "uses": who calls stops before who is called.
std::vector<Instance*> Runtime::Impl::callers_first() {
    const std::lock_guard lock(mutex);
    std::vector<Instance*> order;
    std::set<Instance*> seen;
    const auto visit = [&](const auto& self, Instance* plugin) -> void {
        if (!seen.insert(plugin).second) return;
        for (Instance* callee : uses[plugin]) self(self, callee);
        order.push_back(plugin);
    };
    for (const auto& [index, plugin] : instances) visit(visit, plugin.get());
    // Who made room for another has ended, and would only take a share of the time from those that have not.
    std::erase_if(order, [](const Instance* plugin) { return plugin->moving() && plugin->state() == State::unloaded; });
    std::reverse(order.begin(), order.end());
    return order;
}

/// The one that takes the calls of an entry; null when it was not started.
Instance* Runtime::Impl::running(std::size_t index) const {
    const std::lock_guard lock(mutex);
    const auto at = instances.find(index);
    if (at == instances.end() || at->second->moving()) return nullptr;
    const State state = at->second->state();
    return state == State::active || at->second->gone() ? at->second.get() : nullptr;
}

/// Stops one plugin while the others go on.
Status Runtime::Impl::end(Instance& plugin, Clock::time_point limit) {
    Status stopped = plugin.stop(limit);
    ports.close_all(plugin);
    const std::lock_guard lock(mutex);
    if (!stopped) wedged = true;
    return stopped;
}

// --- Runtime ----------------------------------------------------------------------------------------------------

Result<Runtime> Runtime::create(const PluginSource& source, RuntimeOptions options) {
    if (!options.now_ns) options.now_ns = &monotonic_ns;
    auto impl = std::make_shared<Impl>(source, std::move(options));
    if (impl->chosen.permissions != nullptr) {
        impl->watching = impl->chosen.permissions->on_change([weak = std::weak_ptr(impl)] {
            if (const auto own = weak.lock()) own->check_grants();
        });
    }
    if (impl->chosen.handle_crashes) install_crash_handler(-1);
    impl->count_crashes();
    return Runtime(std::move(impl));
}

Runtime::Runtime(Runtime&&) noexcept = default;

Runtime::~Runtime() {
    if (!impl_) return;
    if (impl_->watching != 0) impl_->chosen.permissions->remove_on_change(std::exchange(impl_->watching, 0));
    if (!impl_->ending) static_cast<void>(shutdown(std::chrono::seconds(1)));
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->wedged) return;
    // A plugin's thread that was given up on may still come back and look at all this.
    static auto& kept = *new std::vector<std::shared_ptr<Impl>>;
    static std::mutex kept_mutex;
    const std::lock_guard kept_lock(kept_mutex);
    kept.push_back(impl_);
}

void Runtime::start() {
    for (const std::size_t index : impl_->source.startup()) {
        if (auto plugin = impl_->activate(index, nullptr); !plugin) impl_->refused(index, plugin.error());
    }
}

Result<PortHandle> Runtime::acquire(std::string_view port, std::string_view provider) {
    return PortHandle{SYMPHONY_TRY(impl_->acquire(nullptr, port, provider))};
}

Result<Reply> Runtime::call(PortHandle port, std::uint32_t method, std::span<const symphony_buf> args, const CallOptions& options) {
    const auto waiter = std::make_shared<Waiter>();
    waiter->options = options;
    for (const symphony_buf& arg : args) waiter->kept.push_back(Buffer::keep(arg));
    for (const Buffer& arg : waiter->kept) waiter->args.push_back(arg.to_c());
    symphony_call call{};
    call.struct_size = sizeof call;
    call.method = method;
    call.arg_count = static_cast<std::uint32_t>(waiter->args.size());
    call.args = waiter->args.data();
    call.ctx = waiter.get();
    call.ops = &waiter_ops;
    if (options.timeout.count() > 0) call.deadline_ns = impl_->now_ns() + static_cast<std::uint64_t>(options.timeout.count());
    Target* callee = impl_->find_port(nullptr, port.value, call.port);
    if (callee == nullptr) return Error(Code::not_found, "stale-port", "the port handle is not valid");

    std::thread thread([impl = impl_, waiter, call, callee] {
        const SignalStack stack;
        symphony_error error{};
        error.struct_size = sizeof error;
        const symphony_status status = enter(impl->table, *callee, nullptr, call, &waiter->id, &error);
        if (status < 0) waiter->end({}, readable(from_c(error, status)));
        const std::lock_guard lock(waiter->mutex);
        waiter->returned = true;
        waiter->changed.notify_all();
    });
    // The stop callback only wakes us: it may run anywhere, under anybody's locks.
    const std::stop_callback wake(options.cancel, [&waiter] {
        const std::lock_guard lock(waiter->mutex);
        waiter->changed.notify_all();
    });
    std::unique_lock lock(waiter->mutex);
    waiter->changed.wait(lock, [&] { return waiter->done || options.cancel.stop_requested(); });
    while (!waiter->done) { // cancelled, perhaps before the callee was entered
        lock.unlock();
        const symphony_handle id = std::atomic_ref(waiter->id).load(std::memory_order_acquire);
        if (id != 0) impl_->table.cancel_from_host(id);
        lock.lock();
        if (waiter->changed.wait_for(lock, id != 0 ? std::chrono::hours(1) : std::chrono::milliseconds(1), [&] { return waiter->done; })) break;
    }
    // A plugin that answered but does not return, or never does, keeps its thread.
    const bool back = waiter->changed.wait_for(lock, std::chrono::milliseconds(waiter->error ? 0 : 100), [&] { return waiter->returned; });
    lock.unlock();
    if (back) thread.join();
    else thread.detach();
    lock.lock();
    if (waiter->error) return *waiter->error;
    return std::move(waiter->reply);
}

Status Runtime::replace(std::size_t now, std::size_t next, std::chrono::milliseconds patience) {
    Instance* const old = impl_->running(now);
    if (old == nullptr) return {};
    if (auto why = impl_->refusal(next)) return *std::move(why);
    Instance* heir = nullptr;
    {
        const std::lock_guard lock(impl_->mutex);
        auto& made = impl_->instances[next];
        if (made) impl_->dropped.push_back(std::move(made)); // of an earlier try; a thread of it may still look at it
        made = std::make_unique<Instance>(*impl_, next, impl_->source.entry(next));
        heir = made.get();
    }
    SYMPHONY_TRY(heir->prepare());
    SYMPHONY_TRY(heir->take_over(*old, Clock::now() + patience));
    impl_->ports.redirect(*old, *heir, [heir](const std::string& port) {
        const manifests::Provide* const offered = heir->manifest().find_provide(port);
        return offered != nullptr ? &offered->port : nullptr;
    });
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->started.push_back(heir);
        for (auto& [caller, callees] : impl_->uses) {
            if (callees.erase(old) != 0) callees.insert(heir);
        }
        impl_->uses.erase(old);
    }
    return impl_->end(*old, Clock::now() + stop_max);
}

Status Runtime::retire(std::size_t plugin, std::chrono::milliseconds patience) {
    Instance* const old = impl_->running(plugin);
    if (old == nullptr) return {};
    impl_->ports.close_all(*old);
    const auto limit = Clock::now() + patience;
    while (!old->gate.wait([old] { return old->gate.inside() == 0; }, std::chrono::milliseconds(10)) && Clock::now() < limit) {} // stop() waits for the threads
    Status ended = impl_->end(*old, Clock::now() + stop_max);
    // Whoever installs it again gets a new one.
    const std::lock_guard lock(impl_->mutex);
    impl_->dropped.push_back(std::move(impl_->instances.extract(plugin).mapped()));
    return ended;
}

void Runtime::cancel_all() { impl_->table.cancel_all(); }

std::chrono::milliseconds Runtime::cancel_grace() const {
    std::uint64_t longest_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(impl_->chosen.cancel_grace).count());
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [index, plugin] : impl_->instances) longest_ns = std::max(longest_ns, plugin->cancel_grace_ns.load(std::memory_order_relaxed));
    return std::chrono::milliseconds(longest_ns / 1'000'000);
}

Status Runtime::shutdown(std::chrono::milliseconds budget) {
    const auto limit = Clock::now() + budget;
    impl_->ending.store(true, std::memory_order_release);
    impl_->table.cancel_all();
    std::string names;
    const std::vector<Instance*> order = impl_->callers_first();
    for (std::size_t i = 0; i < order.size(); ++i) {
        // A fair share of what is left: one that hangs must not take everybody's time.
        const auto now = Clock::now();
        const auto share = std::max<Clock::duration>((limit - now) / static_cast<int>(order.size() - i), std::chrono::milliseconds(1));
        const Status stopped = order[i]->stop(now + share);
        if (!stopped) names += (names.empty() ? "" : ", ") + order[i]->manifest().name();
    }
    if (!impl_->table.courier_idle() && names.empty()) names = "a plugin's cancel function";
    if (names.empty()) return {};
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->wedged = true;
    }
    return Error(Code::deadline, "wedged", "did not stop in time: " + names, "their threads are left behind; report it to the plugins' authors");
}

std::vector<PluginStatus> Runtime::status() const {
    const std::lock_guard lock(impl_->mutex);
    std::vector<PluginStatus> out;
    for (const auto& [index, plugin] : impl_->instances) {
        if (plugin->moving() && plugin->state() == State::unloaded) continue; // another has its place
        PluginStatus status;
        status.index = index;
        status.state = plugin->state();
        status.wedged = plugin->wedged();
        status.error = plugin->error();
        status.sha256 = plugin->sha256();
        status.placement = plugin->placement();
        if (const auto own = plugin->process()) status.pid = own->started().pid;
        status.calls = plugin->calls.load(std::memory_order_relaxed);
        status.failures = plugin->failures.load(std::memory_order_relaxed);
        status.late = plugin->late.load(std::memory_order_relaxed);
        status.misuses = plugin->misuses.load(std::memory_order_relaxed);
        out.push_back(std::move(status));
    }
    return out;
}

std::string Runtime::metrics_text() const {
    std::string out = impl_->counted.text();
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [index, plugin] : impl_->instances) {
        if (!plugin->metrics_enabled()) continue;
        const std::string name = "host." + plugin->manifest().name();
        out += name + ".calls " + std::to_string(plugin->calls.load(std::memory_order_relaxed)) + "\n";
        out += name + ".failures " + std::to_string(plugin->failures.load(std::memory_order_relaxed)) + "\n";
        out += name + ".late " + std::to_string(plugin->late.load(std::memory_order_relaxed)) + "\n";
    }
    return out;
}

std::optional<Error> Runtime::refusal(std::size_t plugin) const { return impl_->refusal(plugin); }
Placement Runtime::placement(std::size_t plugin) const { return impl_->placement_of(impl_->source.entry(plugin)); }

} // namespace symphony::host
