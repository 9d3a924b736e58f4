// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include "codec.hpp"
#include "compress.hpp"

#include <algorithm>

namespace symphony::store {
namespace {

constexpr std::size_t pool_max = 8;
constexpr std::size_t files_max = 128;
constexpr std::size_t batch_max = 256;
constexpr std::size_t shortcuts_max = 8192; // about 1 MiB
constexpr std::uint64_t checkpoint_commits = 64;

bool worth_a_second_file(const Error& error) noexcept { return error.code() == Code::io && error.reason() != "index-failed"; }

Status use_parts(Index& index, const std::vector<Part>& parts) {
    for (const Part& part : parts) {
        if (!SYMPHONY_TRY(index.change_refs(part.blob, 1))) {
            return Error(Code::busy, "put-expired", "a chunk of the content was collected while it was being put", "put it again");
        }
    }
    return {};
}

} // namespace

ReadLease::~ReadLease() {
    if (!index_) return;
    const std::lock_guard lock(engine_->pool_mutex_);
    if (engine_->pool_.size() < pool_max && !engine_->closed_) engine_->pool_.push_back(std::move(index_));
}

Status Transaction::add_blob(const NewBlob& blob) {
    const auto known = SYMPHONY_TRY(index_.blob(blob.id));
    if (known) return {};
    dirty_ = true;
    BlobRow row;
    row.pack = SYMPHONY_TRY(engine_.journal_row(index_));
    row.type = blob.type;
    row.place = SYMPHONY_TRY(engine_.journal_->append(blob.type, blob.flags, blob.raw, blob.id, blob.packed));
    added_bytes_ += row.place.stored;
    SYMPHONY_TRY(index_.add_new_blob(blob.id, row));
    return use_parts(index_, blob.parts);
}

Status Transaction::add(Record record, std::uint32_t collections) {
    dirty_ = true;
    batch_.collections = std::max(batch_.collections, collections);
    record.sequence = engine_.next_sequence_++;
    record.time_ms = now_ms_;
    takes_away_ = takes_away_ || record.gone;
    if (record.actor.empty()) record.actor = engine_.options_.actor;
    SYMPHONY_TRY(index_.apply_newest(record));
    batch_.records.push_back(std::move(record));
    return {};
}

Status Transaction::replay(const Record& record) {
    dirty_ = true;
    return index_.apply(record);
}

Status Engine::commit(const Work& work) { return std::move(commit_all({&work, 1}).front()); }

std::vector<Status> Engine::commit_all(std::span<const Work> works) {
    std::vector<Status> statuses(works.size());
    if (auto writer = refuse_reader(); !writer) {
        for (Status& status : statuses) status = writer.error();
        return statuses;
    }
    Caller own;
    own.left = works.size();
    std::vector<Waiting> waiting(works.size());
    {
        std::unique_lock queue(queue_mutex_);
        for (std::size_t i = 0; i < works.size(); ++i) {
            waiting[i].work = &works[i];
            waiting[i].caller = &own;
            queue_.push_back(&waiting[i]);
        }
        while (own.left > 0) {
            if (leading_) own.wake.wait(queue);
            else lead(queue);
        }
    }
    for (std::size_t i = 0; i < works.size(); ++i) statuses[i] = std::move(waiting[i].status);
    return statuses;
}

/// Runs the first of the queue, whoever they belong to. Entered and left with the queue locked.
void Engine::lead(std::unique_lock<std::mutex>& queue) {
    leading_ = true;
    const auto size = static_cast<std::ptrdiff_t>(std::min(queue_.size(), batch_max));
    std::vector<Waiting*> batch(queue_.begin(), queue_.begin() + size);
    queue_.erase(queue_.begin(), queue_.begin() + size);
    queue.unlock();
    {
        const std::lock_guard commits(commit_mutex_);
        run_batch(batch);
    }
    queue.lock();
    for (const Waiting* waiting : batch) {
        if (--waiting->caller->left == 0) waiting->caller->wake.notify_one();
    }
    leading_ = false;
    if (!queue_.empty()) queue_.front()->caller->wake.notify_one();
}

void Engine::run_batch(std::vector<Waiting*>& batch) {
    std::vector<Waiting*> left = batch;
    for (int tries = 0; !left.empty(); ++tries) {
        bool again = false;
        auto done = closed_ ? Status(Error(Code::misuse, "store-closed", "the store was closed")) : try_batch(left, again);
        if (done) break;
        // A work that failed halfway has left the batch: the others run again without it. A file that failed is not tried again.
        const bool second_file = !again && tries == 0 && worth_a_second_file(done.error());
        if (again || second_file) continue;
        for (Waiting* waiting : left) waiting->status = done.error();
        break;
    }
}

Status Engine::try_batch(std::vector<Waiting*>& batch, bool& again) {
    SYMPHONY_TRY(ensure_journal());
    SYMPHONY_TRY(index_->begin());
    const std::uint64_t next_before = next_sequence_;
    Transaction all(*this, *index_, clock_->wall_ms(), lease_ms());
    all.batch_.collections = collections_;
    Status done;
    journal_new_row_ = journal_row_;
    for (auto at = batch.begin(); done && at != batch.end();) {
        all.dirty_ = false;
        auto one = (*(*at)->work)(all);
        if (one) one = index_->settle_blobs(); // what comes next may ask in SQL of its own
        if (one) {
            ++at;
            continue;
        }
        (*at)->status = one.error();
        const bool halfway = all.dirty_;
        if (halfway && worth_a_second_file(one.error())) done = std::move(one).error(); // not the work's fault
        else at = batch.erase(at);
        if (halfway && done) {
            again = true;
            done = Error(Code::internal, "batch-again", "a work of the batch failed");
        }
    }
    if (done) done = finish_batch(all);
    if (!done) {
        index_->roll_back();
        // Numbers that may stand in the file are not used again for something else.
        if (again) next_sequence_ = next_before;
        journal_->roll_back();
        if (journal_->poisoned()) {
            notice("write-failed", open_path(journal_->id()) + ": " + done.error().message() + "; the store goes on in a new file");
            journal_.reset();
            journal_row_ = 0;
        }
        if (!again) next_sequence_ += 1;
        return done;
    }
    for (Waiting* waiting : batch) waiting->status = Status();
    if (all.takes_away_) forget_shortcuts();
    live_bytes_ += all.added_bytes_;
    if (journal_->full()) {
        if (auto sealed = seal_journal(); !sealed) notice("write-failed", "journal: " + sealed.error().message() + "; the store goes on in a new file");
    }
    if (++unchecked_commits_ >= checkpoint_commits) {
        unchecked_commits_ = 0;
        // The journal is on the disk before the index is: else a crash could leave an index that knows more than the packs.
        if (durable() || (journal_ && journal_->sync())) {
            static_cast<void>(index_->database().execute("PRAGMA wal_checkpoint(PASSIVE)"));
        }
    }
    return {};
}

Status Engine::finish_batch(Transaction& all) {
    if (!all.batch_.records.empty()) {
        // Of one commit together, in as many blobs as they need.
        Batch part;
        part.collections = all.batch_.collections;
        std::size_t bytes = 0;
        const auto flush = [&]() -> Status {
            if (part.records.empty()) return {};
            const NewBlob blob = make_blob(BlobType::meta, part.encode());
            static_cast<void>(SYMPHONY_TRY(journal_->append(blob.type, blob.flags, blob.raw, blob.id, blob.packed)));
            for (const Record& record : part.records) journal_->note_sequence(record.sequence);
            part.records.clear();
            bytes = 0;
            return {};
        };
        for (Record& record : all.batch_.records) {
            const std::size_t size = record.value.size() + record.key.size() + record.detail.size() + 600;
            if (bytes + size > blob_bytes_max / 2) SYMPHONY_TRY(flush());
            bytes += size;
            part.records.push_back(std::move(record));
        }
        SYMPHONY_TRY(flush());
    }
    if (journal_->changed()) {
        if (durable() || all.synced_) SYMPHONY_TRY(journal_->sync());
        else SYMPHONY_TRY(journal_->flush());
        const std::int64_t row = SYMPHONY_TRY(journal_row(*index_));
        SYMPHONY_TRY(index_->database().prepare("UPDATE packs SET committed = ?, first_seq = ? WHERE id = ?").bind(journal_->end())
                         .bind(journal_->first_sequence()).bind(row).run());
    }
    SYMPHONY_TRY(index_->commit(all.synced_));
    journal_row_ = journal_new_row_;
    journal_->mark();
    return {};
}

Result<std::int64_t> Engine::journal_row(Index& index) {
    if (journal_new_row_ == 0) {
        PackRow row;
        row.id = journal_->id();
        row.relaxed = !durable();
        journal_new_row_ = SYMPHONY_TRY(index.add_pack(row));
    }
    return journal_new_row_;
}

Status Engine::ensure_journal() {
    if (journal_ && !journal_->poisoned()) return {};
    auto created = PackWriter::create(*folder_, *context(), clock_->wall_ms());
    if (!created && worth_a_second_file(created.error())) created = PackWriter::create(*folder_, *context(), clock_->wall_ms());
    journal_ = SYMPHONY_TRY(std::move(created));
    journal_row_ = 0;
    return {};
}

Status Engine::seal_pack(PackWriter& writer, std::int64_t row) {
    SYMPHONY_TRY(writer.seal(collections_));
    PackRow pack;
    pack.row = row;
    pack.id = writer.id();
    pack.state = PackState::sealed;
    pack.bytes = writer.end();
    pack.committed = writer.end();
    pack.first_sequence = writer.first_sequence();
    pack.relaxed = false;
    SYMPHONY_TRY(index_->begin());
    auto done = index_->update_pack(pack);
    if (done) done = index_->commit(false);
    if (!done) index_->roll_back();
    return done;
}

Status Engine::seal_journal() {
    if (!journal_) return {};
    const auto writer = std::move(journal_);
    const std::int64_t row = std::exchange(journal_row_, 0);
    if (writer->poisoned()) return {};
    if (row == 0 || writer->records() == 0) return folder_->remove(open_path(writer->id()));
    return seal_pack(*writer, row);
}

Status Engine::seal_open_packs() {
    auto done = seal_journal();
    std::vector<std::shared_ptr<BulkPack>> idle;
    {
        const std::lock_guard lock(pool_mutex_);
        idle.swap(bulk_);
    }
    for (const auto& pack : idle) {
        if (pack->writer->poisoned()) continue;
        auto one = pack->row == 0 ? folder_->remove(open_path(pack->writer->id())) : seal_pack(*pack->writer, pack->row);
        if (!one && done) done = std::move(one);
    }
    return done;
}

Result<std::shared_ptr<BulkPack>> Engine::take_bulk() {
    {
        const std::lock_guard lock(pool_mutex_);
        while (!bulk_.empty()) {
            auto pack = std::move(bulk_.back());
            bulk_.pop_back();
            if (!pack->writer->poisoned() && !pack->writer->full()) return pack;
        }
    }
    auto pack = std::make_shared<BulkPack>();
    pack->writer = SYMPHONY_TRY(PackWriter::create(*folder_, *context(), clock_->wall_ms()));
    return pack;
}

void Engine::give_bulk(std::shared_ptr<BulkPack> pack) {
    const std::lock_guard lock(pool_mutex_);
    if (!pack->writer->poisoned()) bulk_.push_back(std::move(pack));
}

Status Engine::commit_bulk(BulkPack& pack, std::vector<std::pair<Digest, BlobRow>>& blobs, bool seal) {
    PackWriter& writer = *pack.writer;
    auto written = seal ? writer.seal(collections_) : durable() ? writer.sync() : writer.flush();
    if (!written) {
        if (writer.poisoned()) notice("write-failed", open_path(writer.id()) + ": " + written.error().message() + "; the store goes on in a new file");
        return written;
    }
    std::int64_t row = 0;
    SYMPHONY_TRY(commit([&](Transaction& transaction) -> Status {
        Index& index = transaction.index();
        PackRow about;
        about.row = pack.row;
        about.id = writer.id();
        about.state = seal ? PackState::sealed : PackState::open;
        about.bytes = seal ? writer.end() : 0;
        about.committed = writer.end();
        about.first_sequence = writer.first_sequence();
        about.relaxed = !durable() && !seal;
        transaction.touch();
        if (about.row == 0) about.row = SYMPHONY_TRY(index.add_pack(about));
        else SYMPHONY_TRY(index.update_pack(about));
        row = about.row;
        std::vector<Digest> lists;
        for (auto& [id, blob] : blobs) {
            blob.pack = row;
            const auto known = SYMPHONY_TRY(index.blob(id));
            if (!known) {
                SYMPHONY_TRY(index.add_new_blob(id, blob));
                if (blob.type == BlobType::list) lists.push_back(id);
            } else if (known->condemned) {
                // It stands where it may be deleted from: this copy takes its place.
                SYMPHONY_TRY(index.move_blob(id, blob));
                SYMPHONY_TRY(index.database().prepare("DELETE FROM condemned WHERE id = ?").bind(id).run());
            }
        }
        // In the transaction that makes a list known: a crash must not leave one whose chunks nobody counted.
        for (const Digest& list : lists) SYMPHONY_TRY(use_parts(index, SYMPHONY_TRY(load_list(index, list))));
        return {};
    }));
    pack.row = row;
    writer.mark();
    blobs.clear();
    return {};
}

Result<ReadLease> Engine::read() {
    {
        const std::lock_guard lock(pool_mutex_);
        if (closed_) return Error(Code::misuse, "store-closed", "the store was closed");
        if (!pool_.empty()) {
            auto index = std::move(pool_.back());
            pool_.pop_back();
            return ReadLease(*this, std::move(index));
        }
    }
    return ReadLease(*this, SYMPHONY_TRY(Index::open(mount_, header_.repository, *veil_, false)));
}

Result<std::shared_ptr<PackFile>> Engine::pack_file(const PackRow& row) {
    {
        const std::lock_guard lock(pool_mutex_);
        if (const auto at = files_.find(row.id); at != files_.end()) return at->second;
    }
    auto file = PackFile::open(*folder_, row.state == PackState::sealed ? sealed_path(row.id) : open_path(row.id), row.id, *context(), lenient_);
    if (!file && damage_of(file.error()) == Damage::missing) {
        // It may just have been sealed.
        auto other = PackFile::open(*folder_, row.state == PackState::sealed ? open_path(row.id) : sealed_path(row.id), row.id, *context(), lenient_);
        if (other) file = std::move(other);
    }
    const auto opened = SYMPHONY_TRY(std::move(file));
    const std::lock_guard lock(pool_mutex_);
    if (files_.size() >= files_max) files_.clear();
    files_.emplace(row.id, opened);
    return opened;
}

std::optional<Shortcut> Engine::shortcut(const ContentId& id) {
    const std::lock_guard lock(shortcuts_mutex_);
    const auto at = shortcuts_.find(id);
    return at == shortcuts_.end() ? std::nullopt : std::optional(at->second);
}

void Engine::add_shortcut(const ContentId& id, Shortcut shortcut, std::uint64_t seen) {
    if (options_.access != Access::writer) return;
    const std::lock_guard lock(shortcuts_mutex_);
    if (seen != shortcut_state_) return;
    if (shortcuts_.size() >= shortcuts_max) shortcuts_.clear();
    shortcuts_.insert_or_assign(id, std::move(shortcut));
}

std::uint64_t Engine::shortcut_state() {
    const std::lock_guard lock(shortcuts_mutex_);
    return shortcut_state_;
}

void Engine::forget_shortcuts() {
    const std::lock_guard lock(shortcuts_mutex_);
    ++shortcut_state_;
    shortcuts_.clear();
}

void Engine::forget_pack(const PackId& id) {
    const std::lock_guard lock(pool_mutex_);
    files_.erase(id);
}

Result<Blob> Engine::load(Index& index, const Digest& id, bool prove) {
    std::optional<Error> last;
    for (int tries = 0; tries < 2; ++tries) {
        const auto row = SYMPHONY_TRY(index.blob(id));
        if (!row) return damage_error(Damage::missing, "chunk " + id.hex() + ": no pack has it");
        const auto pack = SYMPHONY_TRY(index.pack(row->pack));
        if (!pack) return index_corrupt("chunk " + id.hex() + " is in no pack");
        auto file = pack_file(*pack);
        auto blob = file ? (*file)->read(row->place.offset, row->place.stored, &id) : Result<Blob>(std::move(file).error());
        if (blob && prove && veil_->blob_id(blob->frame.type, blob->content) != id) {
            blob = damage_error(Damage::tampered, sealed_path(pack->id) + ": at " + std::to_string(row->place.offset) + ": the content is not that of its id");
        }
        if (blob) return blob;
        // A disk or memory that answers wrong once is no damage of the store; and the pack may have moved meanwhile.
        last = std::move(blob).error();
        forget_pack(pack->id);
    }
    return *std::move(last);
}

Result<std::vector<Part>> Engine::load_list(Index& index, const Digest& id) {
    const Blob blob = SYMPHONY_TRY(load(index, id, true));
    auto parts = decode_list(blob.content);
    if (!parts || blob.frame.type != BlobType::list) return damage_error(Damage::tampered, "list " + id.hex() + ": is not a list of chunks");
    return *std::move(parts);
}

std::shared_ptr<ActivePut> Engine::begin_put() {
    auto put = std::make_shared<ActivePut>();
    const std::lock_guard lock(puts_mutex_);
    put->generation = generation_;
    put->touched_steady_ms = clock_->steady_ms();
    std::erase_if(puts_, [](const auto& other) { return other.expired(); });
    puts_.push_back(put);
    return put;
}

Status Engine::touch(ActivePut& put) {
    const std::lock_guard lock(puts_mutex_);
    const std::uint64_t now = clock_->steady_ms();
    if (now - put.touched_steady_ms > static_cast<std::uint64_t>(options_.stream_idle_max.count())) {
        return Error(Code::deadline, "put-expired", "the stream was silent for longer than " + std::to_string(options_.stream_idle_max.count()) + " ms", "put it again");
    }
    put.touched_steady_ms = now;
    return {};
}

std::uint64_t Engine::next_generation() {
    const std::lock_guard lock(puts_mutex_);
    return ++generation_;
}

std::uint64_t Engine::oldest_generation() {
    const std::lock_guard lock(puts_mutex_);
    std::uint64_t oldest = ~std::uint64_t{0};
    const std::uint64_t now = clock_->steady_ms();
    const auto idle_max = static_cast<std::uint64_t>(options_.stream_idle_max.count());
    for (const auto& weak : puts_) {
        const auto put = weak.lock();
        if (put && now - put->touched_steady_ms <= idle_max) oldest = std::min(oldest, put->generation);
    }
    return oldest;
}

NewBlob Engine::make_blob(BlobType type, Bytes content, const Digest* id) const {
    NewBlob blob;
    blob.type = type;
    blob.id = id != nullptr ? *id : veil_->blob_id(type, content);
    blob.raw = static_cast<std::uint32_t>(content.size());
    if (auto packed = compress(content)) {
        blob.flags = flag_zstd;
        blob.packed = *std::move(packed);
    } else {
        blob.packed.assign(content.begin(), content.end());
    }
    return blob;
}

Status Engine::refuse_reader() const {
    if (options_.access == Access::writer) return {};
    return Error(Code::refused, "read-only", folder_->name() + ": the store is open for reading only", "open it as the writer");
}

void Engine::notice(std::string_view reason, std::string text) const {
    if (options_.notice) options_.notice({std::string(reason), std::move(text)});
}

Status Engine::set_header(Header header, const Keys* keys) {
    const std::string text = header.print(keys != nullptr ? keys->master.bytes() : context()->keys.master.bytes());
    SYMPHONY_TRY(write_header(*folder_, text));
    std::shared_ptr<PackContext> fresh;
    if (keys != nullptr) {
        fresh = std::make_shared<PackContext>();
        fresh->suite = header.suite;
        fresh->repository = header.repository;
        fresh->keys = keys->copy();
    }
    const std::lock_guard lock(pool_mutex_);
    header_ = std::move(header);
    header_text_ = text;
    if (fresh) {
        context_ = std::move(fresh);
        files_.clear();
    }
    return {};
}

Engine::~Engine() { static_cast<void>(close()); }

Status Engine::close() {
    const std::lock_guard commits(commit_mutex_);
    if (closed_) return {};
    Status done;
    const bool writer = options_.access == Access::writer && lock_ != nullptr;
    if (writer && index_) done = seal_open_packs();
    {
        const std::lock_guard lock(pool_mutex_);
        closed_ = true;
        pool_.clear();
        files_.clear();
    }
    forget_shortcuts();
    if (writer && index_) {
        auto checked = index_->database().execute("PRAGMA wal_checkpoint(TRUNCATE)");
        index_.reset();
        if (done && checked) done = write_index_sum();
    }
    index_.reset();
    lock_.reset();
    return done;
}

} // namespace symphony::store
