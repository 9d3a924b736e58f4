// SPDX-License-Identifier: Apache-2.0
#include "composer.hpp"

namespace symphony::composer {
namespace {

constexpr NamedCommand<CommandLine> commands[] = {
    {"compose lock", &command_lock}, {"compose build", &command_build}, {"compose verify", &command_verify}, {"compose diff", &command_diff}, {"compose explain", &command_explain},
};

} // namespace

Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    const auto run = SYMPHONY_TRY(find_command(commands, command));
    // Before anything is tried: in a sandbox the first file would be stopped as an attack.
    CommandLine line({host, call, command, arguments, context}, SYMPHONY_TRY(host.about()));
    return run(line);
}

} // namespace symphony::composer
