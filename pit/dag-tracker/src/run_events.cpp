// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

std::string_view leaf_of(std::string_view path) noexcept {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

} // namespace

std::string label_of(ValueView item) {
    if (item.is_text()) return std::string(item.as_text());
    for (const std::string_view key : {"path", "name"}) {
        if (item[key].is_text()) return std::string(item[key].as_text());
    }
    return {};
}

void Run::push_event(RunEvent event) {
    event.at_ns = steady_now_ns();
    event.done = done_.load(std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    if (event.kind == RunEvent::Kind::progress) {
        // The newest progress of a node is enough; so the queue is bounded by what nodes do, not by how often they tell.
        const auto [found, added] = progress_at_.try_emplace(event.node, events_.size());
        if (!added) {
            events_[found->second] = std::move(event);
            return;
        }
    }
    events_.push_back(std::move(event));
    if (events_.size() == 1) changed_.notify_all();
}
void Run::tell(Id n, NodeState state) {
    if (state == NodeState::queued) {
        auto expected = NodeState::pending;
        if (!nodes_[n].state.compare_exchange_strong(expected, state, std::memory_order_acq_rel)) return;
    }
    if (!settings_.want_events) return;
    RunEvent event;
    event.node = n;
    event.state = state;
    event.attempt = times_[n].attempts.load(std::memory_order_relaxed);
    if (state == NodeState::completed) event.note = recalled_text(times_[n].recalled.load(std::memory_order_relaxed), times_[n].calls.load(std::memory_order_relaxed));
    push_event(std::move(event));
}
void Run::tell_progress(Id n, std::uint32_t permille, std::string note) {
    RunEvent event;
    event.kind = RunEvent::Kind::progress;
    event.node = n;
    event.state = NodeState::running;
    event.permille = std::min<std::uint32_t>(permille, 1000);
    event.note = std::move(note);
    push_event(std::move(event));
}
void Run::tell_element(Id n, const Active& active, std::size_t element) {
    if (!settings_.want_events) return;
    const auto count = static_cast<std::uint32_t>(active.elements.size());
    const auto done = active.done.load(std::memory_order_relaxed);
    std::string note(leaf_of(label_of(active.elements[element])));
    note += (note.empty() ? "(" : " (") + std::to_string(std::min(done + 1, count)) + "/" + std::to_string(count) + ")";
    tell_progress(n, static_cast<std::uint32_t>(std::uint64_t{done} * 1000 / count), std::move(note));
}

} // namespace symphony::tracker
