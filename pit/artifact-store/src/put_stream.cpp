// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include "compress.hpp"

#include <algorithm>
#include <thread>
#include <unordered_set>

namespace symphony::store {
namespace {

constexpr std::size_t queue_bytes_max = 8 << 20;
constexpr std::size_t slide_bytes = 4 << 20; ///< what was cut off the pending bytes before the rest is moved to their begin
constexpr unsigned workers_max = 4;

/// A chunk on its way. Its bytes are compressed out of order and written in order.
struct Piece {
    std::vector<std::uint8_t> bytes;
    Digest id;
    bool known = false; ///< already when it was looked for: nothing was compressed
    std::optional<std::vector<std::uint8_t>> packed;
    bool ready = false;
};

/// Puts a large content: the caller's thread hashes and cuts, the others name and compress chunks, and one of them at a time, in
/// the order of the content, seals and writes. Memory is bounded by the queue.
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
            if (pending_bytes() == 0 && started_ && part.size() >= engine_.chunker().sizes().max) {
                const std::size_t size = engine_.chunker().cut(part);
                SYMPHONY_TRY(hand_over(part.first(size)));
                part = part.subspan(size);
                continue;
            }
            const std::size_t goal = started_ ? engine_.chunker().sizes().max : journal_content_max + 1;
            const std::size_t take = std::min(part.size(), std::max(goal, pending_bytes()) - pending_bytes());
            pending_.insert(pending_.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(take));
            part = part.subspan(take);
            if (pending_bytes() < goal) break;
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
        // Two also for one processor: one works while the other waits for the disk.
        const unsigned count = std::clamp(std::thread::hardware_concurrency(), 2u, workers_max);
        workers_.reserve(count);
        for (unsigned i = 0; i < count; ++i) {
            try {
                workers_.emplace_back([this] { work(); });
            } catch (const std::system_error&) {
                if (workers_.empty()) throw; // with fewer it takes longer
            }
        }
    }

