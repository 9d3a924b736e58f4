// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog.hpp"
#include "resolver.hpp"
#include "runtime.hpp"

#include <symphony/manifests/parse.hpp>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
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
/// it, or the next follow(), and stay as they are. Indices stay what they are. [any]
class Plugins final : public PluginSource {
public:
    Plugins(const Catalog& catalog, const Resolution& resolution);

    /// A plugin that is not what it was: entry `now` is another version of it by now, entry `next`, or is there no more.
    struct Change {
        std::size_t now = 0;
        std::optional<std::size_t> next;
    };
    /// Takes over a later state of the folders. New plugins are found at once, removed ones no more; for a changed one `now` is found
    /// until settle() says otherwise. One that is refused now does not take the place of one that is not.
    std::vector<Change> follow(const Catalog& catalog, const Resolution& resolution);
    /// @param taken  Whether `next` took the place of `now`; else why not, and `now` goes on until the plugin changes again.
    void settle(const Change& change, const Status& taken);

    std::size_t size() const override;
    const PluginEntry& entry(std::size_t at) const override;
    std::optional<PassedOver> passed_over(std::size_t at) const override;
    std::vector<std::size_t> providers(std::string_view port) const override;
    std::vector<std::size_t> startup() const override;
    Result<std::size_t> find(std::string_view id_or_name) const override;
    /// The entry of a ref, when it has one.
    std::optional<std::size_t> at(Catalog::Ref ref) const;
    Catalog::Ref ref(std::size_t at) const;

private:
    struct Slot {
        Catalog::Ref ref;
        const Error* refusal; // null: usable; of the latest resolution
        std::string key;      // by which follow() knows it again; empty: not asked yet
        std::unique_ptr<manifests::Manifest> manifest;
        PluginEntry entry;
        std::optional<std::size_t> instead; // who goes on in its place, which it could not take
        std::optional<PassedOver> passed_over; // the last that could not take this one's place
    };
    using Wanted = std::vector<std::pair<Catalog::Ref, const Error*>>;
    Wanted wanted(const Catalog& catalog, const Resolution& resolution) const;
    std::string key_of(const Catalog& catalog, Catalog::Ref ref) const;
    std::vector<std::size_t> in_use() const;
    const PluginEntry& read(Slot& slot) const;
    std::optional<std::size_t> found(Catalog::Ref ref) const;

    mutable std::shared_mutex found_mutex_; // what follow() and settle() change
    const Catalog* catalog_;
    std::map<Catalog::Ref, std::size_t> by_ref_;
    mutable std::mutex mutex_; // a slot's entry is filled once, under it
    mutable std::deque<Slot> slots_;
};

/// Why a name that somebody typed fits no plugin, or more than one.
Error unknown_plugin(std::string_view typed, const std::vector<std::string_view>& known);
Error ambiguous_plugin(std::string_view typed, const std::vector<std::string_view>& ids);

} // namespace symphony::host
