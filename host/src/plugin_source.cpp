// SPDX-License-Identifier: Apache-2.0
#include "plugin_source.hpp"

#include "catalog_scan.hpp"
#include "digest.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

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

Plugins::Plugins(const Catalog& catalog, const Resolution& resolution) : catalog_(&catalog) {
    for (const auto& [ref, refusal] : wanted(catalog, resolution)) {
        by_ref_.emplace(ref, slots_.size());
        slots_.push_back({ref, refusal, {}, nullptr, {}, std::nullopt});
    }
}

/// Of each plugin the version that is used, or one that was refused where no version works.
Plugins::Wanted Plugins::wanted(const Catalog& catalog, const Resolution& resolution) const {
    Wanted out;
    std::set<Catalog::Ref> used;
    const auto add = [&](Catalog::Ref ref, const Error* refusal) {
        out.emplace_back(ref, refusal);
        used.insert(ref);
    };
    for (const auto ref : resolution.order) add(ref, nullptr);
    Entry entry;
    for (const auto& refused : resolution.refused) {
        catalog.read(refused.plugin, entry);
        const auto versions = catalog.find(Catalog::Table::id, entry.id);
        if (std::none_of(versions.begin(), versions.end(), [&used](Catalog::Ref ref) { return used.contains(ref); })) add(refused.plugin, &refused.error);
    }
    return out;
}

/// Id, manifest and folder: an entry with the same three is the same one.
std::string Plugins::key_of(const Catalog& catalog, Catalog::Ref ref) const {
    const auto known = catalog.entry(ref);
    return std::string(known.id) + "\n" + hex(known.digest) + catalog.folder(ref);
}

std::vector<Plugins::Change> Plugins::follow(const Catalog& catalog, const Resolution& resolution) {
    const std::lock_guard lock(found_mutex_);
    const std::lock_guard reading(mutex_);
    std::map<std::string, std::size_t, std::less<>> known, serving; // by key, by id
    for (const auto& [ref, index] : by_ref_) {
        Slot& slot = slots_[index];
        if (slot.key.empty()) slot.key = key_of(*catalog_, ref);
        serving.emplace(slot.key.substr(0, slot.key.find('\n')), index);
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) known.emplace(slots_[i].key, i);
    std::map<Catalog::Ref, std::size_t> by_ref;
    std::vector<Change> changes;
    for (const auto& [ref, refusal] : wanted(catalog, resolution)) {
        const auto [same, fresh] = known.try_emplace(key_of(catalog, ref), slots_.size());
        std::size_t index = same->second;
        if (fresh) slots_.push_back({ref, refusal, same->first, nullptr, {}, std::nullopt});
        Slot& slot = slots_[index];
        const auto old = serving.find(std::string_view(slot.key).substr(0, slot.key.find('\n')));
        if (old != serving.end()) {
            if (old->second != index && slot.instead != old->second) {
                // What cannot be used takes nobody's place.
                if (refusal != nullptr && slots_[old->second].refusal == nullptr) {
                    slot.instead = old->second;
                    slots_[old->second].passed_over = {hex(catalog.entry(ref).digest), *refusal};
                } else changes.push_back({old->second, index});
            }
            if (old->second != index) {
                slots_[old->second].ref = ref;
            } else {
                slot.refusal = refusal;
                slot.passed_over.reset();
            }
            by_ref.emplace(ref, old->second);
            serving.erase(old);
        } else {
            slot.refusal = refusal;
            by_ref.emplace(ref, index);
        }
        slot.ref = ref;
    }
    for (const auto& [id, index] : serving) {
        static_cast<void>(read(slots_[index])); // the last time that its catalog can be asked
        changes.push_back({index, std::nullopt});
    }
    catalog_ = &catalog;
    by_ref_ = std::move(by_ref);
    return changes;
}

void Plugins::settle(const Change& change, const Status& taken) {
    if (!change.next) return;
    const std::string manifest = entry(*change.next).manifest_sha256;
    const std::lock_guard lock(found_mutex_);
    if (!taken) {
        slots_[*change.next].instead = change.now;
        slots_[change.now].passed_over = {manifest, taken.error()};
        return;
    }
    slots_[*change.next].instead.reset();
    for (auto& [ref, index] : by_ref_) {
        if (index == change.now) index = *change.next;
    }
}

