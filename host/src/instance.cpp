// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include "crash.hpp"
#include "log.hpp"
#include "services.hpp"
#include "threads.hpp"

#include <symphony/abi/services/fs.h>
#include <symphony/brokers/gpu.hpp>
#include <symphony/permissions/permissions.hpp>

#include <symphony/abi/services/log.h>
#include <symphony/manifests/manifest.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <thread>

namespace symphony::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t flags_of(manifests::Threads threads) {
    switch (threads) {
    case manifests::Threads::serial: return 0;
    case manifests::Threads::concurrent: return SYMPHONY_INSTANCE_CONCURRENT;
    case manifests::Threads::blocking: return SYMPHONY_INSTANCE_BLOCKING;
    case manifests::Threads::concurrent_blocking: return SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING;
    }
    return 0;
}

// Restarts of isolated plugins: more than five deaths in a minute are enough; a sandbox's rule may be broken once.
constexpr std::size_t deaths_max = 5;
constexpr std::uint32_t violations_max = 1;
constexpr int starts_max = 3;
constexpr int moves_max = 16; // replacements that one call follows
constexpr auto deaths_window = std::chrono::seconds(60);
constexpr Clock::duration pause_first = std::chrono::milliseconds(100);
constexpr Clock::duration pause_max = std::chrono::seconds(30);
constexpr auto revive_max = std::chrono::seconds(10);
// Different files of one grant that are remembered by name; of more than these only that they are of that grant.
constexpr std::size_t held_max = 64;
constexpr auto cool_down = std::chrono::minutes(5);

constexpr std::size_t log_line_max = 64 * 1024;
constexpr std::size_t log_line_head = 32;       // what a line costs beyond its text
constexpr std::size_t refused_text_max = 300;

} // namespace

Instance::Instance(InstanceHost& host, std::size_t index, const PluginEntry& entry) : host_(host), index_(index), entry_(entry) {
    table = &host.calls();
    copy_cut(label.name, entry.manifest->name());
    copy_cut(label.id, entry.manifest->id());
    copy_cut(label.version, entry.manifest->extension.version.text());
}

std::string Instance::who() const { return "plugin \"" + manifest().name() + "\" " + label.version; }

Event Instance::event(Event::Kind kind, std::string_view reason, std::string text) const {
    Event out;
    out.kind = kind;
    out.plugin = manifest().name();
    out.version = label.version;
    out.from = out.to = state();
    out.time = std::chrono::system_clock::now();
    out.reason = reason;
    out.text = std::move(text);
    return out;
}

State Instance::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}
std::optional<Error> Instance::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}
bool Instance::wedged() const {
    const std::lock_guard lock(mutex_);
    return wedged_;
}
std::string Instance::sha256() const {
    const std::lock_guard lock(mutex_);
    return sha256_;
}

const manifests::Require* Instance::find_need(std::string_view port) const noexcept {
    for (const manifests::Require& need : manifest().needs) {
        if (need.port == port) return &need;
    }
    return nullptr;
}

/// The only place where the state changes.
Status Instance::move_to(State to, std::string_view reason) {
    Event event;
    {
        const std::lock_guard lock(mutex_);
        if (!is_legal(state_, to)) {
            return Error(Code::conflict, "illegal-transition",
                         who() + ": cannot go from " + std::string(name_of(state_)) + " to " + std::string(name_of(to)));
        }
        event.from = std::exchange(state_, to);
    }
    event.kind = Event::Kind::transition;
    event.plugin = manifest().name();
    event.version = label.version;
    event.to = to;
    event.time = std::chrono::system_clock::now();
    event.reason = reason;
    host_.report(std::move(event));
    return {};
}

void Instance::fail(const Error& error) {
    {
        const std::lock_guard lock(mutex_);
        if (error_) return;
        error_ = error;
    }
    gate.close();
    static_cast<void>(move_to(State::failed, error.reason())); // not from unloaded, which is no loss
    host_.calls().fail_all(*this, error);
}

