// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ipc/remote_instance.hpp>
#include <symphony/ipc/serve.hpp>

#include <symphony/abi/services/config.h>
#include <symphony/abi/services/fs.h>
#include <symphony/abi/services/log.h>
#include <symphony/abi/services/metrics.h>
#include <symphony/abi/services/ports.h>
#include <symphony/abi/services/secrets.h>
#include <symphony/bytes.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

/// A probe plugin, a host to serve it, and a process (or a thread) between them.
namespace rig {

using namespace symphony;
using namespace std::chrono_literals;

/// Methods of the probe.
enum Method : std::uint32_t {
    echo = 1, fail, refuse, throws, throws_no_exception, defer, emit, until_cancelled, call_port, complete_twice, crash, services,
    malformed, big, late_emit, cancelled_now, spin, refuse_after_end, call_port_later, hang, many, linger,
};

/// A call's end, parts and progress, waited for.
class Caller {
public:
    struct Part {
        std::vector<std::string> buffers;
        std::vector<std::uint32_t> flags;
    };

    /// Runs one call; `args` go as they are. @return invoke's status.
    symphony_status call(symphony_instance* instance, const symphony_instance_ops& instance_ops, std::uint32_t method,
                         const std::vector<symphony_buf>& args, std::uint64_t deadline_ns = 0) {
        symphony_call call{};
        call.struct_size = sizeof call;
        call.method = method;
        call.arg_count = static_cast<std::uint32_t>(args.size());
        call.args = args.data();
        call.id = id;
        call.deadline_ns = deadline_ns;
        call.trace_hi = 7;
        call.trace_lo = 9;
        call.ctx = this;
        call.ops = &ops;
        call.port = to_c("probe/1");
        return instance_ops.invoke(instance, &call);
    }
    bool wait_end(std::chrono::milliseconds limit = 20s) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, [&] { return ends > 0; });
    }
    bool wait_parts(std::size_t count, std::chrono::milliseconds limit = 20s) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, [&] { return parts.size() >= count; });
    }

    symphony_handle id = 4711;
    std::mutex mutex;
    std::condition_variable changed;
    int ends = 0;
    bool completed = false;
    Part result;
    Error error{Code::internal, "none yet"};
    std::vector<Part> parts;
    std::vector<std::pair<std::uint32_t, std::string>> progresses;
    std::atomic<std::uint32_t> cancelled{0};
    std::function<void()> on_part;
    std::function<void()> on_asked; ///< whether it is cancelled
    static const symphony_call_ops ops;

private:
    static Caller& of(void* ctx) { return *static_cast<Caller*>(ctx); }
    static Part copy(const symphony_buf* out, std::uint32_t count) {
        Part part;
        for (std::uint32_t i = 0; i < count; ++i) {
            part.buffers.emplace_back(text_of(Buffer::bytes_of(out[i])));
            part.flags.push_back(out[i].flags);
        }
        return part;
    }
    static void on_complete(void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) {
        const std::lock_guard lock(of(ctx).mutex);
        of(ctx).completed = true;
        of(ctx).result = copy(out, count);
        ++of(ctx).ends;
        of(ctx).changed.notify_all();
    }
    static void on_fail(void* ctx, symphony_handle, const symphony_error* error) {
        const std::lock_guard lock(of(ctx).mutex);
        if (error != nullptr) of(ctx).error = from_c(*error, error->code);
        ++of(ctx).ends;
        of(ctx).changed.notify_all();
    }
    static void on_emit(void* ctx, symphony_handle, const symphony_buf* part, std::uint32_t count) {
        std::function<void()> then;
        {
            const std::lock_guard lock(of(ctx).mutex);
            of(ctx).parts.push_back(copy(part, count));
            of(ctx).changed.notify_all();
            then = of(ctx).on_part;
        }
        if (then) then();
    }
    static void on_progress(void* ctx, symphony_handle, std::uint32_t permille, symphony_str note) {
        const std::lock_guard lock(of(ctx).mutex);
        of(ctx).progresses.emplace_back(permille, std::string(from_c(note)));
    }
    static std::uint32_t on_cancelled(void* ctx, symphony_handle) {
        if (of(ctx).on_asked) of(ctx).on_asked();
        return of(ctx).cancelled.load();
    }
};
inline const symphony_call_ops Caller::ops{sizeof(symphony_call_ops), 0, &on_complete, &on_fail, &on_emit, &on_progress, &on_cancelled};

