// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"
#include "secret.hpp"
#include "types.hpp"

#include <memory>
#include <span>

/// A content-addressed store: bytes under the SHA-256 of their content, with names, versions, tags and lineage.
///
/// What `put` has acknowledged in the durable mode is on the disk, whatever happens next. What `get` answers was checked on
/// the way. Contents are cut into chunks (FastCDC, ATC'16), each stored once, compressed and sealed into packs; the SQLite
/// index beside them can be made anew from the packs alone. docs/format.md has the files.
namespace symphony::store {

/// Who made something. Texts are at most 256 bytes each; all may be empty.
struct MadeBy {
    std::string run;
    std::string node;
    std::string plugin_digest;
    friend bool operator==(const MadeBy&, const MadeBy&) = default;
};

/// One making of a content: the same bytes may come from several runs.
struct Origin {
    std::vector<ContentId> inputs; ///< sorted
    MadeBy made_by;
    std::uint64_t made_ms = 0; ///< since 1970
    friend bool operator==(const Origin&, const Origin&) = default;
};

struct ArtifactInfo {
    ContentId id;
    std::uint64_t size = 0; ///< bytes
    std::string media_type;
    std::string type;      ///< the caller's own kind of artifact, such as "report"; may be empty
    std::string name;      ///< of the line of versions; empty without one. Of several the one that was asked for, else the newest
    std::uint32_t version = 0;           ///< from 1 within the name; 0 without a name
    std::optional<ContentId> parent;     ///< the version before
    std::string message;
    std::vector<std::string> tags;       ///< sorted
    std::vector<Origin> origins;         ///< oldest first, at most 16
    double quality = -1;                 ///< 0 to 1; negative = not scored
    std::uint64_t created_ms = 0;        ///< when the content, or with a name the version, came; since 1970
    std::uint64_t changed_ms = 0;        ///< last change of tags, holds and so on
    bool pinned = false;
    bool held = false;                   ///< legal hold: neither removed nor collected by anybody
    std::string hold_reason;
    std::uint64_t lease_until_ms = 0;    ///< of the longest lease that put or lease() took; 0 = none
    std::uint32_t chunks = 0;
};

struct PutOptions {
    std::string media_type; ///< at most 255 bytes; empty keeps what is known
    std::string type;
    std::string name;       ///< UTF-8, 1 to 1024 bytes, without control characters; empty = no version is made
    std::string message;    ///< at most 64 KiB
    std::vector<std::string> tags;   ///< each 1 to 255 bytes; added to those that are there
    std::vector<ContentId> inputs;
    MadeBy made_by;
    std::chrono::milliseconds lease{0};       ///< at least the store's `put_lease` is taken
    std::optional<std::uint32_t> after_version; ///< when set: `conflict` / "newer-version" unless the name's newest is this (0 = none)
    std::string actor;                        ///< for the audit trail; empty = the opener's
};

/// One of a group of contents that are put together.
struct PutItem {
    Bytes content; ///< borrowed until the group is put
    PutOptions options;
};

/// A content in parts. Not for use by several threads at once; abandoned when destroyed unfinished.
class PutStream {
public:
    virtual ~PutStream() = default;
    /// Any size. `exhausted` ends the stream.
    virtual Status append(Bytes part) = 0;
    /// Acknowledged: see Store::put(). The stream is over, also after an error.
    virtual Result<ArtifactInfo> finish() = 0;
    virtual void abandon() noexcept = 0;
};

/// A content being read. Not for use by several threads at once.
class GetStream {
public:
    virtual ~GetStream() = default;
    virtual const ArtifactInfo& info() const = 0;
    /// Next bytes. @return How many; 0 at the end. Read from 0 to the end without seek, the last read also proves the
    /// whole content's SHA-256; every read proves each chunk it touches.
    virtual Result<std::size_t> read(std::span<std::uint8_t> to) = 0;
    /// `invalid_argument` / "bad-range" behind the end.
    virtual Status seek(std::uint64_t offset) = 0;
};

/// Which artifacts list() names. All that is set must hold.
struct Filter {
    std::string name_prefix;
    std::string tag;
    std::string media_type; ///< exact, or a family such as "text/"
    std::string type;
    std::string run;        ///< of any origin
    std::uint64_t created_from_ms = 0;
    std::uint64_t created_to_ms = ~std::uint64_t{0};
};

template <class T>
struct Page {
    std::vector<T> items;
    std::string next; ///< give it back as `after`; empty = that was all
};

/// One version of a name.
struct Version {
    std::string name;
    std::uint32_t version = 0;
    ContentId id;
    std::optional<ContentId> parent;
    std::string message;
    std::uint64_t created_ms = 0;
    std::uint64_t size = 0;
    std::string actor;
    MadeBy made_by;
};

struct LineageNode {
    ContentId id;
    std::uint32_t depth = 0; ///< 0 = the one that was asked for
    bool present = true;     ///< false: removed or never here; only its id is known
    std::string name;
    std::uint32_t version = 0;
    std::vector<Origin> origins;
};
enum class Direction : std::uint8_t { inputs, outputs };

/// What changed, in the order of commit. Also the audit trail.
struct Change {
    std::uint64_t sequence = 0; ///< grows; gaps are possible
    std::uint64_t time_ms = 0;
    std::string action; ///< put, version, tag, quality, pin, unpin, hold, unhold, refer, unrefer, lease, release, remove, collect, key
    std::string actor;
    std::optional<ContentId> id;
    std::string name;   ///< where the change is about one
    std::uint32_t version = 0;
    std::string detail; ///< for people
};

/// How two contents differ in chunks; both sizes in bytes.
struct Difference {
    std::uint64_t size_a = 0, size_b = 0;
    std::uint64_t shared = 0;        ///< bytes of b that are chunks of a
    std::uint64_t first_differs = 0; ///< offset of the first chunk that is not the same; the smaller size when one begins the other
    bool same = false;
};

struct Stats {
    std::uint64_t artifacts = 0, versions = 0, names = 0, tags = 0;
    std::uint64_t content_bytes = 0; ///< of all artifacts, as they were given
    std::uint64_t unique_bytes = 0;  ///< of the chunks, each once, before compression
    std::uint64_t stored_bytes = 0;  ///< of the chunks in packs
    std::uint64_t packs = 0, pack_bytes = 0, open_packs = 0;
    std::uint64_t dead_bytes = 0;    ///< in packs, used by nothing
    std::uint64_t index_bytes = 0, trash_bytes = 0;
    std::uint64_t leases = 0, references = 0, condemned = 0;
    std::uint64_t quota_bytes = 0, quota_artifacts = 0; ///< 0 = none
    std::uint64_t last_sequence = 0;
};

/// Limits of a whole store; 0 = none. Bytes are those of Stats::stored_bytes.
struct Quota {
    std::uint64_t bytes = 0;
    std::uint64_t artifacts = 0;
};

/// Cost of a passphrase (Argon2id). The defaults are libsodium's "moderate": 256 MiB and about 0.7 s.
struct PassphraseCost {
    std::uint64_t operations = 3;
    std::uint64_t memory_bytes = 256ull << 20;
};

struct InitOptions {
    std::optional<Suite> suite; ///< not set: AES where the processor has it when there are secrets, else none
    Profile profile = Profile::standard;
    std::vector<Secret> secrets; ///< each opens the store; needed unless the suite is none
    PassphraseCost cost;
    Quota quota;
};

enum class Access : std::uint8_t { writer, reader };
enum class Durability : std::uint8_t {
    durable, ///< what is acknowledged is on the disk
    relaxed, ///< a power cut may take the last moments with it; never a wrong or half artifact
};

/// Something that the opener should hear: an index made anew, a torn tail cut, a file that could not be synced.
struct Notice {
    std::string reason; ///< kebab-case
    std::string text;
};

struct OpenOptions {
    Access access = Access::writer;
    std::optional<Secret> secret;
    Durability durability = Durability::durable;
    std::string owner; ///< told to whoever finds the store locked, such as "symphony serve, process 4711"
    std::string actor; ///< of changes; empty = the owner
    std::chrono::milliseconds put_lease{3'600'000};      ///< every put takes at least this
    std::chrono::milliseconds stream_idle_max{3'600'000}; ///< a PutStream silent for longer no longer holds up collection
    std::chrono::milliseconds trash_keep{7ll * 24 * 3'600'000};
    std::uint64_t cache_bytes = 16ull << 20; ///< of opened chunks, for ranges and streams
    std::function<void(const Notice&)> notice; ///< any thread; must not call the store
    std::shared_ptr<const Clock> clock;        ///< null = the system's
};

struct KeySlot {
    std::string id; ///< 8 hexadecimal digits
    Secret::Kind kind = Secret::Kind::passphrase;
    std::string label;
    std::uint64_t created_ms = 0;
};

/// What can be known of a store without its key.
struct Description {
    std::uint32_t format = 0;
    std::string repository; ///< id, 32 hexadecimal digits
    Suite suite = Suite::none;
    Profile profile = Profile::standard;
    std::vector<KeySlot> slots;
    std::uint64_t created_ms = 0;
};

struct CollectOptions {
    bool dry_run = false;
    bool drop_soft = false;   ///< soft references no longer keep anything
    bool empty_trash = false; ///< also what is younger than `trash_keep`
    double repack_below = 0.5; ///< packs whose live share is less are written anew; 0 = none
};
struct CollectReport {
    std::uint64_t artifacts_dropped = 0;  ///< nothing kept them
    std::uint64_t condemned = 0, resurrected = 0, waiting = 0; ///< chunks
    std::uint64_t blobs_deleted = 0;
    std::uint64_t packs_deleted = 0, packs_rewritten = 0;
    std::uint64_t freed_bytes = 0;        ///< that left the packs; on the disk until the trash is emptied
    std::uint64_t trash_emptied_bytes = 0;
    std::vector<ContentId> dropped;       ///< at most 1000
};

/// A damaged thing, in words a person can act on.
struct Finding {
    Damage damage = Damage::bit_rot;
    std::string where;                  ///< file and offset
    std::string text;
    std::string hint;
    std::vector<std::string> artifacts; ///< that need it, "NAME@VERSION" or id; at most 100
};

enum class Depth : std::uint8_t {
    quick, ///< files, headers, footers and that the index agrees with them
    data,  ///< and every blob is read, opened and hashed
};
struct VerifyOptions {
    Depth depth = Depth::quick;
    double sample = 1.0; ///< share of the blobs that `data` reads, 0 to 1, chosen at random
    std::uint64_t seed = 0;
};
struct VerifyReport {
    std::uint64_t packs = 0, blobs = 0, bytes = 0, artifacts = 0; ///< looked at
    std::vector<Finding> findings;                                ///< at most 10,000
    std::uint64_t findings_total = 0;
    std::vector<std::string> notes; ///< what is no damage, but what somebody may want to know; at most 100
    bool good() const noexcept { return findings_total == 0; }
};

/// One helping of verification in the background. The place is kept in the index, so that all is seen in turn.
struct ScrubBudget {
    std::uint64_t bytes = 16ull << 20;
    std::chrono::milliseconds time{200};
};
struct ScrubReport {
    VerifyReport checked;
    bool wrapped = false;  ///< the last blob was reached; the next step begins anew
    double position = 0;   ///< 0 to 1
};

struct RepairReport {
    bool index_rebuilt = false;
    std::uint64_t packs_salvaged = 0; ///< damaged packs whose intact blobs were written anew
    std::uint64_t blobs_saved = 0, blobs_lost = 0;
    std::vector<std::string> lost;      ///< artifacts that cannot be read any more, "NAME@VERSION (id)"
    std::vector<Finding> findings;
};

/// Where a bundle goes to and comes from: a pipe is enough.
using Sink = std::function<Status(Bytes)>;
using Source = std::function<Result<std::size_t>(std::span<std::uint8_t>)>; ///< 0 = the end

struct TransferReport {
    std::uint64_t artifacts = 0;      ///< that were sent or looked at
    std::uint64_t artifacts_new = 0;  ///< that the receiver had not
    std::uint64_t versions_new = 0;
    std::uint64_t bytes = 0;          ///< of contents that moved
};

using LeaseId = std::uint64_t;

/// One open store. All methods may be called from any thread and may block on the disk. Methods that change something fail
/// with `refused` / "read-only" on a reader. Ids that nothing has: `not_found` / "unknown-artifact".
/// Damage that a call meets: `data_corrupt` with the class as reason and the next step as hint (damage_of()).
class Store {
public:
    /// Makes an empty store in an empty folder. `conflict` / "store-exists", `invalid_argument` / "key-needed".
    static Status init(Folder& folder, InitOptions options);

