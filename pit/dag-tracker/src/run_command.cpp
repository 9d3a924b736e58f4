// SPDX-License-Identifier: Apache-2.0
#include "run_command.hpp"

#include "draw.hpp"
#include "given.hpp"
#include "json_text.hpp"
#include "live_tree.hpp"
#include "partial.hpp"
#include "run_table.hpp"
#include "runs_command.hpp"
#include "tell_findings.hpp"

#include <symphony/manifests/units.hpp>

#include <algorithm>
#include <charconv>

namespace symphony::tracker {
namespace {

constexpr std::int32_t done = 0;
constexpr std::int32_t work_failed = 1;
constexpr std::int32_t plugin_refused = 3;
constexpr std::uint64_t tell_ns = 100'000'000;  // as often as a terminal shows it

class RunCommand {
public:
    RunCommand(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context)
        : tracker_(tracker), call_(call), arguments_(arguments), context_(context), quiet_(arguments["quiet"].as_bool()) {}

    Result<std::int32_t> run() {
        const std::string path(arguments_["workflow"].as_text());
        if (path.empty()) return usage("run needs a workflow", "symphony run survey");
        const Files files = SYMPHONY_TRY(tracker_.host().files());
        auto text = files.read_all("selected", path, tracker_.limits().file_bytes_max + 1);
        if (!text) {
            if (text.error().code() == Code::not_found) return usage("there is no workflow " + shown(path), "give a file, or the name of a shipped workflow: symphony run --help");
            return std::move(text).error().in(path);
        }
        const Checked checked = tracker_.check(path, text->text());
        if (!checked.ok) return refuse(checked);
        for (const auto& found : checked.diagnostics) err(format(found) + "\n");
        const Workflow& workflow = checked.plan->workflow;
        auto settings = SYMPHONY_TRY(settings_given());
        const auto words = inputs_words();
        Value inputs = SYMPHONY_TRY(inputs_given(workflow, words));
        SYMPHONY_TRY(part_given(workflow, words.empty(), settings, inputs));
        if (const auto graph = arguments_["graph"].as_text(); !graph.empty()) {
            SYMPHONY_TRY(write_graph(files, std::string(graph), checked.plan->as_written()));
            if (words.empty()) return done;
        }
        if (auto wanted = check_inputs(workflow, inputs); !wanted) {
            const std::string rest = required_inputs(workflow);
            return usage(wanted.error().message(), rest.empty() ? wanted.error().hint() : "symphony run " + path + " " + rest);
        }
        const auto durability = SYMPHONY_TRY(durability_given());
        std::string warning;
        auto log = tracker_.begin_log(checked, path, text->text(), inputs, options(words), durability, warning);
        if (!log) return std::move(log).error().in("the run cannot be recorded").with_hint("repair that, or run it with --durability none");
        warn(warning);
        remember(settings, checked.plan, log->get());
        return execute(files, checked.plan, inputs, settings, *std::move(log));
    }

    /// Goes on with a recorded run.
    Result<std::int32_t> resume() {
        const std::string id(arguments_["run"].as_text("last"));
        const Files files = SYMPHONY_TRY(tracker_.host().files());
        auto settings = SYMPHONY_TRY(settings_given());
        auto resumed = SYMPHONY_TRY(tracker_.resume_log(id, arguments_["accept-changes"].as_bool()));
        const Value inputs = resumed.log->made_from().inputs;
        if (!quiet_) {
            err("resuming " + resumed.log->id() + " of " + resumed.log->made_from().workflow + ": " + std::to_string(resumed.log->steps_kept()) + " of " +
                std::to_string(resumed.plan->workflow.nodes.size()) + " steps are done\n");
        }
        remember(settings, resumed.plan, resumed.log.get());
        return execute(files, resumed.plan, inputs, settings, std::move(resumed.log));
    }

private:
    Result<std::int32_t> execute(const Files& files, const std::shared_ptr<const Plan>& plan, const Value& inputs, const RunSettings& settings,
                                 const std::shared_ptr<RunLog>& log) {
        const Workflow& workflow = plan->workflow;
        LiveTree tree(*plan, steady_now_ns());
        std::uint64_t told_ns = 0;
        const auto tell = [&] {
            const std::uint64_t now = steady_now_ns();
            if (now - told_ns < tell_ns) return;
            told_ns = now;
            call_.progress(tree.permille(), tree.text(now));
        };
        const auto result = SYMPHONY_TRY(tracker_.run(call_, plan, inputs, settings, log, [&](const RunEvent& event) { tree.take(event); tell(); }, tell));
        const auto written = write_outputs(files, workflow, result);
        return conclude(*plan, result, written, log.get());
    }