bool Instance::run_bounded(Clock::time_point limit, std::function<void()> work, const Error& too_late) {
    struct Job {
        std::mutex mutex;
        std::condition_variable done_changed;
        bool done = false;
    };
    const auto job = std::make_shared<Job>();
    std::thread thread([job, work = std::move(work)] {
        const SignalStack stack;
        work();
        const std::lock_guard lock(job->mutex);
        job->done = true;
        job->done_changed.notify_all();
    });
    std::unique_lock lock(job->mutex);
    const bool in_time = job->done_changed.wait_until(lock, limit, [&] { return job->done; });
    if (!in_time) {
        // What hangs in a process of its own ends with it.
        lock.unlock();
        const auto own = process();
        if (own) own->kill(too_late);
        lock.lock();
        if (own) job->done_changed.wait_for(lock, std::chrono::seconds(2), [&] { return job->done; });
    }
    const bool back = job->done;
    lock.unlock();
    if (back) thread.join();
    else thread.detach();
    return in_time || back;
}

Status Instance::control_step(const char* name, const std::function<symphony_status(symphony_error*)>& step) {
    symphony_error error{};
    error.struct_size = sizeof error;
    symphony_status status = SYMPHONY_OK;
    try {
        const FrameScope frame(&label, name);
        status = step(&error);
    } catch (const std::exception& thrown) {
        return Error(Code::plugin_failed, "plugin-threw", who() + ": " + name + " threw: " + thrown.what(), "report it to the plugin's author");
    } catch (...) {
        return Error(Code::plugin_failed, "plugin-threw", who() + ": " + name + " threw something that is no std::exception", "report it to the plugin's author");
    }
    if (status >= 0) return {};
    error.struct_size = sizeof error;
    const Error said = from_c(error, status);
    const std::string why = said.message().empty() ? std::string(name_of(said.code())) : said.message();
    const std::string reason = error.reason[0] != '\0' && is_reason(said.reason()) ? std::string(said.reason()) : std::string(name) + "-failed";
    return Error(said.code(), reason, who() + ": " + name + " failed: " + why, said.hint());
}

Status Instance::start() {
    Status done = start_once();
    // A death in its start may have been somebody else's doing. A plugin that cannot start dies as often as it is tried.
    for (int tries = 1; !done && gone() && tries < starts_max; ++tries) done = start_once();
    return done;
}

Status Instance::start_once() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    if (gone()) {
        lock.unlock();
        return revive(Clock::now() + host_.options().start_timeout);
    }
    if (error_) return *error_;
    if (state_ == State::active) return {};
    if (state_ != State::discovered) return Error(Code::conflict, "not-active", who() + ": is " + std::string(name_of(state_)));
    busy_ = true;
    return start_within(lock, [this] { return load_and_activate(); });
}

