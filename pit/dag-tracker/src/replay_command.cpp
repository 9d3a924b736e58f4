// SPDX-License-Identifier: Apache-2.0
#include "replay_command.hpp"

#include "json_text.hpp"
#include "replay.hpp"
#include "run_table.hpp"
#include "tell_findings.hpp"

#include <symphony/manifests/units.hpp>

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::size_t told_max = 20;

class ReplayCommand {
public:
    ReplayCommand(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context)
        : tracker_(tracker), call_(call), arguments_(arguments), context_(context) {}

    Result<std::int32_t> run() {
        const auto journal = SYMPHONY_TRY(tracker_.journal());
        record_ = SYMPHONY_TRY(journal->record(arguments_["run"].as_text("last"), true));
        const RunSummary& summary = record_.detail.summary;
        if (summary.state == RunState::running) return Error(Code::conflict, "run-in-progress", "run " + summary.id + " is in progress", "symphony runs list");
        const NewRun& made = record_.detail.made_from;
        const Checked checked = tracker_.check_again(made);
        if (!checked.ok) return invalid_workflow(checked);
        if (const std::string changed = changed_plugins(made.plugins, *checked.plan); !changed.empty() && !arguments_["with-changed"].as_bool()) {
            return Error(Code::conflict, "plugin-changed", "run " + summary.id + " was made with other plugins: " + changed,
                         "symphony runs replay " + summary.id + " --with-changed tells what that changes");
        }
        RunSettings settings = tracker_.settings();
        if (const auto timeout = arguments_["timeout"].as_text(); !timeout.empty()) {
            const auto ms = manifests::parse_duration(timeout);
            if (!ms || *ms == 0) return usage("--timeout " + std::string(timeout) + " is no duration", "write it as 90s, 5m or 1h");
            constexpr std::uint64_t ms_max = 366ull * 24 * 3600 * 1000;
            settings.deadline_ns = steady_now_ns() + std::min(*ms, ms_max) * 1'000'000;
        }
        const auto replay = std::make_shared<Replay>(checked.plan, record_);
        settings.memory = replay;
        const auto result = SYMPHONY_TRY(tracker_.run(call_, checked.plan, made.inputs, settings, nullptr, [](const RunEvent&) {}));
        return conclude(*checked.plan, result, replay->divergences(), replay->divergences_found());
    }

private:
    Result<std::int32_t> conclude(const Plan& plan, const RunResult& result, const std::vector<Divergence>& divergences, std::size_t found) {
        const std::string was(name_of(record_.detail.summary.state)), is(name_of(result.state));
        const bool same = found == 0 && (was == is || was == "interrupted");
        if (context_.json) {
            ValueBuilder out;
            out.map(6).add("run", std::string_view(record_.detail.summary.id)).add("same", same).add("was", std::string_view(was));
            out.add("divergences_found", found).key("divergences").list(divergences.size());
            for (const Divergence& one : divergences) add(out, plan, one);
            out.end().add("replay", run_json(plan, result, {}));
            put_out(call_, SYMPHONY_TRY(json_of(out.end().build(), true)) + "\n");
        } else {
            put_out(call_, run_table(plan, result, {context_.color, context_.columns}));
            put_err(call_, problem_lines(plan, result));
            put_out(call_, "\n" + words(plan, result, divergences, found, was, is));
        }
        return same ? 0 : 1;
    }

    void add(ValueBuilder& out, const Plan& plan, const Divergence& one) const {
        out.map(6).add("node", plan.workflow.node_name(one.node));
        if (one.element != no_id) out.add("element", one.element);
        out.add("what", std::string_view(one.what)).add("message", std::string_view(one.words)).add("plugin", std::string_view(plugin_words(plan, one.node))).end();
    }
    std::string plugin_words(const Plan& plan, Id node) const { return changed_plugin(record_.detail.made_from.plugins, *plan.binding.providers[node]); }

    std::string words(const Plan& plan, const RunResult& result, const std::vector<Divergence>& divergences, std::size_t found, const std::string& was, const std::string& is) const {
        std::uint32_t recorded = 0, made = 0;
        for (const NodeRun& node : result.nodes) {
            recorded += node.recalled;
            made += node.calls;
        }
        std::string text = "run " + record_.detail.summary.id + " again: " + std::to_string(recorded) + " calls were answered from the record, " + std::to_string(made) + " were made\n";
        for (std::size_t i = 0; i < divergences.size() && i < told_max; ++i) {
            const Divergence& one = divergences[i];
            text += std::string(i == 0 ? "it diverges first at node " : "then at node ") + shown(plan.workflow.node_name(one.node));
            if (one.element != no_id) text += ", element " + std::to_string(one.element);
            text += ": " + one.words;
            if (const std::string plugin = plugin_words(plan, one.node); !plugin.empty()) text += " (" + plugin + ")";
            text += "\n";
        }
        if (found > told_max) text += "and " + std::to_string(found - told_max) + " more (--json has them)\n";
        if (found == 0) text += was == is || was == "interrupted" ? "nothing is other than it was\n" : "it is " + is + ", and was " + was + "\n";
        return text;
    }

    const Tracker& tracker_;
    Call& call_;
    const Value& arguments_;
    const ports::CommandContext& context_;
    RunRecord record_;
};

} // namespace

Result<std::int32_t> replay_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context) {
    return ReplayCommand(tracker, call, arguments, context).run();
}

} // namespace symphony::tracker
