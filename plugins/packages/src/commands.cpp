// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

#include <array>

namespace symphony::packages {

std::string remedy(const packaging::Installed& package) {
    if (!package.registry.empty()) return "symphony install " + package.id + "@=" + package.version + " mends it; symphony rollback goes back";
    if (package.source.empty()) return "symphony rollback goes back to what was installed before";
    return "symphony install " + shown(package.source) + (package.publisher.empty() ? " --allow-unsigned" : "") + " mends it; symphony rollback goes back";
}

namespace {

struct Named {
    std::string_view name;
    Result<std::int32_t> (*run)(CommandLine& line);
};
constexpr std::array commands{
    Named{"install", &command_install},           Named{"update", &command_update},       Named{"remove", &command_remove},       Named{"rollback", &command_rollback},
    Named{"generations", &command_generations},   Named{"verify", &command_verify},       Named{"packages gc", &command_gc},      Named{"packages keys", &command_keys},
    Named{"packages lock", &command_lock},        Named{"packages show", &command_show},    Named{"packages doctor", &command_doctor},
           Named{"packages trust", &command_trust},      Named{"packages revoke", &command_revoke},
    Named{"search", &command_search},             Named{"packages registry add", &command_registry_add},
    Named{"packages registry remove", &command_registry_remove}, Named{"packages registry list", &command_registry_list},
};

} // namespace

Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    for (const Named& entry : commands) {
        if (entry.name != command) continue;
        // Before anything is tried: in a sandbox the first link or lock would be stopped as an attack.
        const About about = SYMPHONY_TRY(host.about());
        if (about.data.empty() || about.config.empty()) {
            return Error(Code::unsupported, "no-home", "there is no folder to install into: HOME is not set", "set HOME, or XDG_DATA_HOME and XDG_CONFIG_HOME");
        }
        CommandLine line(host, call, about, arguments, context);
        return entry.run(line);
    }
    return Error(Code::not_found, "unknown-command", "packages has no command \"" + std::string(command) + "\"");
}

} // namespace symphony::packages
