// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

namespace symphony::store {
namespace {

constexpr NamedCommand<CommandLine> commands[] = {
    {"artifact init", &command_init}, {"artifact put", &command_put}, {"artifact get", &command_get}, {"artifact find", &command_find},
    {"artifact log", &command_log}, {"artifact show", &command_show}, {"artifact list", &command_list}, {"artifact diff", &command_diff},
    {"artifact tag", &command_tag}, {"artifact lineage", &command_lineage}, {"artifact verify", &command_verify},
    {"artifact repair", &command_repair}, {"artifact gc", &command_gc}, {"artifact stats", &command_stats}, {"artifact pin", &command_pin},
    {"artifact hold", &command_hold}, {"artifact remove", &command_remove}, {"artifact export", &command_export},
    {"artifact import", &command_import}, {"artifact sync", &command_sync}, {"artifact key list", &command_key_list},
    {"artifact key add", &command_key_add}, {"artifact key remove", &command_key_remove}, {"artifact key rotate", &command_key_rotate},
};

/// What people do about it, where the store itself does not say.
Error with_next_step(Error error, const CommandLine& line) {
    const std::string_view reason = error.reason();
    if (error.hint().empty()) {
        const std::string store = line.store_words();
        if (reason == "unknown-artifact") error.with_hint("symphony artifact list" + store + " shows what is there, symphony artifact find WORDS" + store + " searches");
        else if (reason == "ambiguous-prefix") error.with_hint("give more digits");
        else if (reason == "held") error.with_hint("symphony artifact show ID" + store + " says what keeps it; --off takes a pin or a hold back");
        else if (reason == "store-full") error.with_hint("symphony artifact gc" + store + " frees what nothing needs");
        else if (reason == "disk-full") error.with_hint("make room on the disk; what is stored is safe");
        else if (reason == "newer-version") error.with_hint("symphony artifact log NAME" + store + " shows the versions");
        else if (error.code() == Code::data_corrupt) error.with_hint("symphony artifact verify --data" + store + " tells everything that is damaged");
    }
    // `refused` is an exit status of the host for plugins, and here nobody refused one.
    if (error.code() == Code::refused) return {Code::not_granted, error.reason(), error.message(), error.hint()};
    return error;
}

} // namespace

Result<std::int32_t> run_command(Host host, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    const auto run = SYMPHONY_TRY(find_command(commands, command));
    CommandLine line(host, call, command, arguments, context);
    auto status = run(line);
    if (!status) return with_next_step(std::move(status).error(), line);
    return status;
}

} // namespace symphony::store