inline symphony_buf borrowed(std::string_view text) {
    symphony_buf buf{};
    buf.struct_size = sizeof buf;
    buf.data = bytes_of(text).data();
    buf.size = text.size();
    return buf;
}

// --- the plugin ---------------------------------------------------------------------------------------------------

/// The probe's answers are made of what it sees, so both sides of a call can be checked by its caller.
class Probe {
public:
    explicit Probe(const symphony_host* host) : host_(*host) {}
    static std::uint32_t flags;
    static const symphony_plugin descriptor;
    static const symphony_plugin* entry() { return &descriptor; }

private:
    static Probe& of(symphony_instance* self) { return *reinterpret_cast<Probe*>(self); }
    template <class Table>
    const Table* service(std::string_view id) const { return static_cast<const Table*>(host_.query(host_.ctx, to_c(id))); }

    static symphony_status create(const symphony_host* host, const symphony_buf* config, symphony_instance** out, const symphony_instance_ops** ops, symphony_error* error);
    static symphony_status init(symphony_instance* self, symphony_error*) { ++of(self).inits_; return SYMPHONY_OK; }
    static const void* query(symphony_instance*, symphony_str id) {
        static constexpr symphony_port_info info{sizeof(symphony_port_info), 99};
        return from_c(id) == "probe/1" ? &info : nullptr;
    }
    static symphony_status activate(symphony_instance* self, symphony_error* error) {
        if (of(self).inits_ != 1) return to_c(Error(Code::misuse, "no-init", "init came " + std::to_string(of(self).inits_) + " times"), error);
        return SYMPHONY_OK;
    }
    static symphony_status invoke(symphony_instance* self, const symphony_call* call) { return of(self).run(*call); }
    static void cancel(symphony_instance* self, symphony_handle id) {
        of(self).told_.fetch_add(1);
        static_cast<void>(id);
    }
    static symphony_status quiesce(symphony_instance* self, std::uint64_t, symphony_error*) {
        of(self).quiesced_ = true;
        of(self).join();
        return SYMPHONY_OK;
    }
    static symphony_status deactivate(symphony_instance*, symphony_error* error) { return to_c(Error(Code::busy, "not-now", "try again", "wait"), error); }
    static symphony_status save_state(symphony_instance* self, symphony_buf* out, symphony_error*) {
        *out = Buffer::copy(of(self).state_).release();
        return SYMPHONY_OK;
    }
    static symphony_status load_state(symphony_instance* self, const symphony_buf* in, symphony_error*) {
        of(self).state_ = text_of(Buffer::bytes_of(*in));
        return SYMPHONY_OK;
    }
    static void destroy(symphony_instance* self) {
        of(self).join();
        delete &of(self);
    }

    void join() {
        std::vector<std::thread> threads;
        {
            const std::lock_guard lock(mutex_);
            threads.swap(threads_);
        }
        for (std::thread& thread : threads) thread.join();
    }
    symphony_status run(const symphony_call& call);
    std::string use_services();
    void call_the_port(const symphony_call& call, bool wait);

    symphony_host host_;
    int inits_ = 0;
    std::string state_ = "fresh";
    std::atomic<int> told_{0};
    std::atomic<bool> quiesced_{false};
    std::mutex mutex_;
    std::vector<std::thread> threads_;
};
inline std::uint32_t Probe::flags = SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING | SYMPHONY_INSTANCE_STATEFUL;

