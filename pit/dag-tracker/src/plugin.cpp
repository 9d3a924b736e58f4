// SPDX-License-Identifier: Apache-2.0
#include "draw.hpp"
#include "given.hpp"
#include "replay_command.hpp"
#include "run_command.hpp"
#include "runs_command.hpp"
#include "tracker.hpp"
#include "why_command.hpp"
#include "workflow_command.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/command.hpp>
#include <symphony/ports/workflow.hpp>

#include <oneapi/tbb/global_control.h>

namespace symphony::tracker {
namespace {

class DagTracker final : public ports::Workflow, public ports::Command {
public:
    explicit DagTracker(Host host) : tracker_(host) {}
    DagTracker(const DagTracker&) = delete;
    DagTracker& operator=(const DagTracker&) = delete;
    ~DagTracker() override {
        // TBB's threads end with the plugin, unless one of them is stuck in a call that never came back.
        if (!tracker_.left_behind()) tbb::finalize(workers_, std::nothrow);
    }

    Result<ports::CheckReport> check(Call&, const ports::WorkflowSource& source) override {
        return check_report(tracker_.check(source.path, source.text.text(), {}, {}, false));
    }

    Result<ports::RunReport> run(Call& call, const ports::WorkflowSource& source, const Value& inputs, const ports::RunOptions& options) override {
        const Checked checked = tracker_.check(source.path, source.text.text());
        if (!checked.ok) return invalid_workflow(checked);
        SYMPHONY_TRY(check_inputs(checked.plan->workflow, inputs));
        if (options.only_check) {
            ports::RunReport report;
            report.ok = true;
            report.state = "checked";
            return report;
        }
        RunSettings settings = tracker_.settings();
        settings.fail_fast = options.fail_fast;
        if (options.workers != 0) settings.workers = std::min<std::uint32_t>(options.workers, 256);
        if (options.deadline_ms != 0) settings.deadline_ns = steady_now_ns() + std::min<std::uint64_t>(options.deadline_ms, 1ull << 40) * 1'000'000;
        const Plan& plan = *checked.plan;
        std::string warning;
        const auto log = SYMPHONY_TRY(tracker_.begin_log(checked, source.path, source.text.text(), inputs, ValueBuilder().map(0).end().build(), std::nullopt, warning));
        settings.memory = tracker_.memory(checked.plan, true, log.get(), warning);
        const auto result = SYMPHONY_TRY(tracker_.run(call, checked.plan, inputs, settings, log, [&](const RunEvent& event) { call.emit(port_event(plan, event)); }));
        return run_report(plan, result);
    }

    Result<Buffer> draw(Call&, const ports::WorkflowSource& source) override {
        const Checked checked = tracker_.check(source.path, source.text.text(), {}, {}, false);
        if (checked.plan == nullptr) return invalid_workflow(checked);
        return Buffer::copy(tracker::draw(checked.plan->as_written()));
    }

    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override {
        if (command == "run") return run_command(tracker_, call, arguments, context);
        if (command == "runs replay") return replay_command(tracker_, call, arguments, context);
        if (command == "runs resume") return resume_command(tracker_, call, arguments, context);
        if (command == "runs why") return why_command(tracker_, call, arguments, context);
        if (command.starts_with("runs cache ")) return cache_command(tracker_, call, command, context);
        if (command.starts_with("runs ")) return runs_command(tracker_, call, command, arguments, context);
        return workflow_command(tracker_, call, command, arguments, context);
    }

private:
    tbb::task_scheduler_handle workers_{tbb::attach{}};
    Tracker tracker_;
};

} // namespace
} // namespace symphony::tracker

SYMPHONY_PLUGIN_WITH(symphony::tracker::DagTracker, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
