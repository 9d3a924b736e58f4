// SPDX-License-Identifier: Apache-2.0
#include "background.hpp"

namespace symphony::store {
namespace {

constexpr std::chrono::milliseconds tick{1000}, feed_every{2000}, feed_time{500};

} // namespace

void Background::start() {
    const std::lock_guard lock(mutex_);
    if (stopping_ || thread_.joinable()) return;
    next_feed_ = std::chrono::steady_clock::now() + feed_every;
    next_scrub_ = std::chrono::steady_clock::now() + session_.settings().scrub_every;
    thread_ = std::thread([this] { run(); });
}

void Background::stop() {
    std::thread thread;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        thread = std::move(thread_);
    }
    wake_.notify_all();
    if (thread.joinable()) thread.join();
}

bool Background::stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

void Background::run() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            if (wake_.wait_for(lock, tick, [this] { return stopping_; })) return;
        }
        try {
            step(std::chrono::steady_clock::now());
        } catch (const std::exception& thrown) { // memory: the next step may have more
            session_.host().warn(std::string("in the background: ") + thrown.what());
        }
    }
}

void Background::step(std::chrono::steady_clock::time_point now) {
    uploads_.sweep(now);
    if (!session_.used()) return;
    for (const Notice& notice : session_.take_notices()) session_.host().warn(notice.text + " [" + notice.reason + "]");
    if (now >= next_feed_) {
        feed();
        next_feed_ = std::chrono::steady_clock::now() + feed_every;
    }
    if (session_.settings().scrub_every.count() != 0 && session_.settings().scrub_bytes != 0 && now >= next_scrub_) {
        scrub();
        next_scrub_ = std::chrono::steady_clock::now() + session_.settings().scrub_every;
    }
    session_.close_if_idle();
}

void Background::feed() {
    const auto store = session_.look();
    if (store == nullptr) return;
    FeedBudget budget;
    budget.time = feed_time;
    budget.progress = [this](std::uint64_t, std::uint64_t) { return !stopping(); };
    // What goes wrong here is told to whoever searches.
    static_cast<void>(feeder_.feed(*store, budget, nullptr));
}

void Background::scrub() {
    const auto store = session_.writer_at_once();
    if (!store) return; // somebody else writes, and checks
    ScrubBudget budget;
    budget.bytes = session_.settings().scrub_bytes;
    const auto report = (*store)->scrub_step(budget);
    if (!report) return session_.host().warn("checking the store: " + report.error().message());
    for (const Finding& finding : report->checked.findings) {
        session_.host().log(Level::error, "the store is damaged: " + finding.where + ": " + finding.text + " [" + std::string(name_of(finding.damage)) +
                                              "]; symphony artifact verify --data tells all");
    }
}

} // namespace symphony::store
