// SPDX-License-Identifier: Apache-2.0
#include "composer.hpp"

#include <array>

namespace symphony::composer {
namespace {

struct Named {
    std::string_view name;
    Result<std::int32_t> (*run)(CommandLine& line);
};
constexpr std::array commands{
    Named{"compose lock", &command_lock}, Named{"compose build", &command_build}, Named{"compose verify", &command_verify},
    Named{"compose diff", &command_diff}, Named{"compose explain", &command_explain},
};

} // namespace

Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    for (const Named& entry : commands) {
        if (entry.name != command) continue;
        // Before anything is tried: in a sandbox the first file would be stopped as an attack.
        const About about = SYMPHONY_TRY(host.about());
        CommandLine line(host, call, about, arguments, context);
        return entry.run(line);
    }
    return Error(Code::not_found, "unknown-command", "composer has no command \"" + std::string(command) + "\"");
}

} // namespace symphony::composer
