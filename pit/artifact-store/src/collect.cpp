// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include <algorithm>
#include <charconv>

/// Collection in two phases. What nothing uses is condemned; a later call deletes what was condemned before every put under
/// way began and before every lease of then ended, looking again in the transaction that deletes. Git's and others' accidents
/// with deleting what is just being used come from a single phase with a grace time and no leases.
namespace symphony::store {
namespace {

constexpr std::size_t step_max = 500; ///< things in one transaction, so that puts never wait long

class Collector {
public:
    Collector(Engine& engine, const CollectOptions& options, const ProgressFn& progress) : engine_(engine), options_(options), progress_(progress) {}

    Result<CollectReport> run() {
        SYMPHONY_TRY(engine_.refuse_reader());
        SYMPHONY_TRY(drop_leases());
        SYMPHONY_TRY(drop_artifacts());
        if (options_.dry_run) {
            SYMPHONY_TRY(count_condemned());
            return report_;
        }
        SYMPHONY_TRY(sweep());
        SYMPHONY_TRY(condemn());
        SYMPHONY_TRY(repack());
        SYMPHONY_TRY(count_live());
        SYMPHONY_TRY(empty_trash());
        return report_;
    }

private:
    Status tell(std::string_view stage, std::uint64_t done, std::uint64_t total) {
        if (!progress_ || progress_({stage, done, total})) return {};
        return Error(Code::cancelled, "collection was cancelled; what it did so far is whole");
    }