/// With `busy_` set by the caller; the lock is held before and after.
Status Instance::start_within(std::unique_lock<std::mutex>& lock, std::function<Status()> steps) {
    lock.unlock();
    const auto& wanted = manifest().resources.start_timeout_ms;
    const auto budget = wanted ? std::chrono::milliseconds(std::min<std::uint64_t>(*wanted, 600'000)) : host_.options().start_timeout;
    const Error too_late(Code::deadline, "start-timeout", who() + ": did not start within " + std::to_string(budget.count()) + " ms",
                     "give it more time: start_timeout in [resources] of its manifest");
    const bool back = run_bounded(Clock::now() + budget, [this, steps = std::move(steps)] { attempt(steps); }, too_late);
    if (!back) {
        lock.lock();
        wedged_ = true;
        lock.unlock();
        fail(too_late);
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
    if (error_) return *error_;
    return {};
}

/// On the control thread. Every step asks move_to() or still_in() first, so a thread that was given up on goes no further.
Status Instance::load() {
    SYMPHONY_TRY(move_to(State::loading));
    const EffectiveConfig config = SYMPHONY_TRY(host_.config_of(entry_));
    config_ = SYMPHONY_TRY(Value::checked(bytes_of(config.values)));
    metrics_enabled_ = config.metrics_enabled;
    timeout_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(config.timeout.count(), 0));
    const auto grace = config.cancel_grace.count() > 0 ? config.cancel_grace : host_.options().cancel_grace;
    cancel_grace_ns.store(static_cast<std::uint64_t>(std::max<std::int64_t>(std::chrono::nanoseconds(grace).count(), 0)), std::memory_order_relaxed);
    files_.emplace(manifest(), host_.options().grants, host_.folders_of(manifest()), file_rules());
    VerifiedImage image = SYMPHONY_TRY(VerifiedImage::open(manifest(), entry_.folder, host_.options().triple));
    copy_cut(label.sha256, image.sha256());
    const Placement place = host_.placement_of(entry_);
    subject_.plugin = manifest().id();
    subject_.name = manifest().name();
    subject_.version = label.version;
    subject_.digest = image.sha256();
    subject_.instance = manifest().name() + "#" + std::to_string(++starts_);
    subject_.chain = [this] { return table != nullptr ? table->chain_of(*this) : std::vector<std::string>(); };
    host_.options().placement.trust.identify(subject_);
    subject_.request = permissions::Request::of(manifest(), (entry_.folder / "manifest.toml").string());
    if (permissions::Permissions* judge = host_.options().permissions) SYMPHONY_TRY(judge->admit(subject_));
    SYMPHONY_TRY(check_gpu());
    meet_brokers(config.secrets);
    {
        const std::lock_guard lock(mutex_);
        held_.clear();
        sha256_ = image.sha256();
        placement_ = place;
    }
    if (place.demoted) host_.report(event(Event::Kind::warning, "now-isolated", who() + ": runs in a process of its own this time, because " + place.why));
    const Creator creator = place.isolated ? SYMPHONY_TRY(load_isolated(image)) : SYMPHONY_TRY(load_here(std::move(image)));
    SYMPHONY_TRY(move_to(State::loaded));
    SYMPHONY_TRY(move_to(State::activating));
    SYMPHONY_TRY(create(creator));
    SYMPHONY_TRY(still_activating());
    SYMPHONY_TRY(control("init", ops_.init, instance));
    return still_activating();
}

Status Instance::activate() {
    SYMPHONY_TRY(control("activate", ops_.activate, instance));
    activated_ = true;
    set_ready(true);
    SYMPHONY_TRY(move_to(State::active));
    gate.open();
    return {};
}

Status Instance::load_and_activate() {
    SYMPHONY_TRY(load());
    return activate();
}

/// On the control thread: the steps, and what follows when one fails.
void Instance::attempt(const std::function<Status()>& steps) {
    const Status done = steps();
    if (done) return;
    const bool abandoned = state() == State::failed;
    fail(done.error());
    // Somebody killed the launcher, or the process before it was confined: a next try has other luck.
    if (done.error().reason() == "no-launcher" || done.error().reason() == "sandbox-failed") {
        const std::lock_guard lock(mutex_);
        deaths_.push_back(Clock::now());
        gone_.store(true, std::memory_order_release);
    }
    if (!abandoned) wind_down(Clock::now() + std::chrono::seconds(1));
    if (process() && !gone()) end_process();
}

Result<Instance::Creator> Instance::load_here(VerifiedImage image) {
    const FrameScope frame(&label, "its initialisation");
    output_.begin(manifest().resources.output_volume_bytes.value_or(0)); // trusted code is held to what it says of itself
    const Library library = SYMPHONY_TRY(Library::load(std::move(image), manifest()));
    register_code(library.begin(), library.end(), new Label(label)); // stays mapped, so its label stays, too
    code_begin_ = library.begin();
    code_end_ = library.end();
    return Creator(library.descriptor().create);
}

Result<Instance::Creator> Instance::load_isolated(const VerifiedImage& image) {
    Isolation* isolation = host_.options().isolation;
    if (isolation == nullptr) {
        return Error(Code::refused, "isolation-unavailable", who() + ": must run isolated, and this host was started without isolation",
                     "if you trust it: --in-process " + manifest().name());
    }
    permissions::Subject subject = subject_;
    subject.chain = nullptr; // its process may be spoken of for longer than we live
    const std::chrono::nanoseconds grace(cancel_grace_ns.load(std::memory_order_relaxed));
    Isolation::Wish wish{manifest(), image, subject, output_, std::chrono::duration_cast<std::chrono::milliseconds>(grace), may_system("jit"), may_system("socketpair"), {}, {}, {}, {}};
    wish.on_dying = [this] { process_dying(); };
    wish.on_gone = [this](const Error& cause) { process_gone(cause); };
    wish.on_output = [this](std::string_view line) {
        if (const auto& sink = host_.options().on_log) sink(manifest().name(), SYMPHONY_LOG_INFO, to_valid_utf8(line));
    };
    wish.on_misuse = [this](std::string_view reason, std::string_view what) { host_.on_misuse(*this, reason, what); };
    auto started = SYMPHONY_TRY(isolation->start(std::move(wish)));
    {
        const std::lock_guard lock(mutex_);
        process_ = started;
    }
    // As long as it takes: whoever starts us ends the process when it takes too long.
    const ipc::Facts facts = SYMPHONY_TRY(started->remote().facts(Clock::now() + std::chrono::hours(1)));
    SYMPHONY_TRY(check_loaded(manifest(), {facts.load_error, facts.has_entry, facts.entry_threw,
                                           {!facts.has_descriptor, facts.struct_size, facts.magic, facts.abi_major, facts.abi_required,
                                            facts.id, facts.version, facts.has_create}}));
    return Creator([started](const symphony_host* host, const symphony_buf* config, symphony_instance** out,
                             const symphony_instance_ops** ops, symphony_error* error) {
        return started->remote().create(host, config, out, ops, error);
    });
}

Status Instance::still_activating() const {
    if (state() == State::activating) return {};
    return Error(Code::cancelled, who() + ": its start was given up");
}

Status Instance::create(const Creator& creator) {
    abi_host_ = host_for(*this);
    const symphony_buf config = config_.buffer().to_c();
    const symphony_instance_ops* ops = nullptr;
    SYMPHONY_TRY(control("create", [&](symphony_error* error) { return creator(&abi_host_, &config, &instance, &ops, error); }));
    const std::string hint = "fix its create function; SYMPHONY_PLUGIN does it right";
    if (instance == nullptr || ops == nullptr) return Error(Code::refused, "null-instance", who() + ": create succeeded without an instance", hint);
    if (ops->struct_size < sizeof(symphony_instance_ops)) {
        return Error(Code::refused, "struct-size", who() + ": its instance functions have " + std::to_string(ops->struct_size) + " bytes, ABI 1.0 has " +
                                                       std::to_string(sizeof(symphony_instance_ops)), hint);
    }
    ops_ = *ops;
    if (ops_.invoke == nullptr || ops_.destroy == nullptr) {
        return Error(Code::refused, "null-function", who() + ": its instance has no invoke or no destroy function", hint);
    }
    created_ = true;
    // Written once: another process of the same plugin has the same functions, and readers may still look.
    if (invoke != ops_.invoke) invoke = ops_.invoke;
    if (cancel != ops_.cancel) cancel = ops_.cancel;
    if (const bool one = (ops_.flags & SYMPHONY_INSTANCE_CONCURRENT) == 0; serial != one) serial = one;
    const std::uint32_t threads = ops_.flags & (SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING);
    if (threads != flags_of(manifest().abi.threads)) {
        const auto yes = [](std::uint32_t bit) { return std::string(bit != 0 ? "yes" : "no"); };
        return Error(Code::refused, "threads-mismatch",
                     who() + ": its manifest says threads = \"" + std::string(name_of(manifest().abi.threads)) + "\", its code concurrent: " +
                         yes(threads & SYMPHONY_INSTANCE_CONCURRENT) + ", blocking: " + yes(threads & SYMPHONY_INSTANCE_BLOCKING),
                     "make [abi] threads in the manifest and the flags of SYMPHONY_PLUGIN_WITH the same");
    }
    return {};
}

Status Instance::stop(Clock::time_point limit) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, limit, [this] { return !busy_; }) || wedged_) {
        return Error(Code::deadline, "wedged", who() + ": does not come back from its start");
    }
    if (gone()) {
        ending_ = true;
        lock.unlock();
        if (!bury(limit)) return Error(Code::deadline, "wedged", who() + ": calls into its process, which is gone, do not come back");
        return {};
    }
    if (!created_) return {};
    busy_ = true;
    ending_ = process_ != nullptr;
    lock.unlock();
    gate.close();
    host_.calls().cancel_all(this);
    const Error too_late(Code::deadline, "wedged", who() + ": did not stop in time" + (gate.inside() > 0 ? ", with calls in it" : ""), "report it to the plugin's author");
    const bool back = run_bounded(limit, [this, limit] { wind_down(limit); }, too_late);
    if (process()) {
        const bool late_process = created_;
        end_process();
        if (late_process) host_.report(event(Event::Kind::warning, "killed", who() + ": did not stop in time; its process was ended"));
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
    if (!back || created_ || left_thread_) wedged_ = true;
    if (!wedged_) return {};
    lock.unlock();
    if (back && left_thread_) {
        Error error(Code::misuse, "leaked-thread", who() + ": left a thread of its own running after it was stopped", "join its threads in quiesce; report it to the plugin's author");
        host_.report(event(Event::Kind::misuse, "leaked-thread", error.message()));
        return error;
    }
    host_.report(event(Event::Kind::wedged, "wedged", too_late.message()));
    return too_late;
}

