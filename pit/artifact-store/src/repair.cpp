// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"
#include "verify.hpp"

#include <algorithm>

namespace symphony::store {
namespace {

class Repairer {
public:
    Repairer(Engine& engine, const ProgressFn& progress) : engine_(engine), progress_(progress) {}

    Result<RepairReport> run() {
        report_.index_rebuilt = true;
        report_.findings = engine_.take_findings();
        std::vector<PackRow> packs;
        {
            auto reader = SYMPHONY_TRY(engine_.read());
            packs = SYMPHONY_TRY(reader->packs());
        }
        std::uint64_t done = 0;
        for (const PackRow& row : packs) {
            if (progress_ && !progress_({"packs", done++, packs.size()})) return Error(Code::cancelled, "repair was interrupted; run it again, nothing intact is lost");
            SYMPHONY_TRY(look(row));
        }
        SYMPHONY_TRY(set_unreadable_aside(packs));
        SYMPHONY_TRY(list_lost());
        return report_;
    }

private:
    Status look(const PackRow& row) {
        Verifier verifier(engine_, {Depth::data, 1.0, 0}, {});
        bool whole = static_cast<bool>(PackFile::open(engine_.folder(), row.state == PackState::sealed ? sealed_path(row.id) : open_path(row.id), row.id, *engine_.context()));
        {
            auto reader = SYMPHONY_TRY(engine_.read());
            SYMPHONY_TRY(verifier.pack(*reader, row));
        }
        whole = whole && verifier.report().good();
        for (const Finding& finding : verifier.report().findings) report_.findings.push_back(finding);
        return whole ? Status() : salvage(row);
    }

    /// Every blob that is whole goes to a new pack, what is not leaves the index, and the old pack goes to the trash.
    Status salvage(const PackRow& row) {
        const auto file = SYMPHONY_TRY(engine_.pack_file(row));
        std::vector<FooterEntry> entries;
        static_cast<void>(SYMPHONY_TRY(file->walk([&](std::uint64_t offset, const Frame& frame) {
            entries.push_back({offset, frame});
            return true;
        })));
        const auto bulk = SYMPHONY_TRY(engine_.take_bulk());
        std::vector<std::pair<Digest, BlobRow>> moved;
        for (const FooterEntry& entry : entries) {
            const auto proof = file->read(entry.offset, entry.frame.stored, &entry.frame.id);
            if (!proof && !damage_of(proof.error())) return proof.error();
            if (!proof || engine_.veil().blob_id(entry.frame.type, proof->content) != entry.frame.id) continue;
            const Blob blob = SYMPHONY_TRY(file->read_packed(entry.offset, entry.frame.stored, &entry.frame.id));
            BlobRow to;
            to.type = entry.frame.type;
            to.place = SYMPHONY_TRY(bulk->writer->append(entry.frame.type, entry.frame.flags, entry.frame.raw, entry.frame.id, blob.content));
            if (bulk->writer->buffered() > (1 << 20)) SYMPHONY_TRY(bulk->writer->flush());
            if (to.type == BlobType::meta) {
                const auto batch = Batch::decode(proof->content);
                for (std::size_t i = 0; batch && i < batch->records.size(); ++i) bulk->writer->note_sequence(batch->records[i].sequence);
            } else {
                moved.emplace_back(entry.frame.id, to);
            }
        }
        SYMPHONY_TRY(bulk->writer->sync());
        SYMPHONY_TRY(switch_over(row, *bulk, moved));
        bulk->writer->mark();
        std::vector<std::pair<Digest, BlobRow>> none;
        if (bulk->writer->full()) SYMPHONY_TRY(engine_.commit_bulk(*bulk, none, true));
        else engine_.give_bulk(bulk);
        ++report_.packs_salvaged;
        engine_.forget_pack(row.id);
        return to_trash(row.state == PackState::sealed ? sealed_path(row.id) : open_path(row.id), row.id);
    }

