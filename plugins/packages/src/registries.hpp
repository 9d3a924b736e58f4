// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

#include <symphony/packaging/fetch.hpp>
#include <symphony/packaging/registries.hpp>
#include <symphony/packaging/registry.hpp>

#include <memory>
#include <vector>

namespace symphony::packages {

/// The user's registries, verified and ready to be asked, in the order of registries.toml.
class Registries {
public:
    /// @param offline  Nothing is fetched from the network; a folder is always there.
    /// @return `not_found`, reason "no-registry", when none is configured; what RegistryList and Registry::open say, with the registry's name in front.
    static Result<Registries> open(const CommandLine& line, bool offline);

    std::vector<packaging::Registry*> all() const;
    /// The name by which the user calls it.
    std::string name_of(const packaging::Registry& registry) const;

private:
    struct One {
        std::string name;
        std::unique_ptr<packaging::Fetch> fetch;
        std::unique_ptr<packaging::Registry> registry;
    };
    std::vector<One> all_;
};

std::filesystem::path registries_file(const CommandLine& line);

} // namespace symphony::packages
