// SPDX-License-Identifier: Apache-2.0
#pragma once

// Calling other plugins through ports. Generated client classes sit on top of this.

#include <symphony/call.hpp>
#include <symphony/cancel.hpp>
#include <symphony/host.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

/// How a call is made. Give what is needed: `client.infer(op, input, {.deadline_ns = host.deadline_in(5s)})`.
/// The two functions run on the thread that answers, possibly while the caller waits, and must not throw.
template <class Part = void>
struct CallOptions {
    std::uint64_t deadline_ns = 0; ///< Host::now_ns() clock; 0 = the parent's, or none
    CancelToken cancel{};
    std::function<void(const Part&)> on_part{};
    std::function<void(std::uint32_t permille, std::string_view note)> on_progress{};
    const Call* parent = nullptr; ///< the call being answered: its deadline, cancel and trace carry over
};
template <>
struct CallOptions<void> {
    std::uint64_t deadline_ns = 0;
    CancelToken cancel{};
    std::function<void(std::uint32_t permille, std::string_view note)> on_progress{};
    const Call* parent = nullptr;

    template <class Part>
    operator CallOptions<Part>() const { return {deadline_ns, cancel, {}, on_progress, parent}; } // NOLINT
};

/// One provider of a port, without loading it.
struct ProviderInfo {
    std::string plugin; ///< id
    std::string name;
    std::string version;
    std::string description;
    bool blocking = false;
    bool concurrent = false;
    bool usable = false;
    std::string refusal; ///< why it is not usable
    Value data;          ///< its [provides] table for the port
    std::string sha256;  ///< of its library, as the host verifies it
    std::string manifest; ///< SHA-256 of its manifest.toml; empty: an older host
    /// A later version that the host found and that could not take this one's place (it follows its plugin folders).
    struct PassedOver {
        std::string manifest; ///< SHA-256 of its manifest.toml
        std::string reason, message, hint;
    };
    std::optional<PassedOver> passed_over;
};

/// A provider acquired; released when the last copy goes. Copies share. [any]
class PortHandle {
public:
    PortHandle() = default;
    explicit operator bool() const noexcept { return held_ != nullptr; }
    symphony_handle handle() const noexcept { return held_ == nullptr ? 0 : held_->handle; }
    std::string_view port() const noexcept { return held_ == nullptr ? std::string_view() : held_->port; }
    const symphony_host_ports* service() const noexcept { return held_ == nullptr ? nullptr : held_->service; }
    void* ctx() const noexcept { return held_ == nullptr ? nullptr : held_->ctx; }

private:
    friend class Ports;
    struct Held {
        const symphony_host_ports* service;
        void* ctx;
        symphony_handle handle;
        std::string port;
        Held(const symphony_host_ports* s, void* c, symphony_handle h, std::string_view p) : service(s), ctx(c), handle(h), port(p) {}
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held() {
            if (callable(service, &symphony_host_ports::release)) service->release(ctx, handle);
        }
    };
    std::shared_ptr<const Held> held_;
};

class Ports {
public:
    Ports(const symphony_host_ports* service, void* ctx) noexcept : service_(service), ctx_(ctx) {}

    /// Who provides a port, best first; loads nothing.
    Result<std::vector<ProviderInfo>> list(std::string_view port) const {
        if (!callable(service_, &symphony_host_ports::list)) return absent("list");
        symphony_buf out{};
        out.struct_size = sizeof out;
        if (const auto status = service_->list(ctx_, to_c(port), &out); status < 0) {
            return Error(static_cast<Code>(status), "cannot list providers of \"" + std::string(port) + "\"");
        }
        const Value listing = Value::unchecked(Buffer::adopt(out));
        std::vector<ProviderInfo> providers;
        providers.reserve(listing.size());
        for (const ValueView item : listing.items()) {
            const auto text = [&](std::string_view key) { return std::string(item[key].as_text()); };
            providers.push_back({text("plugin"), text("name"), text("version"), text("description"), item["blocking"].as_bool(),
                                 item["concurrent"].as_bool(), item["usable"].as_bool(true), text("refusal"), Value::copy(item["data"]), text("sha256"),
                                 text("manifest"), std::nullopt});
            if (const ValueView passed = item["passed_over"]; passed.is_map()) {
                const auto word = [&](std::string_view key) { return std::string(passed[key].as_text()); };
                providers.back().passed_over = ProviderInfo::PassedOver{word("manifest"), word("reason"), word("message"), word("hint")};
            }
        }
        return providers;
    }

