// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog_index.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::host {

/// Where a folder of plugins was named, in search order.
enum class Origin : std::uint8_t { flag, environment, distribution, prefix, packages, user };
/// "--plugins", "SYMPHONY_PLUGIN_PATH", "distribution", "prefix", "packages", "user".
std::string_view name_of(Origin origin) noexcept;

struct Root {
    std::string path; // absolute
    Origin origin = Origin::flag;
};

/// Every plugin in the search folders, good or refused, from their manifests alone: no library is ever opened.
///
/// Each root has an index file in the cache folder. It is used as long as the root's and the manifests' size, times and
/// inode are the recorded ones; else the changed manifests are read again and the file is replaced atomically.
/// Beyond `checked_max` manifests a root's manifests are compared when they are looked up, not at start.
///
/// Const methods may be called concurrently; the others by one thread at a time. A Ref is good until the next
/// non-const call, texts of entries as long as the catalog.
class Catalog {
public:
    static constexpr std::uint32_t checked_max = 1000;
    using Table = CatalogIndex::Table;

    struct Ref {
        std::uint32_t root = 0;
        std::uint32_t row = 0;
        friend auto operator<=>(const Ref&, const Ref&) = default;
    };
    /// What opening cost, for `doctor` and `list --why`.
    struct RootState {
        Root root;
        std::string cache_file;    // empty: not cached
        std::uint32_t plugins = 0; // folders with a manifest
        std::uint32_t read = 0;    // manifests read by this process
        bool cached = false;       // what is known now came from, or is in, the cache file
        bool present = false;      // the folder exists
    };

    /// @param cache_folder  Empty: nothing is cached. Made when missing.
    static Catalog open(std::vector<Root> roots, std::string cache_folder);
    Catalog(Catalog&&) noexcept;
    Catalog& operator=(Catalog&&) noexcept;
    ~Catalog();

    /// Refs with that key, in search order. Does not look at the disk.
    std::vector<Ref> find(Table table, std::string_view key) const;
    /// The first ref with that key, without allocating.
    std::optional<Ref> first(Table table, std::string_view key) const noexcept;
    /// By id, else by short name, as `find`, but true of the disk now: what was found is compared with its file, and an
    /// empty answer is given only after a full refresh.
    std::vector<Ref> look_up(std::string_view id_or_name);
    std::vector<Ref> look_up_command(std::string_view name);
    /// Compares every manifest with what is known of it. @return Whether anything changed.
    bool refresh();

    /// Changes whenever refs do.
    std::uint64_t generation() const noexcept { return generation_; }

    std::vector<Ref> all() const; // in search order, then by folder
    Entry entry(Ref ref) const;
    void read(Ref ref, Entry& out) const; // reuses out's memory
    const Root& root(Ref ref) const;
    std::string folder(Ref ref) const;   // path of the plugin's folder
    std::string manifest(Ref ref) const; // path of its manifest
    /// The one that was found before it with the same id and version; that one counts.
    std::optional<Ref> duplicate_of(Ref ref) const;

    std::vector<RootState> roots() const;
    /// At most one for the cache folder and one for each unreadable root.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    struct Shelf;
    Catalog();
    bool current(Ref ref) const;
    std::vector<Ref> verified(std::vector<Ref> (*query)(const Catalog&, std::string_view), std::string_view key);
    void rebuild(Shelf& shelf, const Stamp& root_stamp);
    void store(Shelf& shelf, const std::string& bytes);

    std::vector<std::unique_ptr<Shelf>> shelves_;
    std::vector<std::unique_ptr<CatalogIndex>> retired_; // texts of old entries lie here
    std::string cache_folder_;
    std::uint64_t generation_ = 0;
    bool cache_warned_ = false;
    std::vector<std::string> warnings_;
};

} // namespace symphony::host
