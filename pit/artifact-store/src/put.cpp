// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include <algorithm>
#include <thread>
#include <unordered_set>

namespace symphony::store {
namespace {

constexpr std::size_t queue_bytes_max = 8 << 20;

std::uint64_t milliseconds(std::chrono::milliseconds time) noexcept { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())); }

Record artifact_record(const ContentId& id, const ArtifactRecord& record, Action action, const PutOptions& options) {
    Record out;
    out.kind = Kind::artifact;
    out.key.assign(id.bytes.begin(), id.bytes.end());
    out.action = action;
    out.actor = options.actor;
    out.value = record.encode();
    return out;
}

/// Takes over what a put says; true when that changes something.
bool merge(ArtifactRecord& record, const PutOptions& options, const Transaction& transaction, std::uint64_t lease_ms) {
    bool changed = false;
    const auto take = [&](std::string& to, const std::string& from) {
        if (from.empty() || to == from) return;
        to = from;
        changed = true;
    };
    take(record.media_type, options.media_type);
    take(record.type, options.type);
    for (const std::string& tag : options.tags) {
        const auto at = std::lower_bound(record.tags.begin(), record.tags.end(), tag);
        if (at != record.tags.end() && *at == tag) continue;
        record.tags.insert(at, tag);
        changed = true;
    }
    Origin origin{options.inputs, options.made_by, transaction.now_ms()};
    std::sort(origin.inputs.begin(), origin.inputs.end());
    origin.inputs.erase(std::unique(origin.inputs.begin(), origin.inputs.end()), origin.inputs.end());
    const bool known = std::any_of(record.origins.begin(), record.origins.end(), [&](const Origin& other) { return other.inputs == origin.inputs && other.made_by == origin.made_by; });
    if (!known && (!origin.inputs.empty() || origin.made_by != MadeBy())) {
        if (record.origins.size() == origins_max) record.origins.erase(record.origins.begin());
        record.origins.push_back(std::move(origin));
        changed = true;
    }
    const std::uint64_t until_ms = transaction.lease_ms() + lease_ms;
    if (until_ms > record.lease_until_ms) {
        // Seconds do not count: the same bytes put in a loop would write a record each time.
        if (record.lease_until_ms < until_ms - lease_ms / 2) changed = changed || lease_ms > 0;
        if (changed) record.lease_until_ms = until_ms;
    }
    return changed;
}

/// The next version of a name, unless its newest is this content already.
Result<std::optional<VersionRow>> next_version(Transaction& transaction, const ContentId& id, const PutOptions& options) {
    if (options.name.empty()) return std::optional<VersionRow>();
    const auto newest = SYMPHONY_TRY(transaction.index().newest(options.name));
    const std::uint32_t now = newest ? newest->version : 0;
    if (options.after_version && *options.after_version != now) {
        return Error(Code::conflict, "newer-version", "\"" + options.name + "\": its newest version is " + std::to_string(now) + ", not " + std::to_string(*options.after_version),
                     "get the newest version, bring the change there, and put again");
    }
    if (newest && newest->record.id == id) return std::optional<VersionRow>();
    VersionRow row;
    row.name = options.name;
    row.version = now + 1;
    row.record.id = id;
    if (newest) row.record.parent = newest->record.id;
    row.record.message = options.message;
    row.record.created_ms = transaction.now_ms();
    row.record.actor = options.actor;
    row.record.made_by = options.made_by;
    return std::optional(std::move(row));
}

Status check_quota(Transaction& transaction, Engine& engine, const Content& content) {
    Index& index = transaction.index();
    const auto [bytes_max, artifacts_max] = SYMPHONY_TRY(index.quota());
    std::uint64_t coming = 0;
    for (const NewBlob& blob : content.blobs) coming += blob.packed.size();
    const std::uint64_t used = engine.live_bytes() + transaction.added_bytes();
    if (bytes_max != 0 && used + coming > bytes_max) {
        return Error(Code::exhausted, "store-full", "the store holds " + std::to_string(used) + " of " + std::to_string(bytes_max) + " bytes, " + std::to_string(coming) + " more do not fit",
                     "remove what is no longer needed and run `symphony artifact gc`, or raise the quota");
    }
    if (artifacts_max == 0) return {};
    auto row = index.database().prepare("SELECT COUNT(*) FROM artifacts");
    const std::uint64_t count = row.step() ? row.unsigned_number(0) : 0;
    SYMPHONY_TRY(row.done());
    if (count < artifacts_max) return {};
    return Error(Code::exhausted, "store-full", "the store holds " + std::to_string(count) + " artifacts, its quota",
                 "remove what is no longer needed and run `symphony artifact gc`, or raise the quota");
}

