// SPDX-License-Identifier: Apache-2.0
#include "index.hpp"

#include "codec.hpp"

#include <algorithm>
#include <set>

namespace symphony::store {
namespace {

constexpr const char* tables = R"(
CREATE TABLE meta(key BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE packs(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, state INTEGER NOT NULL, bytes INTEGER NOT NULL,
  committed INTEGER NOT NULL, live INTEGER NOT NULL, first_seq INTEGER NOT NULL, relaxed INTEGER NOT NULL);
CREATE TABLE blobs(id BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL, stored INTEGER NOT NULL,
  raw INTEGER NOT NULL, type INTEGER NOT NULL, refs INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX blobs_unused ON blobs(id) WHERE refs = 0;
CREATE TABLE condemned(id BLOB PRIMARY KEY, generation INTEGER NOT NULL, until_ms INTEGER NOT NULL, steady_ms INTEGER NOT NULL,
  session INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE artifacts(id INTEGER PRIMARY KEY, token BLOB NOT NULL UNIQUE, seq INTEGER NOT NULL, created INTEGER NOT NULL,
  size INTEGER NOT NULL, keep INTEGER NOT NULL, lease INTEGER NOT NULL, record BLOB NOT NULL);
CREATE INDEX artifacts_by_time ON artifacts(created);
CREATE TABLE versions(name BLOB NOT NULL, version INTEGER NOT NULL, artifact BLOB NOT NULL, seq INTEGER NOT NULL, record BLOB NOT NULL,
  PRIMARY KEY(name, version)) WITHOUT ROWID;
CREATE INDEX versions_of ON versions(artifact);
CREATE TABLE tags(tag BLOB NOT NULL, artifact BLOB NOT NULL, PRIMARY KEY(tag, artifact)) WITHOUT ROWID;
CREATE TABLE lineage(input BLOB NOT NULL, output BLOB NOT NULL, PRIMARY KEY(input, output)) WITHOUT ROWID;
CREATE TABLE refs(artifact BLOB NOT NULL, holder BLOB NOT NULL, soft INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(artifact, holder)) WITHOUT ROWID;
CREATE TABLE leases(id INTEGER PRIMARY KEY, artifact BLOB NOT NULL, until_ms INTEGER NOT NULL, length_ms INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE tombs(key BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE changes(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, action INTEGER NOT NULL, kind INTEGER NOT NULL, record BLOB NOT NULL);
)";

constexpr std::size_t added_max = 4096;
constexpr std::uint64_t keep_pinned = 1, keep_held = 2, keep_tagged = 4;

std::uint64_t repository_number(const Id128& repository) { return checksum(repository) >> 1; }

std::uint64_t keep_of(const ArtifactRecord& record) noexcept {
    return (record.pinned ? keep_pinned : 0) | (record.held ? keep_held : 0) | (record.tags.empty() ? 0 : keep_tagged);
}

std::set<ContentId> inputs_of(const std::vector<Origin>& origins) {
    std::set<ContentId> inputs;
    for (const Origin& origin : origins) inputs.insert(origin.inputs.begin(), origin.inputs.end());
    return inputs;
}

PackRow read_pack(const Statement& row) {
    PackRow pack;
    pack.row = row.number(0);
    const Bytes name = row.bytes(1);
    if (name.size() == pack.id.size()) std::copy(name.begin(), name.end(), pack.id.begin());
    pack.state = static_cast<PackState>(row.number(2) == 1);
    pack.bytes = row.unsigned_number(3);
    pack.committed = row.unsigned_number(4);
    pack.live = row.unsigned_number(5);
    pack.first_sequence = row.unsigned_number(6);
    pack.relaxed = row.number(7) != 0;
    return pack;
}

std::vector<std::uint8_t> joined(Bytes a, Bytes b) {
    std::vector<std::uint8_t> out(a.begin(), a.end());
    out.insert(out.end(), b.begin(), b.end());
    return out;
}

std::vector<std::uint8_t> version_place(Bytes name_token, std::uint32_t version) { return joined(name_token, version_key({}, version)); }

} // namespace

Error index_corrupt(std::string what) {
    return Error(Code::data_corrupt, "index-corrupt", "index: " + std::move(what), "run `symphony artifact repair`: the index is made anew from the packs");
}

Veil::Veil(Suite suite, const Keys& keys) : hides_(suite != Suite::none) {
    if (!hides_) return;
    value_key_ = keys.derived("symphony-store index values 1");
    token_ = std::make_unique<Hmac>(keys.derived("symphony-store index tokens 1").bytes());
    blob_ = std::make_unique<Hmac>(keys.derived("symphony-store blob ids 1").bytes());
}

std::vector<std::uint8_t> Veil::token(std::string_view what, Bytes thing) const {
    if (!hides_) return {thing.begin(), thing.end()};
    std::vector<std::uint8_t> message(what.begin(), what.end());
    message.push_back(0);
    message.insert(message.end(), thing.begin(), thing.end());
    const Digest digest = token_->of(message);
    return {digest.bytes.begin(), digest.bytes.end()};
}

std::vector<std::uint8_t> Veil::seal(Bytes place, Bytes value) const {
    if (hides_) return wrap(value_key_.bytes(), place, value);
    ByteWriter out;
    out.raw(value);
    out.u64(checksum(value, checksum(place)));
    return out.take();
}

std::optional<std::vector<std::uint8_t>> Veil::open(Bytes place, Bytes sealed) const {
    if (hides_) {
        const auto value = unwrap(value_key_.bytes(), place, sealed);
        if (!value) return std::nullopt;
        return std::vector<std::uint8_t>(value->bytes().begin(), value->bytes().end());
    }
    if (sealed.size() < 8) return std::nullopt;
    const Bytes value = sealed.first(sealed.size() - 8);
    if (ByteReader(sealed.last(8)).u64() != checksum(value, checksum(place))) return std::nullopt;
    return std::vector<std::uint8_t>(value.begin(), value.end());
}

Digest Veil::blob_id(BlobType type, Bytes content) const {
    static_cast<void>(type);
    return hides_ ? blob_->of(content) : sha256(content);
}

Result<std::unique_ptr<Index>> Index::open(std::shared_ptr<Mount> mount, const Id128& repository, const Veil& veil, bool write) {
    auto database = SYMPHONY_TRY(open_database(std::move(mount), index_path, write, index_words));
    std::unique_ptr<Index> index(new Index(std::move(database), veil, write));
    SYMPHONY_TRY(index->prepare_tables(repository, write));
    return index;
}

Status Index::prepare_tables(const Id128& repository, bool write) {
    std::int64_t version = 0;
    {
        auto row = database_->prepare("PRAGMA user_version");
        if (!row.step()) {
            SYMPHONY_TRY(row.done());
            return index_corrupt("has no version");
        }
        version = row.number(0);
    }
    if (version > index_schema) return damage_error(Damage::wrong_version, "index: schema " + std::to_string(version) + ", this program knows " + std::to_string(index_schema));
    if (write) {
        SYMPHONY_TRY(database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY"));
        if (version == 0) {
            SYMPHONY_TRY(begin());
            auto made = database_->execute(tables);
            if (made) made = set_value("repository", repository_number(repository));
            if (made) made = database_->execute("PRAGMA user_version = 1");
            if (made) made = commit(true);
            if (!made) {
                roll_back();
                return made;
            }
        }
    } else {
        SYMPHONY_TRY(database_->execute("PRAGMA cache_size = -2048"));
        if (version == 0) return Error(Code::busy, "index-new", "index: is being made", "try again");
    }
    if (SYMPHONY_TRY(value("repository")) != repository_number(repository)) return index_corrupt("belongs to another store");
    return {};
}

Result<std::uint64_t> Index::value(std::string_view key) {
    auto row = database_->prepare("SELECT value FROM meta WHERE key = ?");
    const std::uint64_t value = row.bind(bytes_of(key)).step() ? row.unsigned_number(0) : 0;
    SYMPHONY_TRY(row.done());
    return value;
}

Result<Quota> Index::quota() {
    if (quota_ && writes_) return *quota_;
    Quota quota;
    quota.bytes = SYMPHONY_TRY(value("quota-bytes"));
    quota.artifacts = SYMPHONY_TRY(value("quota-artifacts"));
    quota_ = quota;
    return *quota_;
}

Status Index::set_value(std::string_view key, std::uint64_t value) {
    return database_->prepare("INSERT INTO meta VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value").bind(bytes_of(key)).bind(value).run();
}

Status Index::begin() {
    absent_.reset();
    return database_->prepare("BEGIN IMMEDIATE").run();
}

Status Index::commit(bool synced) {
    // What the packs carry needs no second sync here: a lost end of the WAL is read from them again. `synced` is for the rest.
    // The setting counts at the commit, but SQLite refuses to change it within a transaction: so the WAL is synced behind it.
    SYMPHONY_TRY(settle());
    SYMPHONY_TRY(database_->prepare("COMMIT").run());
    if (!synced) return {};
    SYMPHONY_TRY(database_->execute("PRAGMA synchronous = FULL"));
    auto done = begin();
    if (done) done = set_value("synced", SYMPHONY_TRY(value("synced")) + 1);
    if (done) done = database_->prepare("COMMIT").run();
    if (!done) roll_back();
    static_cast<void>(database_->execute("PRAGMA synchronous = NORMAL"));
    return done;
}

void Index::roll_back() noexcept {
    added_.clear();
    live_added_.clear();
    absent_.reset();
    quota_.reset();
    static_cast<void>(database_->prepare("ROLLBACK").run());
}

Status Index::settle() {
    SYMPHONY_TRY(settle_blobs());
    return settle_live();
}

Status Index::settle_blobs() {
    // A row at a time leaves the map: what fails stays for the roll-back to drop.
    for (; !added_.empty(); added_.erase(added_.begin())) {
        const auto& [id, blob] = *added_.begin();
        SYMPHONY_TRY(database_->prepare("INSERT INTO blobs VALUES(?, ?, ?, ?, ?, ?, ?)").bind(id).bind(blob.pack).bind(blob.place.offset)
                         .bind(blob.place.stored).bind(blob.place.raw).bind(static_cast<int>(blob.type)).bind(blob.refs).run());
    }
    return {};
}

Status Index::settle_live() {
    for (; !live_added_.empty(); live_added_.erase(live_added_.begin())) {
        SYMPHONY_TRY(database_->prepare("UPDATE packs SET live = live + ? WHERE id = ?").bind(live_added_.begin()->second).bind(live_added_.begin()->first).run());
    }
    return {};
}

Result<std::optional<PackRow>> Index::pack(const PackId& id) {
    SYMPHONY_TRY(settle_live());
    auto row = database_->prepare("SELECT id, name, state, bytes, committed, live, first_seq, relaxed FROM packs WHERE name = ?");
    if (row.bind(Bytes(id)).step()) return std::optional(read_pack(row));
    SYMPHONY_TRY(row.done());
    return std::optional<PackRow>();
}

Result<std::optional<PackRow>> Index::pack(std::int64_t id) {
    SYMPHONY_TRY(settle_live());
    auto row = database_->prepare("SELECT id, name, state, bytes, committed, live, first_seq, relaxed FROM packs WHERE id = ?");
    if (row.bind(id).step()) return std::optional(read_pack(row));
    SYMPHONY_TRY(row.done());
    return std::optional<PackRow>();
}

Result<std::vector<PackRow>> Index::packs() {
    SYMPHONY_TRY(settle_live());
    std::vector<PackRow> packs;
    auto row = database_->prepare("SELECT id, name, state, bytes, committed, live, first_seq, relaxed FROM packs ORDER BY id");
    while (row.step()) packs.push_back(read_pack(row));
    SYMPHONY_TRY(row.done());
    return packs;
}

Result<std::int64_t> Index::add_pack(const PackRow& pack) {
    auto row = database_->prepare("INSERT INTO packs(name, state, bytes, committed, live, first_seq, relaxed) VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id");
    row.bind(Bytes(pack.id)).bind(static_cast<int>(pack.state)).bind(pack.bytes).bind(pack.committed).bind(pack.live).bind(pack.first_sequence).bind(pack.relaxed);
    const std::int64_t id = row.step() ? row.number(0) : 0;
    row.step();
    SYMPHONY_TRY(row.done());
    return id;
}

Status Index::update_pack(const PackRow& pack) {
    return database_->prepare("UPDATE packs SET state = ?, bytes = ?, committed = ?, first_seq = ?, relaxed = ? WHERE id = ?")
        .bind(static_cast<int>(pack.state)).bind(pack.bytes).bind(pack.committed).bind(pack.first_sequence).bind(pack.relaxed).bind(pack.row).run();
}

Status Index::remove_pack(std::int64_t row) {
    SYMPHONY_TRY(settle());
    return database_->prepare("DELETE FROM packs WHERE id = ?").bind(row).run();
}

Result<std::optional<BlobRow>> Index::blob(const Digest& id) {
    if (const auto added = added_.find(id); added != added_.end()) return std::optional(added->second);
    auto row = database_->prepare("SELECT pack, offset, stored, raw, type, refs, refs = 0 AND EXISTS(SELECT 1 FROM condemned c WHERE c.id = b.id) FROM blobs b WHERE id = ?");
    if (!row.bind(id).step()) {
        SYMPHONY_TRY(row.done());
        return std::optional<BlobRow>();
    }
    BlobRow blob;
    blob.pack = row.number(0);
    blob.place = {row.unsigned_number(1), static_cast<std::uint32_t>(row.number(2)), static_cast<std::uint32_t>(row.number(3))};
    blob.type = static_cast<BlobType>(row.number(4));
    blob.refs = row.unsigned_number(5);
    blob.condemned = row.number(6) != 0;
    return std::optional(blob);
}

Result<bool> Index::add_blob(const Digest& id, const BlobRow& blob) {
    if (SYMPHONY_TRY(this->blob(id))) return false;
    SYMPHONY_TRY(add_new_blob(id, blob));
    return true;
}

Status Index::add_new_blob(const Digest& id, const BlobRow& blob) {
    if (added_.size() >= added_max) SYMPHONY_TRY(settle());
    added_.emplace(id, blob);
    live_added_[blob.pack] += blob.place.stored;
    return {};
}

Status Index::move_blob(const Digest& id, const BlobRow& to) {
    SYMPHONY_TRY(settle());
    SYMPHONY_TRY(database_->prepare("UPDATE packs SET live = live - (SELECT stored FROM blobs WHERE id = ?1) WHERE id = (SELECT pack FROM blobs WHERE id = ?1)").bind(id).run());
    SYMPHONY_TRY(database_->prepare("UPDATE blobs SET pack = ?, offset = ?, stored = ? WHERE id = ?").bind(to.pack).bind(to.place.offset).bind(to.place.stored).bind(id).run());
    return database_->prepare("UPDATE packs SET live = live + ? WHERE id = ?").bind(to.place.stored).bind(to.pack).run();
}

Status Index::remove_blob(const Digest& id) {
    SYMPHONY_TRY(settle());
    SYMPHONY_TRY(database_->prepare("UPDATE packs SET live = live - (SELECT stored FROM blobs WHERE id = ?1) WHERE id = (SELECT pack FROM blobs WHERE id = ?1)").bind(id).run());
    SYMPHONY_TRY(database_->prepare("DELETE FROM condemned WHERE id = ?").bind(id).run());
    return database_->prepare("DELETE FROM blobs WHERE id = ?").bind(id).run();
}

Result<bool> Index::change_refs(const Digest& id, int by) {
    if (const auto added = added_.find(id); added != added_.end()) {
        auto& refs = added->second.refs;
        refs = by < 0 && refs < static_cast<std::uint64_t>(-by) ? 0 : refs + static_cast<std::uint64_t>(static_cast<std::int64_t>(by));
        return true;
    }
    SYMPHONY_TRY(database_->prepare("UPDATE blobs SET refs = MAX(0, refs + ?) WHERE id = ?").bind(by).bind(id).run());
    if (database_->changes() == 0) return false;
    if (by > 0) SYMPHONY_TRY(database_->prepare("DELETE FROM condemned WHERE id = ?").bind(id).run());
    return true;
}

Status Index::change_part_refs(const std::vector<Part>& parts, int by) {
    for (const Part& part : parts) static_cast<void>(SYMPHONY_TRY(change_refs(part.blob, by)));
    return {};
}

const std::vector<std::uint8_t>& Index::token_of(const ContentId& id) {
    if (token_.empty() || token_id_ != id) {
        token_ = veil_->token(id);
        token_id_ = id;
    }
    return token_;
}

Result<std::optional<ArtifactRow>> Index::artifact(const ContentId& id) {
    if (absent_ && *absent_ == id) return std::optional<ArtifactRow>();
    const auto token = token_of(id);
    auto row = database_->prepare("SELECT id, seq, record FROM artifacts WHERE token = ?");
    if (!row.bind(token).step()) {
        SYMPHONY_TRY(row.done());
        if (writes_) absent_ = id;
        return std::optional<ArtifactRow>();
    }
    const auto value = veil_->open(token, row.bytes(2));
    auto record = value && value->size() >= 32 ? ArtifactRecord::decode(Bytes(*value).subspan(32)) : std::nullopt;
    if (!record || !std::equal(id.bytes.begin(), id.bytes.end(), value->begin())) return index_corrupt("the row of artifact " + id.hex() + " is damaged");
    return std::optional(ArtifactRow{id, *std::move(record), row.unsigned_number(1), row.number(0)});
}

Result<VersionRow> Index::read_version(Statement& row) {
    VersionRow out;
    const Bytes name_token = row.bytes(0);
    out.version = static_cast<std::uint32_t>(row.number(1));
    out.sequence = row.unsigned_number(3);
    const auto value = veil_->open(version_place(name_token, out.version), row.bytes(2));
    ByteReader in(value ? Bytes(*value) : Bytes());
    out.name = in.text(name_bytes_max);
    auto record = VersionRecord::decode(in.raw(in.left()));
    if (!record) return index_corrupt("the row of a version is damaged");
    out.record = *std::move(record);
    return out;
}

Result<std::optional<VersionRow>> Index::version(std::string_view name, std::uint32_t version) {
    const auto token = veil_->token("name", name);
    auto row = database_->prepare("SELECT name, version, record, seq FROM versions WHERE name = ? AND version = ?");
    if (row.bind(token).bind(version).step()) return std::optional(SYMPHONY_TRY(read_version(row)));
    SYMPHONY_TRY(row.done());
    return std::optional<VersionRow>();
}

Result<std::optional<VersionRow>> Index::newest(std::string_view name) {
    const auto token = veil_->token("name", name);
    auto row = database_->prepare("SELECT name, version, record, seq FROM versions WHERE name = ? ORDER BY version DESC LIMIT 1");
    if (row.bind(token).step()) return std::optional(SYMPHONY_TRY(read_version(row)));
    SYMPHONY_TRY(row.done());
    return std::optional<VersionRow>();
}

Result<std::optional<VersionRow>> Index::newest_name_of(const ContentId& id) {
    const auto token = token_of(id);
    auto row = database_->prepare("SELECT name, version, record, seq FROM versions WHERE artifact = ? ORDER BY seq DESC LIMIT 1");
    if (row.bind(token).step()) return std::optional(SYMPHONY_TRY(read_version(row)));
    SYMPHONY_TRY(row.done());
    return std::optional<VersionRow>();
}

Result<std::vector<VersionRow>> Index::versions_of(const ContentId& id) {
    std::vector<VersionRow> out;
    const auto token = veil_->token(id);
    auto row = database_->prepare("SELECT name, version, record, seq FROM versions WHERE artifact = ? ORDER BY seq");
    row.bind(token);
    while (row.step()) out.push_back(SYMPHONY_TRY(read_version(row)));
    SYMPHONY_TRY(row.done());
    return out;
}

Result<std::uint64_t> Index::tomb(const Record& record) {
    std::vector<std::uint8_t> key{static_cast<std::uint8_t>(record.kind)};
    key.insert(key.end(), record.key.begin(), record.key.end());
    const auto token = veil_->token("tomb", key);
    auto row = database_->prepare("SELECT seq FROM tombs WHERE key = ?");
    const std::uint64_t sequence = row.bind(token).step() ? row.unsigned_number(0) : 0;
    SYMPHONY_TRY(row.done());
    return sequence;
}

Status Index::add_tomb(const Record& record) {
    std::vector<std::uint8_t> key{static_cast<std::uint8_t>(record.kind)};
    key.insert(key.end(), record.key.begin(), record.key.end());
    const auto token = veil_->token("tomb", key);
    return database_->prepare("INSERT INTO tombs VALUES(?, ?) ON CONFLICT DO UPDATE SET seq = MAX(seq, excluded.seq)").bind(token).bind(record.sequence).run();
}

Result<std::uint64_t> Index::sequence_of(const Record& record) {
    const auto first = [&](Statement row) -> Result<std::uint64_t> {
        const std::uint64_t sequence = row.step() ? row.unsigned_number(0) : 0;
        SYMPHONY_TRY(row.done());
        return sequence;
    };
    switch (record.kind) {
    case Kind::artifact: {
        const auto token = veil_->token("artifact", record.key);
        auto row = database_->prepare("SELECT seq FROM artifacts WHERE token = ?");
        row.bind(token);
        return first(std::move(row));
    }
    case Kind::version: {
        const auto key = read_version_key(record.key);
        if (!key) return std::uint64_t{0};
        const auto token = veil_->token("name", key->first);
        auto row = database_->prepare("SELECT seq FROM versions WHERE name = ? AND version = ?");
        row.bind(token).bind(key->second);
        return first(std::move(row));
    }
    case Kind::reference: {
        const auto artifact = veil_->token("artifact", Bytes(record.key).first(std::min<std::size_t>(32, record.key.size())));
        const auto holder = veil_->token("holder", Bytes(record.key).subspan(std::min<std::size_t>(32, record.key.size())));
        auto row = database_->prepare("SELECT seq FROM refs WHERE artifact = ? AND holder = ?");
        row.bind(artifact).bind(holder);
        return first(std::move(row));
    }
    case Kind::lease: {
        std::uint64_t id = 0;
        for (const std::uint8_t byte : record.key) id = (id << 8) | byte;
        auto row = database_->prepare("SELECT seq FROM leases WHERE id = ?");
        row.bind(id);
        return first(std::move(row));
    }
    case Kind::quota: return value("quota-seq");
    case Kind::note: return std::uint64_t{0};
    }
    return std::uint64_t{0};
}

Status Index::apply(const Record& record) {
    SYMPHONY_TRY(add_change(record));
    if (record.kind == Kind::note) return {};
    if (SYMPHONY_TRY(sequence_of(record)) >= record.sequence) return {};
    if (SYMPHONY_TRY(tomb(record)) >= record.sequence) return {};
    return apply_state(record);
}

Status Index::apply_newest(const Record& record) {
    SYMPHONY_TRY(add_change(record));
    return apply_state(record);
}

Status Index::apply_state(const Record& record) {
    if (record.gone) SYMPHONY_TRY(add_tomb(record));
    switch (record.kind) {
    case Kind::artifact: return apply_artifact(record);
    case Kind::version: return apply_version(record);
    case Kind::reference: return apply_reference(record);
    case Kind::lease: return apply_lease(record);
    case Kind::quota: {
        ByteReader in(record.value);
        quota_.reset();
        SYMPHONY_TRY(set_value("quota-bytes", in.u64()));
        SYMPHONY_TRY(set_value("quota-artifacts", in.u64()));
        return set_value("quota-seq", record.sequence);
    }
    case Kind::note: return {};
    }
    return {};
}

Status Index::set_tags(Bytes token, const std::vector<std::string>& old, const std::vector<std::string>& fresh) {
    for (const std::string& tag : old) {
        if (std::find(fresh.begin(), fresh.end(), tag) != fresh.end()) continue;
        const auto tag_token = veil_->token("tag", tag);
        SYMPHONY_TRY(database_->prepare("DELETE FROM tags WHERE tag = ? AND artifact = ?").bind(tag_token).bind(token).run());
    }
    for (const std::string& tag : fresh) {
        if (std::find(old.begin(), old.end(), tag) != old.end()) continue;
        const auto tag_token = veil_->token("tag", tag);
        SYMPHONY_TRY(database_->prepare("INSERT OR IGNORE INTO tags VALUES(?, ?)").bind(tag_token).bind(token).run());
    }
    return {};
}

Status Index::set_lineage(Bytes token, const std::vector<Origin>& old, const std::vector<Origin>& fresh) {
    const auto before = inputs_of(old), now = inputs_of(fresh);
    for (const ContentId& input : before) {
        if (now.contains(input)) continue;
        const auto from = veil_->token(input);
        SYMPHONY_TRY(database_->prepare("DELETE FROM lineage WHERE input = ? AND output = ?").bind(from).bind(token).run());
    }
    for (const ContentId& input : now) {
        if (before.contains(input)) continue;
        const auto from = veil_->token(input);
        SYMPHONY_TRY(database_->prepare("INSERT OR IGNORE INTO lineage VALUES(?, ?)").bind(from).bind(token).run());
    }
    return {};
}

Status Index::apply_artifact(const Record& record) {
    ContentId id;
    if (record.key.size() != id.bytes.size()) return damage_error(Damage::tampered, "a record of an artifact has no id");
    std::copy(record.key.begin(), record.key.end(), id.bytes.begin());
    const auto old = SYMPHONY_TRY(artifact(id));
    const auto token = token_of(id);
    absent_.reset();
    if (record.gone) {
        // With it go the soft references that it had: what refers to a later artifact of the same bytes says so anew.
        SYMPHONY_TRY(database_->prepare("DELETE FROM refs WHERE artifact = ? AND seq < ?").bind(token).bind(record.sequence).run());
        if (!old) return {};
        SYMPHONY_TRY(change_part_refs(old->record.parts, -1));
        SYMPHONY_TRY(set_tags(token, old->record.tags, {}));
        SYMPHONY_TRY(set_lineage(token, old->record.origins, {}));
        return database_->prepare("DELETE FROM artifacts WHERE id = ?").bind(old->row).run();
    }
    const auto fresh = ArtifactRecord::decode(record.value);
    if (!fresh) return damage_error(Damage::tampered, "the record of artifact " + id.hex() + " is not one");
    const auto sealed = veil_->seal(token, joined(id.bytes, record.value));
    static const std::vector<std::string> no_tags;
    static const std::vector<Origin> no_origins;
    SYMPHONY_TRY(set_tags(token, old ? old->record.tags : no_tags, fresh->tags));
    SYMPHONY_TRY(set_lineage(token, old ? old->record.origins : no_origins, fresh->origins));
    if (!old || old->record.parts != fresh->parts) {
        SYMPHONY_TRY(change_part_refs(fresh->parts, 1));
        if (old) SYMPHONY_TRY(change_part_refs(old->record.parts, -1));
    }
    if (old) {
        return database_->prepare("UPDATE artifacts SET seq = ?, created = ?, size = ?, keep = ?, lease = ?, record = ? WHERE id = ?").bind(record.sequence)
            .bind(fresh->created_ms).bind(fresh->size).bind(keep_of(*fresh)).bind(fresh->lease_until_ms).bind(sealed).bind(old->row).run();
    }
    return database_->prepare("INSERT INTO artifacts(token, seq, created, size, keep, lease, record) VALUES(?, ?, ?, ?, ?, ?, ?)").bind(token).bind(record.sequence)
        .bind(fresh->created_ms).bind(fresh->size).bind(keep_of(*fresh)).bind(fresh->lease_until_ms).bind(sealed).run();
}

Status Index::apply_version(const Record& record) {
    const auto key = read_version_key(record.key);
    const auto value = record.gone ? std::optional<VersionRecord>() : VersionRecord::decode(record.value);
    if (!key || (!record.gone && !value)) return damage_error(Damage::tampered, "the record of a version is not one");
    const auto token = veil_->token("name", key->first);
    if (record.gone) return database_->prepare("DELETE FROM versions WHERE name = ? AND version = ?").bind(token).bind(key->second).run();
    ByteWriter plain;
    plain.text(key->first);
    plain.raw(record.value);
    const auto sealed = veil_->seal(version_place(token, key->second), plain.bytes());
    const auto artifact = veil_->token(value->id);
    return database_->prepare("INSERT OR REPLACE INTO versions VALUES(?, ?, ?, ?, ?)").bind(token).bind(key->second).bind(artifact).bind(record.sequence).bind(sealed).run();
}

Status Index::apply_reference(const Record& record) {
    if (record.key.size() < 33 || (!record.gone && record.value.size() != 1)) return damage_error(Damage::tampered, "the record of a reference is not one");
    const auto artifact = veil_->token("artifact", Bytes(record.key).first(32));
    const auto holder = veil_->token("holder", Bytes(record.key).subspan(32));
    if (record.gone) return database_->prepare("DELETE FROM refs WHERE artifact = ? AND holder = ?").bind(artifact).bind(holder).run();
    return database_->prepare("INSERT OR REPLACE INTO refs VALUES(?, ?, ?, ?)").bind(artifact).bind(holder).bind(static_cast<int>(record.value[0])).bind(record.sequence).run();
}

Status Index::apply_lease(const Record& record) {
    std::uint64_t id = 0;
    for (const std::uint8_t byte : record.key) id = (id << 8) | byte;
    if (record.key.size() != 8) return damage_error(Damage::tampered, "the record of a lease is not one");
    if (record.gone) return database_->prepare("DELETE FROM leases WHERE id = ?").bind(id).run();
    const auto value = LeaseRecord::decode(record.value);
    if (!value) return damage_error(Damage::tampered, "the record of a lease is not one");
    const auto artifact = veil_->token(value->id);
    return database_->prepare("INSERT OR REPLACE INTO leases VALUES(?, ?, ?, ?, ?)").bind(id).bind(artifact).bind(value->until_ms).bind(value->length_ms).bind(record.sequence).run();
}

std::vector<std::uint8_t> Index::change_place(std::uint64_t sequence) const {
    ByteWriter out;
    out.raw(bytes_of("change"));
    out.u64(sequence);
    return out.take();
}

Status Index::add_change(const Record& record) {
    ByteWriter plain;
    plain.text(text_of(record.key));
    plain.text(record.actor);
    plain.text(record.detail);
    // A version's content id, a lease's, a note's: what the change is about, when the key does not say.
    const bool about = record.kind == Kind::version || record.kind == Kind::lease || record.kind == Kind::note;
    plain.raw(about ? Bytes(record.value).first(std::min<std::size_t>(record.value.size(), name_bytes_max + 64)) : Bytes());
    const auto sealed = veil_->seal(change_place(record.sequence), plain.bytes());
    return database_->prepare("INSERT OR IGNORE INTO changes VALUES(?, ?, ?, ?, ?)").bind(record.sequence).bind(record.time_ms)
        .bind(static_cast<int>(record.action)).bind(static_cast<int>(record.kind)).bind(sealed).run();
}

Result<Change> Index::read_change(Statement& row) {
    Change change;
    change.sequence = row.unsigned_number(0);
    change.time_ms = row.unsigned_number(1);
    change.action = name_of(static_cast<Action>(row.number(2)));
    const auto kind = static_cast<Kind>(row.number(3));
    const auto value = veil_->open(change_place(change.sequence), row.bytes(4));
    if (!value) return index_corrupt("change " + std::to_string(change.sequence) + " is damaged");
    ByteReader in(*value);
    const std::string key = in.text(name_bytes_max + 4);
    change.actor = in.text(word_bytes_max);
    change.detail = in.text(message_bytes_max);
    const Bytes rest = in.raw(in.left());
    const auto id_at = [&](Bytes from, std::size_t offset) {
        ByteReader part(from.size() > offset ? from.subspan(offset) : Bytes());
        const Digest id = part.digest();
        if (part.good()) change.id = id;
    };
    switch (kind) {
    case Kind::artifact:
    case Kind::reference: id_at(bytes_of(key), 0); break;
    case Kind::version:
        if (const auto parts = read_version_key(bytes_of(key))) std::tie(change.name, change.version) = *parts;
        id_at(rest, 1);
        break;
    case Kind::lease: id_at(rest, 0); break;
    case Kind::note:
        if (const auto note = NoteValue::decode(rest)) {
            change.id = note->id;
            change.name = note->name;
            change.version = note->version;
        }
        break;
    case Kind::quota: break;
    }
    return change;
}

ArtifactInfo info_of(const ContentId& id, const ArtifactRecord& record, const VersionRow* version) {
    ArtifactInfo info;
    info.id = id;
    info.size = record.size;
    info.media_type = record.media_type;
    info.type = record.type;
    info.tags = record.tags;
    info.origins = record.origins;
    info.quality = record.quality;
    info.created_ms = record.created_ms;
    info.changed_ms = record.changed_ms;
    info.pinned = record.pinned;
    info.held = record.held;
    info.hold_reason = record.hold_reason;
    info.lease_until_ms = record.lease_until_ms;
    info.chunks = static_cast<std::uint32_t>(std::min<std::uint64_t>(record.chunks, 0xFFFFFFFF));
    if (version != nullptr) {
        info.name = version->name;
        info.version = version->version;
        info.parent = version->record.parent;
        info.message = version->record.message;
        info.created_ms = version->record.created_ms;
    }
    return info;
}

} // namespace symphony::store