inline symphony_status Probe::create(const symphony_host* host, const symphony_buf* config, symphony_instance** out, const symphony_instance_ops** ops, symphony_error* error) {
    static symphony_instance_ops table;
    table = {sizeof table, flags, &init, &query, &activate, &invoke, &cancel, &quiesce, &deactivate, &save_state, &load_state, &destroy};
    const std::string_view wanted = config != nullptr ? text_of(Buffer::bytes_of(*config)) : std::string_view();
    if (wanted == "refuse") return to_c(Error(Code::invalid_argument, "bad-config", "the configuration says \"refuse\"", "say something else"), error);
    if (wanted == "throw") throw std::runtime_error("create threw this");
    if (wanted == "no-invoke") table.invoke = nullptr;
    if (wanted == "short") table.struct_size = 40;
    if (wanted != "no-instance") *out = reinterpret_cast<symphony_instance*>(new Probe(host));
    if (wanted != "no-ops") *ops = &table;
    return SYMPHONY_OK;
}
inline const symphony_plugin Probe::descriptor{sizeof(symphony_plugin), SYMPHONY_MAGIC, 1, 0, 0, 0, 0, 0, {"probe", 5}, {"1.2.3", 5}, &Probe::create};

inline symphony_status Probe::run(const symphony_call& call) {
    const auto text = [&](std::uint32_t i) { return i < call.arg_count ? std::string(text_of(Buffer::bytes_of(call.args[i]))) : std::string(); };
    const auto answer = [call](std::string_view with) {
        const symphony_buf out = borrowed(with);
        call.ops->complete(call.ctx, call.id, &out, 1);
    };
    switch (static_cast<Method>(call.method)) {
    case echo: call.ops->complete(call.ctx, call.id, call.args, call.arg_count); return SYMPHONY_OK;
    case fail: {
        symphony_error error{};
        to_c(Error(Code::conflict, "it-was-so", "the probe fails: " + text(0), "ask another").as_retryable(), &error);
        call.ops->fail(call.ctx, call.id, &error);
        return SYMPHONY_OK;
    }
    case refuse: return SYMPHONY_E_BUSY;
    case throws: throw std::runtime_error("invoke threw this");
    case throws_no_exception: throw 42;
    case defer: {
        const std::lock_guard lock(mutex_);
        threads_.emplace_back([answer, said = text(0)] { answer("later " + said); });
        return SYMPHONY_OK;
    }
    case emit: {
        const int count = std::stoi(text(0));
        for (int i = 0; i < count; ++i) {
            const std::string part = "part " + std::to_string(i);
            const symphony_buf buf = borrowed(part);
            call.ops->progress(call.ctx, call.id, static_cast<std::uint32_t>(i % 1000), to_c("going"));
            call.ops->emit(call.ctx, call.id, &buf, 1);
        }
        answer("all");
        return SYMPHONY_OK;
    }
    case until_cancelled: {
        const symphony_buf started = borrowed("started");
        call.ops->emit(call.ctx, call.id, &started, 1);
        while (call.ops->cancelled(call.ctx, call.id) == 0) std::this_thread::yield();
        answer("stopped, told " + std::to_string(told_.load()));
        return SYMPHONY_OK;
    }
    case call_port: call_the_port(call, true); return SYMPHONY_OK;
    case call_port_later: call_the_port(call, false); return SYMPHONY_OK;
    case complete_twice:
        answer("once");
        answer("twice");
        return SYMPHONY_OK;
    case crash: ::raise(SIGKILL); return SYMPHONY_OK;
    case services: answer(use_services()); return SYMPHONY_OK;
    case malformed: {
        symphony_buf none{};
        call.ops->complete(call.ctx, call.id, &none, 1);
        return SYMPHONY_OK;
    }
    case big: {
        symphony_buf out[2];
        out[0] = borrowed("record");
        const auto size = std::stoull(text(0));
        if (const symphony_status status = host_.buf_alloc(host_.ctx, size, &out[1]); status < 0) return status;
        std::memset(const_cast<std::uint8_t*>(out[1].data), 'b', size);
        call.ops->complete(call.ctx, call.id, out, 2);
        out[1].ops->release(out[1].owner);
        return SYMPHONY_OK;
    }
    case late_emit: {
        answer("done");
        const symphony_buf late = borrowed("late");
        call.ops->emit(call.ctx, call.id, &late, 1);
        return SYMPHONY_OK;
    }
    case cancelled_now: answer(call.ops->cancelled(call.ctx, call.id) != 0 ? "yes" : "no"); return SYMPHONY_OK;
    case spin: answer(text(0)); return SYMPHONY_OK;
    case linger: { // is still here when its call has long ended
        const std::string text_left = text(0);
        answer("done");
        while (!quiesced_) std::this_thread::yield();
        for (int i = 0; i < 1000; ++i) std::this_thread::yield();
        while (text_left == "never") std::this_thread::yield();
        state_ = text_left;
        return SYMPHONY_OK;
    }
    case refuse_after_end: answer("done"); return SYMPHONY_E_BUSY;
    case hang: {
        const symphony_buf started = borrowed("started");
        call.ops->emit(call.ctx, call.id, &started, 1);
        for (;;) ::pause();
    }
    case many: {
        const std::vector<symphony_buf> all(static_cast<std::size_t>(std::stoi(text(0))), borrowed("x"));
        call.ops->complete(call.ctx, call.id, all.data(), static_cast<std::uint32_t>(all.size()));
        return SYMPHONY_OK;
    }
    }
    return SYMPHONY_E_UNSUPPORTED;
}

