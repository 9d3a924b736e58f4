// SPDX-License-Identifier: Apache-2.0
#include "runs_command.hpp"

#include "given.hpp"
#include "json_text.hpp"
#include "run_table.hpp"
#include "runs_rows.hpp"
#include "runs_tail.hpp"
#include "runs_views.hpp"
#include "tell_findings.hpp"
#include "timeline.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

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

class RunsCommand {
public:
    RunsCommand(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context)
        : tracker_(tracker), call_(call), arguments_(arguments), context_(context) {}

    Result<std::int32_t> list() {
        const std::size_t count = SYMPHONY_TRY(count_given(arguments_, "last", listed_default));
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        const auto runs = SYMPHONY_TRY(journal->list(count));
        if (context_.json) {
            ValueBuilder json;
            json.map(1).key("runs").list(runs.size());
            for (const auto& run : runs) add_run(json, run);
            return print(json.end().end().build());
        }
        if (runs.empty()) {
            put_err(call_, "no run is on record\n");
            return 0;
        }
        std::vector<std::vector<std::string>> rows{{"RUN", "STATE", "WORKFLOW", "STEPS", "BEGAN"}};
        for (const auto& run : runs) {
            rows.push_back({run.id, std::string(name_of(run.state)), run.workflow + " " + run.version,
                            std::to_string(run.steps_done) + "/" + std::to_string(run.steps), moment_text(run.created_ms)});
        }
        put_out(call_, table(rows));
        return 0;
    }

    Result<std::int32_t> show() {
        if (const auto step = arguments_["step"].as_text(); !step.empty()) return show_step(step);
        const auto run = SYMPHONY_TRY(found());
        if (context_.json) {
            ValueBuilder json;
            json.map(6).key("run");
            add_run(json, run.summary);
            json.add("inputs", run.made_from.inputs.view()).add("plugins", run.made_from.plugins.view());
            json.add("resume", std::string_view(resume_words(run.summary.id, run.made_from))).key("steps").list(run.steps.size());
            for (const auto& step : run.steps) add_step(json, step);
            json.end().key("attempts").list(run.attempts.size());
            for (const auto& attempt : run.attempts) add_attempt(json, attempt);
            return print(json.end().end().build());
        }
        const RunSummary& summary = run.summary;
        std::string text = "run " + summary.id + " of " + summary.workflow + " " + summary.version + " (" + summary.path + "): " + std::string(name_of(summary.state)) + "\n";
        text += "began " + moment_text(summary.created_ms) + (summary.ended_ms != 0 ? ", ended " + moment_text(summary.ended_ms) : "") + ", " + std::string(name_of(summary.durability));
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

private:
    Result<std::int32_t> show_step(std::string_view node) {
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        const RunRecord record = SYMPHONY_TRY(journal->record(arguments_["run"].as_text("last"), true, node));
        if (record.calls.empty()) {
            return Error(Code::not_found, "not-on-record", "run " + record.detail.summary.id + " has no output of step " + shown(node) + " on record",
                         "symphony runs show " + record.detail.summary.id);
        }
        std::vector<const CallRow*> calls;
        for (const CallRow& one : record.calls) calls.push_back(&one);
        return print(answers_of(std::move(calls)));
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
    if (command == "runs export") return runs_export(tracker, call, arguments);
    if (command == "runs timeline") return runs_timeline(tracker, call, arguments, context);
    if (command == "runs view") return runs_view(tracker, call, arguments);
    if (command == "runs metrics") return runs_metrics(tracker, call, arguments);
    if (command == "runs tail") return runs_tail(tracker, call, arguments, context);
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
