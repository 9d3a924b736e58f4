// SPDX-License-Identifier: Apache-2.0
#include "catalog.hpp"

#include "catalog_scan.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host {
namespace {

constexpr std::size_t cache_files_max = 64; // short-lived --plugins folders must not fill the disk

std::string cache_name(std::string_view root) {
    std::uint64_t hash = 0xCBF29CE484222325u; // FNV-1a; the index holds the whole path, so a collision only costs time
    for (const char c : root) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    char name[40];
    std::snprintf(name, sizeof name, "catalog-%016llx.index", static_cast<unsigned long long>(hash));
    return name;
}

void drop_oldest(const std::filesystem::path& folder) {
    std::error_code ignored;
    std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> files;
    for (std::filesystem::directory_iterator item(folder, ignored), end; item != end; item.increment(ignored)) {
        if (item->path().filename().native().starts_with("catalog-")) {
            files.emplace_back(item->last_write_time(ignored), item->path());
        }
    }
    if (files.size() <= cache_files_max) return;
    std::sort(files.begin(), files.end());
    for (std::size_t i = 0; i + cache_files_max < files.size(); ++i) std::filesystem::remove(files[i].second, ignored);
}

// Readers see the old file or the new one, never a part: it is written beside and renamed.
Status write_atomically(const std::string& file, std::string_view bytes) {
    std::string temporary = file + ".XXXXXX";
    const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) return Error(Code::io, std::strerror(errno));
    bool written = true;
    for (auto rest = bytes; written && !rest.empty();) {
        const auto count = ::write(fd, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        written = count > 0;
        if (written) rest.remove_prefix(static_cast<std::size_t>(count));
    }
    int reason = written ? 0 : errno;
    ::close(fd);
    if (written && ::rename(temporary.c_str(), file.c_str()) != 0) reason = errno;
    if (reason == 0) return {};
    ::unlink(temporary.c_str());
    return Error(Code::io, std::strerror(reason));
}

} // namespace

std::string_view name_of(Origin origin) noexcept {
    switch (origin) {
    case Origin::flag: return "--plugins";
    case Origin::environment: return "SYMPHONY_PLUGIN_PATH";
    case Origin::distribution: return "distribution";
    case Origin::prefix: return "prefix";
    case Origin::packages: return "packages";
    case Origin::user: return "user";
    }
    return "unknown";
}

struct Catalog::Shelf {
    RootState state;
    int fd = -1;
    std::unique_ptr<CatalogIndex> index; // null: the folder is not there

    ~Shelf() {
        if (fd >= 0) ::close(fd);
    }
    bool rows_current() const {
        for (std::uint32_t row = 0; row < index->size(); ++row) {
            if (manifest_stamp(fd, std::string(index->folder(row))) != index->stamp(row)) return false;
        }
        return true;
    }
    void count() {
        state.plugins = 0;
        for (std::uint32_t row = 0; index && row < index->size(); ++row) state.plugins += index->stamp(row) != Stamp{};
    }
};

Catalog::Catalog() = default;
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;
Catalog::~Catalog() = default;

