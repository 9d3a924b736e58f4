// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"
#include "engine.hpp"
#include <symphony/sqlite_files/fd_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

/// Opening: the lock, the keys, the index, and what a crash left behind.
namespace symphony::store {
namespace {

constexpr std::string_view sum_path = "index/index.sum";
constexpr std::uint64_t sum_bytes_max = 256ull << 20; ///< a larger index is believed: reading it would take longer than people wait
constexpr std::size_t findings_max = 10'000;
constexpr std::size_t former_max = 100'000;

bool try_lock(int fd) noexcept {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

Result<std::string> sum_of_file(Folder& folder, std::string_view path) {
    const auto file = SYMPHONY_TRY(folder.open(path, Folder::Mode::read));
    std::vector<std::uint8_t> part(1 << 20);
    std::uint64_t offset = 0, sum = 0;
    for (;;) {
        const std::size_t got = SYMPHONY_TRY(file->read_at(offset, part));
        sum = checksum(Bytes(part).first(got), sum);
        offset += got;
        if (got < part.size()) break;
    }
    return std::to_string(offset) + " " + std::to_string(sum);
}

Error not_reader_work(const Error& error) {
    return Error(error.code(), error.reason(), error.message(), "`symphony artifact repair` makes the index anew from the packs, and so does any put");
}

/// A log whose sync failed reads well, and SQLite would go on behind it and copy from it into the index. Readers only read it.
Status write_back_log(Folder& folder) {
    const auto log = folder.open(std::string(index_path) + "-wal", Folder::Mode::write);
    if (!log) return log.error().code() == Code::not_found ? Status() : Status(log.error());
    return write_back(**log, SYMPHONY_TRY((*log)->size()));
}

/// A write of the last group that came to the disk in parts, the later ones first: nothing of it was acknowledged, and what lies behind
/// the hole may need what was in it.
void cut_torn_group(PackFile::Walk& walk, Footer& footer, std::uint64_t committed) {
    const auto is_last = [&](const std::pair<std::uint64_t, std::uint64_t>& hole) {
        return hole.first >= committed && std::all_of(footer.entries.begin(), footer.entries.end(), [&](const FooterEntry& entry) {
            return entry.offset < hole.first || entry.frame.group == walk.last_group;
        });
    };
    const auto hole = std::find_if(walk.holes.begin(), walk.holes.end(), is_last);
    if (hole == walk.holes.end()) return;
    std::erase_if(footer.entries, [&](const FooterEntry& entry) { return entry.offset >= hole->first; });
    walk.end = hole->first;
    walk.cut = true;
    walk.holes.erase(hole, walk.holes.end());
}

} // namespace

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<Folder> folder, OpenOptions options, Rebuild rebuild) {
    if (options.owner.empty()) options.owner = "process " + std::to_string(::getpid());
    if (options.actor.empty()) options.actor = options.owner;
    if (options.actor.size() > word_bytes_max) options.actor.resize(word_bytes_max);
    std::unique_ptr<Engine> engine(new Engine(std::move(folder), std::move(options)));
    engine->clock_ = engine->options_.clock ? engine->options_.clock : std::make_shared<Clock>();
    engine->opened_wall_ms_ = engine->clock_->wall_ms();
    engine->opened_steady_ms_ = engine->clock_->steady_ms();
    std::array<std::uint8_t, 4> session{};
    fill_random(session);
    engine->session_ = ByteReader(session).u32();
    SYMPHONY_TRY(engine->unlock());
    if (engine->options_.access == Access::writer) SYMPHONY_TRY(engine->take_lock());
    engine->mount_ = SYMPHONY_TRY(Mount::of(*engine->folder_));
    SYMPHONY_TRY(engine->open_index(rebuild));
    return engine;
}

Status Engine::unlock() {
    ReadHeader read = SYMPHONY_TRY(read_header(*folder_));
    header_ = std::move(read.header);
    header_text_ = std::move(read.text);
    const auto context = std::make_shared<PackContext>();
    context->suite = header_.suite;
    context->repository = header_.repository;
    if (header_.suite != Suite::none) {
        if (!options_.secret) {
            return Error(Code::refused, "key-needed", folder_->name() + ": the store is encrypted", "give its passphrase or key file");
        }
        context->keys = SYMPHONY_TRY(header_.unlock(*options_.secret, header_text_));
    }
    options_.secret.reset();
    context_ = context;
    veil_ = std::make_unique<Veil>(header_.suite, context_->keys);
    const SecretBytes gear = header_.suite == Suite::none ? SecretBytes() : context_->keys.derived("symphony-store gear table 1");
    chunker_ = std::make_unique<Chunker>(header_.profile, gear.bytes());
    if (read.from_copy) {
        notice("header-restored", folder_->name() + ": store.json is damaged or missing; its copy was used");
        if (options_.access == Access::writer) static_cast<void>(write_header(*folder_, header_text_));
    }
    return {};
}

bool Engine::has_writer() const {
    const auto lock = folder_->open("lock", Folder::Mode::read);
    if (!lock || (*lock)->fd() < 0) return false;
    struct flock asked {};
    asked.l_type = F_WRLCK;
    asked.l_whence = SEEK_SET;
    return ::fcntl((*lock)->fd(), F_OFD_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
}

Status Engine::take_lock() {
    lock_ = SYMPHONY_TRY(folder_->open("lock", Folder::Mode::create));
    if (lock_->fd() < 0) return {}; // a folder of this process alone
    if (!try_lock(lock_->fd())) {
        std::vector<std::uint8_t> text(1024);
        const auto got = lock_->read_at(0, text);
        std::string owner = got ? std::string(text_of(Bytes(text).first(*got))) : std::string();
        std::erase_if(owner, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        lock_.reset();
        return Error(Code::busy, "store-locked", folder_->name() + ": another writer has the store open: " + (owner.empty() ? "unknown" : owner),
                     "wait for it or stop it; reading works meanwhile");
    }
    SYMPHONY_TRY(lock_->truncate(0));
    return lock_->write_at(0, bytes_of(options_.owner.substr(0, 1000) + "\n"));
}

Result<bool> Engine::index_sum_fits() {
    const auto kept = read_text(*folder_, sum_path, 100);
    if (!kept) return true; // not closed in order: SQLite's own recovery, and the packs, have the last word
    const auto file = folder_->open(index_path, Folder::Mode::read);
    if (!file) return false;
    if (SYMPHONY_TRY((*file)->size()) > sum_bytes_max) return true;
    const std::string now = SYMPHONY_TRY(sum_of_file(*folder_, index_path));
    if (now == *kept) return true;
    // A writer may have come in between; it takes the sum away first.
    return options_.access == Access::reader && !read_text(*folder_, sum_path, 100);
}

Status Engine::write_index_sum() {
    const auto file = SYMPHONY_TRY(folder_->open(index_path, Folder::Mode::read));
    if (SYMPHONY_TRY(file->size()) > sum_bytes_max) return {};
    return replace_file(*folder_, sum_path, SYMPHONY_TRY(sum_of_file(*folder_, index_path)));
}

Status Engine::set_index_aside(const std::string& why) {
    index_.reset();
    const std::string to = "index/aside-" + std::to_string(clock_->wall_ms()) + ".db";
    auto moved = folder_->rename(index_path, to);
    for (const std::string_view tail : {"-wal", "-shm", "-journal"}) static_cast<void>(folder_->remove(std::string(index_path) + std::string(tail)));
    if (!moved && moved.error().code() != Code::not_found) return moved;
    if (moved) SYMPHONY_TRY(folder_->sync_folder("index"));
    notice("index-rebuilt", folder_->name() + ": " + why + "; the index is made anew from the packs" + (moved ? ", the old one is " + to : std::string()));
    rebuilt_ = true;
    return {};
}

Status Engine::open_index(Rebuild rebuild) {
    lenient_ = rebuild == Rebuild::always;
    const bool fits = SYMPHONY_TRY(index_sum_fits());
    if (options_.access == Access::reader) {
        if (!fits) return not_reader_work(index_corrupt("its checksum does not fit"));
        auto opened = Index::open(mount_, header_.repository, *veil_, false);
        if (!opened) return damage_of(opened.error()) ? opened.error() : not_reader_work(opened.error());
        const std::lock_guard lock(pool_mutex_);
        pool_.push_back(std::move(*opened));
        return {};
    }
    bool fresh = rebuild == Rebuild::always || !folder_->open(index_path, Folder::Mode::read);
    std::string why = rebuild == Rebuild::always ? "repair was asked for" : "there is no index";
    if (!fresh && !fits) {
        fresh = true;
        why = "the index was changed or damaged";
    }
    if (!fresh) {
        SYMPHONY_TRY(write_back_log(*folder_));
        auto opened = Index::open(mount_, header_.repository, *veil_, true);
        const auto half = opened ? (*opened)->value("rebuilding") : Result<std::uint64_t>(opened.error());
        if (opened && half && *half == 0) {
            index_ = std::move(*opened);
        } else if (!half && half.error().code() != Code::data_corrupt) {
            return half.error(); // a newer schema, a full disk
        } else {
            fresh = true;
            why = half ? "the last rebuild of the index was interrupted" : half.error().message();
        }
    }
    static_cast<void>(folder_->remove(sum_path));
    if (!fresh) {
        auto recovered = recover(false);
        if (recovered && !index_is_old_) return {};
        if (!recovered && recovered.error().code() != Code::data_corrupt) return recovered;
        why = recovered ? "the index is older than the packs" : recovered.error().message();
    } else if (rebuild == Rebuild::always && fits) {
        remember_former();
    }
    SYMPHONY_TRY(set_index_aside(why));
    index_is_old_ = false;
    missing_packs_.clear();
    findings_.clear();
    index_ = SYMPHONY_TRY(Index::open(mount_, header_.repository, *veil_, true));
    SYMPHONY_TRY(index_->set_value("rebuilding", 1));
    SYMPHONY_TRY(recover(true));
    return index_->set_value("rebuilding", 0);
}

void Engine::remember_former() {
    auto old = Index::open(mount_, header_.repository, *veil_, true);
    if (!old) return;
    auto row = (*old)->database().prepare("SELECT token, record FROM artifacts");
    while (row.step() && former_.size() < former_max) {
        const auto value = veil_->open(row.bytes(0), row.bytes(1));
        ContentId id;
        if (!value || value->size() < id.bytes.size()) continue;
        std::copy_n(value->begin(), id.bytes.size(), id.bytes.begin());
        const auto version = (*old)->newest_name_of(id);
        former_.push_back(id.hex() + (version && *version ? " " + (*version)->name + "@" + std::to_string((*version)->version) : std::string()));
    }
}

void Engine::add_finding(const Error& error, const std::string& where) {
    notice(error.reason(), error.message());
    if (findings_.size() < findings_max) {
        findings_.push_back({damage_of(error).value_or(Damage::missing), where, error.message(), error.hint(), {}});
    }
}

Status Engine::recover(bool fresh) {
    std::vector<Absorbed> found;
    SYMPHONY_TRY(find_sealed_packs(found));
    SYMPHONY_TRY(find_open_packs(found));
    const std::uint64_t known = SYMPHONY_TRY(index_->value("collections"));
    for (const Absorbed& pack : found) {
        if (pack.footer.collections > known) index_is_old_ = !fresh;
    }
    if (index_is_old_) return {};
    SYMPHONY_TRY(absorb(found, fresh));
    return load_numbers();
}

Result<Engine::Absorbed> Engine::read_sealed(const PackId& id) {
    Absorbed pack;
    pack.file = SYMPHONY_TRY(PackFile::open(*folder_, sealed_path(id), id, *context_, lenient_));
    auto footer = pack.file->footer();
    if (!footer) {
        if (!damage_of(footer.error())) return std::move(footer).error();
        add_finding(footer.error(), pack.file->path());
        return read_without_footer(pack.file);
    }
    pack.footer = std::move(*footer);
    pack.bytes = SYMPHONY_TRY(pack.file->size());
    return pack;
}

Result<Engine::Absorbed> Engine::read_without_footer(std::shared_ptr<PackFile> file) {
    Absorbed pack;
    pack.file = std::move(file);
    static_cast<void>(SYMPHONY_TRY(pack.file->walk([&](std::uint64_t offset, const Frame& frame) {
        pack.footer.entries.push_back({offset, frame});
        return true;
    })));
    pack.bytes = SYMPHONY_TRY(pack.file->size());
    return pack;
}

Status Engine::find_sealed_packs(std::vector<Absorbed>& found) {
    std::map<PackId, PackRow> rows;
    for (PackRow& row : SYMPHONY_TRY(index_->packs())) rows.emplace(row.id, row);
    std::set<PackId> seen;
    for (const Entry& folder : SYMPHONY_TRY(folder_->list("packs"))) {
        if (!folder.folder) continue;
        for (const Entry& entry : SYMPHONY_TRY(folder_->list("packs/" + folder.name))) {
            const auto id = pack_named(entry.name);
            if (!id || sealed_path(*id) != "packs/" + folder.name + "/" + entry.name) continue;
            seen.insert(*id);
            const auto row = rows.find(*id);
            if (row != rows.end() && row->second.state == PackState::sealed) continue;
            auto pack = read_sealed(*id);
            if (!pack) {
                if (!damage_of(pack.error())) return std::move(pack).error();
                add_finding(pack.error(), sealed_path(*id));
                continue;
            }
            if (row != rows.end()) pack->row = row->second;
            found.push_back(std::move(*pack));
        }
    }
    for (const Entry& entry : SYMPHONY_TRY(folder_->list("open"))) {
        if (const auto id = pack_named(entry.name)) seen.insert(*id);
    }
    for (const auto& [id, row] : rows) {
        if (seen.contains(id)) continue;
        missing_packs_.insert(row.row);
        add_finding(damage_error(Damage::missing, sealed_path(id) + ": is not there"), sealed_path(id));
    }
    return {};
}

Status Engine::find_open_packs(std::vector<Absorbed>& found) {
    for (const Entry& entry : SYMPHONY_TRY(folder_->list("open"))) {
        const auto id = pack_named(entry.name);
        if (!id) continue;
        auto pack = recover_open_pack(*id);
        if (!pack) {
            if (!damage_of(pack.error())) return std::move(pack).error();
            add_finding(pack.error(), open_path(*id));
            continue;
        }
        if (*pack) found.push_back(std::move(**pack));
    }
    return {};
}

Result<std::optional<Engine::Absorbed>> Engine::recover_open_pack(const PackId& id) {
    const auto row = SYMPHONY_TRY(index_->pack(id));
    const std::string path = open_path(id);
    auto file = PackFile::open(*folder_, path, id, *context_, lenient_);
    if (!file) {
        // Nothing in it was acknowledged when not even its head came to the disk.
        const bool never_used = !row || row->committed <= pack_head_bytes || row->relaxed;
        const auto bytes = folder_->open(path, Folder::Mode::read);
        const auto size = bytes ? (*bytes)->size() : Result<std::uint64_t>(std::uint64_t{0});
        if (never_used && size && *size <= pack_head_bytes && damage_of(file.error())) {
            SYMPHONY_TRY(folder_->remove(path));
            if (row && row->relaxed) index_is_old_ = true;
            return std::optional<Absorbed>();
        }
        return std::move(file).error();
    }
    Absorbed pack;
    pack.file = *file;
    pack.row = row;
    auto walk = SYMPHONY_TRY(pack.file->walk([&](std::uint64_t offset, const Frame& frame) {
        pack.footer.entries.push_back({offset, frame});
        return true;
    }));
    cut_torn_group(walk, pack.footer, row && !row->relaxed ? row->committed : 0);
    for (const FooterEntry& entry : pack.footer.entries) {
        if (entry.frame.type != BlobType::meta) continue;
        const auto blob = pack.file->read(entry.offset, entry.frame.stored, &entry.frame.id);
        const auto batch = blob ? Batch::decode(blob->content) : std::nullopt;
        if (!batch) continue;
        pack.footer.collections = std::max(pack.footer.collections, batch->collections);
        for (const Record& record : batch->records) {
            auto& footer = pack.footer;
            if (footer.first_sequence == 0 || record.sequence < footer.first_sequence) footer.first_sequence = record.sequence;
            footer.last_sequence = std::max(footer.last_sequence, record.sequence);
        }
    }
    const bool index_ahead = row && row->committed > walk.end;
    if (index_ahead && row->relaxed) {
        notice("relaxed-loss", path + ": the last puts before the crash are gone, as the relaxed mode allows");
        index_is_old_ = true;
    } else if (index_ahead) {
        add_finding(damage_error(Damage::torn, path + ": ends at " + std::to_string(walk.end) + " where " + std::to_string(row->committed) + " bytes were acknowledged"), path);
    } else if (walk.hole_in_synced || std::any_of(walk.holes.begin(), walk.holes.end(), [&](const auto& hole) { return row && !row->relaxed && hole.first < row->committed; })) {
        add_finding(damage_error(Damage::bit_rot, path + ": a part of it is damaged"), path);
    } else if (walk.cut) {
        notice("torn-tail", path + ": what a crash left unfinished behind " + std::to_string(walk.end) + " bytes was cut off");
    }
    if (pack.footer.entries.empty() && !row) {
        SYMPHONY_TRY(folder_->remove(path));
        return std::optional<Absorbed>();
    }
    if (auto sealed = seal_recovered(*folder_, *pack.file, pack.footer, walk); !sealed) {
        // A full disk must not keep anybody from reading.
        notice("not-sealed", path + ": " + sealed.error().message());
        pack.state = PackState::open;
    }
    pack.bytes = SYMPHONY_TRY(pack.file->size());
    return std::optional(std::move(pack));
}

Status Engine::absorb(std::vector<Absorbed>& packs, bool fresh) {
    if (packs.empty()) return {};
    // A crash must not leave lists uncounted: all in one transaction, or, for a whole store, under the mark of a rebuild.
    const auto between = [&]() -> Status {
        if (!fresh) return {};
        SYMPHONY_TRY(index_->commit(false));
        return index_->begin();
    };
    const auto all = [&]() -> Status {
        std::vector<Digest> lists;
        for (Absorbed& pack : packs) {
            SYMPHONY_TRY(absorb_blobs(pack, lists));
            SYMPHONY_TRY(between());
        }
        for (const Digest& list : lists) SYMPHONY_TRY(count_list(list));
        std::sort(packs.begin(), packs.end(), [](const Absorbed& a, const Absorbed& b) { return a.footer.first_sequence < b.footer.first_sequence; });
        for (Absorbed& pack : packs) {
            SYMPHONY_TRY(absorb_records(pack));
            SYMPHONY_TRY(between());
        }
        return {};
    };
    SYMPHONY_TRY(index_->begin());
    auto done = all();
    if (done) done = index_->commit(true);
    if (!done) index_->roll_back();
    return done;
}

Status Engine::absorb_blobs(Absorbed& pack, std::vector<Digest>& lists) {
    PackRow row;
    if (pack.row) row = *pack.row;
    row.id = pack.file->id();
    row.state = pack.state;
    row.bytes = pack.state == PackState::sealed ? pack.bytes : 0;
    row.committed = pack.bytes;
    row.first_sequence = pack.footer.first_sequence;
    row.relaxed = false;
    if (!pack.row) {
        row.live = 0;
        row.row = SYMPHONY_TRY(index_->add_pack(row));
    } else {
        SYMPHONY_TRY(index_->update_pack(row));
    }
    for (const FooterEntry& entry : pack.footer.entries) {
        if (entry.frame.type != BlobType::data && entry.frame.type != BlobType::list) continue;
        BlobRow blob;
        blob.pack = row.row;
        blob.place = {entry.offset, entry.frame.stored, entry.frame.raw};
        blob.type = entry.frame.type;
        const bool added = SYMPHONY_TRY(index_->add_blob(entry.frame.id, blob));
        if (added && blob.type == BlobType::list) lists.push_back(entry.frame.id);
        if (!added && !missing_packs_.empty()) {
            const auto known = SYMPHONY_TRY(index_->blob(entry.frame.id));
            if (known && missing_packs_.contains(known->pack)) SYMPHONY_TRY(index_->move_blob(entry.frame.id, blob));
        }
    }
    return {};
}

Status Engine::count_list(const Digest& list) {
    auto parts = load_list(*index_, list);
    if (!parts) {
        if (!damage_of(parts.error())) return std::move(parts).error();
        add_finding(parts.error(), "list " + list.hex());
        return {};
    }
    for (const Part& part : *parts) static_cast<void>(SYMPHONY_TRY(index_->change_refs(part.blob, 1)));
    return {};
}

Status Engine::absorb_records(Absorbed& pack) {
    for (const FooterEntry& entry : pack.footer.entries) {
        if (entry.frame.type != BlobType::meta) continue;
        auto blob = pack.file->read(entry.offset, entry.frame.stored, &entry.frame.id);
        if (!blob) blob = pack.file->read(entry.offset, entry.frame.stored, &entry.frame.id);
        auto batch = blob ? Batch::decode(blob->content) : std::nullopt;
        if (blob && (!batch || veil_->blob_id(BlobType::meta, blob->content) != entry.frame.id)) {
            blob = damage_error(Damage::tampered, pack.file->path() + ": at " + std::to_string(entry.offset) + ": the records are not what their id says");
        }
        if (!blob) {
            if (!damage_of(blob.error())) return std::move(blob).error();
            add_finding(blob.error(), pack.file->path());
            continue;
        }
        SYMPHONY_TRY(index_->set_value("collections", std::max<std::uint64_t>(batch->collections, SYMPHONY_TRY(index_->value("collections")))));
        for (const Record& record : batch->records) {
            auto applied = index_->apply(record);
            if (!applied && !damage_of(applied.error())) return applied;
            if (!applied) add_finding(applied.error(), pack.file->path());
        }
    }
    return {};
}

Status Engine::load_numbers() {
    const auto number = [&](const char* sql) -> Result<std::uint64_t> {
        auto row = index_->database().prepare(sql);
        const std::uint64_t value = row.step() ? row.unsigned_number(0) : 0;
        SYMPHONY_TRY(row.done());
        return value;
    };
    next_sequence_ = SYMPHONY_TRY(number("SELECT MAX(seq) FROM changes")) + 1;
    next_sequence_ = std::max(next_sequence_, SYMPHONY_TRY(index_->value("last-sequence")) + 1);
    collections_ = static_cast<std::uint32_t>(SYMPHONY_TRY(index_->value("collections")));
    live_bytes_ = SYMPHONY_TRY(number("SELECT SUM(live) FROM packs"));
    generation_ = SYMPHONY_TRY(number("SELECT MAX(generation) FROM condemned")) + 1;
    return {};
}

} // namespace symphony::store
