// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"

namespace symphony::kit {

Result<HostProgram> HostProgram::find() {
    std::error_code failed;
    HostProgram out;
    out.program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) {
        return Error(Code::unsupported, "isolated", "the kit starts compilers and runs plugins, which a sandbox does not let it",
            "leave out --isolate kit and --isolate-all");
    }
    out.prefix = out.program.parent_path().parent_path();
    return out;
}

Result<std::int32_t> Kit::run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    constexpr struct {
        std::string_view name;
        Result<std::int32_t> (*run)(const Typed&);
    } commands[] = {{"new", &new_command}, {"test", &test_command}, {"conformance", &conformance_command}};
    for (const auto& one : commands) {
        if (one.name != command) continue;
        HostProgram host = SYMPHONY_TRY(HostProgram::find());
        return one.run(Typed{call, arguments, context, std::move(host)});
    }
    return Error(Code::not_found, "unknown-command", "the kit has no command \"" + std::string(command) + "\"");
}

} // namespace symphony::kit
