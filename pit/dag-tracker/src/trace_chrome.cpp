// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <algorithm>
#include <map>
#include <queue>

namespace symphony::tracker {
namespace {

/// Threads of one process. Two events of one never overlap.
class Threads {
public:
    std::uint64_t take(std::int64_t from, std::int64_t to) {
        std::uint64_t thread = next_;
        if (!busy_.empty() && busy_.top().first <= from) {
            thread = busy_.top().second;
            busy_.pop();
        } else {
            ++next_;
        }
        busy_.push({std::max(from, to), thread});
        return thread;
    }

private:
    using Entry = std::pair<std::int64_t, std::uint64_t>;  // until when, which
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> busy_;
    std::uint64_t next_ = 1;
};

void meta(ValueBuilder& out, std::string_view what, std::uint64_t pid, std::string_view name) {
    out.map(5).add("name", what).add("ph", "M").add("pid", pid).add("tid", std::uint64_t{0}).key("args").map(1).add("name", name).end().end();
}

double us(std::int64_t ns) noexcept { return static_cast<double>(ns) / 1000; }

} // namespace

Value chrome_trace(const Story& story) {
    ValueBuilder out;
    out.map(3).add("displayTimeUnit", "ms").key("otherData").map(4);
    out.add("run", std::string_view(story.run.id)).add("workflow", std::string_view(story.run.workflow)).add("version", std::string_view(story.run.version)).add("state", name_of(story.run.state)).end();
    out.key("traceEvents").list(story.stints.size() + 16);
    meta(out, "process_name", 1, "run " + story.run.id);
    std::map<std::string, std::uint64_t> processes;
    for (const Stint& stint : story.stints) {
        const StoryStep& step = story.steps[stint.step];
        const std::string name = step.plugin.empty() ? (step.kind.empty() ? "steps" : std::string(step.kind)) : step.plugin;
        if (processes.try_emplace(name, processes.size() + 2).second) meta(out, "process_name", processes.size() + 1, name);
    }
    for (const StoryPart& part : story.parts) {
        out.map(7).add("name", std::string_view("part " + std::to_string(part.part))).add("cat", "part").add("ph", "X").add("pid", 1).add("tid", 1);
        out.add("ts", us(part.start_ns)).add("dur", us(part.end_ns - part.start_ns)).end();
    }
    std::vector<bool> critical(story.stints.size(), false);
    for (const auto& step : story.critical) critical[step.stint] = true;
    std::vector<std::uint32_t> order(story.stints.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return story.stints[a].start_ns < story.stints[b].start_ns; });
    std::map<std::uint64_t, Threads> threads;
    for (const auto index : order) {
        const Stint& stint = story.stints[index];
        const StoryStep& step = story.steps[stint.step];
        const std::uint64_t pid = processes[step.plugin.empty() ? (step.kind.empty() ? "steps" : std::string(step.kind)) : step.plugin];
        out.map(8).add("name", std::string_view(step.name)).add("cat", step.kind.empty() ? std::string_view("step") : step.kind).add("ph", "X").add("pid", pid);
        out.add("tid", threads[pid].take(stint.start_ns, stint.end_ns)).add("ts", us(stint.start_ns)).add("dur", us(stint.took_ns()));
        out.key("args").map(10).add("state", name_of(stint.state)).add("operation", std::string_view(step.operation)).add("part", stint.part).add("calls", stint.calls).add("cached", stint.recalled);
        out.add("attempts", stint.attempts).add("elements", stint.answered_ms.size()).add("output_bytes", stint.output_bytes).add("critical", static_cast<bool>(critical[index]));
        if (!stint.problems.empty()) out.add("problem", std::string_view(stint.problems.front().error.message()));
        out.end().end();
    }
    return out.end().end().build();
}

} // namespace symphony::tracker
