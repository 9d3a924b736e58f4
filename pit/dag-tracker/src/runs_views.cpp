// SPDX-License-Identifier: Apache-2.0
#include "runs_views.hpp"

#include "json_text.hpp"
#include "metrics.hpp"
#include "parse.hpp"
#include "run_view.hpp"
#include "runs_rows.hpp"
#include "tell_findings.hpp"
#include "timeline.hpp"
#include "trace.hpp"

#include <unordered_map>
#include <vector>

namespace symphony::tracker {
namespace {

constexpr std::size_t counted_default = 100;

Result<Story> story_of(const Tracker& tracker, const Value& arguments) {
    const auto journal = SYMPHONY_TRY(tracker.journal());
    return read_story(*journal, arguments["run"].as_text("last"), tracker.limits(), wall_now_ms());
}

Result<std::int32_t> print_json(Call& call, const Value& value, bool indented) {
    put_out(call, SYMPHONY_TRY(json_of(value.view(), indented)) + "\n");
    return 0;
}

Status write_view(const Tracker& tracker, Call& call, const std::string& path, const std::string& text) {
    const Files files = SYMPHONY_TRY(tracker.host().files());
    if (auto written = files.write_atomic("selected", path, text); !written) return std::move(written).error().in("cannot write " + path);
    put_err(call, "drew " + path + "\n");
    return {};
}

/// A line of JSON for the run, for each of its steps and for each attempt of their calls.
Result<std::int32_t> print_lines(Call& call, const RunRecord& record, bool outputs) {
    const RunDetail& run = record.detail;
    std::string lines;
    const auto line = [&](ValueBuilder& json) -> Status {
        lines += SYMPHONY_TRY(json_of(json.build(), false)) + "\n";
        return {};
    };
    ValueBuilder head;
    add_run(head, run.summary, "run");
    SYMPHONY_TRY(line(head));
    std::unordered_map<std::string_view, std::vector<const CallRow*>> calls;
    for (const CallRow& one : record.calls) calls[one.node].push_back(&one);
    for (const auto& step : run.steps) {
        ValueBuilder json;
        const Value answers = outputs ? answers_of(calls[step.node]) : Value();
        add_step(json, step, "step", outputs ? &answers : nullptr);
        SYMPHONY_TRY(line(json));
    }
    for (const auto& attempt : run.attempts) {
        ValueBuilder json;
        add_attempt(json, attempt, "attempt");
        SYMPHONY_TRY(line(json));
    }
    put_out(call, lines);
    return 0;
}

} // namespace

Result<std::int32_t> runs_timeline(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context) {
    const Story story = SYMPHONY_TRY(story_of(tracker, arguments));
    const std::string svg(arguments["svg"].as_text()), html(arguments["html"].as_text());
    if (svg.empty() && html.empty()) {
        if (context.json) return print_json(call, timeline_json(story), true);
        put_out(call, timeline_text(story, context.columns, context.color));
        return 0;
    }
    if (!svg.empty()) SYMPHONY_TRY(write_view(tracker, call, svg, timeline_svg(story)));
    if (!html.empty()) SYMPHONY_TRY(write_view(tracker, call, html, timeline_html(story)));
    return 0;
}

Result<std::int32_t> runs_view(const Tracker& tracker, Call& call, const Value& arguments) {
    const std::string path(arguments["html"].as_text());
    if (path.empty()) return usage("runs view needs a file to write the page into", "symphony runs view last --html run.html");
    const auto journal = SYMPHONY_TRY(tracker.journal());
    StoryBuilder builder;
    const RunDetail run = SYMPHONY_TRY(journal->told(arguments["run"].as_text("last"), 0, ~std::uint32_t{0}, [&](const ToldRow& row) { builder.add(row); }));
    const Story story = builder.finish(run, tracker.limits(), wall_now_ms());
    Findings nobody_hears{run.made_from.path};
    auto workflow = parse_workflow(run.made_from.path, run.made_from.source, tracker.limits(), nobody_hears);
    if (workflow) compile(*workflow);
    SYMPHONY_TRY(write_view(tracker, call, path, run_view(story, workflow ? &*workflow : nullptr)));
    return 0;
}

Result<std::int32_t> runs_export(const Tracker& tracker, Call& call, const Value& arguments) {
    const auto format = arguments["format"].as_text("jsonl");
    if (format == "chrome") return print_json(call, chrome_trace(SYMPHONY_TRY(story_of(tracker, arguments))), false);
    if (format == "spans") return print_json(call, otlp_spans(SYMPHONY_TRY(story_of(tracker, arguments))), false);
    if (format != "jsonl") return usage("--format " + shown(format) + " is none of jsonl, chrome, spans", "symphony runs export --help");
    const auto journal = SYMPHONY_TRY(tracker.journal());
    const bool outputs = arguments["outputs"].as_bool();
    return print_lines(call, SYMPHONY_TRY(journal->record(arguments["run"].as_text("last"), outputs)), outputs);
}

Result<std::int32_t> runs_metrics(const Tracker& tracker, Call& call, const Value& arguments) {
    const std::size_t count = SYMPHONY_TRY(count_given(arguments, "last", counted_default));
    const auto journal = SYMPHONY_TRY(tracker.journal());
    const auto runs = SYMPHONY_TRY(journal->list(count));
    Metrics metrics;
    for (const auto& run : runs) {
        if (call.cancelled()) return Error(Code::cancelled, "cancelled");
        const auto story = read_story(*journal, run.id, tracker.limits(), wall_now_ms());
        if (story) metrics.add(*story);
        else if (story.error().code() == Code::data_corrupt) metrics.add_damaged();
        else if (story.error().code() != Code::not_found) return story.error();  // one that was removed in the meantime is none
    }
    put_out(call, metrics.text());
    return 0;
}

} // namespace symphony::tracker
