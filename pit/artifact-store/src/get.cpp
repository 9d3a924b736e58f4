// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include <algorithm>
#include <list>
#include <thread>
#include <unordered_map>

namespace symphony::store {
namespace {

/// The chunks of one content in order, lists read as they are needed.
class Chunks {
public:
    Chunks(Engine& engine, ArtifactRecord record) : engine_(engine), record_(std::move(record)) {}

    /// The chunk that holds `offset`, and where that chunk begins. Nothing at the end.
    Result<std::optional<std::pair<Part, std::uint64_t>>> at(Index& index, std::uint64_t offset) {
        using Found = std::optional<std::pair<Part, std::uint64_t>>;
        if (offset >= record_.size) return Found();
        if (offset < begin_ || offset >= end_) SYMPHONY_TRY(select(index, offset));
        // Read in order, the next chunk is the one behind the last.
        if (offset < chunk_begin_) {
            chunk_ = 0;
            chunk_begin_ = begin_;
        }
        while (chunk_ < parts_.size() && offset >= chunk_begin_ + parts_[chunk_].size) chunk_begin_ += parts_[chunk_++].size;
        if (chunk_ >= parts_.size()) return damage_error(Damage::tampered, "a list of chunks is shorter than its content");
        return Found(std::pair(parts_[chunk_], chunk_begin_));
    }
    std::uint64_t size() const noexcept { return record_.size; }

private:
    Status select(Index& index, std::uint64_t offset) {
        begin_ = end_ = 0;
        if (!record_.lists) {
            parts_ = record_.parts;
            end_ = record_.size;
        } else {
            std::size_t list = 0;
            while (list < record_.parts.size() && offset >= begin_ + record_.parts[list].size) begin_ += record_.parts[list++].size;
            if (list == record_.parts.size()) return damage_error(Damage::tampered, "the lists are shorter than their content");
            parts_ = SYMPHONY_TRY(engine_.load_list(index, record_.parts[list].blob));
            end_ = begin_ + record_.parts[list].size;
        }
        chunk_ = 0;
        chunk_begin_ = begin_;
        return {};
    }

    Engine& engine_;
    ArtifactRecord record_;
    std::vector<Part> parts_;
    std::uint64_t begin_ = 0, end_ = 0; ///< of `parts_`
    std::size_t chunk_ = 0;
    std::uint64_t chunk_begin_ = 0;
};

Error bad_range(std::uint64_t offset, std::uint64_t size) {
    return Error(Code::invalid_argument, "bad-range", "offset " + std::to_string(offset) + " is behind the end at " + std::to_string(size));
}
Error wrong_content(const ContentId& id) {
    return damage_error(Damage::tampered, "artifact " + id.hex() + ": its chunks are whole, and together they are another content");
}

/// Reads chunks ahead in a thread of its own, at most `ahead_bytes_max` of them, while the reader hashes and uses the last.
class Stream final : public GetStream {
public:
    Stream(Engine& engine, ArtifactInfo info, ArtifactRecord record) : engine_(engine), info_(std::move(info)), chunks_(engine, std::move(record)) {}
    ~Stream() override { stop(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    const ArtifactInfo& info() const override { return info_; }

    Result<std::size_t> read(std::span<std::uint8_t> to) override {
        std::size_t done = 0;
        while (done < to.size() && offset_ < info_.size) {
            if (offset_ < begin_ || offset_ >= begin_ + chunk_.size()) SYMPHONY_TRY(next());
            const std::size_t from = static_cast<std::size_t>(offset_ - begin_);
            const std::size_t size = std::min(to.size() - done, chunk_.size() - from);
            std::copy_n(chunk_.begin() + static_cast<std::ptrdiff_t>(from), size, to.begin() + static_cast<std::ptrdiff_t>(done));
            done += size;
            offset_ += size;
        }
        if (in_order_) {
            hash_.add(to.first(done));
            if (offset_ == info_.size && !proven_) {
                if (hash_.finish() != info_.id) return wrong_content(info_.id);
                proven_ = true;
            }
        }
        return done;
    }

    Status seek(std::uint64_t offset) override {
        if (offset > info_.size) return bad_range(offset, info_.size);
        if (offset == offset_) return {};
        stop();
        offset_ = offset;
        in_order_ = offset == 0;
        proven_ = false;
        hash_ = Sha256();
        return {};
    }

private:
    static constexpr std::size_t ahead_bytes_max = 8 << 20;

    Status next() {
        if (info_.chunks <= 2) {
            auto reader = SYMPHONY_TRY(engine_.read());
            auto loaded = SYMPHONY_TRY(load(*reader, offset_));
            begin_ = loaded.first;
            chunk_ = std::move(loaded.second);
            return {};
        }
        if (!worker_.joinable()) {
            ahead_at_ = offset_;
            ending_ = false;
            worker_ = std::thread([this] { work(); });
        }
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !ahead_.empty() || failure_; });
        if (ahead_.empty()) return *failure_;
        begin_ = ahead_.front().first;
        chunk_ = std::move(ahead_.front().second);
        ahead_bytes_ -= chunk_.size();
        ahead_.pop_front();
        changed_.notify_all();
        return {};
    }