inline std::string said(const symphony_error& error) {
    return std::string(read_bounded(error.reason)) + "|" + std::string(read_bounded(error.message)) + "|" + std::string(read_bounded(error.hint));
}

inline std::string Probe::use_services() {
    std::string out;
    const auto* log = service<symphony_host_log>(SYMPHONY_HOST_LOG);
    for (int i = 0; i < 3; ++i) log->write(host_.ctx, SYMPHONY_LOG_INFO, to_c("line " + std::to_string(i)));
    const auto* metrics = service<symphony_host_metrics>(SYMPHONY_HOST_METRICS);
    metrics->count(host_.ctx, to_c("things"), 5);
    metrics->observe(host_.ctx, to_c("ms"), 2.5);
    symphony_buf value{};
    const auto take = [&] {
        std::string text(text_of(Buffer::bytes_of(value)));
        value.ops->release(value.owner);
        return text;
    };
    const auto put = [&](std::string_view what, symphony_status status) { out += std::string(what) + std::to_string(status) + " "; };
    const auto* config = service<symphony_host_config>(SYMPHONY_HOST_CONFIG);
    put("config ", config->get(host_.ctx, to_c("colour"), &value));
    out += take();
    put(", missing ", config->get(host_.ctx, to_c("missing"), &value));
    const auto* fs = service<symphony_host_fs>(SYMPHONY_HOST_FS);
    symphony_error error{};
    error.struct_size = sizeof error;
    std::int32_t fd = -1;
    put(", open ", fs->open(host_.ctx, to_c("workspace"), to_c("a.txt"), SYMPHONY_FS_READ, &fd, &error));
    char content[32] = {};
    out.append(content, static_cast<std::size_t>(std::max<ssize_t>(0, ::read(fd, content, sizeof content))));
    ::close(fd);
    put(", denied ", fs->open(host_.ctx, to_c("state"), to_c("b"), SYMPHONY_FS_WRITE, &fd, &error));
    out += said(error);
    put(", list ", fs->list(host_.ctx, to_c("workspace"), to_c(""), &value, nullptr));
    out += std::to_string(take().size());
    put(", sync ", fs->sync_folder(host_.ctx, to_c("workspace"), to_c("deep"), &error));
    put(", not synced ", fs->sync_folder(host_.ctx, to_c("state"), to_c("deep"), &error));
    out += said(error);
    const auto* secrets = service<symphony_host_secrets>(SYMPHONY_HOST_SECRETS);
    put(", secret ", secrets->get(host_.ctx, to_c("key"), &value, nullptr));
    out += take();
    out += service<void>("symphony.host.net/1") == nullptr ? ", no net" : ", net";
    out += service<void>("symphony.host.unheard-of/1") == nullptr ? ", nothing unheard of" : ", something";
    return out;
}

