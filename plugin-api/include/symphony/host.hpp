// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/about.hpp>
#include <symphony/abi/host.h>
#include <symphony/abi/services/config.h>
#include <symphony/abi/services/fs.h>
#include <symphony/abi/services/log.h>
#include <symphony/abi/services/metrics.h>
#include <symphony/abi/services/ports.h>
#ifndef _WIN32
#include <symphony/files.hpp>
#include <symphony/net.hpp>
#endif
#include <symphony/secrets.hpp>
#include <symphony/value.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

enum class Level : std::uint32_t {
    trace = SYMPHONY_LOG_TRACE,
    debug = SYMPHONY_LOG_DEBUG,
    info = SYMPHONY_LOG_INFO,
    warn = SYMPHONY_LOG_WARN,
    error = SYMPHONY_LOG_ERROR,
};

class Ports;

namespace detail {

/// What one instance knows of its host. Lives as long as the instance.
class HostContext {
public:
    HostContext(const symphony_host* host, Value config) : host_(host), config_(std::move(config)) {}

    const symphony_host* host() const noexcept { return host_; }
    void* ctx() const noexcept { return host_ == nullptr ? nullptr : host_->ctx; }
    const Value& config() const noexcept { return config_; }

    /// A service asked for once; NULL when it is absent or not granted.
    enum Slot { log, fs, ports, metrics, net, secrets, about, slots };
    template <class Service>
    const Service* service(Slot slot, std::string_view id) const noexcept {
        const void* found = found_[slot].load(std::memory_order_acquire);
        if (found == &unasked) {
            found = callable(host_, &symphony_host::query) ? host_->query(host_->ctx, to_c(id)) : nullptr;
            found_[slot].store(found, std::memory_order_release);
        }
        return static_cast<const Service*>(found);
    }

private:
    static constexpr char unasked = 0;
    const symphony_host* host_;
    Value config_;
    mutable std::atomic<const void*> found_[slots] = {&unasked, &unasked, &unasked, &unasked, &unasked, &unasked, &unasked};
};

} // namespace detail

/// Counters of the plugin; the host adds its name. Does nothing while `metrics_enabled` is false.
/// Names are snake_case with the unit last. [any]
class Metrics {
public:
    void count(std::string_view name, std::uint64_t add = 1) const noexcept {
        if (callable(service_, &symphony_host_metrics::count)) service_->count(ctx_, to_c(name), add);
    }
    void gauge(std::string_view name, double value) const noexcept {
        if (callable(service_, &symphony_host_metrics::gauge)) service_->gauge(ctx_, to_c(name), value);
    }
    /// One sample of a histogram.
    void observe(std::string_view name, double value) const noexcept {
        if (callable(service_, &symphony_host_metrics::observe)) service_->observe(ctx_, to_c(name), value);
    }

private:
    friend class Host;
    Metrics(const symphony_host_metrics* service, void* ctx) noexcept : service_(service), ctx_(ctx) {}
    const symphony_host_metrics* service_;
    void* ctx_;
};

/// The host as a plugin sees it: a cheap handle, valid for the instance's life, usable on any thread.
/// A default-constructed one has no host behind it (nothing is granted), which is enough for many tests.
class Host {
public:
    Host() noexcept = default;
    explicit Host(const detail::HostContext* context) noexcept : context_(context) {}

    /// Goes to the host's log with the plugin's name; never to stdout. [any]
    void log(Level level, std::string_view text) const noexcept {
        const auto* service = find<symphony_host_log>(detail::HostContext::log, SYMPHONY_HOST_LOG);
        if (callable(service, &symphony_host_log::write)) service->write(ctx(), static_cast<std::uint32_t>(level), to_c(text));
    }
    void info(std::string_view text) const noexcept { log(Level::info, text); }
    void warn(std::string_view text) const noexcept { log(Level::warn, text); }

    /// The effective configuration: a map of every key of the manifest's [configuration]. [any]
    const Value& config() const noexcept {
        static const Value& none = *new Value; // never ended: nothing of a plugin runs when the process ends
        return context_ == nullptr ? none : context_->config();
    }

#ifndef _WIN32 // these two services hand out descriptors of POSIX
    /// Files beneath granted roots, or `not_granted`. [any]
    Result<Files> files() const {
        const auto* service = find<symphony_host_fs>(detail::HostContext::fs, SYMPHONY_HOST_FS);
        if (service == nullptr) {
            return not_granted(SYMPHONY_HOST_FS, "add file_access = [\"read:workspace\"] to [capabilities] of manifest.toml, "
                                                 "then allow it with: symphony permission grant");
        }
        return Files(service, ctx());
    }
    Result<Files> fs() const { return files(); }

