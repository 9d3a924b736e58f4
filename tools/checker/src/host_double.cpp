// SPDX-License-Identifier: Apache-2.0
#include "host_double.hpp"

#include <symphony/abi/services/config.h>
#include <symphony/abi/services/models.h>
#include <symphony/abi/services/net.h>
#include <symphony/abi/services/ports.h>
#include <symphony/abi/services/secrets.h>
#include <symphony/manifests/rights.hpp>

#include <algorithm>
#include <cstring>

namespace symphony::checker {
namespace {

constexpr std::size_t newer_bytes = 64;

symphony_status refuse(symphony_error* error, Code code, std::string_view reason, std::string message) {
    return to_c(Error(code, reason, std::move(message)), error);
}

symphony_status connect(void*, symphony_str, std::uint32_t, std::uint32_t, std::uint64_t, std::int32_t*, symphony_error* error) {
    return refuse(error, Code::io, "cannot-connect", "this host reaches no network");
}
symphony_status get_secret(void*, symphony_str, symphony_buf*, symphony_error* error) {
    return refuse(error, Code::not_found, "secret-not-set", "nobody has given the secret");
}
symphony_status open_secret(void*, symphony_str, std::int32_t*, symphony_error* error) {
    return refuse(error, Code::not_found, "secret-not-set", "nobody has given the secret");
}
symphony_status list_models(void*, symphony_buf* out, symphony_error*) {
    *out = ValueBuilder().list().end().build().buffer().release();
    return SYMPHONY_OK;
}
symphony_status open_model(void*, symphony_str, symphony_str, std::int32_t*, symphony_error* error) {
    return refuse(error, Code::unsupported, "no-pool", "no pool of models is installed");
}
symphony_status acquire(void*, symphony_str port, symphony_str, symphony_handle*, symphony_error* error) {
    return refuse(error, Code::not_found, "no-provider", "nobody provides " + std::string(from_c(port)));
}
void release(void*, symphony_handle) {}
symphony_status invoke(void*, symphony_handle, const symphony_call*, symphony_handle*, symphony_error* error) {
    return refuse(error, Code::misuse, "stale-handle", "no such port handle");
}
void cancel(void*, symphony_handle) {}
symphony_status list_ports(void*, symphony_str, symphony_buf* out) {
    *out = ValueBuilder().list().end().build().buffer().release();
    return SYMPHONY_OK;
}

constexpr symphony_host_net no_network{sizeof(symphony_host_net), 0, &connect};
constexpr symphony_host_secrets no_secrets{sizeof(symphony_host_secrets), 0, &get_secret, &open_secret};
constexpr symphony_host_models no_models{sizeof(symphony_host_models), 0, &list_models, &open_model};
constexpr symphony_host_ports no_ports{sizeof(symphony_host_ports), 0, &acquire, &release, &invoke, &cancel, &list_ports};

std::set<std::string> roots_of(const manifests::Manifest& manifest) {
    std::set<std::string> roots;
    for (const auto& asked : manifests::asked_of(manifest)) {
        if (asked.right.kind() == manifests::RightKind::file) roots.emplace(asked.right.root());
    }
    return roots;
}

} // namespace

std::vector<std::string> HostDouble::grants(const manifests::Manifest& manifest) {
    std::vector<std::string> out;
    const auto roots = roots_of(manifest);
    if (!roots.empty()) out.emplace_back(SYMPHONY_HOST_FS);
    out.insert(out.end(), roots.begin(), roots.end());
    const auto has = [&](manifests::CapabilityKind kind) {
        return std::any_of(manifest.capabilities.begin(), manifest.capabilities.end(), [kind](const auto& one) { return one.kind == kind; });
    };
    if (has(manifests::CapabilityKind::network_access)) out.emplace_back(SYMPHONY_HOST_NET);
    if (has(manifests::CapabilityKind::model_access)) out.emplace_back(SYMPHONY_HOST_MODELS);
    if (!manifest.needs.empty()) out.emplace_back(SYMPHONY_HOST_PORTS);
    if (std::any_of(manifest.configuration.begin(), manifest.configuration.end(), [](const auto& key) { return key.secret; })) {
        out.emplace_back(SYMPHONY_HOST_SECRETS);
    }
    return out;
}

HostDouble::HostDouble(const manifests::Manifest& manifest, Age age, const std::set<std::string>& withheld) : age_(age) {
    for (auto& grant : grants(manifest)) {
        if (withheld.contains(grant)) continue;
        if (grant.find('/') != std::string::npos) {
            services_.insert(std::move(grant));
            continue;
        }
        const auto folder = folder_.path() / grant;
        std::filesystem::create_directory(folder);
        grant_files(grant, folder);
    }
    own_ = *c_host();
    own_.query = &query;
    table_ = static_cast<const symphony_host*>(aged(&own_));
}

const void* HostDouble::query(void* ctx, symphony_str id) {
    HostDouble& self = of(ctx);
    const void* table = self.find(from_c(id));
    return table == nullptr ? nullptr : self.aged(table);
}

const void* HostDouble::find(std::string_view id) {
    static constexpr symphony_host_config config_ops{
        sizeof(symphony_host_config), 0, [](void* ctx, symphony_str key, symphony_buf* out) -> symphony_status {
            const ValueView value = of(ctx).configuration_[from_c(key)];
            if (!value.exists()) return SYMPHONY_E_NOT_FOUND;
            *out = Buffer::copy(value.bytes()).release();
            return SYMPHONY_OK;
        }};
    if (id == SYMPHONY_HOST_CONFIG) return &config_ops;
    if (id == SYMPHONY_HOST_LOG || id == SYMPHONY_HOST_METRICS || id == SYMPHONY_HOST_ABOUT) return c_host()->query(c_host()->ctx, to_c(id));
    if (!services_.contains(id)) return nullptr;
    if (id == SYMPHONY_HOST_FS) return c_host()->query(c_host()->ctx, to_c(id));
    if (id == SYMPHONY_HOST_NET) return &no_network;
    if (id == SYMPHONY_HOST_SECRETS) return &no_secrets;
    if (id == SYMPHONY_HOST_MODELS) return &no_models;
    if (id == SYMPHONY_HOST_PORTS) return &no_ports;
    return nullptr;
}

const void* HostDouble::aged(const void* table) {
    if (age_ == Age::own) return table;
    const std::lock_guard lock(mutex_);
    if (const auto found = aged_.find(table); found != aged_.end()) return found->second.data();
    std::uint32_t size = 0;
    std::memcpy(&size, table, sizeof size);
    std::string copy(static_cast<const char*>(table), size);
    constexpr std::size_t one_function = 8 + sizeof(void*);
    if (age_ == Age::newer) copy.append(newer_bytes, '\xA5');
    else if (size > one_function) copy.resize(size - sizeof(void*));
    const auto written = static_cast<std::uint32_t>(copy.size());
    std::memcpy(copy.data(), &written, sizeof written);
    Guarded guarded(copy.data(), copy.size(), alignof(void*));
    guarded.protect();
    return aged_.emplace(table, std::move(guarded)).first->second.data();
}

} // namespace symphony::checker