/// Calls the host's port and hands on what it says: parts, progress and the end.
inline void Probe::call_the_port(const symphony_call& call, bool wait) {
    struct Relay {
        symphony_call outer;
        std::mutex mutex;
        std::condition_variable changed;
        bool over = false;
        bool heap;
        void end() {
            if (heap) {
                delete this;
                return;
            }
            const std::lock_guard lock(mutex);
            over = true;
            changed.notify_all();
        }
    };
    static constexpr symphony_call_ops relay_ops{
        sizeof(symphony_call_ops), 0,
        [](void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) {
            auto& relay = *static_cast<Relay*>(ctx);
            relay.outer.ops->complete(relay.outer.ctx, relay.outer.id, out, count);
            relay.end();
        },
        [](void* ctx, symphony_handle, const symphony_error* error) {
            auto& relay = *static_cast<Relay*>(ctx);
            relay.outer.ops->fail(relay.outer.ctx, relay.outer.id, error);
            relay.end();
        },
        [](void* ctx, symphony_handle, const symphony_buf* part, std::uint32_t count) {
            auto& relay = *static_cast<Relay*>(ctx);
            relay.outer.ops->emit(relay.outer.ctx, relay.outer.id, part, count);
        },
        [](void* ctx, symphony_handle, std::uint32_t permille, symphony_str note) {
            auto& relay = *static_cast<Relay*>(ctx);
            relay.outer.ops->progress(relay.outer.ctx, relay.outer.id, permille, note);
        },
        [](void* ctx, symphony_handle) {
            auto& relay = *static_cast<Relay*>(ctx);
            return relay.outer.ops->cancelled(relay.outer.ctx, relay.outer.id);
        }};
    // Whoever called may destroy the probe as soon as the call has ended, and we come back later.
    void* const ctx = host_.ctx;
    const auto* ports = service<symphony_host_ports>(SYMPHONY_HOST_PORTS);
    symphony_error error{};
    error.struct_size = sizeof error;
    symphony_handle port = 0;
    if (ports->acquire(ctx, to_c("other/1"), to_c("someone"), &port, &error) < 0) {
        call.ops->fail(call.ctx, call.id, &error);
        return;
    }
    Relay local{call, {}, {}, false, false};
    Relay* relay = wait ? &local : new Relay{call, {}, {}, false, true};
    symphony_call inner = call;
    inner.method = call.arg_count > 1 ? static_cast<std::uint32_t>(std::stoul(std::string(text_of(Buffer::bytes_of(call.args[1]))))) : 1;
    inner.arg_count = 1;
    inner.ctx = relay;
    inner.ops = &relay_ops;
    symphony_handle made = 0;
    const symphony_status status = ports->invoke(ctx, port, &inner, &made, &error);
    if (status < 0) {
        if (!wait) delete relay;
        call.ops->fail(call.ctx, call.id, &error);
    } else if (wait) {
        std::unique_lock lock(local.mutex);
        local.changed.wait(lock, [&] { return local.over; });
    }
    ports->release(ctx, port);
}

// --- the host -----------------------------------------------------------------------------------------------------

