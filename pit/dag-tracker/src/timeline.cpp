// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include "run_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

namespace symphony::tracker {
namespace {

constexpr std::int64_t second = 1'000'000'000;

/// Steps in the order in which they deserve a row of their own.
class Choice {
public:
    Choice(const Story& story, const std::vector<bool>& critical) {
        for (std::uint32_t i = 0; i < story.stints.size(); ++i) {
            const Stint& stint = story.stints[i];
            auto& [worth, took] = of_step_[stint.step];
            const bool good = stint.state == StintState::done || stint.state == StintState::skipped;
            worth = std::max(worth, !good ? 2 : critical[i] ? 1 : 0);
            took = std::max(took, stint.took_ns());
        }
    }
    std::vector<std::uint32_t> best(const TimelineLimits& limits) const {
        const std::size_t count = of_step_.size() <= limits.rows_max ? limits.rows_max : std::min(limits.rows_crowded, limits.rows_max);
        using Entry = std::pair<std::uint32_t, std::pair<int, std::int64_t>>;
        std::vector<Entry> all(of_step_.begin(), of_step_.end());
        // Half for what went wrong or kept the run; the rest for what was slow.
        std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.second > b.second; });
        if (all.size() > count) {
            const std::size_t first = count / 2;
            std::sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(), [](const Entry& a, const Entry& b) { return a.second.second > b.second.second; });
            all.resize(count);
        }
        std::vector<std::uint32_t> steps;
        for (const auto& [step, worth] : all) steps.push_back(step);
        return steps;
    }

private:
    std::map<std::uint32_t, std::pair<int, std::int64_t>> of_step_;
};

std::string lane_note(const StoryStep& step, std::size_t steps) {
    std::string note = step.version.empty() ? "" : step.version + " · ";
    if (!step.kind.empty()) note += std::string(step.kind) + " · ";
    return note + count_text(steps, "step", "steps");
}

void list_critical(const Story& story, const TimelineLimits& limits, Timeline& out) {
    std::vector<std::uint32_t> order(story.critical.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto cost = [&](std::uint32_t i) { return story.stints[story.critical[i].stint].took_ns() + story.critical[i].wait_ns; };
    if (order.size() > limits.critical_max) {
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return cost(a) > cost(b); });
        order.resize(limits.critical_max);
        std::sort(order.begin(), order.end());
    }
    for (const auto i : order) out.listed.push_back(story.critical[i]);
    out.critical_left_out = story.critical.size() - order.size();
    for (const auto& step : story.critical) {
        out.critical_busy_ns += story.stints[step.stint].took_ns();
        out.critical_wait_ns += step.wait_ns;
    }
}

} // namespace

Timeline arrange(const Story& story, const TimelineLimits& limits) {
    Timeline out;
    out.critical.assign(story.stints.size(), false);
    for (const auto& step : story.critical) out.critical[step.stint] = true;
    list_critical(story, limits, out);

    std::vector<bool> has_row(story.steps.size(), false);
    for (const auto step : Choice(story, out.critical).best(limits)) has_row[step] = true;
    std::map<std::string, std::size_t> lane_of;
    std::vector<std::size_t> row_of(story.steps.size(), ~std::size_t{0});
    std::vector<std::vector<std::uint32_t>> steps_of;  // of lanes, once each
    std::vector<bool> seen(story.steps.size(), false);
    for (std::uint32_t i = 0; i < story.stints.size(); ++i) {
        const Stint& stint = story.stints[i];
        const StoryStep& step = story.steps[stint.step];
        std::string title = step.plugin.empty() ? (step.kind.empty() ? "steps" : std::string(step.kind)) : step.plugin;
        auto found = lane_of.find(title);
        const bool last_lane = found == lane_of.end() && out.lanes.size() + 1 >= limits.lanes_max;
        if (last_lane) title = "other plugins";
        const auto lane = lane_of.try_emplace(title, out.lanes.size());
        if (lane.second) {
            out.lanes.push_back({title, {}, {}, {}, 0});
            steps_of.emplace_back();
        }
        TimelineLane& to = out.lanes[lane.first->second];
        if (!seen[stint.step]) {
            seen[stint.step] = true;
            steps_of[lane.first->second].push_back(stint.step);
            if (!has_row[stint.step]) ++to.crowd_steps;
        }
        if (!has_row[stint.step]) {
            to.crowd.push_back(i);
        } else if (row_of[stint.step] != ~std::size_t{0}) {
            to.rows[row_of[stint.step]].stints.push_back(i);
        } else {
            row_of[stint.step] = to.rows.size();
            to.rows.push_back({stint.step, {i}});
        }
    }
    for (std::size_t i = 0; i < out.lanes.size(); ++i) {
        const bool mixed = out.lanes[i].title == "other plugins";
        out.lanes[i].note = mixed ? count_text(steps_of[i].size(), "step", "steps") : lane_note(story.steps[steps_of[i].front()], steps_of[i].size());
    }
    return out;
}

// ---- the scale ----