    /// @param provider  Plugin id or short name; empty = the best one. Loads and activates it. [may block]
    Result<PortHandle> acquire(std::string_view port, std::string_view provider = {}) const {
        if (!callable(service_, &symphony_host_ports::acquire)) return absent("acquire");
        symphony_handle handle = 0;
        symphony_error error{};
        error.struct_size = sizeof error;
        const auto status = service_->acquire(ctx_, to_c(port), to_c(provider), &handle, &error);
        if (status < 0) return from_c(error, status);
        PortHandle held;
        held.held_ = std::make_shared<const PortHandle::Held>(service_, ctx_, handle, port);
        return held;
    }

private:
    static Error absent(const char* what) {
        return {Code::unsupported, "host-too-old", std::string("this host's port service has no ") + what};
    }
    const symphony_host_ports* service_;
    void* ctx_;
};

inline Result<Ports> Host::ports() const {
    const auto* service = find<symphony_host_ports>(detail::HostContext::ports, SYMPHONY_HOST_PORTS);
    if (service == nullptr) {
        return not_granted(SYMPHONY_HOST_PORTS, "name the ports you call under [requires] of manifest.toml, such as \"operator/1\" = {}");
    }
    return Ports(service, ctx());
}

namespace detail {

/// Receives the answers of one call made by this plugin: decodes inside `complete`, where the bytes are
/// valid, straight into the result.
template <class T, class Part>
class Receiver {
public:
    using PartOrVoid = std::conditional_t<std::is_same_v<Part, NoPart>, void, Part>;
    explicit Receiver(const CallOptions<PartOrVoid>& options) : options_(options) {}
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    /// Into its place, because large records should not move more often than they must.
    static void decode(std::optional<Result<T>>& slot, const symphony_buf* out, std::uint32_t count) noexcept {
        try {
            WireReader reader(out, count, WireKeep::own);
            if constexpr (std::is_void_v<T>) {
                slot.emplace();
                read_fields(reader);
            } else {
                slot.emplace(T{});
                read_fields(reader, **slot);
            }
            reader.finish();
            if (!reader.ok()) slot.emplace(reader.status().error());
        } catch (...) {
            slot.emplace(current_exception_error());
        }
    }
    void part(const symphony_buf* bytes, std::uint32_t count) const noexcept {
        if constexpr (!std::is_same_v<Part, NoPart>) {
            if (!options_.on_part) return;
            try {
                WireReader reader(bytes, count, WireKeep::borrow);
                Part value{};
                read_fields(reader, value);
                reader.finish();
                if (reader.ok()) options_.on_part(value);
            } catch (...) { // a part that cannot be taken is lost; the call goes on
            }
        }
    }
    void progress(std::uint32_t permille, symphony_str note) const noexcept {
        if (!options_.on_progress) return;
        try {
            options_.on_progress(permille, from_c(note));
        } catch (...) { // as for parts
        }
    }
    bool cancelled() const noexcept {
        return options_.cancel.cancelled() || (parent_.ops != nullptr && parent_.cancelled());
    }

