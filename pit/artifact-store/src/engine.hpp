// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chunker.hpp"
#include "index.hpp"
#include "store.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

/// What holds a store together: the lock, the packs being written, the index, and the one way in which anything changes.
namespace symphony::store {

/// A blob on its way into a pack.
struct NewBlob {
    BlobType type = BlobType::data;
    Digest id;
    std::uint32_t raw = 0;
    std::uint8_t flags = 0;
    std::vector<std::uint8_t> packed;
    std::vector<Part> parts; ///< of a list
};

class Engine;

/// Changes of one commit, seen by the next one at once. Lives in the leader's thread.
class Transaction {
public:
    Index& index() noexcept { return index_; }
    std::uint64_t now_ms() const noexcept { return now_ms_; } ///< for dates
    std::uint64_t lease_ms() const noexcept { return lease_ms_; } ///< for what ends by itself: see Engine::lease_ms()
    /// Into the journal, unless the index has it. A new list counts as one use of each of its chunks, which are there before it.
    Status add_blob(const NewBlob& blob);
    /// Numbers and applies it, and puts it into the journal.
    /// @param collections When the commit ends a collection, how many there were then.
    Status add(Record record, std::uint32_t collections = 0);
    /// Applies a record that keeps its number and is in a pack already, or goes there by other ways.
    Status replay(const Record& record);
    void must_sync() noexcept { synced_ = takes_away_ = true; }
    /// Said before the index is changed by other ways than add(): a failure then takes all of the commit back.
    void touch() noexcept { dirty_ = true; }
    /// Stored bytes that this commit adds.
    std::uint64_t added_bytes() const noexcept { return added_bytes_; }

private:
    friend class Engine;
    Transaction(Engine& engine, Index& index, std::uint64_t now_ms, std::uint64_t lease_ms) : engine_(engine), index_(index), now_ms_(now_ms), lease_ms_(lease_ms) {}
    Engine& engine_;
    Index& index_;
    std::uint64_t now_ms_;
    std::uint64_t lease_ms_;
    Batch batch_;
    std::uint64_t added_bytes_ = 0;
    bool synced_ = false;
    bool takes_away_ = false; ///< an artifact goes, or a blob moves
    bool dirty_ = false; ///< something was written: a failure now takes the whole batch back
};
/// Fails before it changes anything, if it can: that is cheaper. May run twice.
using Work = std::function<Status(Transaction&)>;

/// A pack that large contents are written to. Used by one stream at a time.
struct BulkPack {
    std::unique_ptr<PackWriter> writer;
    std::int64_t row = 0; ///< 0 = the index does not know it yet
};

/// Holds up collection: a put under way, since which condemnation.
struct ActivePut {
    std::uint64_t generation = 0;
    std::uint64_t touched_steady_ms = 0;
};

/// Where the only chunk of a small content stands, so that a warm get asks no table.
struct Shortcut {
    std::shared_ptr<PackFile> file;
    Digest blob;
    Place place;
    std::uint64_t size = 0;
};

/// A reader's connection, given back at the end.
class ReadLease {
public:
    ReadLease(Engine& engine, std::unique_ptr<Index> index) : engine_(&engine), index_(std::move(index)) {}
    ReadLease(ReadLease&&) noexcept = default;
    ReadLease& operator=(ReadLease&&) = delete;
    ~ReadLease();
    Index* operator->() noexcept { return index_.get(); }
    Index& operator*() noexcept { return *index_; }

private:
    Engine* engine_;
    std::unique_ptr<Index> index_;
};

class Engine {
public:
    enum class Rebuild : std::uint8_t { when_needed, always };
    static Result<std::unique_ptr<Engine>> open(std::shared_ptr<Folder> folder, OpenOptions options, Rebuild rebuild);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    Status close();

    /// Runs `work` in a transaction with whatever else waits, and returns when it is acknowledged (or has failed).
    Status commit(const Work& work);
    /// The same for several, each with an outcome of its own; they stand one after the other in the queue.
    std::vector<Status> commit_all(std::span<const Work> works);
    /// One connection of the pool; changes that are committed are seen.
    Result<ReadLease> read();