TimeScale::TimeScale(const Story& story, double from, double to) {
    const std::int64_t busy = std::max<std::int64_t>(1, story.busy_ns());
    std::vector<std::int64_t> still;
    for (const StoryPart& part : story.parts) {
        const std::int64_t gap = segments_.empty() ? 0 : part.start_ns - segments_.back().end_ns;
        if (segments_.empty()) {
            segments_.push_back({0, part.end_ns, 0, 0});
        } else if (gap > busy / 12) {
            still.push_back(gap);
            segments_.push_back({part.start_ns, part.end_ns, 0, 0});
        } else {
            segments_.back().end_ns = std::max(segments_.back().end_ns, part.end_ns);
        }
    }
    if (segments_.empty()) segments_.push_back({0, story.span_ns, 0, 0});
    segments_.back().end_ns = std::max(segments_.back().end_ns, story.span_ns);
    drawn_ns_ = 0;
    for (const Segment& segment : segments_) drawn_ns_ += segment.end_ns - segment.start_ns;
    drawn_ns_ = std::max<std::int64_t>(1, drawn_ns_);
    const double cut = still.empty() ? 0 : std::min(60.0 * (to - from) / 1000, (to - from) * 0.3 / static_cast<double>(still.size()));
    const double scale = (to - from - cut * static_cast<double>(still.size())) / static_cast<double>(drawn_ns_);
    double x = from;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        Segment& segment = segments_[i];
        segment.from = x;
        x += static_cast<double>(segment.end_ns - segment.start_ns) * scale;
        segment.to = x;
        if (i >= still.size()) continue;
        cuts_.push_back({x, x + cut, still[i]});
        x += cut;
    }
}

double TimeScale::at(std::int64_t ns) const noexcept {
    const auto next = std::upper_bound(segments_.begin(), segments_.end(), ns, [](std::int64_t value, const Segment& segment) { return value < segment.start_ns; });
    const Segment& in = next == segments_.begin() ? segments_.front() : *std::prev(next);
    if (ns <= in.start_ns || in.end_ns == in.start_ns) return in.from;
    if (ns >= in.end_ns) return in.to;
    return in.from + (in.to - in.from) * static_cast<double>(ns - in.start_ns) / static_cast<double>(in.end_ns - in.start_ns);
}

namespace {

/// The smallest round span that is at least `ns`.
std::int64_t round_up(std::int64_t ns) {
    constexpr std::array<std::int64_t, 18> longer{second,      2 * second,  5 * second,   10 * second,  15 * second,   30 * second,   60 * second,   120 * second,   300 * second,
                                                  600 * second, 900 * second, 1800 * second, 3600 * second, 7200 * second, 14400 * second, 43200 * second, 86400 * second, 7 * 86400 * second};
    if (ns > second / 2) {
        for (const auto one : longer) {
            if (one >= ns) return one;
        }
        return (ns / longer.back() + 1) * longer.back();
    }
    for (std::int64_t ten = 1;; ten *= 10) {
        for (const std::int64_t digit : {1, 2, 5}) {
            if (digit * ten >= ns) return digit * ten;
        }
    }
}

std::string tick_text(std::int64_t ns, std::int64_t step) {
    char text[48];
    if (ns == 0) return "0";
    if (step >= 60 * second) {
        const auto minutes = ns / (60 * second);
        if (minutes < 60) std::snprintf(text, sizeof text, "%d min", static_cast<int>(minutes));
        else if (minutes % 60 == 0) std::snprintf(text, sizeof text, "%lld h", static_cast<long long>(minutes / 60));
        else std::snprintf(text, sizeof text, "%lld h %02d", static_cast<long long>(minutes / 60), static_cast<int>(minutes % 60));
    } else if (ns >= 60 * second && step >= second) {
        std::snprintf(text, sizeof text, "%lld:%02d min", static_cast<long long>(ns / (60 * second)), static_cast<int>(ns / second % 60));
    } else {
        const bool seconds = ns >= second && step >= second / 1000, ms = ns >= 1'000'000 && step >= 1000;
        std::snprintf(text, sizeof text, "%.6g %s", static_cast<double>(ns) / (seconds ? 1e9 : ms ? 1e6 : 1e3), seconds ? "s" : ms ? "ms" : "µs");
    }
    return text;
}

} // namespace

std::vector<TimeScale::Tick> TimeScale::ticks(std::size_t count_max) const {
    std::vector<Tick> out;
    const std::int64_t step = round_up(std::max<std::int64_t>(1, drawn_ns_ / static_cast<std::int64_t>(std::max<std::size_t>(1, count_max))));
    for (std::size_t i = 0; i < segments_.size() && out.size() < 4 * count_max; ++i) {
        const Segment& segment = segments_[i];
        const std::int64_t length = segment.end_ns - segment.start_ns;
        for (std::int64_t ns = i == 0 ? 0 : step; ns <= length && out.size() < 4 * count_max; ns += step) {
            out.push_back({at(segment.start_ns + ns), (i == 0 ? "" : "+") + tick_text(ns, step)});
        }
    }
    return out;
}

