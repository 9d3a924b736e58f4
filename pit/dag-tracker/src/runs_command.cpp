// SPDX-License-Identifier: Apache-2.0
#include "runs_command.hpp"

#include "given.hpp"
#include "json_text.hpp"
#include "run_table.hpp"
#include "tell_findings.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace symphony::tracker {
namespace {

constexpr std::size_t listed_default = 20;

/// As a shell takes it for one word.
std::string shell_word(std::string_view word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,@%+";
    if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

void add(ValueBuilder& out, const RunSummary& run) {
    out.map(10).add("id", std::string_view(run.id)).add("state", name_of(run.state)).add("workflow", std::string_view(run.workflow)).add("version", std::string_view(run.version));
    out.add("path", std::string_view(run.path)).add("durability", name_of(run.durability)).add("steps", run.steps).add("steps_done", run.steps_done);
    out.add("parts", run.parts).add("created_ms", run.created_ms).add("ended_ms", run.ended_ms).end();
}

/// @param answers  Of the step, as `output`; null: they are not wanted.
void add(ValueBuilder& out, const StepRow& step, const Value* answers = nullptr) {
    out.map(11);
    if (answers != nullptr) out.add("output", answers->view());
    out.add("node", std::string_view(step.node)).add("state", name_of(step.state)).add("calls", step.calls).add("cached", step.recalled).add("attempts", step.attempts);
    out.add("ended_ms", step.ended_ms).add("took_ns", step.took_ns).add("output_bytes", step.output_bytes).key("problems").list(step.problems.size());
    for (const Problem& problem : step.problems) {
        out.map(4).add("path", std::string_view(problem.path)).add("reason", problem.error.reason());
        out.add("message", std::string_view(problem.error.message())).add("hint", std::string_view(problem.error.hint())).end();
    }
    out.end().end();
}

/// Columns as wide as their widest cell, two blanks between, none at the end of a line.
std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += row[i];
            if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 2, ' ');
        }
        out += '\n';
    }
    return out;
}

/// Of the steps that ended, as trace events that browsers' and Perfetto's viewers show; begin times follow from ends and spans.
Value chrome_trace(const RunDetail& run) {
    ValueBuilder out;
    out.map(2).add("displayTimeUnit", "ms").key("traceEvents").list(run.steps.size());
    std::uint64_t lane = 0;
    for (const StepRow& step : run.steps) {
        const std::int64_t end_us = (step.ended_ms - run.summary.created_ms) * 1000;
        const auto took_us = static_cast<std::int64_t>(step.took_ns / 1000);
        out.map(7).add("name", std::string_view(step.node)).add("ph", "X").add("pid", 1).add("tid", ++lane).add("ts", std::max<std::int64_t>(0, end_us - took_us)).add("dur", took_us);
        out.key("args").map(3).add("state", name_of(step.state)).add("calls", step.calls).add("output_bytes", step.output_bytes).end().end();
    }
    return out.end().end().build();
}

class RunsCommand {
public:
    RunsCommand(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context)
        : tracker_(tracker), call_(call), arguments_(arguments), context_(context) {}

    Result<std::int32_t> list() {
        std::size_t count = listed_default;
        if (const auto last = arguments_["last"].as_text(); !last.empty()) {
            const auto read = std::from_chars(last.data(), last.data() + last.size(), count);
            if (read.ec != std::errc() || read.ptr != last.data() + last.size()) return usage("--last " + shown(last) + " is no number", "0 lists all");
        }
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        const auto runs = SYMPHONY_TRY(journal->list(count));
        if (context_.json) {
            ValueBuilder json;
            json.map(1).key("runs").list(runs.size());
            for (const auto& run : runs) add(json, run);
            return print(json.end().end().build());
        }
        if (runs.empty()) {
            put_err(call_, "no run is on record\n");
            return 0;
        }
        std::vector<std::vector<std::string>> rows{{"RUN", "STATE", "WORKFLOW", "STEPS", "BEGAN"}};
        for (const auto& run : runs) {
            rows.push_back({run.id, std::string(name_of(run.state)), run.workflow + " " + run.version,
                            std::to_string(run.steps_done) + "/" + std::to_string(run.steps), moment(run.created_ms)});
        }
        put_out(call_, table(rows));
        return 0;
    }

