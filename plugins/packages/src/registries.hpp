// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

#include <symphony/packaging/user_registries.hpp>

namespace symphony::packages {

using Registries = packaging::UserRegistries;
using packaging::is_web;
using packaging::of_registry;
using packaging::unknown_registry;

/// The user's registries for this command. @param offline  Nothing is fetched from the network; a folder is always there. @param only  The name of one of them; empty: all.
/// @param stale_is_fine  Also those whose snapshot's time is over, and nothing is said about it. @return As UserRegistries::open.
Result<Registries> open_registries(const CommandLine& line, bool offline, const std::string& only = {}, bool stale_is_fine = false);
std::filesystem::path registries_file(const CommandLine& line);

} // namespace symphony::packages
