// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/models.h>
#include <symphony/abi/services/net.h>
#include <symphony/abi/services/secrets.h>
#include <symphony/brokers/models.hpp>
#include <symphony/brokers/network.hpp>
#include <symphony/brokers/secrets.hpp>

#include <memory>
#include <new>

namespace symphony::brokers {

/// What the services of one plugin are answered with. Null: the service is not offered.
struct PluginServices {
    NetworkBroker* network = nullptr;  ///< shared by all plugins
    std::shared_ptr<const NetworkClient> client;
    std::shared_ptr<const Secrets> secrets;
    std::shared_ptr<const Models> models;
};

namespace detail {

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

inline Status absent(std::string_view service) {
    return Error(Code::not_granted, "service-not-granted", "host service " + std::string(service) + " is not granted");
}

/// 0 and what lies beyond every clock: none.
inline std::chrono::steady_clock::time_point deadline_of(std::uint64_t deadline_ns) {
    if (deadline_ns == 0 || deadline_ns > static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count())) {
        return std::chrono::steady_clock::time_point::max();
    }
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(static_cast<std::int64_t>(deadline_ns)));
}

} // namespace detail

/// The function tables, over whatever the host passes as `ctx`: `of` finds the plugin's services behind it.
/// `&ServiceTables<&services_of>::net` is what query() answers for "symphony.host.net/1".
template <const PluginServices& (*of)(void* ctx)>
struct ServiceTables {
    static symphony_status net_connect(void* ctx, symphony_str host, std::uint32_t port, std::uint32_t flags, std::uint64_t deadline_ns, std::int32_t* fd_out,
                                       symphony_error* error) noexcept {
        return detail::answer(error, [&]() -> Status {
            const PluginServices& plugin = of(ctx);
            if (plugin.network == nullptr || plugin.client == nullptr) return detail::absent(SYMPHONY_HOST_NET);
            if (fd_out == nullptr) return Error(Code::invalid_argument, "no place for the stream");
            *fd_out = SYMPHONY_TRY(plugin.network->connect(plugin.client, from_c(host), port, flags, detail::deadline_of(deadline_ns)));
            return {};
        });
    }
    static symphony_status secrets_get(void* ctx, symphony_str key, symphony_buf* out, symphony_error* error) noexcept {
        return detail::answer(error, [&]() -> Status {
            const PluginServices& plugin = of(ctx);
            if (plugin.secrets == nullptr) return detail::absent(SYMPHONY_HOST_SECRETS);
            if (out == nullptr) return Error(Code::invalid_argument, "no place for the secret");
            *out = SYMPHONY_TRY(plugin.secrets->get(from_c(key))).release();
            return {};
        });
    }
    static symphony_status secrets_open(void* ctx, symphony_str key, std::int32_t* fd_out, symphony_error* error) noexcept {
        return detail::answer(error, [&]() -> Status {
            const PluginServices& plugin = of(ctx);
            if (plugin.secrets == nullptr) return detail::absent(SYMPHONY_HOST_SECRETS);
            if (fd_out == nullptr) return Error(Code::invalid_argument, "no place for the secret");
            *fd_out = SYMPHONY_TRY(plugin.secrets->open(from_c(key)));
            return {};
        });
    }
    static symphony_status models_list(void* ctx, symphony_buf* out, symphony_error* error) noexcept {
        return detail::answer(error, [&]() -> Status {
            const PluginServices& plugin = of(ctx);
            if (plugin.models == nullptr) return detail::absent(SYMPHONY_HOST_MODELS);
            if (out == nullptr) return Error(Code::invalid_argument, "no place for the list");
            *out = SYMPHONY_TRY(plugin.models->list()).buffer().release();
            return {};
        });
    }
    static symphony_status models_open(void* ctx, symphony_str model, symphony_str file, std::int32_t* fd_out, symphony_error* error) noexcept {
        return detail::answer(error, [&]() -> Status {
            const PluginServices& plugin = of(ctx);
            if (plugin.models == nullptr) return detail::absent(SYMPHONY_HOST_MODELS);
            if (fd_out == nullptr) return Error(Code::invalid_argument, "no place for the descriptor");
            *fd_out = SYMPHONY_TRY(plugin.models->open(from_c(model), from_c(file)));
            return {};
        });
    }

    static constexpr symphony_host_net net{sizeof(symphony_host_net), 0, &net_connect};
    static constexpr symphony_host_secrets secrets{sizeof(symphony_host_secrets), 0, &secrets_get, &secrets_open};
    static constexpr symphony_host_models models{sizeof(symphony_host_models), 0, &models_list, &models_open};
};

} // namespace symphony::brokers
