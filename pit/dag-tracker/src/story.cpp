// SPDX-License-Identifier: Apache-2.0
#include "story.hpp"

#include "journal_rows.hpp"
#include "parse.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_map>

namespace symphony::tracker {
namespace {

constexpr std::int64_t ms_ns = 1'000'000;

/// A plugin as the run's record knows it: a node may call it by id or by the last word of its id.
std::pair<std::string, std::string> plugin_on_record(ValueView plugins, std::string_view named) {
    for (const auto [id, plugin] : plugins.entries()) {
        const auto dot = id.rfind('.');
        if (id == named || (dot != std::string_view::npos && id.substr(dot + 1) == named)) return {std::string(id), std::string(plugin["version"].as_text())};
    }
    return {std::string(named), {}};
}

StintState state_of(NodeState state) noexcept {
    switch (state) {
    case NodeState::completed: return StintState::done;
    case NodeState::skipped: return StintState::skipped;
    case NodeState::failed:
    case NodeState::upstream_failed: return StintState::failed;
    default: return StintState::cancelled;
    }
}

} // namespace

std::string_view name_of(StintState state) noexcept {
    switch (state) {
    case StintState::done: return "done";
    case StintState::skipped: return "skipped";
    case StintState::failed: return "failed";
    case StintState::cancelled: return "cancelled";
    case StintState::interrupted: return "interrupted";
    case StintState::running: return "running";
    }
    return "";
}

std::int64_t wall_now_ms() noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t Story::busy_ns() const noexcept {
    std::int64_t still = 0;
    for (std::size_t i = 1; i < parts.size(); ++i) still += std::max<std::int64_t>(0, parts[i].start_ns - parts[i - 1].end_ns);
    return span_ns - still;
}

std::optional<std::int64_t> Story::wait_ns(const Stint& stint) const noexcept {
    std::optional<std::int64_t> ready;
    for (const auto need : steps[stint.step].needs) {
        const Stint& before = stints[steps[need].last];
        if (before.part != stint.part || before.end_ns > stint.start_ns + ms_ns) continue;  // it went on without it
        ready = std::max(ready.value_or(0), before.end_ns);
    }
    if (!ready) return std::nullopt;
    return std::max<std::int64_t>(0, stint.start_ns - *ready);
}

std::vector<std::uint32_t> Story::counts() const {
    std::vector<std::uint32_t> all(stint_states, 0);
    for (const auto& step : steps) {
        if (step.last != StoryStep::none) ++all[static_cast<std::size_t>(stints[step.last].state)];
    }
    return all;
}

struct StoryBuilder::Impl {
    /// Times are milliseconds since 1970 until the run's begin is known.
    struct Open {
        Stint stint;
        std::int64_t first_ms = 0, last_ms = 0;
        std::vector<std::int64_t> answered;
        bool ended = false;
    };
    std::vector<std::string> names;
    std::unordered_map<std::string, std::uint32_t> ids;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> at;  // name and part -> open
    std::vector<Open> open;
    std::map<std::uint32_t, std::int64_t> part_last_ms;

    Story story;
    std::vector<std::uint32_t> step_of;   // name -> step
    std::int64_t created_ms = 0;

    std::int64_t since_begin(std::int64_t ms) const noexcept { return std::clamp<std::int64_t>(ms - created_ms, 0, 1ll << 42) * ms_ns; }

    void add(const ToldRow& row) {
        auto& part = part_last_ms[row.part];
        part = std::max(part, row.body.at_ms);
        if (row.body.kind == StepBody::Kind::closing || row.body.kind == StepBody::Kind::attempted) return;  // the run's word, of no step; or followed by its step's
        const auto [name, fresh_name] = ids.try_emplace(row.body.node, static_cast<std::uint32_t>(names.size()));
        if (fresh_name) names.push_back(row.body.node);
        const auto [found, fresh] = at.try_emplace({name->second, row.part}, open.size());
        if (fresh) open.emplace_back();
        Open& it = open[found->second];
        if (fresh) {
            it.stint.step = name->second;
            it.stint.part = row.part;
            it.first_ms = row.body.at_ms;
        }
        it.first_ms = std::min(it.first_ms, row.body.at_ms);
        it.last_ms = std::max(it.last_ms, row.body.at_ms);
        if (row.body.kind == StepBody::Kind::begun) ++it.stint.elements_begun;
        if (row.body.kind == StepBody::Kind::answered) it.answered.push_back(row.body.at_ms);
        if (row.body.kind != StepBody::Kind::ended) return;
        const StepEnd& end = row.body.end;
        it.ended = true;
        it.stint.state = state_of(end.state);
        it.stint.calls = end.calls;
        it.stint.attempts = end.attempts;
        it.stint.recalled = end.recalled;
        it.stint.output_bytes = row.output_bytes;
        it.stint.problems = end.problems;
        it.last_ms = row.body.at_ms;
        it.stint.end_ns = static_cast<std::int64_t>(std::min<std::uint64_t>(end.took_ns, 1ull << 61));  // how long, until placed
    }

