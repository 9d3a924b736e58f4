// SPDX-License-Identifier: Apache-2.0
#pragma once

// What turns a C++ class into a plugin: SYMPHONY_PLUGIN(MyPlugin), once, in src/plugin.cpp.

#include <symphony/abi/plugin.h>
#include <symphony/call.hpp>
#include <symphony/host.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace symphony {

/// Base of every generated port class: which ports an object serves. A plugin class derives from one or
/// more port classes and never from this directly.
class PortServer {
public:
    PortServer(const PortServer&) = delete;
    PortServer& operator=(const PortServer&) = delete;
    virtual ~PortServer() = default;

    struct Entry {
        std::string_view id;
        symphony_port_info info;
        void* server;
        void (*dispatch)(void* server, Call& call);
    };
    const Entry* find_port(std::string_view id) const noexcept {
        for (const Entry& entry : entries_) {
            if (entry.id == id) return &entry;
        }
        return nullptr;
    }

protected:
    PortServer() = default;
    void serve_port(std::string_view id, std::uint32_t method_max, void* server, void (*dispatch)(void*, Call&)) {
        entries_.push_back({id, {sizeof(symphony_port_info), method_max}, server, dispatch});
    }

private:
    std::vector<Entry> entries_;
};

namespace detail {

template <class Plugin>
concept HasActivate = requires(Plugin& plugin) { { plugin.activate() } -> std::convertible_to<Status>; };
template <class Plugin>
concept HasDeactivate = requires(Plugin& plugin) { { plugin.deactivate() } -> std::convertible_to<Status>; };
template <class Plugin>
concept HasQuiesce = requires(Plugin& plugin, std::uint64_t deadline_ns) { { plugin.quiesce(deadline_ns) } -> std::convertible_to<Status>; };
template <class Plugin>
concept HasCancel = requires(Plugin& plugin, std::uint64_t call_id) { plugin.on_cancel(call_id); };
template <class Plugin>
concept HasState = requires(Plugin& plugin, Bytes state) {
    { plugin.save_state() } -> std::convertible_to<Result<Buffer>>;
    { plugin.load_state(state) } -> std::convertible_to<Status>;
};

/// The C side of one plugin object. Every function is noexcept: what is thrown becomes an error.
template <class Plugin, std::uint32_t Flags>
class Instance {
    static_assert(std::is_base_of_v<PortServer, Plugin>, "a plugin class derives from a port class, such as symphony::ports::Operator");
    static_assert(std::is_constructible_v<Plugin, Host> || std::is_default_constructible_v<Plugin>,
                  "a plugin class is constructed from symphony::Host, or from nothing");

public:
    static symphony_status create(const symphony_host* host, const symphony_buf* config, symphony_instance** out,
                                  const symphony_instance_ops** ops_out, symphony_error* error) noexcept {
        return guarded(error, [&]() -> Status {
            Value settings = config == nullptr ? Value() : Value::unchecked(Buffer::keep(*config));
            *out = reinterpret_cast<symphony_instance*>(new Instance(host, std::move(settings)));
            *ops_out = &ops;
            return {};
        });
    }

private:
    Instance(const symphony_host* host, Value config)
        : context_(host, std::move(config)), in_flight_(std::make_shared<InFlight>()), plugin_(make(Host(&context_))) {}

    static std::unique_ptr<Plugin> make(Host host) {
        if constexpr (std::is_constructible_v<Plugin, Host>) return std::make_unique<Plugin>(host);
        else return std::make_unique<Plugin>();
    }

    template <class Body>
    static symphony_status guarded(symphony_error* error, Body&& body) noexcept {
        try {
            const Status status = body();
            return status ? SYMPHONY_OK : to_c(status.error(), error);
        } catch (...) {
            return to_c(current_exception_error(), error);
        }
    }

    static Instance& of(symphony_instance* self) noexcept { return *reinterpret_cast<Instance*>(self); }