    /// A blob, checked: frame, tag and, if `prove`, its id. Read a second time before damage is believed.
    Result<Blob> load(Index& index, const Digest& id, bool prove);
    Result<std::vector<Part>> load_list(Index& index, const Digest& id);
    Result<std::shared_ptr<PackFile>> pack_file(const PackRow& row);
    void forget_pack(const PackId& id);

    /// Only in the writer's process, which hears of every change: any commit that takes something away forgets them all.
    std::optional<Shortcut> shortcut(const ContentId& id);
    /// @param seen What shortcut_state() said before the index was asked.
    void add_shortcut(const ContentId& id, Shortcut shortcut, std::uint64_t seen);
    std::uint64_t shortcut_state();
    void forget_shortcuts();

    Result<std::shared_ptr<BulkPack>> take_bulk();
    void give_bulk(std::shared_ptr<BulkPack> pack);
    /// Seals or syncs and tells the index about `blobs` that stand in it, chunks before the lists that name them.
    Status commit_bulk(BulkPack& pack, std::vector<std::pair<Digest, BlobRow>>& blobs, bool seal);

    std::shared_ptr<ActivePut> begin_put();
    /// "put-expired" when it was silent for too long and no longer held up collection.
    Status touch(ActivePut& put);
    /// Counts one up: condemned now, deletable when all puts of before are over.
    std::uint64_t next_generation();
    /// The oldest generation that a put under way began in.
    std::uint64_t oldest_generation();

    /// @param id When the caller has it already.
    NewBlob make_blob(BlobType type, Bytes content, const Digest* id = nullptr) const;
    Status refuse_reader() const;
    void notice(std::string_view reason, std::string text) const;

    const OpenOptions& options() const noexcept { return options_; }
    Folder& folder() noexcept { return *folder_; }
    /// Whether anybody has the store open as its writer, in this process or another.
    bool has_writer() const;
    const Clock& clock() const noexcept { return *clock_; }
    /// The time by which leases, and what waits in the trash, end: the wall clock's when the store was opened, and from then on
    /// what passed. A wall clock that somebody sets meanwhile ends nothing early.
    std::uint64_t lease_ms() const { return opened_wall_ms_ + (clock_->steady_ms() - opened_steady_ms_); }
    const Veil& veil() const noexcept { return *veil_; }
    const Chunker& chunker() const noexcept { return *chunker_; }
    /// The keys may change by rotation: what was taken stays as it was.
    std::shared_ptr<const PackContext> context() const {
        const std::lock_guard lock(pool_mutex_);
        return context_;
    }
    bool durable() const noexcept { return options_.durability == Durability::durable; }
    std::uint64_t session() const noexcept { return session_; }
    std::uint32_t collections() const noexcept { return collections_; }
    void set_collections(std::uint32_t collections) noexcept { collections_ = collections; }
    void set_live_bytes(std::uint64_t bytes) noexcept { live_bytes_ = bytes; }
    std::mutex& care_mutex() noexcept { return care_mutex_; }

    /// Both need the commit mutex, which keeps everybody else from changing anything.
    std::unique_lock<std::mutex> stop_commits() { return std::unique_lock(commit_mutex_); }
    Index& write_index() noexcept { return *index_; }
    /// Seals every pack that is open and idle, the journal included. With the commit mutex held.
    Status seal_open_packs();

    Header header() const {
        const std::lock_guard lock(pool_mutex_);
        return header_;
    }
    std::string header_text() const {
        const std::lock_guard lock(pool_mutex_);
        return header_text_;
    }
    Status set_header(Header header, const Keys* keys);

    bool rebuilt() const noexcept { return rebuilt_; }
    std::vector<Finding> take_findings() { return std::move(findings_); }
    std::vector<std::string> take_former() { return std::move(former_); }
    std::uint64_t live_bytes() const noexcept { return live_bytes_; }

private:
    friend class Transaction;
    friend class ReadLease;
    /// Somebody in commit_all(). Only who has nothing left to wait for, or must lead, is woken.
    struct Caller {
        std::size_t left = 0;
        std::condition_variable wake;
    };
    struct Waiting {
        const Work* work = nullptr;
        Caller* caller = nullptr;
        Status status;
    };
    /// A pack whose content the index is to take in.
    struct Absorbed {
        std::shared_ptr<PackFile> file;
        Footer footer;
        std::optional<PackRow> row;
        PackState state = PackState::sealed;
        std::uint64_t bytes = 0;
    };