// --- what it may -------------------------------------------------------------------------------------------------

Status Instance::check_gpu() const {
    if (!manifest().resources.gpu_required) return {};
    permissions::Permissions* judge = host_.options().permissions;
    const bool allowed = subject_.trusted || judge == nullptr ||
                         judge->explain(subject_, SYMPHONY_TRY(permissions::Right::named(manifests::RightKind::system, "gpu"))).allowed;
    brokers::GpuOptions wish;
    wish.allowed = allowed;
    static_cast<void>(SYMPHONY_TRY(brokers::gpu_for(manifest().name(), wish)));
    return {};
}

bool Instance::may_system(std::string_view name) const {
    const bool asks = std::any_of(manifest().capabilities.begin(), manifest().capabilities.end(), [name](const manifests::Capability& wish) {
        return wish.kind == manifests::CapabilityKind::system_access && wish.value == name;
    });
    permissions::Permissions* judge = host_.options().permissions;
    if (!asks || judge == nullptr) return asks;
    const auto right = permissions::Right::named(manifests::RightKind::system, name);
    return right && judge->require(subject_, *right);
}

void Instance::meet_brokers(std::shared_ptr<const brokers::Secrets> secrets) {
    permissions::Permissions* judge = host_.options().permissions;
    const auto asks = [this](manifests::CapabilityKind kind) {
        return std::any_of(manifest().capabilities.begin(), manifest().capabilities.end(), [kind](const manifests::Capability& wish) { return wish.kind == kind; });
    };
    brokers_ = {};
    brokers_.secrets = std::move(secrets);
    if (asks(manifests::CapabilityKind::model_access)) {
        brokers_.models = std::make_shared<const brokers::Models>(
            manifest().name(), [this, judge](const permissions::Right& right) { return judge != nullptr ? judge->require(subject_, right) : Status(); });
    }
    if (!asks(manifests::CapabilityKind::network_access) || judge == nullptr || host_.options().network == nullptr) return;
    auto client = std::make_shared<brokers::NetworkClient>();
    client->name = who();
    client->require = [this, judge](const permissions::Right& to) -> Result<std::string> {
        permissions::Decision made;
        SYMPHONY_TRY(judge->require(subject_, to, "L6 broker", &made));
        return std::move(made.rule);
    };
    client->holds = [this, judge](const permissions::Right& to, const std::string& rule) { return judge->holds(subject_, to, rule); };
    client->names_address = [this, judge](const permissions::Right& address) {
        const auto& wishes = subject_.request->wishes();
        return judge->has_grant_of_address(subject_, address) || std::any_of(wishes.begin(), wishes.end(), [&](const permissions::Wish& wish) { return wish.right.host_is_address() && wish.right.covers(address); });
    };
    client->on_refused = [this](std::string_view place, const Error& why) { record_refused("network", place, why); };
    client->on_end = [this, judge](const brokers::StreamEnd& end) {
        if (end.reason == "finished") return;
        if (const auto& sink = host_.options().on_log) sink(manifest().name(), end.violation() ? SYMPHONY_LOG_WARN : SYMPHONY_LOG_INFO, end.text);
        if (!end.violation() || judge->audit() == nullptr) return;
        permissions::Record record = permissions::record_of(subject_, permissions::Happening::violation);
        record.object = "network:" + end.host + ":" + std::to_string(end.port);
        record.rule = end.reason;
        record.layer = "L6 broker";
        record.text = end.text;
        judge->audit()->append(std::move(record));
    };
    brokers_.network = host_.options().network;
    brokers_.client = std::move(client);
}