    Status cut_pending(bool last) {
        const std::size_t max = engine_.chunker().sizes().max;
        while (pending_bytes() >= max || (last && pending_bytes() > 0)) {
            const Bytes rest = Bytes(pending_).subspan(cut_bytes_);
            const std::size_t size = engine_.chunker().cut(rest);
            SYMPHONY_TRY(hand_over(rest.first(size)));
            cut_bytes_ += size;
        }
        if (cut_bytes_ >= slide_bytes || pending_bytes() == 0) {
            pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(cut_bytes_));
            cut_bytes_ = 0;
        }
        return {};
    }

    std::size_t pending_bytes() const noexcept { return pending_.size() - cut_bytes_; }

    Status hand_over(Bytes chunk) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return failure_ || queued_bytes_ + chunk.size() <= queue_bytes_max || queue_.empty(); });
        if (failure_) return *failure_;
        auto piece = spare_ ? std::move(spare_) : std::make_unique<Piece>();
        queued_bytes_ += chunk.size();
        lock.unlock();
        piece->bytes.assign(chunk.begin(), chunk.end());
        lock.lock();
        queue_.push_back(std::move(piece));
        work_.notify_one();
        return {};
    }

    void stop(bool drop) noexcept {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
            dropped_ = drop;
        }
        work_.notify_all();
        for (std::thread& worker : workers_) worker.join();
        workers_.clear();
    }

    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            work_.wait(lock, [&] { return ending_ || taken_ < queue_.size(); });
            if (dropped_ || taken_ == queue_.size()) return;
            Piece& piece = *queue_[taken_++];
            lock.unlock();
            auto prepared = guarded([&] { return prepare(piece); });
            lock.lock();
            piece.ready = true;
            if (!prepared) fail(std::move(prepared).error());
            write_ready(lock);
        }
    }

    /// Whoever finds the first of the queue ready writes on until one is not.
    void write_ready(std::unique_lock<std::mutex>& lock) {
        if (writing_) return;
        writing_ = true;
        while (!queue_.empty() && queue_.front()->ready) {
            auto piece = std::move(queue_.front());
            queue_.pop_front();
            --taken_;
            if (!failure_ && !dropped_) {
                lock.unlock();
                auto done = guarded([&] { return store(*piece); });
                lock.lock();
                if (!done) fail(std::move(done).error());
            }
            queued_bytes_ -= piece->bytes.size();
            piece->packed.reset();
            piece->ready = false;
            spare_ = std::move(piece);
            room_.notify_one();
        }
        writing_ = false;
    }

    /// Nothing is thrown out of a thread, and what can be thrown here is a lack of memory.
    template <class Function>
    static Status guarded(Function function) noexcept {
        try {
            return function();
        } catch (const std::bad_alloc&) {
            return Error(Code::exhausted, "no-memory", "there is no memory for a chunk of the content");
        }
    }

    void fail(Error error) {
        if (!failure_) failure_ = std::move(error);
        room_.notify_one();
    }

    Status prepare(Piece& piece) const {
        piece.id = engine_.veil().blob_id(BlobType::data, piece.bytes);
        auto reader = SYMPHONY_TRY(engine_.read());
        piece.known = SYMPHONY_TRY(is_in(*reader, piece.id));
        if (!piece.known) piece.packed = compress(piece.bytes);
        return {};
    }

    Status store(const Piece& piece) {
        ++content_.chunks;
        list_.push_back({piece.id, piece.bytes.size()});
        list_bytes_ += piece.bytes.size();
        // What was not there may have come with this content meanwhile; what was there may have been condemned.
        if (!SYMPHONY_TRY(is_known(piece.id))) {
            const auto late = piece.known ? compress(piece.bytes) : std::nullopt;
            const auto& packed = piece.known ? late : piece.packed;
            SYMPHONY_TRY(write(BlobType::data, packed ? flag_zstd : std::uint8_t{0}, piece.bytes.size(), piece.id, packed ? Bytes(*packed) : Bytes(piece.bytes)));
        }
        if (list_.size() >= list_parts_max) SYMPHONY_TRY(flush_list(false));
        return {};
    }

    static Result<bool> is_in(Index& index, const Digest& id) {
        const auto row = SYMPHONY_TRY(index.blob(id));
        // A condemned one may be gone before this content is committed.
        return row && !row->condemned;
    }

    Result<bool> is_known(const Digest& id) {
        if (mine_.contains(id)) return true;
        auto reader = SYMPHONY_TRY(engine_.read());
        return is_in(*reader, id);
    }

    Status write(BlobType type, std::uint8_t flags, std::size_t raw, const Digest& id, Bytes packed) {
        if (!pack_) pack_ = SYMPHONY_TRY(engine_.take_bulk());
        auto place = pack_->writer->append(type, flags, static_cast<std::uint32_t>(raw), id, packed);
        if (place && pack_->writer->buffered() > (1 << 20)) SYMPHONY_TRY(pack_->writer->flush());
        BlobRow row;
        row.type = type;
        row.place = SYMPHONY_TRY(std::move(place));
        written_.emplace_back(id, row);
        mine_.insert(id);
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
        if (!SYMPHONY_TRY(is_known(list.id))) SYMPHONY_TRY(write(list.type, list.flags, list.raw, list.id, list.packed));
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
    std::size_t cut_bytes_ = 0; ///< of the pending ones that were handed over
    bool started_ = false, over_ = false;

    std::vector<std::thread> workers_;
    std::mutex mutex_; ///< all down to failure_ is under it
    std::condition_variable work_; ///< for workers: something came, or the end
    std::condition_variable room_; ///< for the caller: something went
    std::deque<std::unique_ptr<Piece>> queue_;
    std::unique_ptr<Piece> spare_; ///< its memory is used again
    std::size_t taken_ = 0;        ///< of the queue, from the first, that workers have
    std::size_t queued_bytes_ = 0;
    bool writing_ = false, ending_ = false, dropped_ = false;
    std::optional<Error> failure_;

    // Of the worker that writes, and the caller's when they have ended.
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