    /// Streams to granted hosts, or `not_granted`. [any]
    Result<Net> net() const {
        const auto* service = find<symphony_host_net>(detail::HostContext::net, SYMPHONY_HOST_NET);
        if (service == nullptr) {
            return not_granted(SYMPHONY_HOST_NET, "add network_access = [\"api.example.com:443\"] to [capabilities] of manifest.toml, "
                                                  "then allow it with: symphony permission grant");
        }
        return Net(service, ctx());
    }
#endif

    /// The plugin's secret configuration keys, or `not_granted`. [any]
    Result<Secrets> secrets() const {
        const auto* service = find<symphony_host_secrets>(detail::HostContext::secrets, SYMPHONY_HOST_SECRETS);
        if (service == nullptr) {
            return not_granted(SYMPHONY_HOST_SECRETS, "give a key of [configuration] in manifest.toml \"secret = true\"");
        }
        return Secrets(service, ctx());
    }

    /// The host and its folders. @return `unsupported`, reason "isolated": this plugin runs in a process of its own, or the
    /// host is older than this service. [any]
    Result<About> about() const {
        const auto* service = find<symphony_host_about>(detail::HostContext::about, SYMPHONY_HOST_ABOUT);
        if (!callable(service, &symphony_host_about::get)) {
            return Error(Code::unsupported, "isolated", "this plugin runs isolated, where the host's folders and programs are out of reach",
                         "let it run in process: it has to be trusted, and neither --isolate-all nor --isolate may name it");
        }
        symphony_buf out{};
        out.struct_size = sizeof out;
        symphony_error error{};
        error.struct_size = sizeof error;
        const auto status = service->get(ctx(), &out, &error);
        if (status < 0) return from_c(error, status);
        auto value = Value::checked(Buffer::adopt(out));
        if (!value) return value.error();
        return About::from(*value);
    }

    /// Other plugins' ports, or `not_granted`. [any]
    Result<Ports> ports() const;

    Metrics metrics() const noexcept {
        return {find<symphony_host_metrics>(detail::HostContext::metrics, SYMPHONY_HOST_METRICS), ctx()};
    }

    /// Monotonic nanoseconds, the clock of every deadline. [any]
    std::uint64_t now_ns() const noexcept {
        if (context_ != nullptr && callable(context_->host(), &symphony_host::now_ns)) return context_->host()->now_ns(ctx());
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::steady_clock::now().time_since_epoch()).count());
    }
    std::uint64_t deadline_in(std::chrono::nanoseconds time) const noexcept {
        return now_ns() + static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
    }

    /// A buffer in memory of the host, which can be handed to an isolated peer without a copy. [any]
    Result<Buffer> make_buffer(std::size_t size) const {
        if (context_ == nullptr || !callable(context_->host(), &symphony_host::buf_alloc)) return Buffer::make(size);
        symphony_buf buf{};
        buf.struct_size = sizeof buf;
        if (const auto status = context_->host()->buf_alloc(ctx(), size, &buf); status < 0) {
            return Error(Code::exhausted, "out-of-memory", "the host has no " + std::to_string(size) + " bytes for a buffer");
        }
        return Buffer::adopt(buf);
    }

    const detail::HostContext* context() const noexcept { return context_; }

private:
    void* ctx() const noexcept { return context_ == nullptr ? nullptr : context_->ctx(); }
    template <class Service>
    const Service* find(detail::HostContext::Slot slot, std::string_view id) const noexcept {
        return context_ == nullptr ? nullptr : context_->service<Service>(slot, id);
    }
    static Error not_granted(std::string_view service, std::string hint) {
        return {Code::not_granted, "service-not-granted", "host service " + std::string(service) + " is not granted", std::move(hint)};
    }
    const detail::HostContext* context_ = nullptr;
};

} // namespace symphony

#include <symphony/client.hpp> // IWYU pragma: export
