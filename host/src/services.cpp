// SPDX-License-Identifier: Apache-2.0
#include "services.hpp"

#include "instance.hpp"
#include "metrics.hpp"

#include <symphony/abi/services/about.h>
#include <symphony/abi/services/config.h>
#include <symphony/abi/services/fs.h>
#include <symphony/abi/services/log.h>
#include <symphony/abi/services/metrics.h>
#include <symphony/abi/services/ports.h>
#include <symphony/brokers/services.hpp>
#include <symphony/manifests/manifest.hpp>
#include <symphony/utf8.hpp>

#include <new>

namespace symphony::host {
namespace {

Instance& self(void* ctx) { return *static_cast<Instance*>(ctx); }

/// What is behind a C function: its exceptions, which can only be memory, become a status.
template <class Function>
symphony_status answer(symphony_error* error, Function function) noexcept {
    try {
        Status done = function();
        return done ? SYMPHONY_OK : to_c(done.error(), error);
    } catch (const std::bad_alloc&) {
        return to_c(Error(Code::exhausted, "out of memory"), error);
    } catch (const std::exception& thrown) {
        return to_c(Error(Code::internal, thrown.what()), error);
    }
}

// --- log, config, metrics: always there ---

void log_write(void* ctx, std::uint32_t level, symphony_str text) {
    try {
        self(ctx).write_log(level, from_c(text));
    } catch (const std::exception&) { // only memory can be short: a line less
    }
}
constexpr symphony_host_log log_service{sizeof(symphony_host_log), 0, &log_write};

symphony_status config_get(void* ctx, symphony_str key, symphony_buf* out) {
    return answer(nullptr, [&]() -> Status {
        const ValueView value = self(ctx).config()[from_c(key)];
        if (!value.exists() || out == nullptr) return Error(Code::not_found, "no such key");
        *out = Buffer::copy(value.bytes()).release();
        return {};
    });
}
constexpr symphony_host_config config_service{sizeof(symphony_host_config), 0, &config_get};

void metrics_count(void* ctx, symphony_str name, std::uint64_t add) {
    const Instance& plugin = self(ctx);
    if (plugin.metrics_enabled()) plugin.host().metrics().count(plugin.manifest().name(), from_c(name), add);
}
void metrics_gauge(void* ctx, symphony_str name, double value) {
    const Instance& plugin = self(ctx);
    if (plugin.metrics_enabled()) plugin.host().metrics().gauge(plugin.manifest().name(), from_c(name), value);
}
void metrics_observe(void* ctx, symphony_str name, double value) {
    const Instance& plugin = self(ctx);
    if (plugin.metrics_enabled()) plugin.host().metrics().observe(plugin.manifest().name(), from_c(name), value);
}
constexpr symphony_host_metrics metrics_service{sizeof(symphony_host_metrics), 0, &metrics_count, &metrics_gauge, &metrics_observe};

// --- about: only in this process ---

symphony_status about_get(void* ctx, symphony_buf* out, symphony_error* error) {
    return answer(error, [&]() -> Status {
        if (out == nullptr) return Error(Code::invalid_argument, "no place for the answer");
        *out = self(ctx).host().options().about.value().buffer().release();
        return {};
    });
}
constexpr symphony_host_about about_service{sizeof(symphony_host_about), 0, &about_get};

// --- files: only when file_access asks and something of it is granted ---

/// What is wrong with a request itself is written down here; that a right is missing, by who decides on rights.
Status noted(void* ctx, symphony_str root, std::string_view path, Status done) {
    if (done) return done;
    for (const std::string_view reason : {"bad-right", "path-escape", "hard-link", "host-state"}) {
        if (done.error().reason() != reason) continue;
        self(ctx).record_refused("file", std::string(from_c(root).substr(0, 40)) + "/" + std::string(path.substr(0, 4096)), done.error());
    }
    return done;
}

symphony_status fs_open(void* ctx, symphony_str root, symphony_str path, std::uint32_t flags, std::int32_t* fd_out, symphony_error* error) {
    return answer(error, [&]() -> Status {
        if (fd_out == nullptr) return Error(Code::invalid_argument, "no place for the descriptor");
        const Result<int> file = self(ctx).files().open(from_c(root), from_c(path), flags);
        if (!file) return noted(ctx, root, from_c(path), file.error());
        *fd_out = *file;
        return {};
    });
}
symphony_status fs_list(void* ctx, symphony_str root, symphony_str path, symphony_buf* out, symphony_error* error) {
    return answer(error, [&]() -> Status {
        if (out == nullptr) return Error(Code::invalid_argument, "no place for the listing");
        const Result<Value> listing = self(ctx).files().list(from_c(root), from_c(path));
        if (!listing) return noted(ctx, root, from_c(path), listing.error());
        *out = Buffer(listing->buffer()).release();
        return {};
    });
}
symphony_status fs_rename(void* ctx, symphony_str root, symphony_str from, symphony_str to, symphony_error* error) {
    return answer(error, [&]() -> Status {
        const std::string both = std::string(from_c(from).substr(0, 2048)) + " to " + std::string(from_c(to).substr(0, 2048)); // either may be at fault
        return noted(ctx, root, both, self(ctx).files().rename(from_c(root), from_c(from), from_c(to)));
    });
}
symphony_status fs_remove(void* ctx, symphony_str root, symphony_str path, symphony_error* error) {
    return answer(error, [&]() -> Status { return noted(ctx, root, from_c(path), self(ctx).files().remove(from_c(root), from_c(path))); });
}
symphony_status fs_sync_folder(void* ctx, symphony_str root, symphony_str path, symphony_error* error) {
    return answer(error, [&]() -> Status { return noted(ctx, root, from_c(path), self(ctx).files().sync_folder(from_c(root), from_c(path))); });
}
constexpr symphony_host_fs fs_service{sizeof(symphony_host_fs), 0, &fs_open, &fs_list, &fs_rename, &fs_remove, &fs_sync_folder};

// --- ports: only those in [requires] ---

symphony_status ports_acquire(void* ctx, symphony_str port, symphony_str provider, symphony_handle* out, symphony_error* error) {
    return answer(error, [&]() -> Status {
        if (out == nullptr) return Error(Code::invalid_argument, "no place for the handle");
        Instance& plugin = self(ctx);
        const manifests::Require* need = plugin.find_need(from_c(port));
        if (need == nullptr) {
            const std::string name(from_c(port).substr(0, 100));
            return Error(Code::not_granted, "port-not-required", plugin.who() + ": may not use " + name, "name \"" + name + "\" in [requires] of its manifest");
        }
        const std::string_view wanted = from_c(provider).empty() ? std::string_view(need->provider) : from_c(provider);
        *out = SYMPHONY_TRY(plugin.host().acquire_for(plugin, need->port, wanted));
        return {};
    });
}
void ports_release(void* ctx, symphony_handle port) { self(ctx).host().release_for(self(ctx), port); }

symphony_status ports_invoke(void* ctx, symphony_handle port, const symphony_call* call, symphony_handle* call_out, symphony_error* error) {
    Instance& plugin = self(ctx);
    symphony_call named;
    Target* callee = plugin.host().find_port(&plugin, port, named.port);
    if (callee == nullptr) [[unlikely]] return to_c(Error(Code::not_found, "stale-port", plugin.who() + ": called a port handle that it does not hold, or no longer"), error);
    if (call == nullptr || call->struct_size < sizeof named || !callable(call->ops, &symphony_call_ops::complete) || !callable(call->ops, &symphony_call_ops::fail)) [[unlikely]] {
        return to_c(Error(Code::misuse, "bad-call", plugin.who() + ": made a call without a place for its answer"), error);
    }
    const symphony_str name = named.port;
    named = *call;
    named.port = name;
    return enter(plugin.host().calls(), *callee, &plugin, named, call_out, error);
}
void ports_cancel(void* ctx, symphony_handle call) { self(ctx).host().calls().cancel(call, &self(ctx)); }

symphony_status ports_list(void* ctx, symphony_str port, symphony_buf* out) {
    return answer(nullptr, [&]() -> Status {
        if (out == nullptr || !self(ctx).needs(from_c(port))) return Error(Code::not_granted, "not in [requires]");
        *out = self(ctx).host().list_ports(from_c(port)).buffer().release();
        return {};
    });
}
constexpr symphony_host_ports ports_service{sizeof(symphony_host_ports), 0, &ports_acquire, &ports_release, &ports_invoke, &ports_cancel, &ports_list};

// --- network, secrets, models: only when the manifest asks for some, and nothing of policy denies all of it ---

const brokers::PluginServices& brokers_of(void* ctx) { return self(ctx).brokers(); }
using Brokered = brokers::ServiceTables<&brokers_of>;

// --- the one table: which service, what grants it, where it is ---

enum class Grant : std::uint8_t { always, in_process, requires_a_port, file_access, network_access, secret_keys, model_access, not_yet };
struct Service {
    std::string_view id;
    Grant grant;
    const void* functions;
};
constexpr Service services[] = {
    {SYMPHONY_HOST_LOG, Grant::always, &log_service},
    {SYMPHONY_HOST_CONFIG, Grant::always, &config_service},
    {SYMPHONY_HOST_METRICS, Grant::always, &metrics_service},
    {SYMPHONY_HOST_ABOUT, Grant::in_process, &about_service},
    {SYMPHONY_HOST_PORTS, Grant::requires_a_port, &ports_service},
    {SYMPHONY_HOST_FS, Grant::file_access, &fs_service},
    {SYMPHONY_HOST_NET, Grant::network_access, &Brokered::net},
    {SYMPHONY_HOST_SECRETS, Grant::secret_keys, &Brokered::secrets},
    {SYMPHONY_HOST_MODELS, Grant::model_access, &Brokered::models},
    {"symphony.host.tasks/1", Grant::not_yet, nullptr},
    {"symphony.host.timers/1", Grant::not_yet, nullptr},
};

const void* host_query(void* ctx, symphony_str id) {
    const Instance& plugin = self(ctx);
    for (const Service& service : services) {
        if (service.id != from_c(id)) continue;
        switch (service.grant) {
        case Grant::always: return service.functions;
        case Grant::in_process: return plugin.placement().isolated ? nullptr : service.functions;
        case Grant::requires_a_port: return plugin.manifest().needs.empty() ? nullptr : service.functions;
        case Grant::file_access: return plugin.files().any() && plugin.offers(manifests::RightKind::file) ? service.functions : nullptr;
        case Grant::network_access: return plugin.brokers().client && plugin.offers(manifests::RightKind::network) ? service.functions : nullptr;
        case Grant::secret_keys: return plugin.brokers().secrets && plugin.brokers().secrets->any() ? service.functions : nullptr;
        case Grant::model_access: return plugin.brokers().models && plugin.offers(manifests::RightKind::model) ? service.functions : nullptr;
        case Grant::not_yet: return nullptr;
        }
    }
    return nullptr;
}

symphony_status host_buf_alloc(void*, std::uint64_t size, symphony_buf* out) {
    return answer(nullptr, [&]() -> Status {
        if (out == nullptr) return Error(Code::invalid_argument, "no place for the buffer");
        *out = Buffer::make(static_cast<std::size_t>(size)).release();
        return {};
    });
}
std::uint64_t host_now_ns(void* ctx) { return self(ctx).host().now_ns(); }

} // namespace

symphony_host host_for(Instance& instance) {
    return {sizeof(symphony_host), SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, &instance, &host_query, &host_buf_alloc, &host_now_ns};
}

} // namespace symphony::host
