// SPDX-License-Identifier: Apache-2.0
#include "plugin_source.hpp"

#include "catalog_scan.hpp"

#include <algorithm>

#include <fcntl.h>

namespace symphony::host {

ManifestFile read_manifest_file(const std::string& folder, manifests::Strictness strictness) {
    ManifestFile file;
    const auto path = folder + "/manifest.toml";
    auto bytes = read_manifest(AT_FDCWD, folder);
    if (bytes) {
        file.bytes = *std::move(bytes);
        file.parsed = manifests::parse(file.bytes, path, strictness);
    } else {
        file.parsed.diagnostics.push_back({manifests::Severity::error, std::string(bytes.error().reason()),
                                           bytes.error().message(), {}, path, 0, 0});
    }
    return file;
}

Error unknown_plugin(std::string_view typed, const std::vector<std::string_view>& known) {
    const auto near = manifests::nearest(typed, known);
    return Error(Code::not_found, "unknown-plugin", "there is no plugin \"" + std::string(typed) + "\"",
                 near.empty() ? "symphony list shows the plugins" : "did you mean " + std::string(near) + "?");
}

Error ambiguous_plugin(std::string_view typed, const std::vector<std::string_view>& ids) {
    std::string list;
    for (const auto id : ids) list += (list.empty() ? "" : ", ") + std::string(id);
    return Error(Code::conflict, "ambiguous-plugin", "\"" + std::string(typed) + "\" is the name of several plugins: " + list,
                 "use the id");
}

Plugins::Plugins(const Catalog& catalog, const Resolution& resolution) : catalog_(catalog) {
    slots_.reserve(resolution.order.size() + resolution.refused.size());
    const auto add = [this](Catalog::Ref ref, const Error* refusal) {
        by_ref_.emplace(ref, slots_.size());
        slots_.push_back({ref, refusal, nullptr, {}});
    };
    for (const auto ref : resolution.order) add(ref, nullptr);
    Entry entry;
    for (const auto& refused : resolution.refused) {
        // Of interest only where no other version of the plugin works, and once.
        catalog.read(refused.plugin, entry);
        const auto versions = catalog.find(Catalog::Table::id, entry.id);
        if (std::none_of(versions.begin(), versions.end(), [this](Catalog::Ref ref) { return by_ref_.contains(ref); })) {
            add(refused.plugin, &refused.error);
        }
    }
}

const PluginEntry& Plugins::entry(std::size_t at) const {
    const std::lock_guard lock(mutex_);
    auto& slot = slots_.at(at);
    if (slot.manifest) return slot.entry;
    auto& entry = slot.entry;
    entry.folder = catalog_.folder(slot.ref);
    const auto origin = catalog_.root(slot.ref).origin;
    entry.core = origin == Origin::distribution || origin == Origin::prefix;
    if (slot.refusal != nullptr) entry.refusal = *slot.refusal;
    auto file = read_manifest_file(entry.folder.string(), manifests::Strictness::load);
    const auto known = catalog_.entry(slot.ref);
    slot.manifest = std::make_unique<manifests::Manifest>();
    if (file.parsed.manifest) {
        *slot.manifest = *std::move(file.parsed.manifest);
    } else { // its name is all that counts
        slot.manifest->extension.id = known.id;
        slot.manifest->extension.name = known.name;
        slot.manifest->extension.version = manifests::Version::parse(known.version).value_or({});
    }
    if (!entry.refusal && (!file.parsed.manifest || slot.manifest->id() != known.id)) {
        entry.refusal = Error(Code::refused, "manifest-changed", "plugin \"" + std::string(known.id) + "\": " +
                              entry.folder.string() + "/manifest.toml changed while the host was starting", "try again");
    }
    entry.manifest = slot.manifest.get();
    return entry;
}

std::optional<std::size_t> Plugins::at(Catalog::Ref ref) const {
    const auto found = by_ref_.find(ref);
    return found == by_ref_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::size_t> Plugins::providers(std::string_view port) const {
    std::vector<std::pair<std::int32_t, std::size_t>> found;
    Entry entry;
    for (const auto ref : catalog_.find(Catalog::Table::port, port)) {
        const auto slot = at(ref);
        if (!slot) continue;
        catalog_.read(ref, entry);
        for (const auto& item : entry.provides) {
            if (item.port == port) found.emplace_back(-item.priority, *slot);
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::size_t> indices;
    for (const auto& [priority, index] : found) indices.push_back(index);
    return indices;
}

std::vector<std::size_t> Plugins::startup() const {
    std::vector<std::size_t> found;
    Entry entry;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        catalog_.read(slots_[i].ref, entry);
        if (entry.startup && slots_[i].refusal == nullptr) found.push_back(i);
    }
    return found;
}

Result<std::size_t> Plugins::find(std::string_view id_or_name) const {
    std::vector<std::size_t> found;
    for (const auto table : {Catalog::Table::id, Catalog::Table::name}) {
        for (const auto ref : catalog_.find(table, id_or_name)) {
            if (const auto slot = at(ref)) found.push_back(*slot);
        }
        if (found.size() > 1) { // a broken plugin must not make a good one's name ambiguous
            std::vector<std::size_t> usable;
            std::copy_if(found.begin(), found.end(), std::back_inserter(usable), [this](std::size_t i) { return slots_[i].refusal == nullptr; });
            if (!usable.empty()) found = std::move(usable);
        }
        if (found.size() == 1) return found.front();
        if (!found.empty()) break;
    }
    std::vector<std::string> words;
    if (!found.empty()) {
        for (const auto index : found) words.emplace_back(catalog_.entry(slots_[index].ref).id);
    } else {
        for (const auto& slot : slots_) words.emplace_back(catalog_.entry(slot.ref).name);
    }
    const std::vector<std::string_view> views(words.begin(), words.end());
    return found.empty() ? unknown_plugin(id_or_name, views) : ambiguous_plugin(id_or_name, views);
}

} // namespace symphony::host
