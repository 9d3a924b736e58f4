// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

namespace symphony::composer {

/// Runs one command; flags and help are in manifest.toml. @return `unsupported`, reason "isolated", in a process of its own.
Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context);

// Each command; its file says what it does.
Result<std::int32_t> command_lock(CommandLine& line);
Result<std::int32_t> command_build(CommandLine& line);
Result<std::int32_t> command_verify(CommandLine& line);
Result<std::int32_t> command_diff(CommandLine& line);
Result<std::int32_t> command_explain(CommandLine& line);

/// The plugin: makes distributions.
class Composer final : public ports::Command {
public:
    explicit Composer(Host host) : host_(host) {}

    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override {
        return run_command(host_, call, command, arguments, context);
    }

private:
    Host host_;
};

} // namespace symphony::composer