    /// Reads the header only. `not_found` / "no-store", `data_corrupt` / "wrong-version" or another class.
    static Result<Description> describe(Folder& folder);

    /// A writer recovers what a crash left, so opening may take as long as reading the open packs. `folder` is kept.
    /// @return `busy` / "store-locked" with the owner's own words; "key-needed", "wrong-key", "wrong-version", "no-store".
    static Result<std::unique_ptr<Store>> open(std::shared_ptr<Folder> folder, OpenOptions options);

    /// Opens without trusting the index, makes it anew from the packs, writes every intact blob of damaged packs into new
    /// ones and tells what is lost. Needs the writer's lock. Damaged packs go to the trash.
    static Result<RepairReport> repair(std::shared_ptr<Folder> folder, OpenOptions options, const ProgressFn& progress = {});

    virtual ~Store() = default;
    /// Seals the open packs and lets the lock go. The destructor does the same, silently.
    virtual Status close() = 0;
    virtual Description description() const = 0;

    // Contents.

    /// Stores bytes; the same bytes are stored once, also when put at the same time. Acknowledged means: data and record on
    /// the disk (durable), readable by everyone. `exhausted` / "store-full" (quota) or "disk-full"; `io` / "write-failed".
    virtual Result<ArtifactInfo> put(Bytes content, const PutOptions& options) = 0;
    /// Stores many contents as put() would, in their order, with few syncs and on a few threads. Each succeeds or fails for
    /// itself, and all that succeeded are acknowledged when it returns. As many outcomes as items.
    virtual std::vector<Result<ArtifactInfo>> put_group(std::span<const PutItem> items) = 0;
    virtual Result<std::unique_ptr<PutStream>> begin_put(const PutOptions& options) = 0;
    /// A range in one piece. @param size 0 = to the end. `invalid_argument` / "bad-range"; `exhausted` / "too-large" above
    /// `size_max` bytes: use open_get().
    virtual Result<Buffer> get(const ContentId& id, std::uint64_t offset = 0, std::uint64_t size = 0,
                               std::uint64_t size_max = 256ull << 20) = 0;
    virtual Result<std::unique_ptr<GetStream>> open_get(const ContentId& id) = 0;