/// Whether every blob that the record names is there: a record that came back after damage may name lost ones.
Result<bool> all_present(Index& index, const ArtifactRecord& record) {
    for (const Part& part : record.parts) {
        if (!SYMPHONY_TRY(index.blob(part.blob))) return false;
    }
    return true;
}

} // namespace

Content StoreImpl::prepare(Bytes bytes) const {
    Content content;
    content.id = sha256(bytes);
    content.size = bytes.size();
    std::unordered_set<Digest, DigestHash> seen;
    while (!bytes.empty()) {
        const std::size_t size = content.size < whole_below ? bytes.size() : engine_->chunker().cut(bytes);
        NewBlob blob = engine_->make_blob(BlobType::data, bytes.first(size));
        content.parts.push_back({blob.id, size});
        if (seen.insert(blob.id).second) content.blobs.push_back(std::move(blob));
        bytes = bytes.subspan(size);
    }
    content.chunks = content.parts.size();
    if (content.parts.size() > parts_direct_max) {
        const auto all = std::move(content.parts);
        content.parts.clear();
        content.lists = true;
        NewBlob list = engine_->make_blob(BlobType::list, encode_list(all));
        list.parts = all;
        content.parts.push_back({list.id, content.size});
        content.blobs.push_back(std::move(list));
    }
    return content;
}

Result<ArtifactInfo> StoreImpl::commit_content(const Content& content, const PutOptions& options) {
    ArtifactInfo info;
    SYMPHONY_TRY(engine_->commit(content_work(content, options, info)));
    return info;
}

Work StoreImpl::content_work(const Content& content, const PutOptions& options, ArtifactInfo& info) {
    const std::uint64_t lease_ms = std::max(milliseconds(options.lease), milliseconds(engine_->options().put_lease));
    return [this, &content, &options, &info, lease_ms](Transaction& transaction) -> Status {
        Index& index = transaction.index();
        auto known = SYMPHONY_TRY(index.artifact(content.id));
        auto version = SYMPHONY_TRY(next_version(transaction, content.id, options));
        ArtifactRecord record;
        bool write_record = true;
        if (known && SYMPHONY_TRY(all_present(index, known->record))) {
            record = std::move(known->record);
            write_record = merge(record, options, transaction, lease_ms);
            if (write_record) record.changed_ms = transaction.now_ms();
        } else {
            if (!known) SYMPHONY_TRY(check_quota(transaction, *engine_, content));
            if (known) record = std::move(known->record);
            else record.created_ms = transaction.now_ms();
            for (const NewBlob& blob : content.blobs) SYMPHONY_TRY(transaction.add_blob(blob));
            record.size = content.size;
            record.chunks = content.chunks;
            record.lists = content.lists;
            record.parts = content.parts;
            if (!SYMPHONY_TRY(all_present(index, record))) {
                return Error(Code::busy, "put-expired", "a chunk of the content was collected while it was being put", "put it again");
            }
            merge(record, options, transaction, lease_ms);
            record.lease_until_ms = std::max(record.lease_until_ms, transaction.lease_ms() + lease_ms);
            record.changed_ms = transaction.now_ms();
        }
        if (record.tags.size() > tags_max) return Error(Code::exhausted, "too-many", "an artifact has at most 1000 tags");
        if (write_record) SYMPHONY_TRY(transaction.add(artifact_record(content.id, record, known ? Action::update : Action::put, options)));
        if (version) {
            if (version->record.actor.empty()) version->record.actor = engine_->options().actor;
            Record made;
            made.kind = Kind::version;
            made.key = version_key(version->name, version->version);
            made.action = Action::version;
            made.actor = options.actor;
            made.value = version->record.encode();
            SYMPHONY_TRY(transaction.add(std::move(made)));
        } else if (!options.name.empty()) {
            version = SYMPHONY_TRY(index.newest(options.name));
        } else {
            version = SYMPHONY_TRY(index.newest_name_of(content.id));
        }
        info = info_of(content.id, record, version ? &*version : nullptr);
        return {};
    };
}