/// Host services that keep books. Ports lead to a callee inside the test.
class FakeHost {
public:
    std::mutex mutex;
    std::vector<std::string> lines, metrics, released;
    std::function<symphony_status(const symphony_call&, symphony_handle*, symphony_error*)> callee;
    std::function<void(symphony_handle)> cancel;
    std::string list = "a list of some length";
    const symphony_host host{sizeof(symphony_host), 1, 0, this, &query, nullptr, nullptr};

private:
    static FakeHost& of(void* ctx) { return *static_cast<FakeHost*>(ctx); }
    static void note(void* ctx, std::vector<std::string> FakeHost::*where, std::string what) {
        const std::lock_guard lock(of(ctx).mutex);
        (of(ctx).*where).push_back(std::move(what));
    }
    static int memory_file(std::string_view text) {
        const int fd = ::memfd_create("test", 1);
        EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ::lseek(fd, 0, SEEK_SET);
        return fd;
    }
    static const void* query(void*, symphony_str id) {
        static constexpr symphony_host_log log{sizeof log, 0, [](void* ctx, std::uint32_t level, symphony_str text) {
            note(ctx, &FakeHost::lines, std::to_string(level) + " " + std::string(from_c(text)));
        }};
        static constexpr symphony_host_metrics metrics{
            sizeof metrics, 0,
            [](void* ctx, symphony_str name, std::uint64_t add) { note(ctx, &FakeHost::metrics, std::string(from_c(name)) + " +" + std::to_string(add)); },
            [](void*, symphony_str, double) {},
            [](void* ctx, symphony_str name, double value) { note(ctx, &FakeHost::metrics, std::string(from_c(name)) + " " + std::to_string(value)); }};
        static constexpr symphony_host_config config{sizeof config, 0, [](void*, symphony_str key, symphony_buf* out) -> symphony_status {
            if (from_c(key) != "colour") return SYMPHONY_E_NOT_FOUND;
            *out = Buffer::copy(std::string_view("green")).release();
            return SYMPHONY_OK;
        }};
        static constexpr symphony_host_fs fs{
            sizeof fs, 0,
            [](void*, symphony_str root, symphony_str path, std::uint32_t, std::int32_t* fd, symphony_error* error) -> symphony_status {
                if (from_c(root) == "state") return to_c(Error(Code::not_granted, "no-such-right", "may not write " + std::string(from_c(path)), "symphony permission grant"), error);
                *fd = memory_file("content of " + std::string(from_c(path)));
                return SYMPHONY_OK;
            },
            [](void* ctx, symphony_str, symphony_str, symphony_buf* out, symphony_error*) -> symphony_status {
                *out = Buffer::copy(of(ctx).list).release();
                return SYMPHONY_OK;
            },
            nullptr, nullptr,
            [](void*, symphony_str root, symphony_str path, symphony_error* error) -> symphony_status {
                if (from_c(root) == "state") return to_c(Error(Code::exhausted, "disk-full", "no room for " + std::string(from_c(path))), error);
                return SYMPHONY_OK;
            }};
        static constexpr symphony_host_secrets secrets{
            sizeof secrets, 0, nullptr,
            [](void*, symphony_str key, std::int32_t* fd, symphony_error*) -> symphony_status {
                *fd = memory_file("secret of " + std::string(from_c(key)));
                return SYMPHONY_OK;
            }};
        static constexpr symphony_host_ports ports{
            sizeof ports, 0,
            [](void*, symphony_str port, symphony_str provider, symphony_handle* out, symphony_error* error) -> symphony_status {
                if (from_c(port) != "other/1" || from_c(provider) != "someone") return to_c(Error(Code::not_found, "no-such-port", "no port"), error);
                *out = 77;
                return SYMPHONY_OK;
            },
            [](void* ctx, symphony_handle port) { note(ctx, &FakeHost::released, std::to_string(port)); },
            [](void* ctx, symphony_handle port, const symphony_call* call, symphony_handle* call_out, symphony_error* error) -> symphony_status {
                if (port != 77) return to_c(Error(Code::not_found, "stale-port", "no handle"), error);
                return of(ctx).callee(*call, call_out, error);
            },
            [](void* ctx, symphony_handle call) {
                if (of(ctx).cancel) of(ctx).cancel(call);
            },
            [](void* ctx, symphony_str, symphony_buf* out) -> symphony_status {
                *out = Buffer::copy(of(ctx).list).release();
                return SYMPHONY_OK;
            }};
        if (from_c(id) == SYMPHONY_HOST_LOG) return &log;
        if (from_c(id) == SYMPHONY_HOST_METRICS) return &metrics;
        if (from_c(id) == SYMPHONY_HOST_CONFIG) return &config;
        if (from_c(id) == SYMPHONY_HOST_FS) return &fs;
        if (from_c(id) == SYMPHONY_HOST_SECRETS) return &secrets;
        if (from_c(id) == SYMPHONY_HOST_PORTS) return &ports;
        return nullptr;
    }
};