    static symphony_status init(symphony_instance*, symphony_error*) noexcept { return SYMPHONY_OK; }
    static const void* query(symphony_instance* self, symphony_str id) noexcept {
        const auto* entry = of(self).plugin_->find_port(from_c(id));
        return entry == nullptr ? nullptr : &entry->info;
    }
    static symphony_status activate(symphony_instance* self, symphony_error* error) noexcept {
        if constexpr (HasActivate<Plugin>) return guarded(error, [&]() -> Status { return of(self).plugin_->activate(); });
        else return SYMPHONY_OK;
    }
    static symphony_status deactivate(symphony_instance* self, symphony_error* error) noexcept {
        if constexpr (HasDeactivate<Plugin>) return guarded(error, [&]() -> Status { return of(self).plugin_->deactivate(); });
        else return SYMPHONY_OK;
    }
    static symphony_status invoke(symphony_instance* self, const symphony_call* raw) noexcept {
        Instance& instance = of(self);
        if (raw->struct_size < sizeof(symphony_call)) return SYMPHONY_E_MISUSE; // 1.0 is the oldest there is
        const auto* port = instance.plugin_->find_port(from_c(raw->port));
        if (port == nullptr) return SYMPHONY_E_UNSUPPORTED;
        Call call(*raw, instance.in_flight_);
        try {
            port->dispatch(port->server, call);
        } catch (...) {
            if (!call.deferred()) call.answers().fail(current_exception_error());
        }
        return SYMPHONY_OK;
    }
    static void cancel(symphony_instance* self, symphony_handle call_id) noexcept {
        if constexpr (HasCancel<Plugin>) {
            guarded(nullptr, [&]() -> Status {
                of(self).plugin_->on_cancel(call_id);
                return {};
            });
        }
    }
    static symphony_status quiesce(symphony_instance* self, std::uint64_t deadline_ns, symphony_error* error) noexcept {
        return guarded(error, [&]() -> Status {
            Instance& instance = of(self);
            if constexpr (HasQuiesce<Plugin>) SYMPHONY_TRY(Status(instance.plugin_->quiesce(deadline_ns)));
            const std::uint64_t now = Host(&instance.context_).now_ns();
            constexpr std::uint64_t day_ns = 86'400'000'000'000u;
            const std::uint64_t left = deadline_ns == 0 ? day_ns : deadline_ns > now ? std::min(deadline_ns - now, day_ns) : 0;
            if (const auto owed = instance.in_flight_->wait_for(std::chrono::nanoseconds(left)); owed != 0) {
                return Error(Code::deadline, "calls-in-flight", std::to_string(owed) + " deferred calls were not answered in time");
            }
            return {};
        });
    }
    static symphony_status save_state(symphony_instance* self, symphony_buf* out, symphony_error* error) noexcept {
        return guarded(error, [&]() -> Status {
            if constexpr (HasState<Plugin>) {
                Buffer state = SYMPHONY_TRY(Result<Buffer>(of(self).plugin_->save_state()));
                *out = state.release();
                return {};
            } else {
                static_cast<void>(self), static_cast<void>(out);
                return Error(Code::unsupported, "the plugin keeps no state");
            }
        });
    }
    static symphony_status load_state(symphony_instance* self, const symphony_buf* in, symphony_error* error) noexcept {
        return guarded(error, [&]() -> Status {
            if constexpr (HasState<Plugin>) {
                return of(self).plugin_->load_state(Buffer::bytes_of(*in));
            } else {
                static_cast<void>(self), static_cast<void>(in);
                return Error(Code::unsupported, "the plugin keeps no state");
            }
        });
    }
    static void destroy(symphony_instance* self) noexcept { delete &of(self); }

    static constexpr symphony_instance_ops ops{
        sizeof(symphony_instance_ops),
        Flags | (HasState<Plugin> ? SYMPHONY_INSTANCE_STATEFUL : 0u),
        &init, &query, &activate, &invoke, &cancel, &quiesce, &deactivate, &save_state, &load_state, &destroy};

    HostContext context_;
    std::shared_ptr<InFlight> in_flight_;
    std::unique_ptr<Plugin> plugin_;
};

constexpr symphony_str literal(std::string_view text) noexcept { return {text.data(), text.size()}; }

} // namespace detail

} // namespace symphony

/// The descriptor of a plugin class, for entry functions and for tests that load it without a library.
#define SYMPHONY_DESCRIPTOR(Class, flags_)                                                             \
    symphony_plugin {                                                                                  \
        sizeof(symphony_plugin), SYMPHONY_MAGIC, SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR,               \
            SYMPHONY_TARGET_MINOR, 0, 0, 0, ::symphony::detail::literal(SYMPHONY_PLUGIN_ID),           \
            ::symphony::detail::literal(SYMPHONY_PLUGIN_VERSION),                                      \
            &::symphony::detail::Instance<Class, (flags_)>::create                                     \
    }

/// Put once in src/plugin.cpp. Flags must agree with the manifest's `threads`:
/// serial 0, concurrent SYMPHONY_INSTANCE_CONCURRENT, blocking SYMPHONY_INSTANCE_BLOCKING, or both.
#define SYMPHONY_PLUGIN_WITH(Class, flags)                                                             \
    SYMPHONY_NOTE()                                                                                    \
    extern "C" SYMPHONY_EXPORT const symphony_plugin* symphony_plugin_v1() noexcept {                  \
        static constexpr symphony_plugin descriptor = SYMPHONY_DESCRIPTOR(Class, flags);               \
        return &descriptor;                                                                            \
    }
#define SYMPHONY_PLUGIN(Class) SYMPHONY_PLUGIN_WITH(Class, 0u)