Result<ArtifactInfo> StoreImpl::put(Bytes bytes, const PutOptions& options) {
    SYMPHONY_TRY(engine_->refuse_reader());
    SYMPHONY_TRY(check_options(options));
    if (bytes.size() > journal_content_max) {
        for (int tries = 0;; ++tries) {
            auto stream = SYMPHONY_TRY(begin_put(options));
            auto appended = stream->append(bytes);
            auto done = appended ? stream->finish() : Result<ArtifactInfo>(std::move(appended).error());
            // The bytes are still at hand: a file that failed, or chunks that were collected meanwhile, cost only time.
            if (done || tries > 0 || (done.error().reason() != "put-expired" && done.error().code() != Code::io)) return done;
        }
    }
    const auto active = engine_->begin_put();
    Content content = prepare(bytes);
    return commit_content(content, options);
}

namespace {

/// Puts a large content: the caller's thread hashes and cuts, a second one seals and writes. Memory is bounded by the queue.
class Stream final : public PutStream {
public:
    Stream(StoreImpl& store, PutOptions options) : store_(store), engine_(store.engine()), options_(std::move(options)), active_(engine_.begin_put()) {}
    ~Stream() override { abandon(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    Status append(Bytes part) override {
        if (over_) return Error(Code::misuse, "stream-over", "the stream was finished or abandoned");
        SYMPHONY_TRY(engine_.touch(*active_));
        hash_.add(part);
        content_.size += part.size();
        while (!part.empty()) {
            // What fills the pending bytes to a whole chunk is joined to them; the rest is cut where it is.
            if (pending_.empty() && started_ && part.size() >= engine_.chunker().sizes().max) {
                const std::size_t size = engine_.chunker().cut(part);
                SYMPHONY_TRY(hand_over(part.first(size)));
                part = part.subspan(size);
                continue;
            }
            const std::size_t goal = started_ ? engine_.chunker().sizes().max : journal_content_max + 1;
            const std::size_t take = std::min(part.size(), std::max(goal, pending_.size()) - pending_.size());
            pending_.insert(pending_.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(take));
            part = part.subspan(take);
            if (pending_.size() < goal) break;
            if (!started_) start();
            SYMPHONY_TRY(cut_pending(false));
        }
        return {};
    }

    Result<ArtifactInfo> finish() override {
        if (over_) return Error(Code::misuse, "stream-over", "the stream was finished or abandoned");
        if (!started_) {
            over_ = true;
            Content content = store_.prepare(pending_);
            return store_.commit_content(content, options_);
        }
        auto cut = cut_pending(true);
        over_ = true;
        stop(false);
        if (cut && failure_) cut = *failure_;
        if (cut) cut = engine_.touch(*active_);
        if (cut) cut = flush_list(true);
        if (cut && pack_) {
            cut = engine_.commit_bulk(*pack_, written_, false);
            if (cut) engine_.give_bulk(std::exchange(pack_, nullptr));
        }
        if (!cut) {
            drop_pack();
            return std::move(cut).error();
        }
        content_.id = hash_.finish();
        return store_.commit_content(content_, options_);
    }

    void abandon() noexcept override {
        if (over_) return;
        over_ = true;
        stop(true);
        drop_pack();
    }

private:
    void start() {
        started_ = true;
        worker_ = std::thread([this] { work(); });
    }

    Status cut_pending(bool last) {
        std::size_t at = 0;
        const std::size_t max = engine_.chunker().sizes().max;
        while (pending_.size() - at >= max || (last && at < pending_.size())) {
            const Bytes rest = Bytes(pending_).subspan(at);
            const std::size_t size = engine_.chunker().cut(rest);
            SYMPHONY_TRY(hand_over(rest.first(size)));
            at += size;
        }
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
        return {};
    }

    Status hand_over(Bytes chunk) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return failure_ || queued_bytes_ + chunk.size() <= queue_bytes_max || queue_.empty(); });
        if (failure_) return *failure_;
        queue_.emplace_back(chunk.begin(), chunk.end());
        queued_bytes_ += chunk.size();
        changed_.notify_all();
        return {};
    }

