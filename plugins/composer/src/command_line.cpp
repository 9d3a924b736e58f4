// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

namespace symphony::composer {

packaging::LockMode CommandLine::lock_mode() const {
    packaging::LockMode mode;
    mode.locked = on("locked") || on("frozen");
    mode.offline = on("offline") || on("frozen");
    mode.minimal = on("minimal");
    mode.update = on("update");
    return mode;
}

std::int32_t CommandLine::report(const std::vector<manifests::Diagnostic>& problems) const {
    Data::List list;
    for (const auto& one : problems) {
        list.emplace_back(Data::Map{{"reason", one.reason}, {"message", one.message}, {"hint", one.hint}, {"file", shown(one.file)}, {"line", static_cast<std::int64_t>(one.line)}, {"column", static_cast<std::int64_t>(one.column)}});
        if (json()) continue;
        err(format(one));
        if (!one.hint.empty()) err("hint: " + one.hint);
    }
    answer(to_json(Data::Map{{"ok", false}, {"problems", std::move(list)}}));
    return 1;
}

} // namespace symphony::composer