    // ---- the workflow ----

    /// Steps in topological order, and for each node of the workflow its step.
    void place_steps(const std::optional<Workflow>& workflow, const NewRun& made_from) {
        step_of.assign(names.size(), StoryStep::none);
        if (workflow) {
            story.name = workflow->name.empty() ? workflow->id : workflow->name;
            story.edges = workflow->edges.size();
            for (const Id n : workflow->order) {
                const Node& node = workflow->nodes[n];
                StoryStep step;
                step.name = workflow->node_name(n);
                step.kind = name_of(node.kind);
                step.each = node.each != 0;
                if (node.plugin != 0) std::tie(step.plugin, step.version) = plugin_on_record(made_from.plugins.view(), workflow->names[node.plugin]);
                step.operation = workflow->names[node.operation];
                if (const auto known = ids.find(step.name); known != ids.end()) step_of[known->second] = static_cast<std::uint32_t>(story.steps.size());
                story.steps.push_back(std::move(step));
            }
        }
        for (std::uint32_t i = 0; i < names.size(); ++i) {
            if (step_of[i] != StoryStep::none) continue;
            step_of[i] = static_cast<std::uint32_t>(story.steps.size());
            StoryStep step;
            step.name = names[i];
            story.steps.push_back(std::move(step));
        }
    }

    /// Which steps each one waited for; control nodes have no stint, and stand for what ended last before them.
    void place_needs(const Workflow& workflow) {
        std::vector<std::uint32_t> step(workflow.nodes.size(), StoryStep::none);
        for (std::uint32_t i = 0; i < workflow.order.size(); ++i) step[workflow.order[i]] = i;
        std::vector<std::uint32_t> stands_for(workflow.nodes.size(), StoryStep::none);
        for (const Id n : workflow.order) {
            StoryStep& mine = story.steps[step[n]];
            std::uint32_t latest = StoryStep::none;
            for (auto i = workflow.in_offsets[n]; i < workflow.in_offsets[n + 1]; ++i) {
                const Id from = workflow.edges[workflow.in_edges[i]].from;
                if (from == no_id || stands_for[from] == StoryStep::none) continue;
                mine.needs.push_back(stands_for[from]);
                if (latest == StoryStep::none || end_of(stands_for[from]) > end_of(latest)) latest = stands_for[from];
            }
            std::sort(mine.needs.begin(), mine.needs.end());
            mine.needs.erase(std::unique(mine.needs.begin(), mine.needs.end()), mine.needs.end());
            stands_for[n] = mine.last != StoryStep::none ? step[n] : latest;
        }
    }
    std::int64_t end_of(std::uint32_t step) const { return story.stints[story.steps[step].last].end_ns; }

    // ---- times ----

