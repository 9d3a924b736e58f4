// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

namespace symphony::packages {

std::string remedy(const packaging::Installed& package) {
    if (!package.registry.empty()) return "symphony install " + package.id + "@=" + package.version + " mends it; symphony rollback goes back";
    if (package.source.empty()) return "symphony rollback goes back to what was installed before";
    return "symphony install " + shown(package.source) + (package.publisher.empty() ? " --allow-unsigned" : "") + " mends it; symphony rollback goes back";
}

namespace {

constexpr NamedCommand<CommandLine> commands[] = {
    {"install", &command_install}, {"update", &command_update}, {"remove", &command_remove}, {"rollback", &command_rollback},
    {"generations", &command_generations}, {"verify", &command_verify}, {"packages gc", &command_gc}, {"packages keys", &command_keys},
    {"packages lock", &command_lock}, {"packages show", &command_show}, {"packages doctor", &command_doctor},
    {"packages trust", &command_trust}, {"packages revoke", &command_revoke}, {"search", &command_search},
    {"packages registry add", &command_registry_add}, {"packages registry remove", &command_registry_remove},
    {"packages registry list", &command_registry_list},
};

} // namespace

Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    const auto run = SYMPHONY_TRY(find_command(commands, command));
    // Before anything is tried: in a sandbox the first link or lock would be stopped as an attack.
    About about = SYMPHONY_TRY(host.about());
    if (about.data.empty() || about.config.empty()) {
        return Error(Code::unsupported, "no-home", "there is no folder to install into: HOME is not set", "set HOME, or XDG_DATA_HOME and XDG_CONFIG_HOME");
    }
    CommandLine line({host, call, command, arguments, context}, std::move(about));
    return run(line);
}

} // namespace symphony::packages
