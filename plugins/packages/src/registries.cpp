// SPDX-License-Identifier: Apache-2.0
#include "registries.hpp"

#include <algorithm>
#include <chrono>

namespace symphony::packages {
namespace fs = std::filesystem;

bool is_web(std::string_view address) noexcept { return address.starts_with("https://") || address.starts_with("http://"); }

namespace {

std::unique_ptr<packaging::Fetch> folder_fetch(const std::string& address) { return std::make_unique<packaging::FolderFetch>(address); }

/// The least that is enough, where the host names all that the manifest asks for.
std::string grant_of(const std::string& name, std::uint16_t port) {
    const bool brackets = name.find(':') != std::string::npos;
    return "symphony permission grant packages 'network:" + (brackets ? "[" + name + "]" : name) + ":" + std::to_string(port) + "'";
}

/// A folder, or a web server through the host's network broker, which asks whether this plugin may.
Result<std::unique_ptr<packaging::Fetch>> fetch_of(const CommandLine& line, const std::string& address) {
    if (!is_web(address)) return folder_fetch(address);
    auto web = SYMPHONY_TRY(packaging::WebAddress::parse(address));
    const auto net = SYMPHONY_TRY(line.host().net());
    packaging::HttpPatience patience;
    patience.silence = std::chrono::milliseconds(line.host().config()["network_wait"].as_uint(30'000));
    patience.cancelled = [&line] { return line.cancelled(); };
    packaging::Connect connect = [net, host = line.host(), longest = patience.silence](const std::string& name, std::uint16_t port, bool tls) -> Result<Stream> {
        auto stream = net.connect(name, port, tls ? Net::tls : 0, host.deadline_in(longest));
        if (stream || stream.error().reason() != "not-granted") return stream;
        return std::move(stream).error().with_hint(grant_of(name, port));
    };
    return std::unique_ptr<packaging::Fetch>(std::make_unique<packaging::HttpFetch>(std::move(web), std::move(connect), std::move(patience)));
}

} // namespace

Error of_registry(const std::string& name, Error error) {
    if (error.hint().empty()) error.with_hint("see whether its address is right, and tell who runs it; --offline does with what was fetched before");
    return std::move(error).in("registry " + name);
}

fs::path registries_file(const CommandLine& line) { return fs::path(line.about().config) / "registries.toml"; }

Result<Registries> Registries::open(const CommandLine& line, bool offline, const std::string& only, bool stale_is_fine) {
    const auto list = SYMPHONY_TRY(packaging::RegistryList::load(registries_file(line)));
    if (list.all.empty()) {
        return Error(Code::not_found, "no-registry", "no registry is configured", "symphony packages registry add NAME ADDRESS --root-key KEY; or name a .sympkg file");
    }
    Registries out;
    for (const auto& entry : list.all) {
        if (!only.empty() && entry.name != only) continue;
        auto fetch = fetch_of(line, entry.address);
        if (!fetch) return of_registry(entry.name, std::move(fetch).error());
        packaging::RegistryOptions options;
        options.root_keys = entry.root_keys;
        options.state = fs::path(line.about().state) / "registries" / entry.name;
        options.cache = fs::path(line.about().cache) / "registries" / entry.name;
        options.offline = offline;
        options.stale_is_fine = stale_is_fine;
        options.now = static_cast<packaging::UnixTime>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
        auto registry = packaging::Registry::open(**fetch, std::move(options));
        if (!registry) return of_registry(entry.name, std::move(registry).error());
        if (registry->is_stale() && !stale_is_fine) line.err("note: registry " + entry.name + " may be out of date: its snapshot's time is over");
        out.all_.push_back({entry.name, entry.address, *std::move(fetch), std::make_unique<packaging::Registry>(*std::move(registry))});
    }
    return out;
}

std::vector<packaging::Registry*> Registries::all() const {
    std::vector<packaging::Registry*> out;
    for (const auto& one : all_) out.push_back(one.registry.get());
    return out;
}

std::string Registries::name_of(const packaging::Registry& registry) const {
    for (const auto& one : all_) {
        if (one.registry.get() == &registry) return one.name;
    }
    return registry.name();
}

std::vector<packaging::Lock::Registry> Registries::for_lock() const {
    std::vector<packaging::Lock::Registry> out;
    for (const auto& one : all_) {
        const bool there = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.name == one.registry->name(); });
        // A folder's address means something on this machine alone.
        if (!there) out.push_back({one.registry->name(), one.registry->root_key(), one.registry->snapshot().number, is_web(one.address) ? one.address : std::string()});
    }
    return out;
}

Error unknown_registry(const packaging::Lock::Registry& missing) {
    return {Code::not_found, "unknown-registry", "the lock takes plugins from the registry " + missing.name + ", and none that is configured has this name",
            "symphony packages registry add " + missing.name + " " + (missing.address.empty() ? "ADDRESS" : missing.address) + " --root-key " + missing.root_key};
}

Status Registries::check_has(const packaging::Lock& lock) const {
    for (const auto& wanted : lock.registries) {
        if (std::none_of(all_.begin(), all_.end(), [&](const One& one) { return one.registry->name() == wanted.name; })) return unknown_registry(wanted);
    }
    return {};
}

} // namespace symphony::packages
