// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"

namespace symphony::kit {

Result<std::int32_t> Kit::run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    static constexpr NamedCommand<const Typed> commands[] = {
        {"new", &new_command},
        {"test", &test_command},
        {"conformance", &conformance_command},
        {"dev", &dev_command},
        {"pack", &pack_command},
        {"sign", &sign_command},
        {"publish", &publish_command},
        {"key make", &key_make_command},
        {"key show", &key_show_command},
        {"registry create", &registry_create_command},
        {"registry show", &registry_show_command},
        {"registry sign", &registry_sign_command},
        {"registry yank", &registry_yank_command},
        {"registry advise", &registry_advise_command},
        {"registry rotate", &registry_rotate_command},
    };
    const auto found = SYMPHONY_TRY(find_command(commands, command));
    const About about = SYMPHONY_TRY(host_.about()); // isolated there is none, and nothing that the kit could start
    return found(Typed(CommandLine(host_, call, command, arguments, context), about));
}

} // namespace symphony::kit
