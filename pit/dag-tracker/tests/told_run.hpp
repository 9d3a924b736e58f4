// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal_rows.hpp"
#include "story.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker::test {

/// A run's record without a run: rows in milliseconds since its begin.
class ToldRun {
public:
    static constexpr std::int64_t created_ms = 1'795'000'000'000;

    explicit ToldRun(std::string_view source) {
        run.summary.id = "20261118-110640-abc123";
        run.summary.workflow = "w";
        run.summary.version = run.summary.state == RunState::completed ? "1.0.0" : "1.2.0";
        run.summary.path = run.made_from.path = "w.toml";
        run.summary.created_ms = created_ms;
        run.made_from.source = source;
        run.made_from.plugins = ValueBuilder().map(0).end().build();
    }
    ToldRun& begun(std::string_view node, std::int64_t at_ms) { return add(StepBody::Kind::begun, node, at_ms); }
    ToldRun& answered(std::string_view node, std::int64_t at_ms) { return add(StepBody::Kind::answered, node, at_ms); }
    ToldRun& ended(std::string_view node, std::int64_t at_ms, double took_ms, NodeState state = NodeState::completed, std::uint32_t attempts = 1, std::vector<Problem> problems = {}) {
        StepBody body;
        body.end.state = state;
        body.end.calls = body.end.attempts = attempts;
        body.end.took_ns = static_cast<std::uint64_t>(took_ms * 1e6);
        body.end.problems = std::move(problems);
        return add(StepBody::Kind::ended, node, at_ms, std::move(body));
    }
    ToldRun& part(std::uint32_t number) {
        part_ = run.summary.parts = number;
        return *this;
    }
    Story over(RunState state, std::int64_t at_ms) {
        run.summary.state = state;
        const bool ended = state != RunState::running && state != RunState::interrupted;
        run.summary.ended_ms = ended ? created_ms + at_ms : 0;
        return builder_.finish(run, Limits{}, created_ms + at_ms);
    }

    RunDetail run;

private:
    ToldRun& add(StepBody::Kind kind, std::string_view node, std::int64_t at_ms, StepBody body = {}) {
        body.kind = kind;
        body.node = node;
        body.at_ms = created_ms + at_ms;
        builder_.add({++seq_, part_, body, kind == StepBody::Kind::begun ? 0u : 420u});
        return *this;
    }
    StoryBuilder builder_;
    std::uint32_t seq_ = 0, part_ = 1;
};

/// Names of the critical path, "a b c".
inline std::string critical(const Story& story) {
    std::string all;
    for (const auto& step : story.critical) all += (all.empty() ? "" : " ") + story.steps[story.stints[step.stint].step].name;
    return all;
}

inline const Stint& stint_of(const Story& story, std::string_view node) {
    for (const auto& step : story.steps) {
        if (step.name == node && step.last != StoryStep::none) return story.stints[step.last];
    }
    throw std::runtime_error("no stint of " + std::string(node));
}

} // namespace symphony::tracker::test