    /// Which part of the workflow is run, when not all of it: --only, --from, --of, --pin.
    Status part_given(const Workflow& workflow, bool without_inputs, RunSettings& settings, Value& inputs) const {
        PartialRun asked;
        asked.only = arguments_["only"].as_text();
        asked.from = arguments_["from"].as_text();
        const std::string of(arguments_["of"].as_text());
        if (!asked.only.empty() && !asked.from.empty()) return usage("--only and --from exclude each other", "symphony run --help");
        if (!asked.from.empty() && of.empty()) return usage("--from needs the run that the rest is taken from", "--of last");
        if (asked.only.empty() && asked.from.empty() && !of.empty()) return usage("--of is for --only and --from", "symphony run --help");
        std::vector<std::string_view> pins;
        for (const auto word : arguments_["pin"].items()) pins.push_back(word.as_text());
        if (arguments_["pin"].is_text()) pins.push_back(arguments_["pin"].as_text());
        for (const std::string_view pin : pins) SYMPHONY_TRY(pinned(pin, asked));
        if (asked.only.empty() && asked.from.empty() && asked.pinned.empty()) return {};
        if (!of.empty()) {
            const auto journal = SYMPHONY_TRY(tracker_.journal());
            asked.earlier = SYMPHONY_TRY(journal->ends(of));
            if (without_inputs) inputs = SYMPHONY_TRY(journal->show(of)).made_from.inputs;
        }
        auto known = SYMPHONY_TRY(partial_run(workflow, asked));
        if (!quiet_) err(std::to_string(known.ends.size()) + " of " + std::to_string(workflow.nodes.size()) + " steps are not run: what they give is known\n");
        settings.known = std::make_shared<const KnownSteps>(std::move(known));
        return {};
    }

    /// NODE={…} or NODE=RUN.
    Status pinned(std::string_view word, PartialRun& asked) const {
        const auto equals = word.find('=');
        const std::string node(word.substr(0, equals));
        const std::string_view given = equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
        if (given.empty()) return usage("--pin " + shown(word) + " has no value", "--pin 'NODE={\"port\": …}', or --pin NODE=RUN");
        StepEnd end;
        if (given.starts_with('{')) {
            auto value = value_of_json(given);
            if (!value) return usage("--pin " + node + ": " + value.error().message(), "outputs by port, as JSON");
            end.output = *std::move(value);
        } else {
            const auto journal = SYMPHONY_TRY(tracker_.journal());
            const auto ends = SYMPHONY_TRY(journal->ends(given));
            const auto found = ends.find(node);
            if (found == ends.end()) return Error(Code::not_found, "not-known", "run " + std::string(given) + " has no outputs of " + shown(node), "symphony runs show " + std::string(given));
            end = found->second;
        }
        if (!asked.pinned.emplace(node, std::move(end)).second) return usage("node " + shown(node) + " is pinned twice", "leave one of them out");
        return {};
    }

    Result<std::optional<Durability>> durability_given() const {
        const auto word = arguments_["durability"].as_text();
        if (word.empty()) return std::optional<Durability>();
        const auto named = durability_named(word);
        if (!named) return usage("--durability " + shown(word) + " is none of durable, relaxed, none", "symphony run --help");
        return named;
    }
    /// With what else the run was started: what makes its command anew.
    Value options(const std::vector<std::string>& words) const {
        ValueBuilder out;
        out.map(2).add("output", arguments_["output"].as_text("symphony-out")).key("inputs").list(words.size());
        for (const auto& word : words) out.text(word);
        return out.end().end().build();
    }

    void remember(RunSettings& settings, const std::shared_ptr<const Plan>& plan, const RunLog* log) const {
        std::string warning;
        settings.memory = tracker_.memory(plan, !arguments_["no-cache"].as_bool(), log, warning);
        warn(warning);
    }
    void warn(const std::string& warning) const {
        if (!warning.empty()) err("warning: " + warning + "\n");
    }