    const CallOptions<PartOrVoid>& options_;
    CallRef parent_;
};

template <class Options>
void prepare(symphony_call& call, CallRef& parent, const PortHandle& port, std::uint32_t method, const Options& options) noexcept {
    call.struct_size = sizeof call;
    call.method = method;
    call.id = 1;
    call.deadline_ns = options.deadline_ns;
    call.port = to_c(port.port());
    if (options.parent == nullptr) return;
    parent = options.parent->answers();
    call.trace_hi = options.parent->raw().trace_hi;
    call.trace_lo = options.parent->raw().trace_lo;
    const std::uint64_t outer = options.parent->deadline_ns();
    if (outer != 0 && (call.deadline_ns == 0 || outer < call.deadline_ns)) call.deadline_ns = outer;
}

inline Error no_port() { return {Code::misuse, "no-port", "the client was never acquired"}; }
inline Error was_cancelled() { return {Code::cancelled, "cancelled before it began"}; }

/// Answers into the caller's stack frame. No lock and no heap when the callee answers inside invoke.
template <class T, class Part>
class BlockingCall {
public:
    using Options = CallOptions<typename Receiver<T, Part>::PartOrVoid>;
    explicit BlockingCall(const Options& options) : receiver_(options) {}

    template <class... Args>
    Result<T> run(const PortHandle& port, std::uint32_t method, const Options& options, const Args&... args) {
        if (!port || !callable(port.service(), &symphony_host_ports::invoke)) return no_port();
        if (options.cancel.cancelled()) return was_cancelled();
        WireWriter record;
        try {
            write_fields(record, args...);
        } catch (...) {
            return current_exception_error();
        }
        symphony_call call{};
        prepare(call, receiver_.parent_, port, method, options);
        call.args = record.buffers();
        call.arg_count = record.buffer_count();
        call.ctx = this;
        call.ops = &ops;
        symphony_error error;
        error.struct_size = sizeof error;
        error.code = 0;
        error.flags = 0;
        error.retry_after_ms = 0;
        error.reason[0] = error.message[0] = error.hint[0] = '\0';
        const CancelLink link(options.cancel, port.service(), port.ctx());
        const symphony_status status = port.service()->invoke(port.ctx(), port.handle(), &call, link.handle(), &error);
        if (status < 0) return from_c(error, status);
        if (state_.load(std::memory_order_acquire) != done) {
            link.cancel_if_asked();
            wait();
        }
        return std::move(*result_);
    }

private:
    enum State : std::uint32_t { pending, waiting, done };
    struct Sleep {
        std::mutex mutex;
        std::condition_variable changed;
        bool over = false;
    };

    /// Touches nothing of the frame after the exchange when nobody sleeps, and nothing after the unlock when somebody does.
    void finish() noexcept {
        if (state_.exchange(done, std::memory_order_acq_rel) != waiting) return;
        const std::lock_guard lock(sleep_->mutex);
        sleep_->over = true;
        sleep_->changed.notify_one();
    }
    void wait() {
        Sleep sleep;
        std::unique_lock lock(sleep.mutex);
        sleep_ = &sleep;
        std::uint32_t seen = pending;
        if (!state_.compare_exchange_strong(seen, waiting, std::memory_order_acq_rel)) return;
        sleep.changed.wait(lock, [&] { return sleep.over; });
    }

    static BlockingCall& of(void* ctx) noexcept { return *static_cast<BlockingCall*>(ctx); }
    static void complete(void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) noexcept {
        Receiver<T, Part>::decode(of(ctx).result_, out, count);
        of(ctx).finish();
    }
    static void fail(void* ctx, symphony_handle, const symphony_error* error) noexcept {
        of(ctx).result_.emplace(from_c(*error, SYMPHONY_E_INTERNAL));
        of(ctx).finish();
    }
    static void emit(void* ctx, symphony_handle, const symphony_buf* part, std::uint32_t count) noexcept {
        of(ctx).receiver_.part(part, count);
    }
    static void progress(void* ctx, symphony_handle, std::uint32_t permille, symphony_str note) noexcept {
        of(ctx).receiver_.progress(permille, note);
    }
    static std::uint32_t cancelled(void* ctx, symphony_handle) noexcept { return of(ctx).receiver_.cancelled() ? 1 : 0; }
    static constexpr symphony_call_ops ops{sizeof(symphony_call_ops), 0, &complete, &fail, &emit, &progress, &cancelled};