    void place_stints(const RunSummary& run, std::int64_t now_ms) {
        const bool alive = goes_on(run.state);
        const std::uint32_t newest = part_last_ms.empty() ? 1 : part_last_ms.rbegin()->first;
        if (alive && !part_last_ms.empty()) part_last_ms[newest] = std::max(part_last_ms[newest], now_ms);
        for (Open& it : open) {
            Stint& stint = it.stint;
            stint.step = step_of[stint.step];
            const std::int64_t took = stint.end_ns;
            if (it.ended) {
                stint.end_ns = since_begin(it.last_ms);
                stint.start_ns = std::max<std::int64_t>(0, stint.end_ns - took);
                stint.end_ns = std::max(stint.end_ns, std::min(stint.start_ns + took, stint.end_ns + ms_ns - 1));
            } else {
                const bool running = alive && stint.part == newest && run.parts == newest;
                stint.state = running                                                                 ? StintState::running
                              : stint.part == newest && run.ended_ms != 0 && run.parts == stint.part ? StintState::cancelled
                                                                                                      : StintState::interrupted;
                stint.start_ns = since_begin(it.first_ms);
                stint.end_ns = std::max(stint.start_ns, since_begin(part_last_ms[stint.part]));
            }
            stint.answered_ms.reserve(it.answered.size());
            for (const std::int64_t ms : it.answered) stint.answered_ms.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(since_begin(ms) / ms_ns, ~std::uint32_t{0})));
            story.stints.push_back(std::move(stint));
        }
        std::stable_sort(story.stints.begin(), story.stints.end(), [](const Stint& a, const Stint& b) { return std::pair(a.part, a.start_ns) < std::pair(b.part, b.start_ns); });
        for (std::uint32_t i = 0; i < story.stints.size(); ++i) story.steps[story.stints[i].step].last = i;
    }

    /// The journal's ends are cut to milliseconds: a step seems to begin before the end of what it waited for, by less than one.
    void straighten() {
        for (StoryStep& step : story.steps) {
            if (step.last == StoryStep::none) continue;
            Stint& stint = story.stints[step.last];
            std::int64_t ready = 0;
            for (const auto need : step.needs) {
                const Stint& before = story.stints[story.steps[need].last];
                if (before.part == stint.part) ready = std::max(ready, before.end_ns);
            }
            const std::int64_t move = std::clamp<std::int64_t>(ready - stint.start_ns, 0, ms_ns - 1);
            stint.start_ns += move;
            stint.end_ns += move;
        }
    }

    void place_parts(const RunSummary& run) {
        std::map<std::uint32_t, StoryPart> all;
        for (const auto& [part, last_ms] : part_last_ms) all[part] = {part, since_begin(last_ms), since_begin(last_ms)};
        for (const Stint& stint : story.stints) {
            StoryPart& part = all[stint.part];
            part.start_ns = std::min(part.start_ns, stint.start_ns);
            part.end_ns = std::max(part.end_ns, stint.end_ns);
        }
        for (auto& [number, part] : all) {
            if (number == 1) part.start_ns = 0;
            if (number == run.parts && run.ended_ms != 0) part.end_ns = std::max(part.end_ns, since_begin(run.ended_ms));
            if (!story.parts.empty()) part.start_ns = std::max(part.start_ns, story.parts.back().end_ns);
            part.end_ns = std::max(part.end_ns, part.start_ns);
            story.parts.push_back(part);
        }
        story.span_ns = run.ended_ms != 0 ? since_begin(run.ended_ms) : 0;
        for (const StoryPart& part : story.parts) story.span_ns = std::max(story.span_ns, part.end_ns);
    }

    // ---- the critical path ----

    std::int64_t still_between(std::int64_t from, std::int64_t to) const {
        std::int64_t still = 0;
        for (std::size_t i = 1; i < story.parts.size(); ++i) {
            const std::int64_t begin = std::max(from, story.parts[i - 1].end_ns), end = std::min(to, story.parts[i].start_ns);
            still += std::max<std::int64_t>(0, end - begin);
        }
        return still;
    }

    /// From what ended last back to what it waited for longest, again and again.
    void find_critical_path() {
        std::uint32_t here = StoryStep::none;
        for (std::uint32_t i = 0; i < story.stints.size(); ++i) {
            if (here == StoryStep::none || story.stints[i].end_ns >= story.stints[here].end_ns) here = i;
        }
        while (here != StoryStep::none) {
            const Stint& stint = story.stints[here];
            std::uint32_t before = StoryStep::none;
            for (const auto need : story.steps[stint.step].needs) {
                const std::uint32_t other = story.steps[need].last;
                if (other == here || story.stints[other].end_ns > stint.start_ns + ms_ns) continue;  // it went on without it
                if (before == StoryStep::none || story.stints[other].end_ns > story.stints[before].end_ns) before = other;
            }
            const std::int64_t ready = before == StoryStep::none ? 0 : story.stints[before].end_ns;
            story.critical.push_back({here, std::max<std::int64_t>(0, stint.start_ns - ready - still_between(ready, stint.start_ns))});
            here = before;
        }
        std::reverse(story.critical.begin(), story.critical.end());
    }
};

StoryBuilder::StoryBuilder() : impl_(std::make_unique<Impl>()) {}
StoryBuilder::~StoryBuilder() = default;
void StoryBuilder::add(const ToldRow& row) { impl_->add(row); }

Story StoryBuilder::finish(const RunDetail& run, const Limits& limits, std::int64_t now_ms) {
    Impl& made = *impl_;
    made.story.run = run.summary;
    made.created_ms = run.summary.created_ms;
    Findings nobody_hears{run.made_from.path};
    auto workflow = parse_workflow(run.made_from.path, run.made_from.source, limits, nobody_hears);
    if (workflow) compile(*workflow);
    made.story.name = run.summary.workflow;
    made.place_steps(workflow, run.made_from);
    made.place_stints(run.summary, now_ms);
    if (workflow) made.place_needs(*workflow);
    made.straighten();
    made.place_parts(run.summary);
    made.find_critical_path();
    return std::move(made.story);
}

Result<Story> read_story(const Journal& journal, std::string_view id, const Limits& limits, std::int64_t now_ms) {
    StoryBuilder builder;
    const RunDetail run = SYMPHONY_TRY(journal.told(id, 0, ~std::uint32_t{0}, [&](const ToldRow& row) { builder.add(row); }));
    return builder.finish(run, limits, now_ms);
}

} // namespace symphony::tracker
