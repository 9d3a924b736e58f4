// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/user_registries.hpp>

#include <algorithm>
#include <chrono>

namespace symphony::packaging {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t wait_ms_usual = 30'000;

/// The least that is enough, where the host names all that the manifest asks for.
std::string grant_of(const std::string& plugin, const std::string& name, std::uint16_t port) {
    const bool brackets = name.find(':') != std::string::npos;
    return "symphony permission grant " + plugin + " 'network:" + (brackets ? "[" + name + "]" : name) + ":" + std::to_string(port) + "'";
}

Result<std::unique_ptr<Fetch>> fetch_of(Host host, const UserRegistries::Options& options, const std::string& address) {
    if (!is_web(address)) return std::unique_ptr<Fetch>(std::make_unique<FolderFetch>(address));
    auto web = SYMPHONY_TRY(WebAddress::parse(address));
    const auto net = SYMPHONY_TRY(host.net());
    HttpPatience patience;
    patience.silence = std::chrono::milliseconds(host.config()["network_wait"].as_uint(wait_ms_usual));
    patience.cancelled = options.cancelled;
    Connect connect = [net, host, plugin = options.plugin, longest = patience.silence](const std::string& name, std::uint16_t port, bool tls) -> Result<Stream> {
        auto stream = net.connect(name, port, tls ? Net::tls : 0, host.deadline_in(longest));
        if (stream || stream.error().reason() != "not-granted") return stream;
        return std::move(stream).error().with_hint(grant_of(plugin, name, port));
    };
    return std::unique_ptr<Fetch>(std::make_unique<HttpFetch>(std::move(web), std::move(connect), std::move(patience)));
}

RegistryOptions options_of(const RegistryList::Entry& entry, const About& about, const UserRegistries::Options& options) {
    RegistryOptions out;
    out.root_keys = entry.root_keys;
    out.state = fs::path(about.state) / "registries" / entry.name;
    out.cache = fs::path(about.cache) / "registries" / entry.name;
    out.offline = options.offline;
    out.stale_is_fine = options.stale_is_fine;
    out.now = static_cast<UnixTime>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    return out;
}

} // namespace

bool is_web(std::string_view address) noexcept { return address.starts_with("https://") || address.starts_with("http://"); }

Error of_registry(const std::string& name, Error error) {
    if (error.hint().empty()) error.with_hint("see whether its address is right, and tell who runs it; --offline does with what was fetched before");
    return std::move(error).in("registry " + name);
}

fs::path registries_file(const About& about) { return fs::path(about.config) / "registries.toml"; }

Result<UserRegistries> UserRegistries::open(Host host, const About& about, const Options& options) {
    const auto list = SYMPHONY_TRY(RegistryList::load(registries_file(about)));
    if (list.all.empty()) {
        return Error(Code::not_found, "no-registry", "no registry is configured", "symphony packages registry add NAME ADDRESS --root-key KEY; or name a .sympkg file");
    }
    UserRegistries out;
    for (const auto& entry : list.all) {
        if (!options.only.empty() && entry.name != options.only) continue;
        auto fetch = fetch_of(host, options, entry.address);
        if (!fetch) return of_registry(entry.name, std::move(fetch).error());
        auto registry = Registry::open(**fetch, options_of(entry, about, options));
        if (!registry) return of_registry(entry.name, std::move(registry).error());
        if (registry->is_stale() && !options.stale_is_fine && options.note) options.note("registry " + entry.name + " may be out of date: its snapshot's time is over");
        out.all_.push_back({entry.name, entry.address, *std::move(fetch), std::make_unique<Registry>(*std::move(registry))});
    }
    return out;
}

std::vector<Registry*> UserRegistries::all() const {
    std::vector<Registry*> out;
    for (const auto& one : all_) out.push_back(one.registry.get());
    return out;
}

std::string UserRegistries::name_of(const Registry& registry) const {
    for (const auto& one : all_) {
        if (one.registry.get() == &registry) return one.name;
    }
    return registry.name();
}

std::vector<Lock::Registry> UserRegistries::for_lock() const {
    std::vector<Lock::Registry> out;
    for (const auto& one : all_) {
        const bool there = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.name == one.registry->name(); });
        // A folder's address means something on this machine alone.
        if (!there) out.push_back({one.registry->name(), one.registry->root_key(), one.registry->snapshot().number, is_web(one.address) ? one.address : std::string()});
    }
    return out;
}

Error unknown_registry(const Lock::Registry& missing) {
    return {Code::not_found, "unknown-registry", "the lock takes plugins from the registry " + missing.name + ", and none that is configured has this name",
            "symphony packages registry add " + missing.name + " " + (missing.address.empty() ? "ADDRESS" : missing.address) + " --root-key " + missing.root_key};
}

Status UserRegistries::check_has(const Lock& lock) const {
    for (const auto& wanted : lock.registries) {
        if (std::none_of(all_.begin(), all_.end(), [&](const One& one) { return one.registry->name() == wanted.name; })) return unknown_registry(wanted);
    }
    return {};
}

} // namespace symphony::packaging
