// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog.hpp"
#include "resolver.hpp"
#include "runtime.hpp"

#include <symphony/manifests/parse.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::host {

/// A manifest read from its file now. `parsed` is that of the bytes, or one error when there are none.
struct ManifestFile {
    std::string bytes;
    manifests::Parsed parsed;
};
/// @param folder  The plugin's folder.
ManifestFile read_manifest_file(const std::string& folder, manifests::Strictness strictness);

/// What catalog and resolver found, as the runtime wants it: one entry for each plugin, the version in use or the one that
/// was refused. A manifest is read from its file when the entry is first asked for. The catalog and the resolution outlive
/// it and stay as they are.
class Plugins final : public PluginSource {
public:
    Plugins(const Catalog& catalog, const Resolution& resolution);

    std::size_t size() const override { return slots_.size(); }
    const PluginEntry& entry(std::size_t at) const override;
    std::vector<std::size_t> providers(std::string_view port) const override;
    std::vector<std::size_t> startup() const override;
    Result<std::size_t> find(std::string_view id_or_name) const override;
    /// The entry of a ref, when it has one.
    std::optional<std::size_t> at(Catalog::Ref ref) const;
    Catalog::Ref ref(std::size_t at) const { return slots_.at(at).ref; }

private:
    struct Slot {
        Catalog::Ref ref;
        const Error* refusal; // null: usable
        std::unique_ptr<manifests::Manifest> manifest;
        PluginEntry entry;
    };
    const Catalog& catalog_;
    std::map<Catalog::Ref, std::size_t> by_ref_;
    mutable std::mutex mutex_;
    mutable std::vector<Slot> slots_; // a slot's entry is filled once, under the mutex
};

/// Why a name that somebody typed fits no plugin, or more than one.
Error unknown_plugin(std::string_view typed, const std::vector<std::string_view>& known);
Error ambiguous_plugin(std::string_view typed, const std::vector<std::string_view>& ids);

} // namespace symphony::host
