// SPDX-License-Identifier: Apache-2.0
// symphony packages gc
#include "commands.hpp"

#include <symphony/manifests/units.hpp>

namespace symphony::packages {

Result<std::int32_t> command_gc(CommandLine& line) {
    const std::uint64_t keep = SYMPHONY_TRY(line.number("keep", line.keep(), 1, 1'000'000));
    const bool dry = line.on("dry-run");
    const auto change = SYMPHONY_TRY(line.begin());
    const auto collected = SYMPHONY_TRY(packaging::collect(change.generations(), change.store(), static_cast<std::size_t>(keep), !dry));
    Data::List generations, packages, used;
    for (const auto number : collected.generations) generations.emplace_back(static_cast<std::int64_t>(number));
    for (const auto& digest : collected.packages) packages.emplace_back(digest);
    for (const auto number : collected.in_use) {
        used.emplace_back(static_cast<std::int64_t>(number));
        line.err("generation " + std::to_string(number) + " stays: a running symphony uses it");
    }
    line.answer(to_json(Data::Map{{"dry_run", dry}, {"generations", generations}, {"packages", packages}, {"in_use", used}, {"bytes", static_cast<std::int64_t>(collected.bytes)}}));
    line.out(std::to_string(generations.size()) + " generations and " + std::to_string(packages.size()) + " packages " + (dry ? "would go, " : "went, ") + manifests::size_text(collected.bytes));
    return 0;
}

} // namespace symphony::packages
