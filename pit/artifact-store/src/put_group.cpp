// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include <algorithm>
#include <thread>

namespace symphony::store {
namespace {

constexpr std::size_t commit_items_min = 64;   ///< a sync for fewer would cost more than it saves
constexpr std::size_t commit_items_max = 256;
constexpr std::size_t ahead_bytes_max = 8 << 20; ///< prepared and not committed
constexpr std::size_t helped_items_min = 16;
constexpr unsigned threads_max = 4;

/// One call of put_group(): helpers hash, cut and compress ahead, the caller commits what is ready, and helps when nothing is.
class Group {
public:
    Group(StoreImpl& store, std::span<const PutItem> given) : store_(store), items_(given.size()) {
        for (std::size_t i = 0; i < given.size(); ++i) items_[i].given = &given[i];
    }
    ~Group() {
        {
            const std::lock_guard lock(mutex_);
            next_ = items_.size();
        }
        changed_.notify_all();
        for (std::thread& helper : helpers_) helper.join();
    }
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    std::vector<Result<ArtifactInfo>> put() {
        start_helpers();
        for (std::size_t first = 0; first < items_.size();) {
            const std::size_t end = ready_after(first);
            commit(std::span(items_).subspan(first, end - first));
            first = end;
        }
        std::vector<Result<ArtifactInfo>> out;
        out.reserve(items_.size());
        for (Item& item : items_) out.push_back(item.error ? Result<ArtifactInfo>(*std::move(item.error)) : Result<ArtifactInfo>(std::move(item.info)));
        return out;
    }

private:
    struct Item {
        const PutItem* given = nullptr;
        Content content;
        ArtifactInfo info;
        std::optional<Error> error;
        bool ready = false;
        bool large() const noexcept { return given->content.size() > journal_content_max; }
    };

    void start_helpers() {
        if (items_.size() < helped_items_min) return;
        // One at least, also for one processor: it works while the caller waits for the disk.
        const unsigned count = std::clamp(std::thread::hardware_concurrency(), 2u, threads_max) - 1;
        try {
            for (unsigned i = 0; i < count; ++i) helpers_.emplace_back([this] { help(); });
        } catch (const std::system_error&) {
            // Without them it takes longer.
        }
    }

    void help() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return next_ == items_.size() || ahead_bytes_ <= ahead_bytes_max; });
            if (!prepare_next(lock)) return;
        }
    }

    /// @return False when all are prepared, or being prepared.
    bool prepare_next(std::unique_lock<std::mutex>& lock) {
        if (next_ == items_.size()) return false;
        Item& item = items_[next_++];
        ahead_bytes_ += item.given->content.size();
        lock.unlock();
        if (auto good = check_options(item.given->options); !good) item.error = std::move(good).error();
        else if (!item.large()) item.content = store_.prepare(item.given->content);
        lock.lock();
        item.ready = true;
        if (caller_waits_) changed_.notify_all();
        return true;
    }

    /// The end of what can be committed together; prepares until that is worth a commit.
    std::size_t ready_after(std::size_t first) {
        std::unique_lock lock(mutex_);
        for (std::size_t end = first;;) {
            const std::size_t most = std::min(items_.size(), first + commit_items_max);
            while (end < most && items_[end].ready) ++end;
            const bool worth = end == most || end - first >= commit_items_min || (end > first && ahead_bytes_ > ahead_bytes_max);
            if (worth) return end;
            if (prepare_next(lock)) continue;
            caller_waits_ = true;
            changed_.wait(lock, [&] { return items_[end].ready; });
            caller_waits_ = false;
        }
    }

    void commit(std::span<Item> items) {
        std::vector<Work> works;
        std::vector<Item*> small;
        std::size_t bytes = 0;
        for (Item& item : items) {
            bytes += item.given->content.size();
            if (item.error || item.large()) continue;
            works.push_back(store_.content_work(item.content, item.given->options, item.info));
            small.push_back(&item);
        }
        auto done = store_.engine().commit_all(works);
        for (std::size_t i = 0; i < small.size(); ++i) {
            if (!done[i]) small[i]->error = std::move(done[i]).error();
            small[i]->content = {};
        }
        for (Item& item : items) {
            if (item.error || !item.large()) continue;
            auto one = store_.put(item.given->content, item.given->options);
            if (one) item.info = *std::move(one);
            else item.error = std::move(one).error();
        }
        const std::lock_guard lock(mutex_);
        ahead_bytes_ -= bytes;
        changed_.notify_all();
    }

    StoreImpl& store_;
    std::vector<Item> items_;
    std::vector<std::thread> helpers_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t next_ = 0;
    std::size_t ahead_bytes_ = 0;
    bool caller_waits_ = false;
};

} // namespace

std::vector<Result<ArtifactInfo>> StoreImpl::put_group(std::span<const PutItem> items) {
    if (auto writer = engine_->refuse_reader(); !writer) return std::vector<Result<ArtifactInfo>>(items.size(), writer.error());
    const auto active = engine_->begin_put();
    return Group(*this, items).put();
}

} // namespace symphony::store
