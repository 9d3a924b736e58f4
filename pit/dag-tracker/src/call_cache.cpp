// SPDX-License-Identifier: Apache-2.0
#include "call_cache.hpp"

#include "call_cache_rows.hpp"

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace symphony::tracker {
namespace {

using namespace std::chrono_literals;

constexpr auto gather = 5ms;                          // answers within it share a transaction
constexpr std::size_t batch_max = 512;
constexpr std::uint64_t queue_bytes_max = 64u << 20;  // told and not yet written

} // namespace

/// The queue in front of the rows, and the one thread that touches them.
class CallCacheCore : public std::enable_shared_from_this<CallCacheCore> {
public:
    CallCacheCore(std::unique_ptr<sqlite_files::Folder> folder, CallCache::Options options) : rows_(std::move(folder), std::move(options)) {}
    CallCacheCore(const CallCacheCore&) = delete;
    CallCacheCore& operator=(const CallCacheCore&) = delete;
    ~CallCacheCore() = default;

    Status open() {
        SYMPHONY_TRY(rows_.open());
        thread_ = std::thread([self = shared_from_this()] { self->work(); });
        return {};
    }
    /// What was told is written first. Not on the cache's own thread.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

    void find(CacheQuestion question) noexcept {
        try {
            std::unique_lock lock(mutex_);
            if (!stopping_) {
                questions_.push_back(std::move(question));
                lock.unlock();
                changed_.notify_one();
                return;
            }
        } catch (const std::exception&) { // without memory for the question: as if there were no cache
        }
        Recalled none;
        none.note.recall = Recall::unavailable;
        none.note.facts = std::move(question.call);
        question.then(std::move(none));
    }

    void keep(CacheAnswer answer) noexcept {
        try {
            const std::uint64_t bytes = answer.answer.bytes().size() + answer.call.parts.bytes().size();
            const std::lock_guard lock(mutex_);
            if (stopping_ || pending_bytes_ + bytes > queue_bytes_max) return;
            const Digest key = answer.call.key;
            pending_bytes_ += bytes;
            pending_.insert_or_assign(key, std::move(answer));
            if (pending_.size() == 1 || pending_.size() == batch_max) changed_.notify_one();
        } catch (const std::exception&) { // forgotten
        }
    }

    /// Asks the rows on the cache's thread, when all that was told before is written.
    template <class Answer, class Ask>
    Answer ask(Ask what) {
        std::promise<Answer> answer;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return Error(Code::cancelled, "cache-closed", "the cache of calls is closed");
            tasks_.push_back([&] { answer.set_value(what(rows_)); });
        }
        changed_.notify_one();
        return answer.get_future().get();
    }

private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            const auto called = [&] { return !questions_.empty() || !tasks_.empty() || stopping_; };
            if (pending_.empty()) changed_.wait(lock, [&] { return called() || !pending_.empty(); });
            if (!pending_.empty()) changed_.wait_for(lock, gather, [&] { return called() || pending_.size() >= batch_max; });
            // Whoever asks waits for the answer; whoever told does not.
            std::vector<CacheQuestion> questions = std::exchange(questions_, {});
            lock.unlock();
            for (CacheQuestion& question : questions) question.then(look(question));
            lock.lock();
            if (questions.empty() || pending_.size() >= batch_max) write_pending(lock);
            if (!questions_.empty()) continue;
            if (const auto tasks = std::exchange(tasks_, {}); !tasks.empty()) {
                write_pending(lock);
                lock.unlock();
                for (const auto& task : tasks) task();
                lock.lock();
            }
            if (!stopping_ || !questions_.empty() || !tasks_.empty()) continue;
            write_pending(lock);
            lock.unlock();
            static_cast<void>(rows_.write({}));
            return;
        }
    }

    /// What cannot be written is forgotten: that is what a cache may do.
    void write_pending(std::unique_lock<std::mutex>& lock) {
        if (pending_.empty()) return;
        auto batch = std::exchange(pending_, {});
        pending_bytes_ = 0;
        lock.unlock();
        try {
            static_cast<void>(rows_.write(std::move(batch)));
        } catch (const std::exception&) { // out of memory
        }
        lock.lock();
    }

    Recalled look(const CacheQuestion& question) noexcept {
        Recalled out;
        try {
            out.note.facts = question.call;
            if (!from_pending(question, out)) {
                if (Status read = rows_.find(question, out); !read) {
                    out.note.recall = Recall::unavailable;
                    out.answer.reset();
                }
            }
        } catch (const std::exception&) { // out of memory for an answer: the call is made
            out.note.recall = Recall::unavailable;
            out.answer.reset();
        }
        rows_.count(out.answer.has_value());
        return out;
    }

    bool from_pending(const CacheQuestion& question, Recalled& out) {
        const std::lock_guard lock(mutex_);
        const auto at = pending_.find(question.call.key);
        if (at == pending_.end()) return false;
        out.note.recall = Recall::hit;
        out.note.run = at->second.place.run;
        out.note.made_ms = rows_.now_ms();
        out.answer = at->second.answer;
        return true;
    }

    CacheRows rows_;  // of the thread, once it runs

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<CacheQuestion> questions_;
    std::map<Digest, CacheAnswer> pending_;
    std::uint64_t pending_bytes_ = 0;
    std::vector<std::function<void()>> tasks_;
    bool stopping_ = false;
    std::thread thread_;
};

CallCache::CallCache(std::shared_ptr<CallCacheCore> core) : core_(std::move(core)) {}
CallCache::~CallCache() { core_->stop(); }

Result<std::shared_ptr<CallCache>> CallCache::open(std::unique_ptr<sqlite_files::Folder> folder, Options options) {
    auto core = std::make_shared<CallCacheCore>(std::move(folder), std::move(options));
    SYMPHONY_TRY(core->open());
    return std::shared_ptr<CallCache>(new CallCache(std::move(core)));
}

Status CallCache::remove(sqlite_files::Folder& folder) {
    for (const std::string_view name : {"cache.sqlite", "cache.sqlite-wal", "cache.sqlite-shm"}) {
        if (Status gone = folder.remove(name); !gone && gone.error().code() != Code::not_found) return gone;
    }
    return folder.sync_folder("");
}

void CallCache::find(CallFacts call, Place place, std::function<void(Recalled)> then) noexcept { core_->find({std::move(call), std::move(place), std::move(then)}); }
void CallCache::keep(CallFacts call, Place place, Value answer) noexcept { core_->keep({std::move(call), std::move(place), std::move(answer)}); }
void CallCache::flush() noexcept {
    static_cast<void>(core_->ask<Status>([](CacheRows& rows) { return rows.write({}); }));
}
Result<CallCache::Stats> CallCache::stats() {
    return core_->ask<Result<Stats>>([](CacheRows& rows) { return rows.stats(); });
}
Status CallCache::clear() {
    return core_->ask<Status>([](CacheRows& rows) { return rows.clear(); });
}

std::uint64_t place_of(std::string_view workflow, std::string_view node, std::uint32_t element) {
    const Digest all = Sha256().add_sized(bytes_of(workflow)).add_sized(bytes_of(node)).add_number(element).finish();
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out |= std::uint64_t{all.bytes[i]} << (8 * i);
    return out;
}

} // namespace symphony::tracker