    Engine(std::shared_ptr<Folder> folder, OpenOptions options) : folder_(std::move(folder)), options_(std::move(options)) {}
    Status unlock();
    Status take_lock();
    Status open_index(Rebuild rebuild);
    Result<bool> index_sum_fits();
    Status write_index_sum();
    Status set_index_aside(const std::string& why);
    Status recover(bool fresh);
    Status find_open_packs(std::vector<Absorbed>& found);
    Status find_sealed_packs(std::vector<Absorbed>& found);
    Result<std::optional<Absorbed>> recover_open_pack(const PackId& id);
    Result<Absorbed> read_sealed(const PackId& id);
    Result<Absorbed> read_without_footer(std::shared_ptr<PackFile> file);
    Status absorb(std::vector<Absorbed>& packs, bool fresh);
    Status absorb_blobs(Absorbed& pack, std::vector<Digest>& lists);
    Status absorb_records(Absorbed& pack);
    Status count_list(const Digest& list);
    Status load_numbers();
    void remember_former();
    void add_finding(const Error& error, const std::string& where);

    void lead(std::unique_lock<std::mutex>& queue);
    void run_batch(std::vector<Waiting*>& batch);
    Status try_batch(std::vector<Waiting*>& batch, bool& again);
    Status ensure_journal();
    Result<std::int64_t> journal_row(Index& index);
    Status finish_batch(Transaction& transaction);
    Status seal_journal();
    Status seal_pack(PackWriter& writer, std::int64_t row);

    std::shared_ptr<Folder> folder_;
    OpenOptions options_;
    std::shared_ptr<const Clock> clock_;
    std::uint64_t opened_wall_ms_ = 0, opened_steady_ms_ = 0;
    Header header_;
    std::string header_text_;
    std::shared_ptr<const PackContext> context_;
    std::unique_ptr<Veil> veil_;
    std::unique_ptr<Chunker> chunker_;
    std::unique_ptr<File> lock_;
    std::shared_ptr<Mount> mount_;
    std::uint64_t session_ = 0;
    bool closed_ = false;
    bool rebuilt_ = false;
    std::vector<Finding> findings_;
    std::vector<std::string> former_; ///< ids and names that an index set aside knew
    std::set<std::int64_t> missing_packs_;
    bool index_is_old_ = false;
    bool lenient_ = false; ///< while repairing

    std::mutex commit_mutex_; ///< the leader's; index_, journal_ and the numbers are under it
    std::unique_ptr<Index> index_;
    std::unique_ptr<PackWriter> journal_;
    std::int64_t journal_row_ = 0;
    std::int64_t journal_new_row_ = 0; ///< given in the running transaction
    std::uint64_t next_sequence_ = 1;
    std::atomic<std::uint32_t> collections_ = 0;
    std::atomic<std::uint64_t> live_bytes_ = 0;
    std::uint64_t unchecked_commits_ = 0;

    std::mutex care_mutex_; ///< one collection, repair or rotation at a time

    std::mutex queue_mutex_;
    std::deque<Waiting*> queue_;
    bool leading_ = false;

    mutable std::mutex pool_mutex_;
    std::vector<std::unique_ptr<Index>> pool_;
    std::map<PackId, std::shared_ptr<PackFile>> files_;
    std::vector<std::shared_ptr<BulkPack>> bulk_;

    std::mutex shortcuts_mutex_;
    std::unordered_map<ContentId, Shortcut, DigestHash> shortcuts_;
    std::uint64_t shortcut_state_ = 0;

    std::mutex puts_mutex_;
    std::vector<std::weak_ptr<ActivePut>> puts_;
    std::uint64_t generation_ = 1;
};

} // namespace symphony::store
