// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

#include <array>

namespace symphony::store {
namespace {

struct Named {
    std::string_view name;
    Result<std::int32_t> (*run)(CommandLine& line);
};
constexpr std::array commands{
    Named{"artifact init", &command_init},       Named{"artifact put", &command_put},           Named{"artifact get", &command_get},
    Named{"artifact find", &command_find},       Named{"artifact log", &command_log},           Named{"artifact show", &command_show},
    Named{"artifact list", &command_list},       Named{"artifact diff", &command_diff},         Named{"artifact tag", &command_tag},
    Named{"artifact lineage", &command_lineage}, Named{"artifact verify", &command_verify},     Named{"artifact repair", &command_repair},
    Named{"artifact gc", &command_gc},           Named{"artifact stats", &command_stats},       Named{"artifact pin", &command_pin},
    Named{"artifact hold", &command_hold},       Named{"artifact remove", &command_remove},     Named{"artifact export", &command_export},
    Named{"artifact import", &command_import},   Named{"artifact sync", &command_sync},         Named{"artifact key list", &command_key_list},
    Named{"artifact key add", &command_key_add}, Named{"artifact key remove", &command_key_remove}, Named{"artifact key rotate", &command_key_rotate},
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
    for (const Named& entry : commands) {
        if (entry.name != command) continue;
        CommandLine line(host, call, command, arguments, context);
        auto status = entry.run(line);
        if (!status) return with_next_step(std::move(status).error(), line);
        return status;
    }
    return Error(Code::not_found, "unknown-command", "artifact-store has no command \"" + std::string(command) + "\"");
}

} // namespace symphony::store
