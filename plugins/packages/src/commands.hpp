// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

namespace symphony::packages {

/// Runs one command; flags and help are in manifest.toml. @return `unsupported`, reason "isolated", in a process of its own.
Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context);

/// What to do about a damaged package.
std::string remedy(const packaging::Installed& package);

// Each command; its file says what it does.
Result<std::int32_t> command_install(CommandLine& line);
Result<std::int32_t> command_update(CommandLine& line);
Result<std::int32_t> command_remove(CommandLine& line);
Result<std::int32_t> command_rollback(CommandLine& line);
Result<std::int32_t> command_generations(CommandLine& line);
Result<std::int32_t> command_verify(CommandLine& line);
Result<std::int32_t> command_gc(CommandLine& line);
Result<std::int32_t> command_show(CommandLine& line);
Result<std::int32_t> command_doctor(CommandLine& line);
Result<std::int32_t> command_lock(CommandLine& line);
Result<std::int32_t> command_keys(CommandLine& line);
Result<std::int32_t> command_trust(CommandLine& line);
Result<std::int32_t> command_revoke(CommandLine& line);
Result<std::int32_t> command_search(CommandLine& line);
Result<std::int32_t> command_registry_add(CommandLine& line);
Result<std::int32_t> command_registry_remove(CommandLine& line);
Result<std::int32_t> command_registry_list(CommandLine& line);

} // namespace symphony::packages