    void stop(bool drop) noexcept {
        if (!worker_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
            if (drop) queue_.clear();
        }
        changed_.notify_all();
        worker_.join();
    }

    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return ending_ || !queue_.empty(); });
            if (queue_.empty()) return;
            const std::vector<std::uint8_t> chunk = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            auto done = store(chunk);
            lock.lock();
            queued_bytes_ -= chunk.size();
            if (!done && !failure_) {
                failure_ = std::move(done).error();
                queue_.clear();
            }
            changed_.notify_all();
        }
    }

    Status store(Bytes chunk) {
        const Digest id = engine_.veil().blob_id(BlobType::data, chunk);
        ++content_.chunks;
        list_.push_back({id, chunk.size()});
        list_bytes_ += chunk.size();
        if (!SYMPHONY_TRY(is_known(id))) SYMPHONY_TRY(write(engine_.make_blob(BlobType::data, chunk, &id)));
        if (list_.size() >= list_parts_max) SYMPHONY_TRY(flush_list(false));
        return {};
    }

    Result<bool> is_known(const Digest& id) {
        if (mine_.contains(id)) return true;
        auto reader = SYMPHONY_TRY(engine_.read());
        const auto row = SYMPHONY_TRY(reader->blob(id));
        // A condemned one may be gone before this content is committed.
        return row && !row->condemned;
    }

    Status write(const NewBlob& blob) {
        if (!pack_) pack_ = SYMPHONY_TRY(engine_.take_bulk());
        auto place = pack_->writer->append(blob.type, blob.flags, blob.raw, blob.id, blob.packed);
        if (place && pack_->writer->buffered() > (1 << 20)) SYMPHONY_TRY(pack_->writer->flush());
        BlobRow row;
        row.type = blob.type;
        row.place = SYMPHONY_TRY(std::move(place));
        written_.emplace_back(blob.id, row);
        mine_.insert(blob.id);
        if (!pack_->writer->full()) return {};
        // Sealed, it takes no more, whether the index could be told or not.
        const auto full = std::exchange(pack_, nullptr);
        auto done = engine_.commit_bulk(*full, written_, true);
        written_.clear();
        mine_.clear();
        return done;
    }

    /// Full lists become blobs; at the end few chunks stay in the record itself.
    Status flush_list(bool last) {
        if (last && content_.parts.empty() && list_.size() <= parts_direct_max) {
            content_.parts = std::move(list_);
            return {};
        }
        if (list_.empty()) return {};
        if (content_.parts.size() >= lists_max) return Error(Code::exhausted, "too-large", "the content has more chunks than a store can list");
        content_.lists = true;
        const NewBlob list = engine_.make_blob(BlobType::list, encode_list(list_));
        content_.parts.push_back({list.id, list_bytes_});
        list_.clear();
        list_bytes_ = 0;
        if (!SYMPHONY_TRY(is_known(list.id))) SYMPHONY_TRY(write(list));
        return {};
    }

    /// What was written and not committed is cut off again.
    void drop_pack() noexcept {
        if (!pack_) return;
        written_.clear();
        pack_->writer->roll_back();
        engine_.give_bulk(std::exchange(pack_, nullptr));
    }

    StoreImpl& store_;
    Engine& engine_;
    PutOptions options_;
    std::shared_ptr<ActivePut> active_;
    Sha256 hash_;
    Content content_;
    std::vector<std::uint8_t> pending_;
    bool started_ = false, over_ = false;

    std::thread worker_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::vector<std::uint8_t>> queue_;
    std::size_t queued_bytes_ = 0;
    bool ending_ = false;
    std::optional<Error> failure_;

    // The worker's, and the caller's when it has ended.
    std::shared_ptr<BulkPack> pack_;
    std::vector<std::pair<Digest, BlobRow>> written_;
    std::unordered_set<Digest, DigestHash> mine_;
    std::vector<Part> list_;
    std::uint64_t list_bytes_ = 0;
};

} // namespace

Result<std::unique_ptr<PutStream>> StoreImpl::begin_put(const PutOptions& options) {
    SYMPHONY_TRY(engine_->refuse_reader());
    SYMPHONY_TRY(check_options(options));
    return std::unique_ptr<PutStream>(std::make_unique<Stream>(*this, options));
}

} // namespace symphony::store