    Status switch_over(const PackRow& row, BulkPack& bulk, std::vector<std::pair<Digest, BlobRow>>& moved) {
        std::int64_t to_row = 0;
        std::uint64_t saved = 0, lost = 0;
        SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) -> Status {
            saved = lost = 0;
            Index& index = transaction.index();
            transaction.touch();
            transaction.must_sync();
            PackRow to;
            to.row = bulk.row;
            to.id = bulk.writer->id();
            to.committed = bulk.writer->end();
            to.first_sequence = bulk.writer->first_sequence();
            if (to.row == 0) to.row = SYMPHONY_TRY(index.add_pack(to));
            else SYMPHONY_TRY(index.update_pack(to));
            to_row = to.row;
            for (auto& [id, blob] : moved) {
                blob.pack = to.row;
                const auto known = SYMPHONY_TRY(index.blob(id));
                if (!known || known->pack != row.row) continue;
                SYMPHONY_TRY(index.move_blob(id, blob));
                ++saved;
            }
            std::vector<Digest> gone;
            {
                auto left = index.database().prepare("SELECT id FROM blobs WHERE pack = ?");
                left.bind(row.row);
                while (left.step()) {
                    if (const auto id = left.fixed<Digest>(0)) gone.push_back(*id);
                }
                SYMPHONY_TRY(left.done());
            }
            for (const Digest& id : gone) SYMPHONY_TRY(index.remove_blob(id));
            lost = gone.size();
            return index.remove_pack(row.row);
        }));
        bulk.row = to_row;
        report_.blobs_saved += saved;
        report_.blobs_lost += lost;
        return {};
    }

    Status to_trash(const std::string& path, const PackId& id) {
        Folder& folder = engine_.folder();
        SYMPHONY_TRY(folder.rename(path, trash_path(id, engine_.lease_ms())));
        SYMPHONY_TRY(folder.sync_folder("trash"));
        return folder.sync_folder(path.substr(0, path.rfind('/')));
    }

    /// Files that could not even be opened as packs of this store.
    Status set_unreadable_aside(const std::vector<PackRow>& packs) {
        std::set<PackId> known;
        for (const PackRow& row : packs) known.insert(row.id);
        std::vector<std::pair<std::string, PackId>> strangers;
        Folder& folder = engine_.folder();
        std::vector<std::string> places{"open"};
        for (const Entry& shard : SYMPHONY_TRY(folder.list("packs"))) places.push_back("packs/" + shard.name);
        auto reader = SYMPHONY_TRY(engine_.read());
        for (const std::string& place : places) {
            for (const Entry& entry : SYMPHONY_TRY(folder.list(place))) {
                const auto id = pack_named(entry.name);
                if (!id || known.contains(*id)) continue;
                // The repair's own new packs are in use.
                if (SYMPHONY_TRY(reader->pack(*id)) || PackFile::open(folder, place + "/" + entry.name, *id, *engine_.context(), true)) continue;
                strangers.emplace_back(place + "/" + entry.name, *id);
            }
        }
        for (const auto& [path, id] : strangers) SYMPHONY_TRY(to_trash(path, id));
        return {};
    }

    /// What cannot be read any more is said by name, then forgotten, so that the same bytes can be put again.
    Status list_lost() {
        Verifier verifier(engine_, {Depth::data, 0.0, 0}, {});
        {
            auto reader = SYMPHONY_TRY(engine_.read());
            SYMPHONY_TRY(verifier.artifacts(*reader));
        }
        for (const auto& [id, name] : verifier.lost()) {
            report_.lost.push_back(name == id.hex() ? name : name + " (" + id.hex() + ")");
            SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) -> Status { return forget(transaction, id); }));
        }
        auto reader = SYMPHONY_TRY(engine_.read());
        for (const std::string& former : engine_.take_former()) {
            const auto id = Digest::parse(std::string_view(former).substr(0, 64));
            if (!id || SYMPHONY_TRY(reader->artifact(*id))) continue;
            const std::string name = former.size() > 65 ? former.substr(65) : std::string();
            const std::string line = name.empty() ? id->hex() : name + " (" + id->hex() + ")";
            if (std::find(report_.lost.begin(), report_.lost.end(), line) == report_.lost.end()) report_.lost.push_back(line);
        }
        return {};
    }

    static Status forget(Transaction& transaction, const ContentId& id) {
        for (const VersionRow& version : SYMPHONY_TRY(transaction.index().versions_of(id))) {
            Record gone;
            gone.kind = Kind::version;
            gone.key = version_key(version.name, version.version);
            gone.action = Action::lost;
            gone.gone = true;
            SYMPHONY_TRY(transaction.add(std::move(gone)));
        }
        Record gone;
        gone.kind = Kind::artifact;
        gone.key.assign(id.bytes.begin(), id.bytes.end());
        gone.action = Action::lost;
        gone.gone = true;
        return transaction.add(std::move(gone));
    }

    Engine& engine_;
    const ProgressFn& progress_;
    RepairReport report_;
};

} // namespace

Result<RepairReport> Store::repair(std::shared_ptr<Folder> folder, OpenOptions options, const ProgressFn& progress) {
    if (options.access != Access::writer) return Error(Code::refused, "read-only", folder->name() + ": repair has to write", "open it as the writer");
    auto engine = SYMPHONY_TRY(Engine::open(std::move(folder), std::move(options), Engine::Rebuild::always));
    auto report = Repairer(*engine, progress).run();
    auto closed = engine->close();
    if (report && !closed) return std::move(closed).error();
    return report;
}

} // namespace symphony::store