    void out(std::string_view text) const { put_out(call_, text); }
    void err(std::string_view text) const { put_err(call_, text); }

    /// All faults of the file, each with its place.
    std::int32_t refuse(const Checked& checked) const {
        tell_findings(call_, checked.diagnostics);
        if (context_.json) {
            ValueBuilder json;
            json.map(2).add("ok", false).key("diagnostics");
            add_findings(json, checked.diagnostics);
            if (const auto text = json_of(json.end().build(), true)) out(*text + "\n");
        }
        const bool refused = std::any_of(checked.diagnostics.begin(), checked.diagnostics.end(), [](const auto& found) { return found.reason == "refused-plugin"; });
        return refused ? plugin_refused : work_failed;
    }

    std::vector<std::string> inputs_words() const {
        std::vector<std::string> words;
        for (const auto word : arguments_["input"].items()) words.emplace_back(word.as_text());
        if (arguments_["input"].is_text()) words.emplace_back(arguments_["input"].as_text());
        return words;
    }

    Result<RunSettings> settings_given() const {
        RunSettings settings = tracker_.settings();
        settings.fail_fast = arguments_["fail-fast"].as_bool();
        if (const auto timeout = arguments_["timeout"].as_text(); !timeout.empty()) {
            const auto ms = manifests::parse_duration(timeout);
            if (!ms || *ms == 0) return usage("--timeout " + std::string(timeout) + " is no duration", "write it as 90s, 5m or 1h");
            constexpr std::uint64_t ms_max = 366ull * 24 * 3600 * 1000;
            settings.deadline_ns = steady_now_ns() + std::min(*ms, ms_max) * 1'000'000;
        }
        if (const auto workers = arguments_["workers"].as_text(); !workers.empty()) {
            unsigned number = 0;
            const auto read = std::from_chars(workers.data(), workers.data() + workers.size(), number);
            if (read.ec != std::errc() || read.ptr != workers.data() + workers.size() || number == 0 || number > 256) {
                return usage("--workers " + std::string(workers) + " is no number of threads", "1 to 256");
            }
            settings.workers = number;
        }
        return settings;
    }

    Status write_graph(const Files& files, const std::string& path, const Workflow& workflow) const {
        const std::string picture = draw(workflow);
        if (auto written = files.write_atomic("selected", path, picture); !written) return std::move(written).error().in("cannot write " + path);
        if (!quiet_) err("drew " + path + "\n");
        return {};
    }

    std::vector<WrittenFile> write_outputs(const Files& files, const Workflow& workflow, const RunResult& result) const {
        std::vector<WrittenFile> written;
        std::string folder(arguments_["output"].as_text("symphony-out"));
        while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
        for (const auto& [index, value] : result.outputs) {
            const OutputDecl& output = workflow.outputs[index];
            if (output.file.empty()) continue;
            WrittenFile file{output.name, folder + (folder == "/" ? "" : "/") + output.file, std::nullopt};
            if (auto status = write_output(files, file.path, value); !status) file.error = std::move(status).error();
            written.push_back(std::move(file));
        }
        return written;
    }
    static Status write_output(const Files& files, const std::string& path, const Value& value) {
        if (value.is_text()) return files.write_atomic("selected", path, value.as_text());
        if (value.is_bytes()) return files.write_atomic("selected", path, value.as_bytes());
        return files.write_atomic("selected", path, SYMPHONY_TRY(json_of(value.view(), true)) + "\n");
    }

