// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include "crash.hpp"
#include "services.hpp"
#include "threads.hpp"

#include <symphony/manifests/manifest.hpp>

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

bool Instance::run_bounded(Clock::time_point limit, std::function<void()> work) {
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
    lock.unlock();
    if (in_time) thread.join();
    else thread.detach();
    return in_time;
}

/// Calls one control function, with a frame for crash attribution and its exceptions caught.
template <class Function, class... Arguments>
Status Instance::control(const char* name, Function function, Arguments... arguments) {
    if constexpr (std::is_pointer_v<Function>) {
        if (function == nullptr) return {}; // optional in the ABI
    }
    symphony_error error{};
    error.struct_size = sizeof error;
    symphony_status status = SYMPHONY_OK;
    try {
        const FrameScope frame(&label, name);
        status = function(arguments..., &error);
    } catch (const std::exception& thrown) {
        return Error(Code::plugin_failed, "plugin-threw", who() + ": " + name + " threw: " + thrown.what(), "report it to the plugin's author");
    } catch (...) {
        return Error(Code::plugin_failed, "plugin-threw", who() + ": " + name + " threw something that is no std::exception", "report it to the plugin's author");
    }
    if (status >= 0) return {};
    error.struct_size = sizeof error;
    const Error said = from_c(error, status);
    const std::string why = said.message().empty() ? std::string(name_of(said.code())) : said.message();
    const std::string reason = error.reason[0] != '\0' ? std::string(said.reason()) : std::string(name) + "-failed";
    return Error(said.code(), reason, who() + ": " + name + " failed: " + why, said.hint());
}

Status Instance::start() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    if (error_) return *error_;
    if (state_ == State::active) return {};
    if (state_ != State::discovered) return Error(Code::conflict, "not-active", who() + ": is " + std::string(name_of(state_)));
    busy_ = true;
    lock.unlock();
    const auto& wanted = manifest().resources.start_timeout_ms;
    const auto budget = wanted ? std::chrono::milliseconds(std::min<std::uint64_t>(*wanted, 600'000)) : host_.options().start_timeout;
    const bool in_time = run_bounded(Clock::now() + budget, [this] { load_and_activate(); });
    if (!in_time) {
        lock.lock();
        wedged_ = true;
        lock.unlock();
        fail(Error(Code::deadline, "start-timeout", who() + ": did not start within " + std::to_string(budget.count()) + " ms",
                   "give it more time: start_timeout in [resources] of its manifest"));
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
    if (error_) return *error_;
    return {};
}

/// On the control thread. Every step asks move_to() or still_in() first, so a thread that was given up on goes no further.
void Instance::load_and_activate() {
    const auto attempt = [this]() -> Status {
        SYMPHONY_TRY(move_to(State::loading));
        const EffectiveConfig config = SYMPHONY_TRY(host_.config_of(entry_));
        config_ = SYMPHONY_TRY(Value::checked(bytes_of(config.values)));
        metrics_enabled_ = config.metrics_enabled;
        timeout_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(config.timeout.count(), 0));
        files_.emplace(manifest(), host_.options().grants, host_.folders_of(manifest()));
        VerifiedImage image = SYMPHONY_TRY(VerifiedImage::open(manifest(), entry_.folder, host_.options().triple));
        copy_cut(label.sha256, image.sha256());
        const Library library = SYMPHONY_TRY(load(std::move(image)));
        register_code(library.begin(), library.end(), new Label(label)); // stays mapped, so its label stays, too
        code_begin_ = library.begin();
        code_end_ = library.end();
        {
            const std::lock_guard lock(mutex_);
            sha256_ = library.sha256();
        }
        SYMPHONY_TRY(move_to(State::loaded));
        SYMPHONY_TRY(move_to(State::activating));
        SYMPHONY_TRY(create(library.descriptor()));
        SYMPHONY_TRY(still_activating());
        SYMPHONY_TRY(control("init", ops_.init, instance));
        SYMPHONY_TRY(still_activating());
        SYMPHONY_TRY(control("activate", ops_.activate, instance));
        activated_ = true;
        SYMPHONY_TRY(move_to(State::active));
        gate.open();
        return {};
    };
    const Status done = attempt();
    if (done) return;
    const bool abandoned = state() == State::failed;
    fail(done.error());
    if (!abandoned) wind_down(Clock::now() + std::chrono::seconds(1));
}

Result<Library> Instance::load(VerifiedImage image) {
    const FrameScope frame(&label, "its initialisation");
    return Library::load(std::move(image), manifest());
}

Status Instance::still_activating() const {
    if (state() == State::activating) return {};
    return Error(Code::cancelled, who() + ": its start was given up");
}

Status Instance::create(const symphony_plugin& descriptor) {
    abi_host_ = host_for(*this);
    const symphony_buf config = config_.buffer().to_c();
    const symphony_instance_ops* ops = nullptr;
    SYMPHONY_TRY(control("create", [&](symphony_error* error) { return descriptor.create(&abi_host_, &config, &instance, &ops, error); }));
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
    invoke = ops_.invoke;
    cancel = ops_.cancel;
    serial = (ops_.flags & SYMPHONY_INSTANCE_CONCURRENT) == 0;
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
    if (!created_) return {};
    busy_ = true;
    lock.unlock();
    gate.close();
    host_.calls().cancel_all(this);
    const bool in_time = run_bounded(limit, [this, limit] { wind_down(limit); });
    lock.lock();
    busy_ = false;
    changed_.notify_all();
    if (!in_time || created_ || left_thread_) wedged_ = true;
    if (!wedged_) return {};
    lock.unlock();
    if (in_time && left_thread_) {
        Error error(Code::misuse, "leaked-thread", who() + ": left a thread of its own running after it was stopped", "join its threads in quiesce; report it to the plugin's author");
        host_.report(event(Event::Kind::misuse, "leaked-thread", error.message()));
        return error;
    }
    Error error(Code::deadline, "wedged", who() + ": did not stop in time" + (gate.inside() > 0 ? ", with calls in it" : ""), "report it to the plugin's author");
    host_.report(event(Event::Kind::wedged, "wedged", error.message()));
    return error;
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
        while (gate.inside() > 0 && Clock::now() < limit) {
            // It says that nothing runs any more: what it still owes it will not deliver.
            if (quiet && ops_.quiesce != nullptr && host_.calls().entered(*this) == 0) break;
            gate.wait([this] { return gate.inside() == 0; }, std::chrono::milliseconds(10));
        }
        if (host_.calls().entered(*this) != 0 || (gate.inside() > 0 && ops_.quiesce == nullptr)) return;
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
    static_cast<void>(move_to(State::unloaded));
    // A thread that is just ending gets a moment.
    for (int tries = 0; tries < 10 && (left_thread_ = threads_inside(code_begin_, code_end_) > 0); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

} // namespace symphony::host
