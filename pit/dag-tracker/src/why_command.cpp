// SPDX-License-Identifier: Apache-2.0
#include "why_command.hpp"

#include "json_text.hpp"
#include "runs_command.hpp"
#include "tell_findings.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::size_t told_max = 20;

/// The step's node, when nothing of it is on record: why that may be.
Error not_on_record(const Tracker& tracker, const RunDetail& run, std::string_view node) {
    const std::string again = "symphony runs show " + run.summary.id;
    const Checked checked = tracker.check_again(run.made_from);
    std::vector<std::string_view> names;
    if (checked.plan != nullptr) {
        const Workflow& workflow = checked.plan->workflow;
        for (Id n = 0; n < workflow.nodes.size(); ++n) {
            if (workflow.node_name(n) != node) {
                names.push_back(workflow.node_name(n));
                continue;
            }
            if (checked.plan->binding.providers[n] == nullptr) {
                return {Code::invalid_argument, "control-node", "node " + shown(node) + " is a control node: it calls nothing, and follows from the others", again};
            }
            return {Code::not_found, "not-on-record", "run " + run.summary.id + " has no call of node " + shown(node) + " on record", again};
        }
    }
    return {Code::not_found, "no-such-node", "run " + run.summary.id + " has no node " + shown(node), meant(node, names, "its nodes")};
}

std::string line_of(const CallRow& call) {
    std::string text = words_of(call.note);
    if (call.note.made_ms == 0) return text;
    text += is_hit(call.note.recall) ? " (made" : " (nearest: made";
    if (!call.note.run.empty()) text += " by run " + call.note.run;
    return text + " at " + moment(call.note.made_ms) + ")";
}

void add(ValueBuilder& out, const CallRow& call) {
    const CallNote& note = call.note;
    out.map(10);
    if (call.element != no_id) out.add("element", call.element);
    out.add("why", name_of(note.recall)).add("text", std::string_view(words_of(note))).add("hit", is_hit(note.recall));
    if (note.difference) {
        out.add("component", std::string_view(note.difference->component)).add("name", std::string_view(note.difference->name));
        out.add("was", std::string_view(note.difference->was)).add("is", std::string_view(note.difference->is));
    }
    out.add("run", std::string_view(note.run)).add("made_ms", note.made_ms).end();
}

std::string size_text(std::uint64_t bytes) {
    if (bytes < 10'000) return std::to_string(bytes) + " B";
    if (bytes < (10u << 20)) return std::to_string(bytes >> 10) + " KiB";
    return std::to_string(bytes >> 20) + " MiB";
}

} // namespace

Result<std::int32_t> why_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context) {
    const std::string node(arguments["node"].as_text());
    const auto journal = SYMPHONY_TRY(tracker.journal());
    RunRecord record = SYMPHONY_TRY(journal->record(arguments["run"].as_text("last"), false, node));
    if (record.calls.empty()) return not_on_record(tracker, record.detail, node);
    std::sort(record.calls.begin(), record.calls.end(), [](const CallRow& a, const CallRow& b) { return a.element < b.element; });
    const auto hits = static_cast<std::size_t>(std::count_if(record.calls.begin(), record.calls.end(), [](const CallRow& one) { return is_hit(one.note.recall); }));
    if (context.json) {
        ValueBuilder out;
        out.map(5).add("run", std::string_view(record.detail.summary.id)).add("node", std::string_view(node)).add("calls_recorded", record.calls.size()).add("hits", hits);
        out.key("calls").list(record.calls.size());
        for (const CallRow& one : record.calls) add(out, one);
        put_out(call, SYMPHONY_TRY(json_of(out.end().end().build(), true)) + "\n");
        return 0;
    }
    std::string text = "run " + record.detail.summary.id + ", node " + shown(node);
    if (record.calls.size() == 1 && record.calls.front().element == no_id) {
        put_out(call, text + ": " + line_of(record.calls.front()) + "\n");
        return 0;
    }
    text += ": " + std::to_string(hits) + " of " + std::to_string(record.calls.size()) + " calls were answered from memory\n";
    // Those that were made first: they are what is asked about.
    std::stable_partition(record.calls.begin(), record.calls.end(), [](const CallRow& one) { return !is_hit(one.note.recall); });
    for (std::size_t i = 0; i < record.calls.size() && i < told_max; ++i) {
        text += "  element " + std::to_string(record.calls[i].element) + ": " + line_of(record.calls[i]) + "\n";
    }
    if (record.calls.size() > told_max) text += "  and " + std::to_string(record.calls.size() - told_max) + " more (--json has them)\n";
    put_out(call, text);
    return 0;
}

Result<std::int32_t> cache_command(const Tracker& tracker, Call& call, std::string_view command, const ports::CommandContext& context) {
    if (command == "runs cache clear") {
        auto cache = tracker.cache();
        const bool broken = !cache && cache.error().code() == Code::data_corrupt;
        if (!cache && !broken) return std::move(cache).error();
        SYMPHONY_TRY(broken ? tracker.remake_cache() : (*cache)->clear());
        put_err(call, "the cache of calls is empty\n");
        return 0;
    }
    const auto cache = SYMPHONY_TRY(tracker.cache());
    const auto stats = SYMPHONY_TRY(cache->stats());
    if (context.json) {
        ValueBuilder out;
        out.map(8).add("entries", stats.entries).add("bytes", stats.bytes).add("bytes_max", stats.bytes_max).add("stored_bytes", stats.stored_bytes);
        out.add("hits", stats.hits).add("misses", stats.misses).add("evicted", stats.evicted).add("oldest_ms", stats.oldest_ms);
        put_out(call, SYMPHONY_TRY(json_of(out.end().build(), true)) + "\n");
        return 0;
    }
    std::string text = std::to_string(stats.entries) + " answers, " + size_text(stats.bytes) + " of at most " + size_text(stats.bytes_max);
    if (stats.stored_bytes != 0) text += ", " + size_text(stats.stored_bytes) + " of it in the artifact store";
    text += "\n" + std::to_string(stats.hits) + " of " + std::to_string(stats.hits + stats.misses) + " calls were answered from it, " + std::to_string(stats.evicted) + " answers had to go\n";
    if (stats.oldest_ms != 0) text += "the oldest is of " + moment(stats.oldest_ms) + "\n";
    put_out(call, text);
    return 0;
}

} // namespace symphony::tracker