/// Its streams look at us: they end before we do.
void Instance::leave_brokers() {
    if (brokers_.client) brokers_.network->revoke(*brokers_.client);
}

bool Instance::offers(manifests::RightKind kind) const {
    permissions::Permissions* judge = host_.options().permissions;
    return judge == nullptr || judge->offers(subject_, kind);
}

Files::Rules Instance::file_rules() {
    const RuntimeOptions& options = host_.options();
    Files::Rules rules;
    rules.kept_out = options.kept_out;
    for (const auto* folder : {&options.state_dir, &options.cache_dir, &options.config_dir}) {
        if (!folder->empty()) rules.kept_out.push_back(std::filesystem::absolute(*folder));
    }
    permissions::Permissions* judge = options.permissions;
    if (judge == nullptr) return rules;
    rules.allows = [this, judge](const permissions::Right& right) { return judge->allows(subject_, right); };
    rules.require = [this, judge](const permissions::Right& right) -> Status {
        permissions::Decision made;
        SYMPHONY_TRY(judge->require(subject_, right, "L6 broker", &made));
        hold(right, made.rule);
        if (judge->holds(subject_, right, made.rule)) return {};
        return judge->explain(subject_, right).error(); // withdrawn before check_grants() could know of it
    };
    return rules;
}

void Instance::write_log(std::uint32_t level, std::string_view text) {
    const auto& sink = host_.options().on_log;
    if (!sink) return;
    text = text.substr(0, log_line_max);
    switch (output_.spend(text.size() + log_line_head)) {
    case OutputBudget::Spent::fits: return sink(manifest().name(), std::min(level, SYMPHONY_LOG_ERROR), to_valid_utf8(text));
    case OutputBudget::Spent::used_up_before: return;
    case OutputBudget::Spent::used_up: break;
    }
    sink(manifest().name(), SYMPHONY_LOG_WARN, "has written more than " + std::to_string(output_.bytes_max()) +
         " bytes of log and output; whatever else it logs is dropped (output_volume in [resources] of its manifest)");
    if (const auto own = process()) own->record_used_up();
}