// --- both together ------------------------------------------------------------------------------------------------

struct Shape {
    std::string config;
    bool own_process = true;   ///< else a thread: what a thread sanitizer can follow
    ipc::ChannelOptions channel;
    ipc::Loaded loaded{&Probe::entry, {}};
    bool create = true;
};

class Remote {
public:
    explicit Remote(Shape setup = {}) : setup_(std::move(setup)) {
        auto pair = ipc::ChannelPair::make(setup_.channel);
        EXPECT_TRUE(pair);
        if (setup_.own_process) {
            child = ::fork();
            if (child == 0) {
                pair->host = ipc::ChannelEnd();
                ::_exit(ipc::serve(std::move(pair->runner), setup_.loaded));
            }
            pair->runner = ipc::ChannelEnd();
        } else {
            thread_ = std::thread([end = std::move(pair->runner), loaded = setup_.loaded]() mutable { static_cast<void>(ipc::serve(std::move(end), loaded)); });
        }
        ipc::RemoteInstance::Options options;
        options.name = "probe";
        options.on_broken = [this](const Error& why) {
            const std::lock_guard lock(mutex);
            broken.push_back(why);
            changed.notify_all();
        };
        options.on_misuse = [this](std::string_view reason, std::string_view what) {
            const std::lock_guard lock(mutex);
            misuses.emplace_back(std::string(reason) + ": " + std::string(what));
            changed.notify_all();
        };
        auto made = ipc::RemoteInstance::connect(std::move(pair->host), std::move(options));
        EXPECT_TRUE(made);
        instance = *std::move(made);
        if (setup_.create) {
            EXPECT_EQ(create(), SYMPHONY_OK) << said(error);
            EXPECT_EQ(ops->init(it, &error), SYMPHONY_OK);
            EXPECT_EQ(ops->activate(it, &error), SYMPHONY_OK) << said(error);
        }
    }
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;
    ~Remote() {
        if (ops != nullptr && it != nullptr && !gone) ops->destroy(it);
        instance.reset();
        if (thread_.joinable()) thread_.join();
        if (child > 0 && !gone) {
            int status = 0;
            EXPECT_EQ(::waitpid(child, &status, 0), child);
            EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the runner ended with " << status;
        }
    }
    symphony_status create() {
        error = {};
        error.struct_size = sizeof error;
        const symphony_buf config = borrowed(setup_.config);
        return instance->create(&host.host, &config, &it, &ops, &error);
    }
    /// As the supervisor does it.
    void kill(int signal = SIGKILL) {
        ::kill(child, signal);
        gone = true;
        int status = 0;
        ::waitpid(child, &status, 0);
        instance->abandon(Error(Code::peer_died, "killed", "the runner was killed"));
    }
    symphony_status call(Caller& caller, std::uint32_t method, const std::vector<std::string>& args = {}, std::uint64_t deadline_ns = 0) {
        std::vector<symphony_buf> bufs;
        for (const std::string& arg : args) bufs.push_back(borrowed(arg));
        return caller.call(it, *ops, method, bufs, deadline_ns);
    }

    void wait_misuses(std::size_t count) {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return misuses.size() >= count; }));
    }

    FakeHost host;
    std::unique_ptr<ipc::RemoteInstance> instance;
    symphony_instance* it = nullptr;
    const symphony_instance_ops* ops = nullptr;
    symphony_error error{};
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Error> broken;
    std::vector<std::string> misuses;
    pid_t child = -1;
    bool gone = false;

private:
    const Shape setup_;
    std::thread thread_;
};

} // namespace rig