Catalog Catalog::open(std::vector<Root> roots, std::string cache_folder) {
    Catalog catalog;
    catalog.cache_folder_ = std::move(cache_folder);
    for (auto& root : roots) {
        const bool seen = std::any_of(catalog.shelves_.begin(), catalog.shelves_.end(),
                                      [&root](const auto& shelf) { return shelf->state.root.path == root.path; });
        if (seen) continue;
        auto shelf = std::make_unique<Shelf>();
        shelf->state.root = std::move(root);
        shelf->fd = ::open(shelf->state.root.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        shelf->state.present = shelf->fd >= 0;
        if (shelf->fd < 0 && errno != ENOENT) {
            catalog.warnings_.push_back("plugin folder " + shelf->state.root.path + ": " + std::strerror(errno));
        }
        if (shelf->fd >= 0) {
            const auto stamp = stamp_of(shelf->fd);
            if (!catalog.cache_folder_.empty()) {
                shelf->state.cache_file = catalog.cache_folder_ + "/" + cache_name(shelf->state.root.path);
                if (auto index = CatalogIndex::open(shelf->state.cache_file, shelf->state.root.path)) {
                    shelf->index = std::make_unique<CatalogIndex>(std::move(*index));
                }
            }
            shelf->state.cached = shelf->index != nullptr;
            const bool current = shelf->index && shelf->index->root_stamp() == stamp &&
                                 (shelf->index->size() > checked_max || shelf->rows_current());
            if (!current) catalog.rebuild(*shelf, stamp);
            shelf->count();
        }
        catalog.shelves_.push_back(std::move(shelf));
    }
    return catalog;
}

void Catalog::rebuild(Shelf& shelf, const Stamp& root_stamp) {
    ++generation_;
    CatalogIndexBuilder builder;
    Stamp kept = root_stamp;
    if (!settled(root_stamp)) kept.mtime_ns = 0;
    const auto folders = plugin_folders(shelf.fd);
    if (!folders) {
        warnings_.push_back("plugin folder " + shelf.state.root.path + ": " + folders.error().message());
        kept.mtime_ns = 0;
    }
    Entry known;
    std::uint32_t row = 0;
    const auto rows = shelf.index ? shelf.index->size() : 0;
    for (const auto& folder : folders ? *folders : std::vector<std::string>{}) {
        const auto stamp = manifest_stamp(shelf.fd, folder);
        while (row < rows && shelf.index->folder(row) < folder) ++row; // both are sorted
        const bool same = row < rows && shelf.index->folder(row) == folder && shelf.index->stamp(row) == stamp;
        if (stamp == Stamp{}) {
            Entry bare;
            bare.folder = folder;
            builder.add(bare);
        } else if (same && shelf.index->read(row, known)) {
            builder.add(known);
        } else {
            scan_manifest(shelf.fd, folder, stamp, builder);
            ++shelf.state.read;
        }
    }
    auto bytes = builder.finish(shelf.state.root.path, kept);
    store(shelf, bytes);
    if (shelf.index) retired_.push_back(std::move(shelf.index));
    auto index = CatalogIndex::adopt(std::move(bytes), shelf.state.root.path);
    shelf.index = index ? std::make_unique<CatalogIndex>(std::move(*index)) : nullptr;
}

void Catalog::store(Shelf& shelf, const std::string& bytes) {
    shelf.state.cached = false;
    if (shelf.state.cache_file.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(cache_folder_, error);
    const auto written = error ? Status(Error(Code::io, error.message())) : write_atomically(shelf.state.cache_file, bytes);
    shelf.state.cached = static_cast<bool>(written);
    if (written) {
        drop_oldest(cache_folder_);
    } else if (!std::exchange(cache_warned_, true)) {
        warnings_.push_back("cache folder " + cache_folder_ + ": " + written.error().message() +
                            ": manifests are read anew each time");
    }
}

bool Catalog::refresh() {
    bool changed = false;
    for (auto& shelf : shelves_) {
        // Opened anew: the folder may have been replaced by another of its name.
        if (shelf->fd >= 0) ::close(shelf->fd);
        shelf->fd = ::open(shelf->state.root.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        shelf->state.present = shelf->fd >= 0;
        if (shelf->fd < 0) {
            changed = changed || shelf->index;
            generation_ += shelf->index != nullptr;
            if (shelf->index) retired_.push_back(std::move(shelf->index));
            shelf->count();
            continue;
        }
        const auto stamp = stamp_of(shelf->fd);
        if (shelf->index && shelf->index->root_stamp() == stamp && shelf->rows_current()) continue;
        rebuild(*shelf, stamp);
        shelf->count();
        changed = true;
    }
    return changed;
}

std::vector<Catalog::Ref> Catalog::find(Table table, std::string_view key) const {
    std::vector<Ref> found;
    for (std::uint32_t i = 0; i < shelves_.size(); ++i) {
        if (!shelves_[i]->index) continue;
        for (const auto row : shelves_[i]->index->find(table, key)) found.push_back({i, row});
    }
    return found;
}

std::optional<Catalog::Ref> Catalog::first(Table table, std::string_view key) const noexcept {
    for (std::uint32_t i = 0; i < shelves_.size(); ++i) {
        if (!shelves_[i]->index) continue;
        const auto rows = shelves_[i]->index->find(table, key);
        if (!rows.empty()) return Ref{i, rows.front()};
    }
    return std::nullopt;
}

bool Catalog::current(Ref ref) const {
    const auto& shelf = *shelves_[ref.root];
    if (shelf.index->size() <= checked_max) return true; // compared when it was opened
    return manifest_stamp(shelf.fd, std::string(shelf.index->folder(ref.row))) == shelf.index->stamp(ref.row);
}

std::vector<Catalog::Ref> Catalog::verified(std::vector<Ref> (*query)(const Catalog&, std::string_view),
                                            std::string_view key) {
    auto found = query(*this, key);
    const bool trusted = !found.empty() && std::all_of(found.begin(), found.end(), [this](Ref ref) { return current(ref); });
    if (!trusted && refresh()) found = query(*this, key);
    return found;
}

std::vector<Catalog::Ref> Catalog::look_up(std::string_view id_or_name) {
    return verified(
        [](const Catalog& catalog, std::string_view key) {
            auto found = catalog.find(Table::id, key);
            return found.empty() ? catalog.find(Table::name, key) : found;
        },
        id_or_name);
}

std::vector<Catalog::Ref> Catalog::look_up_command(std::string_view name) {
    return verified([](const Catalog& catalog, std::string_view key) { return catalog.find(Table::command, key); }, name);
}

std::vector<Catalog::Ref> Catalog::all() const {
    std::vector<Ref> refs;
    for (std::uint32_t i = 0; i < shelves_.size(); ++i) {
        const auto* index = shelves_[i]->index.get();
        for (std::uint32_t row = 0; index != nullptr && row < index->size(); ++row) {
            if (index->stamp(row) != Stamp{}) refs.push_back({i, row});
        }
    }
    return refs;
}

void Catalog::read(Ref ref, Entry& out) const {
    const auto& index = shelves_[ref.root]->index;
    if (index && index->read(ref.row, out)) return;
    out = Entry{}; // only a forged cache file has rows that do not decode
    out.kind = Entry::Kind::bad;
    out.findings.push_back({"cache-corrupt", "the catalog's cache file is corrupt", "remove the cache folder", 0, 0, true});
}

Entry Catalog::entry(Ref ref) const {
    Entry entry;
    read(ref, entry);
    return entry;
}

const Root& Catalog::root(Ref ref) const { return shelves_[ref.root]->state.root; }

std::string Catalog::folder(Ref ref) const {
    const auto& shelf = *shelves_[ref.root];
    const auto name = shelf.index ? shelf.index->folder(ref.row) : std::string_view{};
    return name == "." ? shelf.state.root.path : shelf.state.root.path + "/" + std::string(name);
}

std::string Catalog::manifest(Ref ref) const { return folder(ref) + "/manifest.toml"; }

std::optional<Catalog::Ref> Catalog::duplicate_of(Ref ref) const {
    const auto own = entry(ref);
    if (own.kind != Entry::Kind::good) return std::nullopt;
    const auto same_id = find(Table::id, own.id);
    if (same_id.size() < 2) return std::nullopt;
    Entry other;
    for (const auto candidate : same_id) {
        if (candidate == ref) break;
        read(candidate, other);
        if (other.kind == Entry::Kind::good && other.version == own.version) return candidate;
    }
    return std::nullopt;
}

std::vector<Catalog::RootState> Catalog::roots() const {
    std::vector<RootState> states;
    for (const auto& shelf : shelves_) states.push_back(shelf->state);
    return states;
}

} // namespace symphony::host