    Result<std::int32_t> show() {
        if (const auto step = arguments_["step"].as_text(); !step.empty()) return show_step(step);
        const auto run = SYMPHONY_TRY(found());
        if (context_.json) {
            ValueBuilder json;
            json.map(5).key("run");
            add(json, run.summary);
            json.add("inputs", run.made_from.inputs.view()).add("plugins", run.made_from.plugins.view());
            json.add("resume", std::string_view(resume_words(run.summary.id, run.made_from))).key("steps").list(run.steps.size());
            for (const auto& step : run.steps) add(json, step);
            return print(json.end().end().build());
        }
        const RunSummary& summary = run.summary;
        std::string text = "run " + summary.id + " of " + summary.workflow + " " + summary.version + " (" + summary.path + "): " + std::string(name_of(summary.state)) + "\n";
        text += "began " + moment(summary.created_ms) + (summary.ended_ms != 0 ? ", ended " + moment(summary.ended_ms) : "") + ", " + std::string(name_of(summary.durability));
        if (summary.parts > 1) text += ", in " + std::to_string(summary.parts) + " parts";
        text += ", " + std::to_string(summary.steps_done) + " of " + std::to_string(summary.steps) + " steps are done\n\n";
        std::vector<std::vector<std::string>> rows{{"STEP", "STATE", "CALLS", "TIME", "OUTPUT"}};
        for (const auto& step : run.steps) {
            const std::string cached = recalled_text(step.recalled, step.calls);
            rows.push_back({step.node, std::string(name_of(step.state)) + (cached.empty() ? "" : ", " + cached), std::to_string(step.calls), time_text(step.took_ns), std::to_string(step.output_bytes) + " B"});
        }
        put_out(call_, text + table(rows));
        for (const auto& step : run.steps) {
            for (const auto& problem : step.problems) {
                put_out(call_, to_valid_utf8("problem: step " + step.node + ": " + (problem.path.empty() ? "" : shown(problem.path) + ": ") + std::string(problem.error.message()) + "\n"));
            }
        }
        for (const auto& step : run.steps) {
            if (summary.state == RunState::waiting && step.state == NodeState::running) put_out(call_, "symphony runs provide " + summary.id + " " + step.node + " VALUE gives what it waits for\n");
        }
        if (summary.state == RunState::paused) put_out(call_, "symphony runs continue " + summary.id + " lets it go on\n");
        else if (summary.state != RunState::completed && summary.state != RunState::running) put_out(call_, resume_words(summary.id, run.made_from) + " goes on with it\n");
        return 0;
    }

    Result<std::int32_t> remove() {
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        for (const auto word : arguments_["run"].items()) {
            SYMPHONY_TRY(journal->remove(word.as_text()));
            put_err(call_, "removed " + std::string(word.as_text()) + "\n");
        }
        return 0;
    }

    /// Asks something of a run that may be another process's.
    Result<std::int32_t> ask(RunRequest::Kind kind, std::string_view done) {
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        const std::string run(arguments_["run"].as_text("last"));
        SYMPHONY_TRY(journal->request(run, kind));
        put_err(call_, std::string(done) + " " + run + "\n");
        return 0;
    }

    Result<std::int32_t> provide() {
        const std::string node(arguments_["node"].as_text());
        const auto run = SYMPHONY_TRY(found());
        const Checked checked = tracker_.check_again(run.made_from, {true, false});
        if (checked.plan == nullptr) return invalid_workflow(checked);
        const Workflow& workflow = checked.plan->workflow;
        std::vector<std::string_view> waits;
        const Node* wanted = nullptr;
        for (Id n = 0; n < workflow.nodes.size(); ++n) {
            if (workflow.nodes[n].kind != NodeKind::wait) continue;
            waits.push_back(workflow.node_name(n));
            if (workflow.node_name(n) == node) wanted = &workflow.nodes[n];
        }
        if (wanted == nullptr) {
            return Error(Code::not_found, "not-a-wait", "run " + run.summary.id + " has no node " + shown(node) + " that waits for input", meant(node, waits, "those that do"));
        }
        const auto ended = std::find_if(run.steps.begin(), run.steps.end(), [&](const StepRow& step) { return step.node == node && step.state == NodeState::completed; });
        if (ended != run.steps.end()) return Error(Code::conflict, "already-given", "node " + shown(node) + " has got its input", "symphony runs show " + run.summary.id);
        const Type type = workflow.extras[wanted->extras].expects;
        auto value = value_given(arguments_["value"].as_text(), type);
        if (!value) return std::move(value).error().in("input of node " + shown(node)).with_hint("it is " + type.text());
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        SYMPHONY_TRY(journal->request(run.summary.id, RunRequest::Kind::provide, node, *value));
        put_err(call_, "given to " + node + " of " + run.summary.id + "\n");
        return 0;
    }

