// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto.hpp"
#include "database.hpp"
#include "pack.hpp"
#include "records.hpp"

#include <map>
#include <unordered_map>

/// The index: SQLite tables that say where blobs are and what records say. Everything in it can be made anew from the packs.
/// On encrypted stores it holds tokens and sealed values instead of names, tags and content ids.
namespace symphony::store {

constexpr std::string_view index_path = "index/index.db";
constexpr std::uint32_t index_schema = 1;

/// How the index hides what it knows. Without encryption tokens are the things themselves, and values carry a checksum.
class Veil {
public:
    Veil(Suite suite, const Keys& keys);
    std::vector<std::uint8_t> token(std::string_view what, Bytes thing) const;
    std::vector<std::uint8_t> token(std::string_view what, std::string_view thing) const { return token(what, bytes_of(thing)); }
    std::vector<std::uint8_t> token(const ContentId& id) const { return token("artifact", Bytes(id.bytes)); }
    /// @param place The row: a value moved to another row does not open.
    std::vector<std::uint8_t> seal(Bytes place, Bytes value) const;
    std::optional<std::vector<std::uint8_t>> open(Bytes place, Bytes sealed) const;
    /// The stored id of a blob: SHA-256 of its content, keyed on encrypted stores.
    Digest blob_id(BlobType type, Bytes content) const;
    bool hides() const noexcept { return hides_; }

private:
    bool hides_;
    SecretBytes value_key_;
    std::unique_ptr<Hmac> token_;
    std::unique_ptr<Hmac> blob_;
};

enum class PackState : std::uint8_t { open = 0, sealed = 1 };

struct PackRow {
    std::int64_t row = 0;
    PackId id{};
    PackState state = PackState::open;
    std::uint64_t bytes = 0;     ///< of the file when sealed
    std::uint64_t committed = 0; ///< of an open pack: what the index knows ends here
    std::uint64_t live = 0;      ///< stored bytes of blobs that the index has in it
    std::uint64_t first_sequence = 0;
    bool relaxed = false;        ///< written without syncs
};

struct BlobRow {
    std::int64_t pack = 0;
    Place place;
    BlobType type = BlobType::data;
    std::uint64_t refs = 0;
    bool condemned = false;
};

struct ArtifactRow {
    ContentId id;
    ArtifactRecord record;
    std::uint64_t sequence = 0;
    std::int64_t row = 0;
};

struct VersionRow {
    std::string name;
    std::uint32_t version = 0;
    VersionRecord record;
    std::uint64_t sequence = 0;
};

/// One connection's view. [one thread at a time] A damaged row is `data_corrupt` / "index-corrupt".
class Index {
public:
    /// @param write Also makes the tables. "wrong-version" for a newer schema, "index-corrupt" for a foreign file.
    static Result<std::unique_ptr<Index>> open(std::shared_ptr<Mount> mount, const Id128& repository, const Veil& veil, bool write);

    Database& database() noexcept { return *database_; }
    const Veil& veil() const noexcept { return *veil_; }

    Result<std::uint64_t> value(std::string_view key);
    Status set_value(std::string_view key, std::uint64_t value);
    Status begin(); ///< write transaction
    Status commit(bool synced);
    void roll_back() noexcept;

    Result<std::optional<PackRow>> pack(const PackId& id);
    Result<std::optional<PackRow>> pack(std::int64_t row);
    Result<std::vector<PackRow>> packs();
    Result<std::int64_t> add_pack(const PackRow& pack);
    Status update_pack(const PackRow& pack);
    Status remove_pack(std::int64_t row);

    Result<std::optional<BlobRow>> blob(const Digest& id);
    /// Nothing when it is there already. The row itself comes with settle(), so that its first uses cost no second change.
    Result<bool> add_blob(const Digest& id, const BlobRow& blob);
    /// The same for one that blob() has just not found.
    Status add_new_blob(const Digest& id, const BlobRow& blob);
    /// Writes the rows of added blobs and what packs hold; before SQL other than this class's reads either. commit() does it.
    Status settle();
    Status settle_blobs();
    /// Puts a blob to another place. `live` of both packs follows.
    Status move_blob(const Digest& id, const BlobRow& to);
    Status remove_blob(const Digest& id);
    /// @return False when there is no such blob. A condemned one is no longer.
    Result<bool> change_refs(const Digest& id, int by);

    Result<std::optional<ArtifactRow>> artifact(const ContentId& id);
    Result<std::optional<VersionRow>> version(std::string_view name, std::uint32_t version);
    Result<std::optional<VersionRow>> newest(std::string_view name);
    Result<std::optional<VersionRow>> newest_name_of(const ContentId& id);
    /// All of an artifact's versions.
    Result<std::vector<VersionRow>> versions_of(const ContentId& id);
    Result<VersionRow> read_version(Statement& row); ///< columns name, version, record, seq

    /// The state of the record's key follows the record, when that is newer.
    Status apply(const Record& record);
    /// The same for a record whose number is greater than any before it: nothing is looked up to compare.
    Status apply_newest(const Record& record);
    /// Bytes and artifacts that the store may hold; 0 = no limit.
    Result<Quota> quota();
    /// Sequence number that the index has for the record's key; 0 = none or gone.
    Result<std::uint64_t> sequence_of(const Record& record);
    std::vector<std::uint8_t> change_place(std::uint64_t sequence) const;
    Result<Change> read_change(Statement& row); ///< columns seq, time, action, kind, record

private:
    Index(std::unique_ptr<Database> database, const Veil& veil, bool writes) : database_(std::move(database)), veil_(&veil), writes_(writes) {}
    Status prepare_tables(const Id128& repository, bool write);
    Status apply_state(const Record& record);
    Status apply_artifact(const Record& record);
    Status apply_version(const Record& record);
    Status apply_reference(const Record& record);
    Status apply_lease(const Record& record);
    Status add_change(const Record& record);
    Result<std::uint64_t> tomb(const Record& record);
    Status add_tomb(const Record& record);
    Status change_part_refs(const std::vector<Part>& parts, int by);
    Status set_tags(Bytes token, const std::vector<std::string>& old, const std::vector<std::string>& fresh);
    Status set_lineage(Bytes token, const std::vector<Origin>& old, const std::vector<Origin>& fresh);

    Status settle_live();
    const std::vector<std::uint8_t>& token_of(const ContentId& id);

    std::unique_ptr<Database> database_;
    const Veil* veil_;
    bool writes_;
    std::unordered_map<Digest, BlobRow, DigestHash> added_; ///< in this transaction, not in the table yet
    std::map<std::int64_t, std::uint64_t> live_added_;      ///< stored bytes by pack, not in the table yet
    std::optional<ContentId> absent_;  ///< an artifact that this transaction looked for in vain, and nothing was applied since
    std::optional<Quota> quota_;       ///< what the tables say; only in the writer, whose records alone change it
    ContentId token_id_;               ///< the artifact that token_ is of: a put asks for it again and again
    std::vector<std::uint8_t> token_;
    bool full_sync_ = false;
};

Error index_corrupt(std::string what);
ArtifactInfo info_of(const ContentId& id, const ArtifactRecord& record, const VersionRow* version);

} // namespace symphony::store
