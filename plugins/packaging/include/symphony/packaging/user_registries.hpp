// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/fetch.hpp>
#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/registries.hpp>
#include <symphony/packaging/registry.hpp>

#include <symphony/about.hpp>
#include <symphony/host.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// The user's registries, verified and ready to be asked, in the order of registries.toml. One thread at a time.
class UserRegistries {
public:
    /// What opening them is about, besides the user's folders.
    struct Options {
        std::string plugin;           ///< the name of who asks: the hint how to grant it a web server
        bool offline = false;         ///< nothing is fetched from the network; a folder is always there
        bool stale_is_fine = false;   ///< also those whose snapshot's time is over, and nothing is said about it
        std::string only;             ///< the name of one of them; empty: all
        std::function<bool()> cancelled;                   ///< asked while a web server is waited for; may be empty
        std::function<void(const std::string&)> note = {}; ///< told what a person should know; may be empty
    };

    /// @param host   Of the plugin that asks. Web servers are reached through its network (`Net::connect`), which asks whether the plugin may, and waited for as long as
    ///   its setting `network_wait` says (30 s without one).
    /// @param about  The user's folders: `config` has registries.toml, `state` and `cache` are written.
    /// @return `not_found`, reason "no-registry", when none is configured; what RegistryList and Registry::open say, with the registry's name in front.
    static Result<UserRegistries> open(Host host, const About& about, const Options& options);

    std::vector<Registry*> all() const;
    /// The name by which the user calls it.
    std::string name_of(const Registry& registry) const;
    /// As locks name them: by the names that they have themselves.
    std::vector<Lock::Registry> for_lock() const;
    /// That all registries of a lock are there. @return `not_found`, reason "unknown-registry", with the command that adds the first one that is not.
    Status check_has(const Lock& lock) const;

private:
    struct One {
        std::string name, address;
        std::unique_ptr<Fetch> fetch;
        std::unique_ptr<Registry> registry;
    };
    std::vector<One> all_;
};

/// The file of a user's RegistryList.
std::filesystem::path registries_file(const About& about);
/// Whether it is the address of a web server, and not a folder.
bool is_web(std::string_view address) noexcept;
/// An error of a registry, with its name in front and something to do.
Error of_registry(const std::string& name, Error error);
/// How to get a registry that a lock needs.
Error unknown_registry(const Lock::Registry& missing);

} // namespace symphony::packaging