    Result<std::int32_t> trace() {
        const bool outputs = arguments_["outputs"].as_bool();
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        const RunRecord record = SYMPHONY_TRY(journal->record(arguments_["run"].as_text("last"), outputs));
        const RunDetail& run = record.detail;
        if (const auto format = arguments_["format"].as_text("jsonl"); format == "chrome") {
            return print(chrome_trace(run));
        } else if (format != "jsonl") {
            return usage("--format " + shown(format) + " is none of jsonl, chrome", "symphony runs export --help");
        }
        std::string lines;
        const auto line = [&](ValueBuilder& json) -> Status {
            lines += SYMPHONY_TRY(json_of(json.build(), false)) + "\n";
            return {};
        };
        ValueBuilder head;
        add(head, run.summary);
        SYMPHONY_TRY(line(head));
        for (const auto& step : run.steps) {
            ValueBuilder json;
            const Value answers = outputs ? answers_of(record, step.node) : Value();
            add(json, step, outputs ? &answers : nullptr);
            SYMPHONY_TRY(line(json));
        }
        put_out(call_, lines);
        return 0;
    }

private:
    /// What a step has answered; of an `each` step a list by element, with null where there is no answer.
    static Value answers_of(const RunRecord& record, std::string_view node) {
        std::vector<const CallRow*> calls;
        for (const CallRow& call : record.calls) {
            if (call.node == node) calls.push_back(&call);
        }
        const auto answer = [](const CallRow& call) { return call.answer && *call.answer ? (*call.answer)->view() : ValueView(); };
        if (calls.empty()) return {};
        if (calls.size() == 1 && calls.front()->element == no_id) return Value::copy(answer(*calls.front()));
        std::sort(calls.begin(), calls.end(), [](const CallRow* a, const CallRow* b) { return a->element < b->element; });
        ValueBuilder list;
        list.list(calls.size());
        std::uint32_t next = 0;
        for (const CallRow* call : calls) {
            for (; next < call->element; ++next) list.null();
            list.value(answer(*call));
            ++next;
        }
        return list.end().build();
    }
    Result<std::int32_t> show_step(std::string_view node) {
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        const RunRecord record = SYMPHONY_TRY(journal->record(arguments_["run"].as_text("last"), true, node));
        if (record.calls.empty()) {
            return Error(Code::not_found, "not-on-record", "run " + record.detail.summary.id + " has no output of step " + shown(node) + " on record",
                         "symphony runs show " + record.detail.summary.id);
        }
        return print(answers_of(record, node));
    }
    Result<RunDetail> found() {
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        return journal->show(arguments_["run"].as_text("last"));
    }
    Result<std::int32_t> print(const Value& value) {
        put_out(call_, SYMPHONY_TRY(json_of(value.view(), true)) + "\n");
        return 0;
    }

    const Tracker& tracker_;
    Call& call_;
    const Value& arguments_;
    const ports::CommandContext& context_;
};

} // namespace

Result<std::int32_t> runs_command(const Tracker& tracker, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    RunsCommand runs(tracker, call, arguments, context);
    if (command == "runs list") return runs.list();
    if (command == "runs show") return runs.show();
    if (command == "runs remove") return runs.remove();
    if (command == "runs export") return runs.trace();
    if (command == "runs cancel") return runs.ask(RunRequest::Kind::cancel, "cancelling");
    if (command == "runs pause") return runs.ask(RunRequest::Kind::pause, "pausing");
    if (command == "runs continue") return runs.ask(RunRequest::Kind::proceed, "going on with");
    if (command == "runs step") return runs.ask(RunRequest::Kind::step, "one step more of");
    if (command == "runs provide") return runs.provide();
    return Error(Code::not_found, "unknown-command", "dag-tracker has no command " + shown(command));
}

std::string moment(std::int64_t ms) {
    if (ms == 0) return "-";
    const std::time_t seconds = ms / 1000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    std::array<char, 32> text{};
    return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local));
}

std::string resume_words(std::string_view id, const NewRun& made_from) {
    std::string words = "symphony runs resume " + std::string(id);
    for (const auto input : made_from.options["inputs"].items()) words += " --input " + shell_word(input.as_text());
    if (const auto output = made_from.options["output"].as_text("symphony-out"); output != "symphony-out") words += " --output " + shell_word(output);
    return words;
}
std::string resume_words(const RunLog& log) { return resume_words(log.id(), log.made_from()); }

} // namespace symphony::tracker