    /// Leases that are over leave the table.
    Status drop_leases() {
        if (options_.dry_run) return {};
        for (bool more = true; more;) {
            SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) -> Status {
                std::vector<std::uint64_t> over;
                {
                    auto row = transaction.index().database().prepare("SELECT id FROM leases WHERE until_ms <= ? LIMIT ?");
                    row.bind(transaction.lease_ms()).bind(static_cast<std::uint32_t>(step_max));
                    while (row.step()) over.push_back(row.unsigned_number(0));
                    SYMPHONY_TRY(row.done());
                }
                more = over.size() == step_max;
                for (const std::uint64_t lease : over) {
                    Record record;
                    record.kind = Kind::lease;
                    record.key = lease_key(lease);
                    record.action = Action::release;
                    record.gone = true;
                    SYMPHONY_TRY(transaction.add(std::move(record)));
                }
                return {};
            }));
        }
        return {};
    }

    /// Ids of artifacts that nothing keeps: no version, tag, pin, hold, reference, lease, nor an artifact that was made of it.
    Result<std::vector<ContentId>> unkept(Index& index, std::uint64_t now_ms, std::int64_t after, std::int64_t& last) const {
        const char* hard = "SELECT a.id, a.token, a.record FROM artifacts a WHERE a.id > ?1 AND a.keep = 0 AND a.lease <= ?2"
                           " AND NOT EXISTS(SELECT 1 FROM versions v WHERE v.artifact = a.token)"
                           " AND NOT EXISTS(SELECT 1 FROM refs r WHERE r.artifact = a.token AND r.soft = 0)"
                           " AND NOT EXISTS(SELECT 1 FROM leases l WHERE l.artifact = a.token AND l.until_ms > ?2)"
                           " AND NOT EXISTS(SELECT 1 FROM lineage i WHERE i.input = a.token AND i.output <> a.token) ORDER BY a.id LIMIT ?3";
        const char* soft = "SELECT a.id, a.token, a.record FROM artifacts a WHERE a.id > ?1 AND a.keep = 0 AND a.lease <= ?2"
                           " AND NOT EXISTS(SELECT 1 FROM versions v WHERE v.artifact = a.token)"
                           " AND NOT EXISTS(SELECT 1 FROM refs r WHERE r.artifact = a.token)"
                           " AND NOT EXISTS(SELECT 1 FROM leases l WHERE l.artifact = a.token AND l.until_ms > ?2)"
                           " AND NOT EXISTS(SELECT 1 FROM lineage i WHERE i.input = a.token AND i.output <> a.token) ORDER BY a.id LIMIT ?3";
        std::vector<ContentId> ids;
        auto row = index.database().prepare(options_.drop_soft ? hard : soft);
        row.bind(after).bind(now_ms).bind(static_cast<std::uint32_t>(step_max));
        while (row.step()) {
            last = row.number(0);
            const auto value = index.veil().open(row.bytes(1), row.bytes(2));
            if (!value || value->size() < 32) return index_corrupt("the row of an artifact is damaged");
            ContentId id;
            std::copy_n(value->begin(), 32, id.bytes.begin());
            ids.push_back(id);
        }
        SYMPHONY_TRY(row.done());
        return ids;
    }

    Status drop_artifacts() {
        // Dropping one may leave its inputs without use: again until nothing more goes.
        for (bool more = true; more;) {
            more = false;
            std::int64_t after = 0;
            for (bool page = true; page;) {
                SYMPHONY_TRY(tell("looking for what nothing keeps", report_.artifacts_dropped, 0));
                std::size_t found = 0;
                const auto drop = [&](Index& index, std::uint64_t now_ms, Transaction* transaction) -> Status {
                    const auto ids = SYMPHONY_TRY(unkept(index, now_ms, after, after));
                    found = ids.size();
                    for (const ContentId& id : ids) {
                        if (transaction != nullptr) {
                            Record record;
                            record.kind = Kind::artifact;
                            record.key.assign(id.bytes.begin(), id.bytes.end());
                            record.action = Action::collect;
                            record.gone = true;
                            SYMPHONY_TRY(transaction->add(std::move(record)));
                        }
                        ++report_.artifacts_dropped;
                        if (report_.dropped.size() < 1000) report_.dropped.push_back(id);
                    }
                    return {};
                };
                if (options_.dry_run) {
                    auto reader = SYMPHONY_TRY(engine_.read());
                    SYMPHONY_TRY(drop(*reader, engine_.lease_ms(), nullptr));
                } else {
                    SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) { return drop(transaction.index(), transaction.lease_ms(), &transaction); }));
                    more = more || found > 0;
                }
                page = found == step_max;
            }
        }
        return {};
    }

    Status count_condemned() {
        auto reader = SYMPHONY_TRY(engine_.read());
        auto row = reader->database().prepare("SELECT COUNT(*), SUM(b.stored), SUM(c.id IS NOT NULL) FROM blobs b LEFT JOIN condemned c ON c.id = b.id WHERE b.refs = 0");
        if (row.step()) {
            report_.waiting = row.unsigned_number(2);
            report_.condemned = row.unsigned_number(0) - report_.waiting;
            report_.freed_bytes = row.unsigned_number(1);
        }
        return row.done();
    }

    /// Of the longest lease that lives: until then, what is condemned now stays.
    static Result<std::uint64_t> longest_lease(Index& index, std::uint64_t now_ms) {
        auto row = index.database().prepare("SELECT MAX(until) FROM (SELECT MAX(until_ms) AS until FROM leases UNION ALL SELECT MAX(lease) FROM artifacts)");
        const std::uint64_t until = row.step() ? row.unsigned_number(0) : 0;
        SYMPHONY_TRY(row.done());
        return std::max(until, now_ms);
    }

    Status count_live() {
        return engine_.commit([&](Transaction& transaction) -> Status {
            auto row = transaction.index().database().prepare("SELECT SUM(live) FROM packs");
            const std::uint64_t live = row.step() ? row.unsigned_number(0) : 0;
            SYMPHONY_TRY(row.done());
            engine_.set_live_bytes(live);
            return {};
        });
    }

    Status condemn() {
        const std::uint64_t generation = engine_.next_generation();
        const std::uint64_t steady = engine_.clock().steady_ms();
        return engine_.commit([&](Transaction& transaction) -> Status {
            Index& index = transaction.index();
            transaction.touch();
            const std::uint64_t until = SYMPHONY_TRY(longest_lease(index, transaction.lease_ms()));
            // By the steady clock too: a wall clock that jumps ahead must not end the wait.
            SYMPHONY_TRY(index.database().prepare("INSERT OR IGNORE INTO condemned SELECT id, ?, ?, ?, ? FROM blobs WHERE refs = 0").bind(generation).bind(until)
                             .bind(steady + (until - transaction.lease_ms())).bind(engine_.session()).run());
            report_.condemned = static_cast<std::uint64_t>(index.database().changes());
            return {};
        });
    }

    Status sweep() {
        {
            auto reader = SYMPHONY_TRY(engine_.read());
            auto row = reader->database().prepare("SELECT COUNT(*) FROM condemned");
            before_ = row.step() ? row.unsigned_number(0) : 0;
            SYMPHONY_TRY(row.done());
        }
        std::vector<std::uint8_t> after;
        for (bool more = before_ > 0; more;) {
            SYMPHONY_TRY(tell("deleting", report_.blobs_deleted, before_));
            SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) { return sweep_step(transaction, after, more); }));
        }
        report_.waiting = before_ - std::min(before_, report_.blobs_deleted + report_.resurrected);
        return {};
    }

    Status sweep_step(Transaction& transaction, std::vector<std::uint8_t>& after, bool& more) {
        Index& index = transaction.index();
        struct Due {
            Digest id;
            std::uint64_t refs = 0, stored = 0;
            BlobType type = BlobType::data;
        };
        std::vector<Due> due;
        std::size_t seen = 0;
        const std::uint64_t oldest = engine_.oldest_generation();
        {
            auto row = index.database().prepare("SELECT c.id, c.generation, c.until_ms, c.steady_ms, c.session, b.refs, b.stored, b.type FROM condemned c LEFT JOIN blobs b ON b.id = c.id "
                                                "WHERE c.id > ? ORDER BY c.id LIMIT ?");
            row.bind(after).bind(static_cast<std::uint32_t>(step_max));
            std::vector<std::uint8_t> last;
            while (row.step()) {
                ++seen;
                last.assign(row.bytes(0).begin(), row.bytes(0).end());
                const auto id = row.fixed<Digest>(0);
                const bool same_session = row.unsigned_number(4) == engine_.session();
                const bool waited = row.unsigned_number(2) <= transaction.lease_ms() && (!same_session || row.unsigned_number(3) <= engine_.clock().steady_ms());
                // A put that began before the condemnation may count on the chunk.
                if (!id || !waited || (same_session && row.unsigned_number(1) > oldest)) continue;
                due.push_back({*id, row.unsigned_number(5), row.unsigned_number(6), static_cast<BlobType>(row.number(7))});
            }
            SYMPHONY_TRY(row.done());
            if (!last.empty()) after = std::move(last);
        }
        more = seen == step_max;
        transaction.touch();
        for (const Due& one : due) {
            if (one.refs > 0) {
                SYMPHONY_TRY(index.database().prepare("DELETE FROM condemned WHERE id = ?").bind(one.id).run());
                ++report_.resurrected;
                continue;
            }
            if (one.type == BlobType::list) SYMPHONY_TRY(free_list(index, one.id));
            SYMPHONY_TRY(index.remove_blob(one.id));
            ++report_.blobs_deleted;
            report_.freed_bytes += one.stored;
        }
        if (!due.empty()) transaction.must_sync();
        return {};
    }

    /// The chunks of a list that goes count one use less.
    Status free_list(Index& index, const Digest& list) {
        auto parts = engine_.load_list(index, list);
        if (!parts && damage_of(parts.error())) {
            engine_.notice("list-damaged", parts.error().message() + "; its chunks stay until the index is made anew");
            return {};
        }
        for (const Part& part : SYMPHONY_TRY(std::move(parts))) static_cast<void>(SYMPHONY_TRY(index.change_refs(part.blob, -1)));
        return {};
    }

    /// Packs with little in them are written anew, with their neighbours, and go to the trash.
    Status repack() {
        std::vector<PackRow> rows;
        {
            auto reader = SYMPHONY_TRY(engine_.read());
            rows = SYMPHONY_TRY(reader->packs());
        }
        std::vector<PackRow> chosen;
        std::vector<PackRow> small;
        for (const PackRow& row : rows) {
            if (row.state != PackState::sealed) continue;
            const double share = static_cast<double>(row.live) / static_cast<double>(std::max<std::uint64_t>(row.bytes, 1));
            const bool emptied = row.live == 0 && row.bytes > 0;
            if (row.bytes >= pack_bytes_goal / 2 ? share < options_.repack_below : false) chosen.push_back(row);
            else if (emptied && options_.repack_below > 0) chosen.push_back(row);
            else if (row.bytes < pack_bytes_goal / 2 && options_.repack_below > 0) small.push_back(row);
        }
        // Small packs come from short sessions; a few of them do no harm.
        std::uint64_t small_bytes = 0, small_live = 0;
        for (const PackRow& row : small) {
            small_bytes += row.bytes;
            small_live += row.live;
        }
        const bool thin = static_cast<double>(small_live) < options_.repack_below * static_cast<double>(small_bytes);
        if (small.size() >= 16 || (thin && !small.empty())) chosen.insert(chosen.end(), small.begin(), small.end());
        std::uint64_t done = 0;
        for (const PackRow& row : chosen) {
            SYMPHONY_TRY(tell("writing packs anew", done++, chosen.size()));
            auto one = rewrite(row, rows);
            if (!one && damage_of(one.error())) {
                engine_.notice(one.error().reason(), one.error().message() + "; the pack stays as it is");
                continue;
            }
            SYMPHONY_TRY(std::move(one));
        }
        return {};
    }

    Status rewrite(const PackRow& row, const std::vector<PackRow>& all) {
        const auto file = SYMPHONY_TRY(engine_.pack_file(row));
        const Footer footer = SYMPHONY_TRY(file->footer());
        std::uint64_t others_first = ~std::uint64_t{0};
        for (const PackRow& other : all) {
            if (other.row != row.row && other.first_sequence != 0) others_first = std::min(others_first, other.first_sequence);
        }
        const auto bulk = SYMPHONY_TRY(engine_.take_bulk());
        std::vector<std::pair<Digest, BlobRow>> moved;
        auto copied = copy_live(row, *file, footer, others_first, *bulk, moved);
        if (copied) copied = bulk->writer->sync(); // in the relaxed mode too: the old pack was on the disk long since
        if (copied) copied = switch_over(row, *bulk, moved);
        if (!copied) {
            bulk->writer->roll_back();
            engine_.give_bulk(bulk);
            return copied;
        }
        bulk->writer->mark();
        if (bulk->writer->full()) {
            std::vector<std::pair<Digest, BlobRow>> none;
            SYMPHONY_TRY(engine_.commit_bulk(*bulk, none, true));
        } else {
            engine_.give_bulk(bulk);
        }
        engine_.forget_pack(row.id);
        SYMPHONY_TRY(engine_.folder().rename(sealed_path(row.id), trash_path(row.id, engine_.lease_ms())));
        SYMPHONY_TRY(engine_.folder().sync_folder("trash"));
        const std::string path = sealed_path(row.id);
        SYMPHONY_TRY(engine_.folder().sync_folder(path.substr(0, path.rfind('/'))));
        ++(moved.empty() ? report_.packs_deleted : report_.packs_rewritten);
        return {};
    }

    Status copy_live(const PackRow& row, const PackFile& file, const Footer& footer, std::uint64_t others_first, BulkPack& bulk,
                     std::vector<std::pair<Digest, BlobRow>>& moved) {
        auto reader = SYMPHONY_TRY(engine_.read());
        Batch kept;
        kept.collections = engine_.collections() + 1;
        for (const FooterEntry& entry : footer.entries) {
            if (entry.frame.type == BlobType::meta) {
                const Blob blob = SYMPHONY_TRY(file.read(entry.offset, entry.frame.stored, &entry.frame.id));
                auto batch = Batch::decode(blob.content);
                if (!batch) return damage_error(Damage::tampered, file.path() + ": at " + std::to_string(entry.offset) + ": the records are none");
                for (Record& record : batch->records) SYMPHONY_TRY(keep(*reader, std::move(record), others_first, bulk, kept));
                continue;
            }
            const auto known = SYMPHONY_TRY(reader->blob(entry.frame.id));
            if (!known || known->pack != row.row || known->place.offset != entry.offset) continue;
            const Blob blob = SYMPHONY_TRY(file.read_packed(entry.offset, entry.frame.stored, &entry.frame.id));
            BlobRow to;
            to.type = entry.frame.type;
            to.place = SYMPHONY_TRY(bulk.writer->append(entry.frame.type, entry.frame.flags, entry.frame.raw, entry.frame.id, blob.content));
            moved.emplace_back(entry.frame.id, to);
            if (bulk.writer->buffered() > (1 << 20)) SYMPHONY_TRY(bulk.writer->flush());
        }
        return flush(bulk, kept);
    }

    /// The newest record of a key is kept as it is, of older ones only what the audit trail needs.
    Status keep(Index& index, Record record, std::uint64_t others_first, BulkPack& bulk, Batch& kept) {
        bool whole = record.kind == Kind::note;
        if (!whole && record.gone) {
            // As long as an older pack may hold an older record of the key, this one must stay to outdo it.
            whole = others_first < record.sequence && SYMPHONY_TRY(index.sequence_of(record)) == 0;
        } else if (!whole) {
            whole = SYMPHONY_TRY(index.sequence_of(record)) == record.sequence;
        }
        if (!whole) {
            NoteValue note;
            if (record.kind == Kind::artifact || record.kind == Kind::reference) {
                ContentId id;
                if (record.key.size() >= 32) std::copy_n(record.key.begin(), 32, id.bytes.begin());
                note.id = id;
            } else if (record.kind == Kind::version) {
                if (const auto key = read_version_key(record.key)) std::tie(note.name, note.version) = *key;
                if (const auto value = VersionRecord::decode(record.value)) note.id = value->id;
            } else if (record.kind == Kind::lease) {
                if (const auto value = LeaseRecord::decode(record.value)) note.id = value->id;
            }
            record.kind = Kind::note;
            record.key.clear();
            record.gone = false;
            record.value = note.encode();
        }
        kept_bytes_ += record.value.size() + record.key.size() + 600;
        kept.records.push_back(std::move(record));
        return kept_bytes_ > (1 << 20) ? flush(bulk, kept) : Status();
    }

    Status flush(BulkPack& bulk, Batch& kept) {
        kept_bytes_ = 0;
        if (kept.records.empty()) return {};
        const NewBlob blob = engine_.make_blob(BlobType::meta, kept.encode());
        static_cast<void>(SYMPHONY_TRY(bulk.writer->append(blob.type, blob.flags, blob.raw, blob.id, blob.packed)));
        for (const Record& record : kept.records) bulk.writer->note_sequence(record.sequence);
        kept.records.clear();
        return {};
    }

    /// In one transaction, on the disk before the old pack goes: an index of before knows that it is an old one by the count.
    Status switch_over(const PackRow& row, BulkPack& bulk, std::vector<std::pair<Digest, BlobRow>>& moved) {
        std::int64_t to_row = 0;
        SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) -> Status {
            Index& index = transaction.index();
            transaction.touch();
            transaction.must_sync();
            PackRow to;
            to.row = bulk.row;
            to.id = bulk.writer->id();
            to.committed = bulk.writer->end();
            to.first_sequence = bulk.writer->first_sequence();
            to.relaxed = !engine_.durable();
            if (to.row == 0) to.row = SYMPHONY_TRY(index.add_pack(to));
            else SYMPHONY_TRY(index.update_pack(to));
            to_row = to.row;
            for (auto& [id, blob] : moved) {
                blob.pack = to.row;
                const auto known = SYMPHONY_TRY(index.blob(id));
                if (known && known->pack == row.row) SYMPHONY_TRY(index.move_blob(id, blob));
            }
            SYMPHONY_TRY(index.remove_pack(row.row));
            SYMPHONY_TRY(index.set_value("collections", engine_.collections() + 1));
            Record note;
            note.kind = Kind::note;
            note.action = Action::collect;
            note.detail = "pack " + hex_of(row.id) + " was written anew";
            note.value = NoteValue().encode();
            return transaction.add(std::move(note), engine_.collections() + 1);
        }));
        bulk.row = to_row;
        engine_.set_collections(engine_.collections() + 1);
        return {};
    }

    Status empty_trash() {
        const std::uint64_t now = engine_.lease_ms();
        const auto keep_ms = static_cast<std::uint64_t>(engine_.options().trash_keep.count());
        bool any = false;
        for (const Entry& entry : SYMPHONY_TRY(engine_.folder().list("trash"))) {
            std::uint64_t since = 0;
            const auto [end, error] = std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), since);
            if (error != std::errc() || *end != '-' || (!options_.empty_trash && since + keep_ms > now)) continue;
            SYMPHONY_TRY(engine_.folder().remove("trash/" + entry.name));
            report_.trash_emptied_bytes += entry.size;
            any = true;
        }
        return any ? engine_.folder().sync_folder("trash") : Status();
    }

    Engine& engine_;
    CollectOptions options_;
    const ProgressFn& progress_;
    CollectReport report_;
    std::uint64_t before_ = 0;
    std::size_t kept_bytes_ = 0;
};

} // namespace

Result<CollectReport> StoreImpl::collect(const CollectOptions& options, const ProgressFn& progress) {
    const std::lock_guard alone(engine_->care_mutex());
    return Collector(*engine_, options, progress).run();
}

} // namespace symphony::store