void Instance::record_refused(std::string_view kind, std::string_view what, const Error& why) const {
    permissions::Permissions* judge = host_.options().permissions;
    if (judge == nullptr || judge->audit() == nullptr) return;
    permissions::Record record = permissions::record_of(subject_, permissions::Happening::violation);
    record.object = std::string(kind) + ":" + to_valid_utf8(what.substr(0, refused_text_max));
    for (char& c : record.object) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    record.rule = why.reason();
    record.layer = "L6 broker";
    record.text = why.message();
    judge->audit()->append(std::move(record));
}

/// Remembers what a file is handed out by. What policy gives stays for the run, and one time is the whole of one use.
void Instance::hold(const permissions::Right& right, const std::string& rule) {
    if (!rule.starts_with("grant:") && !rule.starts_with("run:")) return;
    const std::lock_guard lock(mutex_);
    if (!placement_.isolated) return;
    Held& held = held_[rule];
    if (std::find(held.rights.begin(), held.rights.end(), right) != held.rights.end()) return;
    if (held.rights.size() < held_max) held.rights.push_back(right);
    else held.more = true;
}

void Instance::check_grants() {
    permissions::Permissions* judge = host_.options().permissions;
    std::shared_ptr<Process> own;
    std::optional<permissions::Right> lost;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [rule, held] : held_) {
            for (const permissions::Right& right : held.rights) {
                if (!judge->holds(subject_, right, rule)) lost = right;
            }
            if (held.more && !judge->has_grant(subject_, rule)) lost = held.rights.front();
        }
        own = process_;
    }
    // A descriptor that was handed out cannot be taken back; the process that has it can be ended.
    if (!lost || !own) return;
    own->kill(Error(Code::not_granted, "grant-revoked", who() + ": lost the right " + lost->text() + "; its process, which may hold files open by it, was ended",
                    judge->explain(subject_, *lost).hint));
}

// --- in a process of its own ------------------------------------------------------------------------------------

Placement Instance::placement() const {
    const std::lock_guard lock(mutex_);
    return placement_;
}
std::shared_ptr<Process> Instance::process() const {
    const std::lock_guard lock(mutex_);
    return process_;
}

