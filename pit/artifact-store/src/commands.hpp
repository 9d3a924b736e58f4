// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

namespace symphony::store {

/// Runs `symphony artifact ...`; the flags and the help are in manifest.toml.
Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context);

// Each command; its file says what it does.
Result<std::int32_t> command_init(CommandLine& line);
Result<std::int32_t> command_put(CommandLine& line);
Result<std::int32_t> command_get(CommandLine& line);
Result<std::int32_t> command_find(CommandLine& line);
Result<std::int32_t> command_log(CommandLine& line);
Result<std::int32_t> command_show(CommandLine& line);
Result<std::int32_t> command_list(CommandLine& line);
Result<std::int32_t> command_diff(CommandLine& line);
Result<std::int32_t> command_tag(CommandLine& line);
Result<std::int32_t> command_lineage(CommandLine& line);
Result<std::int32_t> command_verify(CommandLine& line);
Result<std::int32_t> command_repair(CommandLine& line);
Result<std::int32_t> command_gc(CommandLine& line);
Result<std::int32_t> command_stats(CommandLine& line);
Result<std::int32_t> command_pin(CommandLine& line);
Result<std::int32_t> command_hold(CommandLine& line);
Result<std::int32_t> command_remove(CommandLine& line);
Result<std::int32_t> command_export(CommandLine& line);
Result<std::int32_t> command_import(CommandLine& line);
Result<std::int32_t> command_sync(CommandLine& line);
Result<std::int32_t> command_key_list(CommandLine& line);
Result<std::int32_t> command_key_add(CommandLine& line);
Result<std::int32_t> command_key_remove(CommandLine& line);
Result<std::int32_t> command_key_rotate(CommandLine& line);

} // namespace symphony::store