    std::atomic<std::uint32_t> state_{pending};
    Sleep* sleep_ = nullptr; // of wait(), which is in this frame
    Receiver<T, Part> receiver_;
    std::optional<Result<T>> result_;
};

template <class T, class Part, class Options, class... Args>
Result<T> call_port(const PortHandle& port, std::uint32_t method, const Options& options, const Args&... args) {
    BlockingCall<T, Part> call(options);
    return call.run(port, method, options, args...);
}

/// Answers to a callback, exactly once. Lives on the heap until then and keeps the port acquired.
template <class T, class Part, class Callback>
class AsyncCall {
public:
    using Options = CallOptions<typename Receiver<T, Part>::PartOrVoid>;

    template <class... Args>
    static void start(const PortHandle& port, std::uint32_t method, Options options, Callback callback, const Args&... args) {
        if (!port || !callable(port.service(), &symphony_host_ports::invoke)) return callback(Result<T>(no_port()));
        if (options.cancel.cancelled()) return callback(Result<T>(was_cancelled()));
        WireWriter record;
        write_fields(record, args...);
        auto owner = std::make_unique<AsyncCall>(port, std::move(options), std::move(callback));
        AsyncCall* self = owner.get();
        symphony_call call{};
        prepare(call, self->receiver_.parent_, port, method, self->options_);
        call.args = record.buffers();
        call.arg_count = record.buffer_count();
        call.ctx = self;
        call.ops = &ops;
        symphony_error error{};
        error.struct_size = sizeof error;
        const CancelToken token = self->options_.cancel;
        const PortHandle held = port; // `self` may be gone when invoke returns
        symphony_handle* handle = self->link_.handle();
        owner.release();
        const symphony_status status = held.service()->invoke(held.ctx(), held.handle(), &call, handle, &error);
        if (status < 0) return self->finish(from_c(error, status));
        token.cancel_again();
    }

    AsyncCall(const PortHandle& port, Options&& options, Callback&& callback)
        : port_(port), options_(std::move(options)), callback_(std::move(callback)), receiver_(options_),
          link_(options_.cancel, port.service(), port.ctx()) {}

private:
    void finish(Result<T>&& result) noexcept {
        const std::unique_ptr<AsyncCall> self(this);
        link_.close();
        callback_(std::move(result));
    }
    static AsyncCall& of(void* ctx) noexcept { return *static_cast<AsyncCall*>(ctx); }
    static void complete(void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) noexcept {
        std::optional<Result<T>> result;
        Receiver<T, Part>::decode(result, out, count);
        of(ctx).finish(std::move(*result));
    }
    static void fail(void* ctx, symphony_handle, const symphony_error* error) noexcept {
        of(ctx).finish(from_c(*error, SYMPHONY_E_INTERNAL));
    }
    static void emit(void* ctx, symphony_handle, const symphony_buf* part, std::uint32_t count) noexcept {
        of(ctx).receiver_.part(part, count);
    }
    static void progress(void* ctx, symphony_handle, std::uint32_t permille, symphony_str note) noexcept {
        of(ctx).receiver_.progress(permille, note);
    }
    static std::uint32_t cancelled(void* ctx, symphony_handle) noexcept { return of(ctx).receiver_.cancelled() ? 1 : 0; }
    static constexpr symphony_call_ops ops{sizeof(symphony_call_ops), 0, &complete, &fail, &emit, &progress, &cancelled};

    PortHandle port_;
    Options options_;
    Callback callback_;
    Receiver<T, Part> receiver_;
    CancelLink link_;
};

template <class T, class Part, class Options, class Callback, class... Args>
void call_port_async(const PortHandle& port, std::uint32_t method, Options options, Callback&& callback, const Args&... args) {
    AsyncCall<T, Part, std::decay_t<Callback>>::start(port, method, std::move(options), std::forward<Callback>(callback), args...);
}

} // namespace detail

} // namespace symphony
