// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/extensions.hpp>

#include <algorithm>

namespace symphony::manifests {

Status ExtensionRule::check_open() const {
    if (which != Extensions::none) return {};
    return Error(Code::refused, "extensions-forbidden", "no plugins may be added to this symphony (extensions in " + file + ")", "use a symphony that allows it; who made this one can put the plugin in");
}

Status ExtensionRule::check(std::string_view plugin, std::string_view publisher) const {
    const std::string name = "plugin \"" + std::string(plugin) + "\"";
    if (const auto open = check_open(); !open) return Error(open.error()).in(name);
    if (which == Extensions::any) return {};
    if (publisher.empty()) {
        return Error(Code::refused, "extension-unsigned", name + ": only signed plugins may be added to this symphony, and nobody signed it (extensions in " + file + ")", "install its package with its .minisig beside it");
    }
    if (!publishers || std::find(publishers->begin(), publishers->end(), publisher) != publishers->end()) return {};
    return Error(Code::refused, "extension-publisher", name + ": it is signed with " + std::string(publisher) + ", whose plugins may not be added to this symphony (publishers in " + file + ")", "only an administrator can change that");
}

} // namespace symphony::manifests