    Result<std::pair<std::uint64_t, std::vector<std::uint8_t>>> load(Index& index, std::uint64_t offset) {
        const auto chunk = SYMPHONY_TRY(chunks_.at(index, offset));
        // A tag binds the bytes to their id already, and read in order the content's own hash proves them all together.
        Blob blob = SYMPHONY_TRY(engine_.load(index, chunk->first.blob, !in_order_ || !engine_.veil().hides()));
        if (blob.content.size() != chunk->first.size) return damage_error(Damage::tampered, "chunk " + chunk->first.blob.hex() + ": has another size than its list says");
        return std::pair(chunk->second, std::move(blob.content));
    }

    void work() {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [&] { return ending_ || ahead_bytes_ < ahead_bytes_max; });
                if (ending_ || ahead_at_ >= info_.size) return;
            }
            auto reader = engine_.read();
            auto loaded = reader ? load(**reader, ahead_at_) : Result<std::pair<std::uint64_t, std::vector<std::uint8_t>>>(reader.error());
            const std::lock_guard lock(mutex_);
            if (!loaded) {
                failure_ = std::move(loaded).error();
                changed_.notify_all();
                return;
            }
            ahead_at_ = loaded->first + loaded->second.size();
            ahead_bytes_ += loaded->second.size();
            ahead_.push_back(std::move(*loaded));
            changed_.notify_all();
        }
    }

    void stop() noexcept {
        if (worker_.joinable()) {
            {
                const std::lock_guard lock(mutex_);
                ending_ = true;
            }
            changed_.notify_all();
            worker_.join();
        }
        ahead_.clear();
        ahead_bytes_ = 0;
        failure_.reset();
        chunk_.clear();
        begin_ = 0;
    }

    Engine& engine_;
    ArtifactInfo info_;
    Chunks chunks_; ///< the worker's while it runs
    std::uint64_t offset_ = 0;
    std::uint64_t begin_ = 0;
    std::vector<std::uint8_t> chunk_;
    Sha256 hash_;
    bool in_order_ = true, proven_ = false;

    std::thread worker_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::pair<std::uint64_t, std::vector<std::uint8_t>>> ahead_;
    std::size_t ahead_bytes_ = 0;
    std::uint64_t ahead_at_ = 0;
    bool ending_ = false;
    std::optional<Error> failure_;
};

} // namespace

Status for_each_chunk(Engine& engine, Index& index, const ArtifactRecord& record, const std::function<Result<bool>(const Part&)>& each) {
    for (const Part& part : record.parts) {
        if (!record.lists) {
            if (!SYMPHONY_TRY(each(part))) return {};
            continue;
        }
        for (const Part& chunk : SYMPHONY_TRY(engine.load_list(index, part.blob))) {
            if (!SYMPHONY_TRY(each(chunk))) return {};
        }
    }
    return {};
}

Result<Buffer> StoreImpl::get(const ContentId& id, std::uint64_t offset, std::uint64_t size, std::uint64_t size_max) {
    auto reader = SYMPHONY_TRY(engine_->read());
    auto row = SYMPHONY_TRY(reader->artifact(id));
    if (!row) return unknown_artifact(id.hex());
    const std::uint64_t all = row->record.size;
    if (offset > all) return bad_range(offset, all);
    const std::uint64_t wanted = size == 0 ? all - offset : std::min(size, all - offset);
    if (wanted > size_max) {
        return Error(Code::exhausted, "too-large", "artifact " + id.hex() + ": " + std::to_string(wanted) + " bytes, at most " + std::to_string(size_max) + " at once", "read it as a stream");
    }
    const bool whole = wanted == all;
    if (whole && row->record.parts.size() == 1 && !row->record.lists) {
        // The usual case: one chunk, whose bytes become the answer.
        Blob blob = SYMPHONY_TRY(engine_->load(*reader, row->record.parts.front().blob, false));
        if (blob.content.size() != all || sha256(blob.content) != id) return wrong_content(id);
        return Buffer::from(std::move(blob.content));
    }
    Buffer out = Buffer::make(static_cast<std::size_t>(wanted));
    Chunks chunks(*engine_, std::move(row->record));
    for (std::uint64_t at = offset; at < offset + wanted;) {
        const auto chunk = SYMPHONY_TRY(chunks.at(*reader, at));
        const Blob blob = SYMPHONY_TRY(engine_->load(*reader, chunk->first.blob, !whole));
        if (blob.content.size() != chunk->first.size) return damage_error(Damage::tampered, "chunk " + chunk->first.blob.hex() + ": has another size than its artifact says");
        const std::uint64_t from = at - chunk->second;
        const std::uint64_t part = std::min<std::uint64_t>(blob.content.size() - from, offset + wanted - at);
        std::copy_n(blob.content.begin() + static_cast<std::ptrdiff_t>(from), part, out.writable().begin() + static_cast<std::ptrdiff_t>(at - offset));
        at += part;
    }
    if (whole && sha256(out) != id) return wrong_content(id);
    return out;
}

Result<std::unique_ptr<GetStream>> StoreImpl::open_get(const ContentId& id) {
    auto reader = SYMPHONY_TRY(engine_->read());
    auto row = SYMPHONY_TRY(reader->artifact(id));
    if (!row) return unknown_artifact(id.hex());
    const auto version = SYMPHONY_TRY(reader->newest_name_of(id));
    ArtifactInfo about = info_of(id, row->record, version ? &*version : nullptr);
    return std::unique_ptr<GetStream>(std::make_unique<Stream>(*engine_, std::move(about), std::move(row->record)));
}

} // namespace symphony::store