namespace {

/// Until when who calls waits for a plugin that is being started again or replaced.
Clock::time_point limit_of(const symphony_call& call, const Instance& plugin) {
    const auto now = Clock::now();
    const std::uint64_t now_ns = plugin.host().now_ns();
    const auto most = std::chrono::nanoseconds(call.deadline_ns > now_ns ? call.deadline_ns - now_ns : 0);
    return call.deadline_ns == 0 ? now + revive_max : std::min<Clock::time_point>(now + most, now + revive_max);
}

} // namespace

symphony_status enter(CallTable& table, Target& callee, Target* caller, const symphony_call& call, symphony_handle* call_out,
                      symphony_error* error) {
    auto* at = static_cast<Instance*>(&callee);
    symphony_error own{};
    own.struct_size = sizeof own;
    symphony_error& told = error != nullptr ? *error : own;
    for (int tries = 0;; ++tries) {
        Instance& plugin = *at;
        if (plugin.gone() && !plugin.moving()) [[unlikely]] {
            if (const Status alive = plugin.revive(limit_of(call, plugin)); !alive) return to_c(alive.error(), error);
        }
        const symphony_status status = table.invoke(plugin, caller, call, call_out, &told);
        if (status >= 0 || (!plugin.gone() && !plugin.moving())) return status;
        // Between our look and the gate it went away, or its place is being taken: nobody was entered, so we may try again.
        if (std::string_view(told.reason) != "not-active" || tries == (plugin.moving() ? moves_max : 2)) return status;
        if (plugin.moving()) at = plugin.heir(limit_of(call, plugin));
        if (at == nullptr) return to_c(Error(Code::busy, "being-replaced", plugin.who() + ": is being replaced by another version", "try again in a moment"), error);
    }
}

/// On the monitor's thread; every call in it has ended with the cause.
/// Whoever calls from now on waits for the next process, instead of failing in the one that is dead.
void Instance::process_dying() {
    const std::lock_guard lock(mutex_);
    if (!ending_) gone_.store(true, std::memory_order_release);
}

void Instance::process_gone(const Error& cause) {
    {
        const std::lock_guard lock(mutex_);
        if (ending_) return;
        const auto now = Clock::now();
        std::erase_if(deaths_, [now](Clock::time_point at) { return now - at > deaths_window; });
        deaths_.push_back(now);
        if (cause.reason() == "policy-violation" || cause.reason() == "protocol-violation") ++violations_;
    }
    gone_.store(true, std::memory_order_release);
    fail(cause);
    host_.report(event(Event::Kind::crashed, cause.reason(), cause.message()));
}

/// Ends the process that we no longer want, and frees what is left of it.
void Instance::end_process() {
    const auto own = process();
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    own->kill(Error(Code::cancelled, "stopped", who() + ": was stopped"));
    static_cast<void>(bury(Clock::now() + std::chrono::seconds(2)));
}

/// Frees what is left of a process that is gone. @return False when somebody is still inside after `limit`.
bool Instance::bury(Clock::time_point limit) {
    const auto own = process();
    if (!own) { // it never came to life
        if (state() == State::failed && move_to(State::unloading)) static_cast<void>(move_to(State::unloaded));
        return true;
    }
    if (!own->wait_gone(limit)) return false;
    while (!gate.wait([this] { return gate.inside() == 0; }, std::chrono::milliseconds(10))) {
        if (Clock::now() >= limit) return false;
    }
    host_.calls().detach(*this);
    const bool lived = created_ || gone();
    if (lived && state() == State::failed) static_cast<void>(move_to(State::unloading));
    if (created_ && ops_.destroy != nullptr) ops_.destroy(instance);
    created_ = activated_ = false;
    leave_brokers();
    if (state() == State::unloading) static_cast<void>(move_to(State::unloaded));
    const std::lock_guard lock(mutex_);
    process_.reset();
    return true;
}

