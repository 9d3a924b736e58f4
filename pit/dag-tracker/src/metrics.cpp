// SPDX-License-Identifier: Apache-2.0
#include "metrics.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace symphony::tracker {
namespace {

constexpr std::array<double, 12> bounds_s{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800};

template <class Map>
typename Map::mapped_type& at_most(Map& map, const std::string& key) {
    if (const auto found = map.find(key); found != map.end()) return found->second;
    return map.size() < Metrics::labels_max ? map[key] : map["other"];
}

std::string number(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    out += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " + std::string(type) + "\n";
}

void sample(std::string& out, std::string_view name, const std::string& labels, const std::string& value) {
    out += std::string(name) + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
}

std::string label(std::string_view name, std::string_view value) { return std::string(name) + "=\"" + metrics_label(value) + "\""; }

} // namespace

std::string metrics_label(std::string_view value) {
    std::string out;
    for (const char c : to_valid_utf8(value)) {
        if (c == '\\') out += "\\\\";
        else if (c == '"') out += "\\\"";
        else if (c == '\n') out += "\\n";
        else out += c;
    }
    return out;
}

void Metrics::Histogram::observe(std::int64_t ns) {
    counts.resize(bounds_s.size() + 1);
    const double seconds = static_cast<double>(ns) / 1e9;
    ++counts[static_cast<std::size_t>(std::lower_bound(bounds_s.begin(), bounds_s.end(), seconds) - bounds_s.begin())];
    ++count;
    sum_s += seconds;
}

void Metrics::add(const Story& story) {
    OfWorkflow& workflow = at_most(workflows_, story.run.workflow);
    ++workflow.runs[name_of(story.run.state)];
    if (story.run.ended_ms != 0) workflow.duration.observe(story.busy_ns());
    for (const Stint& stint : story.stints) {
        const StoryStep& step = story.steps[stint.step];
        OfPlugin& plugin = at_most(plugins_, step.plugin.empty() ? (step.kind.empty() ? "unknown" : std::string(step.kind)) : step.plugin);
        if (&story.stints[step.last] == &stint) ++plugin.steps[name_of(stint.state)];
        plugin.calls += stint.calls;
        if (stint.attempts > 1) plugin.retries += stint.attempts - 1;
        plugin.problems += stint.problems.size();
        plugin.elements += stint.answered_ms.size();
        if (stint.state == StintState::done || stint.state == StintState::failed) plugin.duration.observe(stint.took_ns());
        if (const auto wait = story.wait_ns(stint)) plugin.wait.observe(*wait);
    }
}

std::string Metrics::text() const {
    std::string out;
    const auto histogram = [&](std::string_view name, const std::string& labels, const Histogram& from) {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i <= bounds_s.size() && !from.counts.empty(); ++i) {
            below += from.counts[i];
            sample(out, std::string(name) + "_bucket", labels + ",le=\"" + (i == bounds_s.size() ? "+Inf" : number(bounds_s[i])) + "\"", std::to_string(below));
        }
        if (from.counts.empty()) return;
        sample(out, std::string(name) + "_sum", labels, number(from.sum_s));
        sample(out, std::string(name) + "_count", labels, std::to_string(from.count));
    };
    head(out, "symphony_runs", "gauge", "Runs on record.");
    for (const auto& [id, workflow] : workflows_) {
        for (const auto& [state, count] : workflow.runs) sample(out, "symphony_runs", label("workflow", id) + "," + label("state", state), std::to_string(count));
    }
    head(out, "symphony_runs_damaged", "gauge", "Runs whose record is damaged and is not counted.");
    sample(out, "symphony_runs_damaged", "", std::to_string(damaged_));
    head(out, "symphony_run_duration_seconds", "histogram", "How long ended runs took, without the time that they stood still.");
    for (const auto& [id, workflow] : workflows_) histogram("symphony_run_duration_seconds", label("workflow", id), workflow.duration);
    head(out, "symphony_steps", "gauge", "Steps of runs on record, by how their last turn went.");
    for (const auto& [id, plugin] : plugins_) {
        for (const auto& [state, count] : plugin.steps) sample(out, "symphony_steps", label("plugin", id) + "," + label("state", state), std::to_string(count));
    }
    const auto count_of = [&](std::string_view name, std::string_view help, std::uint64_t OfPlugin::*member) {
        head(out, name, "gauge", help);
        for (const auto& [id, plugin] : plugins_) sample(out, name, label("plugin", id), std::to_string(plugin.*member));
    };
    count_of("symphony_step_calls", "Calls that steps on record made, retries included.", &OfPlugin::calls);
    count_of("symphony_step_retries", "Further attempts of the call of each step that took the most.", &OfPlugin::retries);
    count_of("symphony_step_problems", "Failures of steps on record and of their elements.", &OfPlugin::problems);
    count_of("symphony_step_elements", "Elements that were answered.", &OfPlugin::elements);
    head(out, "symphony_step_duration_seconds", "histogram", "How long steps took that ended, waiting for their plugin included.");
    for (const auto& [id, plugin] : plugins_) histogram("symphony_step_duration_seconds", label("plugin", id), plugin.duration);
    head(out, "symphony_step_wait_seconds", "histogram", "How long everything that a step needs was there before it began. The record knows milliseconds.");
    for (const auto& [id, plugin] : plugins_) histogram("symphony_step_wait_seconds", label("plugin", id), plugin.wait);
    return out;
}

} // namespace symphony::tracker
