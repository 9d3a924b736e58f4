// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

#include <symphony/packaging/fetch.hpp>
#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/registries.hpp>
#include <symphony/packaging/registry.hpp>

#include <memory>
#include <vector>

namespace symphony::packages {

/// The user's registries, verified and ready to be asked, in the order of registries.toml.
class Registries {
public:
    /// @param only  The name of one of them; empty: all. @param offline  Nothing is fetched from the network; a folder is always there.
    /// @param stale_is_fine  Also those whose snapshot's time is over, and nothing is said about it.
    /// @return `not_found`, reason "no-registry", when none is configured; what RegistryList and Registry::open say, with the registry's name in front.
    static Result<Registries> open(const CommandLine& line, bool offline, const std::string& only = {}, bool stale_is_fine = false);

    std::vector<packaging::Registry*> all() const;
    /// The name by which the user calls it.
    std::string name_of(const packaging::Registry& registry) const;
    /// As locks name them: by the names that they have themselves.
    std::vector<packaging::Lock::Registry> for_lock() const;
    /// That all registries of a lock are there. @return `not_found`, reason "unknown-registry", with the command that adds the first one that is not.
    Status check_has(const packaging::Lock& lock) const;

private:
    struct One {
        std::string name, address;
        std::unique_ptr<packaging::Fetch> fetch;
        std::unique_ptr<packaging::Registry> registry;
    };
    std::vector<One> all_;
};

/// Whether it is the address of a web server, and not a folder.
bool is_web(std::string_view address) noexcept;
/// An error of a registry, with its name in front and something to do.
Error of_registry(const std::string& name, Error error);
/// How to get a registry that a lock needs.
Error unknown_registry(const packaging::Lock::Registry& missing);
std::filesystem::path registries_file(const CommandLine& line);

} // namespace symphony::packages