    std::int32_t conclude(const Plan& plan, const RunResult& result, const std::vector<WrittenFile>& written, const RunLog* log) const {
        const Workflow& workflow = plan.workflow;
        bool ok = result.state == RunResult::State::completed;
        if (context_.json) {
            if (auto text = json_of(run_json(plan, result, written).view(), true)) out(*text + "\n");
            else err("error: the result has no JSON form: " + text.error().message() + " [" + std::string(text.error().reason()) + "]\n");
        } else if (!quiet_) {
            out(run_table(plan, result, {context_.color, context_.columns}));
        }
        err(problem_lines(plan, result));
        for (const auto& file : written) {
            if (!file.error) continue;
            ok = false;
            err("error: cannot write " + file.path + ": " + file.error->message() + " [" + std::string(file.error->reason()) + "]\n");
            err("hint: " + (file.error->hint().empty() ? "choose another folder with --output DIR" : file.error->hint()) + "\n");
        }
        std::string missing;
        for (Id o = 0; o < workflow.outputs.size(); ++o) {
            const bool made = std::any_of(result.outputs.begin(), result.outputs.end(), [&](const auto& output) { return output.first == o; });
            if (!made) missing += (missing.empty() ? "" : ", ") + workflow.outputs[o].name;
        }
        if (!missing.empty()) err("not made: " + missing + "\n");
        if (!context_.json) show_outputs(workflow, result, written);
        if (result.abandoned > 0) err("warning: " + std::to_string(result.abandoned) + " calls did not end after they were cancelled\n");
        if (!result.left_open.empty()) {
            err("error: no time was left for what closes the run: " + names_of(workflow, result.left_open) + " [not-closed]\n");
            err("hint: " + (log != nullptr && !result.not_recorded ? resume_words(*log) + " does that; " : std::string()) + "`grace` in [workflow], or --set dag-tracker.cancel_grace=60s, gives more time\n");
        } else if (result.state == RunResult::State::cancelled) {
            const std::string again = log != nullptr && !result.undone ? resume_words(*log) : std::string();
            err(result.late ? "error: the run was stopped: its time was over [deadline]\nhint: give it more with --timeout, or `timeout` in [workflow]\n"
                            : "error: the run was cancelled; outputs that were complete are kept [cancelled]\nhint: " + (again.empty() ? "run it again to finish" : again + " goes on with it") + "\n");
        } else if (result.undone) {
            err("hint: what was done has been undone; when the cause is mended, run it again\n");
        } else if (result.state == RunResult::State::failed && log != nullptr && !result.not_recorded) {
            err("hint: when the cause is mended, " + resume_words(*log) + " goes on with it\n");
        }
        if (result.not_recorded) {
            err("error: the run is not recorded: " + result.not_recorded->message() + " [" + std::string(result.not_recorded->reason()) + "]\n");
            err("hint: " + (result.not_recorded->hint().empty() ? "symphony doctor tells where the records are" : result.not_recorded->hint()) + "\n");
        }
        return ok ? done : work_failed;
    }

    static std::string names_of(const Workflow& workflow, const std::vector<Id>& nodes) {
        constexpr std::size_t named_max = 8;
        std::string text;
        for (std::size_t i = 0; i < nodes.size() && i < named_max; ++i) text += (i == 0 ? "" : ", ") + std::string(workflow.node_name(nodes[i]));
        if (nodes.size() > named_max) text += " and " + std::to_string(nodes.size() - named_max) + " more";
        return text;
    }

    /// Paths, and what has no file: short values as they are.
    void show_outputs(const Workflow& workflow, const RunResult& result, const std::vector<WrittenFile>& written) const {
        constexpr std::size_t value_shown_max = 2000;
        std::string text;
        for (const auto& file : written) {
            if (!file.error) text += file.output + ": " + file.path + "\n";
        }
        for (const auto& [index, value] : result.outputs) {
            if (!workflow.outputs[index].file.empty()) continue;
            const auto json = json_of(value.view(), false);
            std::string line = value.is_text() ? std::string(value.as_text()) : json ? *json : std::string(symphony::name_of(value.kind()));
            if (line.size() > value_shown_max) line = std::string(symphony::name_of(value.kind())) + " of " + std::to_string(value.bytes().size()) + " bytes (--json shows it)";
            text += workflow.outputs[index].name + ": " + to_valid_utf8(line) + "\n";
        }
        const bool completed = result.state == RunResult::State::completed;
        if (!quiet_) text = (completed ? "done in " : std::string(name_of(result.state)) + " after ") + time_text(result.elapsed_ns) + "\n" + text;
        if (!text.empty()) out((quiet_ ? "" : "\n") + text);
    }

    const Tracker& tracker_;
    Call& call_;
    const Value& arguments_;
    const ports::CommandContext& context_;
    const bool quiet_;
};

} // namespace

Result<std::int32_t> run_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context) {
    return RunCommand(tracker, call, arguments, context).run();
}

Result<std::int32_t> resume_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context) {
    return RunCommand(tracker, call, arguments, context).resume();
}

} // namespace symphony::tracker