std::size_t Plugins::size() const {
    const std::shared_lock lock(found_mutex_);
    return slots_.size();
}

std::optional<PluginSource::PassedOver> Plugins::passed_over(std::size_t at) const {
    const std::shared_lock lock(found_mutex_);
    return slots_.at(at).passed_over;
}

Catalog::Ref Plugins::ref(std::size_t at) const {
    const std::shared_lock lock(found_mutex_);
    return slots_.at(at).ref;
}

const PluginEntry& Plugins::entry(std::size_t at) const {
    const std::shared_lock found(found_mutex_);
    const std::lock_guard lock(mutex_);
    return read(slots_.at(at));
}

/// Under mutex_.
const PluginEntry& Plugins::read(Slot& slot) const {
    if (slot.manifest) return slot.entry;
    auto& entry = slot.entry;
    // A link may lead elsewhere later; what it leads to now stays what it is.
    const auto folder = catalog_->folder(slot.ref);
    std::error_code error;
    entry.folder = std::filesystem::canonical(folder, error);
    if (error) entry.folder = folder;
    const auto origin = catalog_->root(slot.ref).origin;
    entry.core = origin == Origin::distribution || origin == Origin::prefix;
    if (slot.refusal != nullptr) entry.refusal = *slot.refusal;
    auto file = read_manifest_file(entry.folder.string(), manifests::Strictness::load);
    const auto known = catalog_->entry(slot.ref);
    entry.manifest_sha256 = hex(known.digest);
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
    const std::shared_lock lock(found_mutex_);
    return found(ref);
}

std::optional<std::size_t> Plugins::found(Catalog::Ref ref) const {
    const auto at = by_ref_.find(ref);
    return at == by_ref_.end() ? std::nullopt : std::optional(at->second);
}

/// In the order in which they came.
std::vector<std::size_t> Plugins::in_use() const {
    std::vector<std::size_t> out;
    for (const auto& [ref, index] : by_ref_) out.push_back(index);
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::size_t> Plugins::providers(std::string_view port) const {
    const std::shared_lock lock(found_mutex_);
    std::vector<std::pair<std::int32_t, std::size_t>> ranked;
    Entry entry;
    for (const auto ref : catalog_->find(Catalog::Table::port, port)) {
        const auto slot = found(ref);
        if (!slot) continue;
        catalog_->read(ref, entry);
        for (const auto& item : entry.provides) {
            if (item.port == port) ranked.emplace_back(-item.priority, *slot);
        }
    }
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::size_t> indices;
    for (const auto& [priority, index] : ranked) indices.push_back(index);
    return indices;
}

std::vector<std::size_t> Plugins::startup() const {
    const std::shared_lock lock(found_mutex_);
    std::vector<std::size_t> starting;
    Entry entry;
    for (const std::size_t i : in_use()) {
        catalog_->read(slots_[i].ref, entry);
        if (entry.startup && slots_[i].refusal == nullptr) starting.push_back(i);
    }
    return starting;
}

Result<std::size_t> Plugins::find(std::string_view id_or_name) const {
    const std::shared_lock lock(found_mutex_);
    std::vector<std::size_t> fitting;
    for (const auto table : {Catalog::Table::id, Catalog::Table::name}) {
        for (const auto ref : catalog_->find(table, id_or_name)) {
            if (const auto slot = found(ref)) fitting.push_back(*slot);
        }
        if (fitting.size() > 1) { // a broken plugin must not make a good one's name ambiguous
            std::vector<std::size_t> usable;
            std::copy_if(fitting.begin(), fitting.end(), std::back_inserter(usable), [this](std::size_t i) { return slots_[i].refusal == nullptr; });
            if (!usable.empty()) fitting = std::move(usable);
        }
        if (fitting.size() == 1) return fitting.front();
        if (!fitting.empty()) break;
    }
    std::vector<std::string> words;
    if (!fitting.empty()) {
        for (const auto index : fitting) words.emplace_back(catalog_->entry(slots_[index].ref).id);
    } else {
        for (const auto index : in_use()) words.emplace_back(catalog_->entry(slots_[index].ref).name);
    }
    const std::vector<std::string_view> views(words.begin(), words.end());
    return fitting.empty() ? unknown_plugin(id_or_name, views) : ambiguous_plugin(id_or_name, views);
}

} // namespace symphony::host