Status Instance::revive(Clock::time_point limit) {
    if (Isolation::watching()) { // who is told of a death by this very thread may not wait for what it does next
        return Error(Code::busy, "restarting", who() + ": is started again in a moment", "try again, on another thread");
    }
    // It is known to be dying: what its death means is told a moment later, on the thread that watches.
    if (const auto own = process(); own && own->cause() && !own->wait_gone(limit)) {
        return Error(Code::busy, "restarting", who() + ": is being started again", "try again in a moment");
    }
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, limit, [this] { return !busy_; })) {
        return Error(Code::busy, "restarting", who() + ": is being started again", "try again in a moment");
    }
    if (state_ == State::active) return {};
    if (!gone()) return error_ ? *error_ : Error(Code::conflict, "not-active", who() + ": is " + std::string(name_of(state_)));
    if (ending_) return Error(Code::cancelled, "shutting-down", who() + ": the host is shutting down");
    const bool violated = violations_ > violations_max;
    if (deaths_.size() > deaths_max || violated) {
        const Error last = error_ ? *error_ : Error(Code::peer_died, "its process went away");
        const std::string message = violated ? "broke the sandbox's rules again: " + last.message()
                                             : "its process went away " + std::to_string(deaths_.size()) + " times in a minute, last: " + last.message();
        gone_.store(false, std::memory_order_release);
        error_ = Error(Code::refused, "quarantined", who() + ": put into quarantine: " + message, "symphony doctor --release " + manifest().name());
        const Error told = *error_;
        const auto count = static_cast<std::uint32_t>(deaths_.size());
        lock.unlock();
        host_.quarantine(*this, last.reason(), message, count, cool_down);
        return told;
    }
    busy_ = true;
    // Full jitter (Brooker 2015), from the second time on: the first restart is at once, because a caller waits for it.
    const auto most = std::min<Clock::duration>(pause_max, pause_first * (1u << std::min<std::size_t>(deaths_.size() - 1, 16)));
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto pause = deaths_.size() < 2 ? Clock::duration(0) : Clock::duration(std::uniform_int_distribution<Clock::rep>(0, most.count())(random));
    changed_.wait_until(lock, std::min(limit, deaths_.back() + pause), [this] { return ending_; });
    const bool due = Clock::now() >= deaths_.back() + pause && !ending_;
    lock.unlock();
    const bool buried = due && bury(limit);
    lock.lock();
    if (!buried) {
        busy_ = false;
        changed_.notify_all();
        return Error(Code::busy, "restarting", who() + ": is started again in a moment: " + (error_ ? error_->message() : ""), "try again");
    }
    gone_.store(false, std::memory_order_release);
    error_.reset();
    return start_within(lock, [this] { return load_and_activate(); });
}

void Instance::set_ready(bool ready) const {
    if (const auto own = process()) own->set_ready(ready);
}

/// Quiesce, deactivate, destroy: what the plugin is owed, also after a failure. Leaves `created_` set when it cannot.
void Instance::wind_down(Clock::time_point limit) {
    if (!created_) return;
    if (activated_) {
        static_cast<void>(move_to(State::deactivating)); // a failed one stays failed
        const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(limit - Clock::now()).count();
        const std::uint64_t deadline_ns = host_.now_ns() + static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
        const Status quiet = control("quiesce", ops_.quiesce, instance, deadline_ns);
        if (!quiet && quiet.error().code() == Code::deadline) return;
        // When it says that nothing runs any more, it will not deliver what it still owes. Threads that have just ended a call
        // are waited for, because they still look at the table and at us.
        const auto owed = [&] { return quiet && ops_.quiesce != nullptr ? host_.calls().owed(*this) : 0u; };
        while (!gate.wait([&] { return gate.inside() == owed() && host_.calls().entered(*this) == 0; }, std::chrono::milliseconds(10))) {
            if (Clock::now() >= limit) return;
        }
        host_.calls().fail_all(*this, Error(Code::cancelled, "stopped", who() + ": was stopped before it answered"));
        if (!quiet) fail(quiet.error());
        activated_ = false;
        if (const Status done = control("deactivate", ops_.deactivate, instance); !done) fail(done.error());
        static_cast<void>(move_to(State::inactive));
    }
    host_.calls().detach(*this);
    if (const Status allowed = move_to(State::unloading); !allowed) return;
    {
        const FrameScope frame(&label, "destroy");
        try {
            ops_.destroy(instance);
        } catch (...) {
            host_.report(event(Event::Kind::warning, "plugin-threw", who() + ": destroy let an exception escape"));
        }
    }
    created_ = false;
    leave_brokers();
    static_cast<void>(move_to(State::unloaded));
    if (code_begin_ == code_end_) return; // its code was never here
    // A thread that is just ending gets a moment.
    for (int tries = 0; tries < 10 && (left_thread_ = threads_inside(code_begin_, code_end_) > 0); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

} // namespace symphony::host
