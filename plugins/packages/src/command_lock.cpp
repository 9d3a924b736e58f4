// SPDX-License-Identifier: Apache-2.0
// symphony packages lock
#include "commands.hpp"
#include "locked.hpp"

namespace symphony::packages {

Result<std::int32_t> command_lock(CommandLine& line) {
    const auto generations = line.generations();
    const std::uint64_t current = SYMPHONY_TRY(generations.current());
    if (current == 0) return Error(Code::not_found, "no-lock", "nothing was installed yet", "symphony install ID, and there is a lock");
    const auto lock = SYMPHONY_TRY(generations.lock(current));
    auto text = print(lock);
    const std::string typed = line.text("output");
    if (!typed.empty()) SYMPHONY_TRY(packaging::Disk().replace_file(line.path(typed), text));
    const auto file = typed.empty() ? generations.path_of(current) / "symphony.lock" : line.path(typed);
    line.answer(to_json(Data::Map{{"file", file.string()}, {"generation", static_cast<std::int64_t>(current)}, {"lock", data_of(lock)}}));
    text.pop_back();
    line.out(typed.empty() ? text : "wrote " + std::to_string(lock.packages.size()) + (lock.packages.size() == 1 ? " plugin" : " plugins") + " into " + shown(file.string()));
    return 0;
}

} // namespace symphony::packages