    // Meaning.

    /// An id, NAME, NAME@VERSION, or the beginning of an id (4 digits or more). A name wins over a beginning.
    /// `conflict` / "ambiguous-prefix".
    virtual Result<ArtifactInfo> info(std::string_view id_or_name) = 0;
    virtual Result<ArtifactInfo> info(const ContentId& id) = 0;
    /// Newest first. @param before 0 = from the newest.
    virtual Result<std::vector<Version>> history(std::string_view name, std::uint32_t limit, std::uint32_t before = 0) = 0;
    /// Newest version of each name, in byte order of the names.
    virtual Result<Page<Version>> names(std::string_view prefix, std::string_view after, std::uint32_t limit) = 0;
    /// Newest first.
    virtual Result<Page<ArtifactInfo>> list(const Filter& filter, std::string_view after, std::uint32_t limit) = 0;
    /// Breadth first from `id`; at most `limit` nodes. Paths of any shape, cycles included, end.
    virtual Result<std::vector<LineageNode>> lineage(const ContentId& id, Direction direction, std::uint32_t depth, std::uint32_t limit) = 0;
    virtual Result<Difference> diff(const ContentId& a, const ContentId& b) = 0;

    virtual Status tag(const ContentId& id, std::span<const std::string> add, std::span<const std::string> remove) = 0;
    virtual Status set_quality(const ContentId& id, double quality) = 0; ///< 0 to 1; negative = none
    virtual Status set_pinned(const ContentId& id, bool pinned) = 0;
    virtual Status set_hold(const ContentId& id, bool held, std::string_view reason) = 0;
    /// `holder` (1 to 255 bytes) uses the artifact. A soft one keeps it until a collection asks for `drop_soft`.
    virtual Status refer(std::string_view holder, const ContentId& id, bool soft) = 0;
    virtual Status unrefer(std::string_view holder, const ContentId& id) = 0;
    /// Keeps an artifact for a while, also over a restart. At most 30 days at a time.
    virtual Result<LeaseId> lease(const ContentId& id, std::chrono::milliseconds time) = 0;
    virtual Status renew(LeaseId lease, std::chrono::milliseconds time) = 0;
    virtual Status release(LeaseId lease) = 0;
    /// Forgets an artifact and its versions. `conflict` / "held" while a hold, pin, lease() or hard reference keeps it.
    virtual Status remove(const ContentId& id) = 0;

