// SPDX-License-Identifier: Apache-2.0
#include "dependencies.hpp"

#include <symphony/manifests/parse.hpp>

#include <algorithm>
#include <set>

namespace symphony::packages {
namespace fs = std::filesystem;
namespace {

void look_into(const fs::path& folder, std::vector<Present>& found) {
    std::error_code error;
    for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error)) {
        const auto text = packaging::read_file(item->path() / "manifest.toml", manifests::manifest_bytes_max);
        if (!text) continue;
        const auto parsed = manifests::parse(*text, "manifest.toml", manifests::Strictness::load);
        if (!parsed.manifest) continue;
        found.push_back({parsed.manifest->id(), parsed.manifest->extension.version, {}});
        for (const auto& provide : parsed.manifest->provides) found.back().ports.push_back(provide.port);
    }
}

} // namespace

std::vector<Present> present_anyway(const About& about) {
    std::vector<Present> found;
    look_into(fs::path(about.prefix) / "plugins", found);
    look_into(fs::path(about.prefix) / "lib/symphony/plugins", found);
    look_into(fs::path(about.data) / "plugins", found);
    return found;
}

ManifestOf from_store(const packaging::Store& store) {
    return [&store](const packaging::Installed& package) -> std::optional<manifests::Manifest> {
        auto info = store.read(package.digest);
        if (!info) return std::nullopt;
        return std::move(info->manifest);
    };
}

std::vector<Unmet> unmet_in(const CommandLine& line, const packaging::Profile& profile, const ManifestOf& manifest_of) {
    std::vector<Unmet> out;
    std::optional<std::vector<Present>> others; // looked at when the first one needs it
    for (const auto& package : profile.packages) {
        const auto manifest = manifest_of(package);
        if (!manifest) continue;
        for (const auto& need : manifest->dependencies) {
            if (need.optional) continue;
            std::string seen;
            const auto fits = [&](const manifests::Version& version) {
                seen = version.text();
                return need.range.contains(version);
            };
            const auto* installed = profile.find(need.id);
            if (installed != nullptr && fits(manifests::Version::parse(installed->version).value_or({}))) continue;
            if (!others) others = present_anyway(line.about());
            const bool met = std::any_of(others->begin(), others->end(), [&](const Present& one) { return one.id == need.id && fits(one.version); });
            if (!met) out.push_back({package.id, need.id, need.range.text(), seen});
        }
    }
    return out;
}

std::vector<std::string> orphans_in(const packaging::Profile& profile, const ManifestOf& manifest_of) {
    std::set<std::string> kept;
    std::vector<const packaging::Installed*> open;
    const auto keep = [&](const packaging::Installed* package) {
        if (package != nullptr && kept.insert(package->id).second) open.push_back(package);
    };
    for (const auto& package : profile.packages) {
        if (!package.asked.empty()) keep(&package);
    }
    while (!open.empty()) {
        const auto* package = open.back();
        open.pop_back();
        const auto manifest = manifest_of(*package);
        if (!manifest) return {}; // nobody knows what it needs
        for (const auto& need : manifest->dependencies) keep(profile.find(need.id));
        for (const auto& need : manifest->needs) keep(profile.find(need.provider));
    }
    std::vector<std::string> out;
    for (const auto& package : profile.packages) {
        if (!kept.contains(package.id)) out.push_back(package.id);
    }
    return out;
}

Status check_dependencies(const CommandLine& line, const packaging::Profile& profile, const ManifestOf& manifest_of) {
    const auto unmet = unmet_in(line, profile, manifest_of);
    if (unmet.empty()) return {};
    const auto& first = unmet.front();
    const std::string there = first.found.empty() ? ", which is not there" : ", and " + first.found + " is there";
    return Error(Code::conflict, "unmet-dependency", "plugin \"" + first.plugin + "\" needs " + first.needs + " " + first.range + there, "install it in the same command: symphony install PACKAGE-OF-" + first.needs + " ...");
}

} // namespace symphony::packages
