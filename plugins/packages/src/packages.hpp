// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands.hpp"

namespace symphony::packages {

/// The plugin: the commands that change what is installed, and those that look at it.
class Packages final : public ports::Command {
public:
    explicit Packages(Host host) : host_(host) {}

    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override {
        return run_command(host_, call, command, arguments, context);
    }

private:
    Host host_;
};

} // namespace symphony::packages