    /// Behind `after`, oldest first.
    virtual Result<std::vector<Change>> changes(std::uint64_t after, std::uint32_t limit) = 0;
    /// The newest change's, 0 in a store without any: at once, however large the store is.
    virtual Result<std::uint64_t> last_sequence() = 0;
    /// Counts everything: seconds in a store of millions.
    virtual Result<Stats> stats() = 0;
    virtual Status set_quota(Quota quota) = 0;

    // Care.

    /// Two phases. Chunks that nothing uses are condemned; those condemned by an earlier call, and older than every put
    /// under way and every lease that lived then, are deleted unless they are used again.
    virtual Result<CollectReport> collect(const CollectOptions& options, const ProgressFn& progress = {}) = 0;
    virtual Result<VerifyReport> verify(const VerifyOptions& options, const ProgressFn& progress = {}) = 0;
    virtual Result<ScrubReport> scrub_step(const ScrubBudget& budget) = 0;

    /// `ids` empty = everything with its names, tags and lineage.
    virtual Result<TransferReport> export_bundle(std::span<const ContentId> ids, const Sink& sink, const ProgressFn& progress = {}) = 0;
    /// Checks as it goes; what came before a fault stays. `data_corrupt` / "torn" and others.
    virtual Result<TransferReport> import_bundle(const Source& source, const ProgressFn& progress = {}) = 0;
    /// Fetches from `other` what is not here yet, by digest. Versions come behind those that are here.
    virtual Result<TransferReport> pull(Store& other, const ProgressFn& progress = {}) = 0;

    // Keys. All of them rewrite headers only. `unsupported` / "not-encrypted".

    virtual Result<KeySlot> add_key(const Secret& secret, std::string_view label, PassphraseCost cost = {}) = 0;
    /// `conflict` / "last-key" for the only one.
    virtual Status remove_key(std::string_view slot) = 0;
    /// A new master key: every pack's data key is wrapped anew, data stays. `secret` must open a slot, which is kept; the
    /// others are dropped and their ids returned, because their secrets are not known here. Continues when interrupted.
    virtual Result<std::vector<std::string>> rotate(const Secret& secret, const ProgressFn& progress = {}) = 0;
};

} // namespace symphony::store