// ---- words ----

std::string count_text(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}
std::string count_text(std::uint64_t count, std::string_view one, std::string_view many) { return count_text(count) + " " + std::string(count == 1 ? one : many); }

std::string span_text(std::int64_t ns) {
    if (ns <= 0) return "0";
    const std::int64_t minutes = ns / (60 * second);
    if (minutes >= 48 * 60) return std::to_string(minutes / (24 * 60)) + " d " + std::to_string(minutes / 60 % 24) + " h";
    if (minutes >= 60) return std::to_string(minutes / 60) + " h" + (minutes % 60 == 0 ? "" : " " + std::to_string(minutes % 60) + " min");
    return time_text(static_cast<std::uint64_t>(ns));
}

std::string moment_text(std::int64_t ms) {
    if (ms == 0) return "-";
    const std::time_t seconds = ms / 1000;
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return "-";
    std::array<char, 40> text{};
    return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local));
}

std::string tell_counts(const Story& story) {
    constexpr std::array order{StintState::done, StintState::running, StintState::failed, StintState::skipped, StintState::cancelled, StintState::interrupted};
    const auto counts = story.counts();
    std::string text;
    for (const auto state : order) {
        const auto count = counts[static_cast<std::size_t>(state)];
        if (count != 0) text += (text.empty() ? "" : ", ") + count_text(count) + " " + std::string(name_of(state));
    }
    return text.empty() ? "nothing is on record yet" : text;
}

std::string tell_stint(const Story& story, const Stint& stint) {
    const StoryStep& step = story.steps[stint.step];
    std::string text = step.name;
    if (!step.plugin.empty()) text += " · " + step.plugin + (step.version.empty() ? "" : " " + step.version) + " · " + step.operation;
    text += "\n" + std::string(name_of(stint.state)) + (stint.state == StintState::running ? " for " : " after ") + span_text(stint.took_ns());
    text += ", began " + (stint.start_ns < 1000 ? std::string("with the run") : span_text(stint.start_ns) + " into the run");
    if (story.run.parts > 1) text += ", part " + std::to_string(stint.part);
    std::string more;
    const auto add = [&](const std::string& what) { more += (more.empty() ? "\n" : ", ") + what; };
    if (step.each) add(count_text(stint.answered_ms.size(), "element", "elements") + " answered");
    if (stint.calls > 1) add(count_text(stint.calls, "call", "calls"));
    if (stint.attempts > 1) add(count_text(stint.attempts, "attempt", "attempts") + (step.each ? " at most" : ""));
    if (const auto cached = recalled_text(stint.recalled, stint.calls); !cached.empty()) add(cached);
    if (stint.output_bytes > 0) add(count_text(stint.output_bytes, "byte", "bytes") + " given on");
    text += more;
    constexpr std::size_t told_max = 3;
    for (std::size_t i = 0; i < stint.problems.size() && i < told_max; ++i) {
        const Problem& problem = stint.problems[i];
        text += "\nproblem: " + (problem.path.empty() ? "" : problem.path.substr(0, 200) + ": ") + problem.error.message().substr(0, 300) + " [" + std::string(problem.error.reason()) + "]";
    }
    if (stint.problems.size() > told_max) text += "\nand " + count_text(stint.problems.size() - told_max) + " more problems";
    return text;
}

Value timeline_json(const Story& story) {
    ValueBuilder out;
    const auto name_at = [&](std::uint32_t stint) { return std::string_view(story.steps[story.stints[stint].step].name); };
    out.map(8).add("run", std::string_view(story.run.id)).add("state", name_of(story.run.state)).add("workflow", std::string_view(story.run.workflow));
    out.add("span_ns", story.span_ns).add("busy_ns", story.busy_ns());
    out.key("parts").list(story.parts.size());
    for (const auto& part : story.parts) out.map(3).add("part", part.part).add("start_ns", part.start_ns).add("end_ns", part.end_ns).end();
    out.end().key("critical_path").list(story.critical.size());
    for (const auto& step : story.critical) {
        const Stint& stint = story.stints[step.stint];
        out.map(4).add("node", name_at(step.stint)).add("start_ns", stint.start_ns).add("took_ns", stint.took_ns()).add("wait_ns", step.wait_ns).end();
    }
    out.end().key("steps").list(story.stints.size());
    for (const Stint& stint : story.stints) {
        const StoryStep& step = story.steps[stint.step];
        out.map(13).add("node", std::string_view(step.name)).add("plugin", std::string_view(step.plugin)).add("operation", std::string_view(step.operation));
        out.add("state", name_of(stint.state)).add("part", stint.part).add("start_ns", stint.start_ns).add("end_ns", stint.end_ns).add("calls", stint.calls).add("cached", stint.recalled);
        out.add("attempts", stint.attempts).add("elements", stint.answered_ms.size()).add("output_bytes", stint.output_bytes).add("problems", stint.problems.size()).end();
    }
    return out.end().end().build();
}

} // namespace symphony::tracker
