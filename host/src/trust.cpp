// SPDX-License-Identifier: Apache-2.0
#include "trust.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <fstream>
#include <sstream>

namespace symphony::host {
namespace {

constexpr std::uintmax_t file_bytes_max = 16 * 1024 * 1024;

} // namespace

Trust Trust::load(const std::vector<std::filesystem::path>& files) {
    Trust out;
    for (const auto& file : files) {
        std::error_code failed;
        if (file.empty() || !std::filesystem::exists(file, failed)) continue;
        const auto warn = [&](const std::string& what) { out.warnings_.push_back(file.string() + ": " + what + "; it is not trusted"); };
        std::ifstream stream(file, std::ios::binary);
        if (!stream || std::filesystem::file_size(file, failed) > file_bytes_max || failed) {
            warn("cannot be read");
            continue;
        }
        std::ostringstream content; // an iterator would throw when reading fails
        content << stream.rdbuf();
        const std::string text = content.str();
        if (manifests::toml_trouble(text, file.string(), file_bytes_max)) {
            warn("is no TOML");
            continue;
        }
        try {
            const toml::table table = toml::parse(text);
            const toml::array* list = table["trusted"].as_array();
            for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
                const toml::table* one = list->get(i)->as_table();
                const std::string plugin = one != nullptr ? (*one)["plugin"].value_or(std::string()) : std::string();
                const std::string sha256 = one != nullptr ? (*one)["sha256"].value_or(std::string()) : std::string();
                if (plugin.empty() || sha256.size() != 64) warn("entry " + std::to_string(i + 1) + " has no plugin or no sha256 of 64 digits");
                else out.digests_.emplace(plugin, sha256);
            }
        } catch (const std::exception& broken) {
            warn(broken.what());
        }
    }
    return out;
}

bool Trust::trusts(std::string_view plugin, std::string_view sha256) const {
    return digests_.contains(std::pair<std::string, std::string>(plugin, sha256));
}

namespace {

bool named(const manifests::Manifest& manifest, const std::set<std::string, std::less<>>& names) {
    return names.contains(manifest.id()) || names.contains(manifest.name());
}

} // namespace

Status PlacementPolicy::check(const manifests::Manifest& manifest, std::string_view sha256) const {
    if (only_trusted.empty() || !named(manifest, in_process) || trust.trusts(manifest.id(), sha256)) return {};
    if (wants_isolation(manifest.abi) || isolate_all || named(manifest, isolate)) return {};
    return Error(Code::refused, "in-process-forbidden",
                 "plugin \"" + manifest.name() + "\": may not run in the host's process: only plugins that are trusted may (in_process in " + only_trusted + ")",
                 "leave out --in-process " + manifest.name() + ": it then runs isolated");
}

Placement PlacementPolicy::decide(const manifests::Manifest& manifest, std::string_view sha256, std::string_view crashed) const {
    if (wants_isolation(manifest.abi)) return {true, "its manifest asks for it"};
    if (isolate_all) return {true, "--isolate-all"};
    if (named(manifest, isolate)) return {true, "--isolate " + manifest.name()};
    const bool trusted = trust.trusts(manifest.id(), sha256);
    if ((in_process_all || named(manifest, in_process)) && !trusted && !only_trusted.empty()) return {true, "only trusted plugins run in process: in_process in " + only_trusted};
    if (named(manifest, in_process)) return {false, "--in-process " + manifest.name()};
    if (in_process_all) return {false, "--in-process all"};
    if (!crashed.empty()) return {true, "it took a host process down " + std::string(crashed), trusted};
    if (trusted) return {false, "its library is one that this distribution or its user trusts"};
    return {true, "nobody vouches for its library"};
}

} // namespace symphony::host
