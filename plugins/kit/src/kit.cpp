// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"

namespace symphony::kit {

Result<std::int32_t> Kit::run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    constexpr struct {
        std::string_view name;
        Result<std::int32_t> (*run)(const Typed&);
    } commands[] = {{"new", &new_command}, {"test", &test_command}, {"conformance", &conformance_command}};
    for (const auto& one : commands) {
        if (one.name != command) continue;
        const About about = SYMPHONY_TRY(host_.about()); // isolated there is none, and nothing that the kit could start
        return one.run(Typed{call, arguments, context, about});
    }
    return Error(Code::not_found, "unknown-command", "the kit has no command \"" + std::string(command) + "\"");
}

} // namespace symphony::kit
