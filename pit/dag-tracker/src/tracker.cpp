// SPDX-License-Identifier: Apache-2.0
#include "tracker.hpp"

#include "plugin_caller.hpp"

#include <algorithm>
#include <random>
#include <thread>

namespace symphony::tracker {
namespace {

/// Less than the two seconds after which the host ends a cancelled call of ours.
constexpr std::uint64_t grace_ns = 1'200'000'000;

template <class T>
T setting(const Host& host, std::string_view key, T otherwise) {
    return static_cast<T>(host.config()[key].as_uint(static_cast<std::uint64_t>(otherwise)));
}

/// The host's list as it is, with the operations that the SDK's own list leaves out. Empty when ports are not granted.
Value providers_of(const Host& host, std::string_view port) {
    using detail::HostContext;
    const HostContext* context = host.context();
    if (context == nullptr) return {};
    const auto* service = context->service<symphony_host_ports>(HostContext::ports, SYMPHONY_HOST_PORTS);
    if (!callable(service, &symphony_host_ports::list)) return {};
    symphony_buf out{};
    out.struct_size = sizeof out;
    if (service->list(context->ctx(), to_c(port), &out) < 0) return {};
    return Value::unchecked(Buffer::adopt(out));
}

} // namespace

Tracker::Tracker(Host host) : host_(host) {
    limits_.nodes_max = setting(host, "nodes_max", limits_.nodes_max);
    limits_.edges_max = setting(host, "edges_max", limits_.edges_max);
    limits_.file_bytes_max = setting(host, "file_size_max", limits_.file_bytes_max);
    limits_.check_ns_max = setting(host, "check_time_max", limits_.check_ns_max / 1'000'000) * 1'000'000;  // settings are in milliseconds
}

Checked Tracker::check(std::string_view path, std::string_view text, const CheckOptions& options) const {
    Checked checked;
    auto catalogue = std::make_shared<Catalogue>();
    catalogue->add(false, providers_of(host_, "operator/1"));
    catalogue->add(true, providers_of(host_, "instrument/1"));
    const auto validated = [&](Workflow&& workflow, Findings& findings) {
        compile(workflow);
        auto plan = std::make_shared<Plan>();
        plan->workflow = std::move(workflow);
        plan->catalogue = catalogue;
        plan->binding = validate(plan->workflow, *catalogue, limits_, findings, [] { return steady_now_ns(); }, options);
        return plan;
    };
    // The short way knows no places, so that anything to tell is found again on the long one.
    if (auto workflow = parse_flawless_workflow(path, text, limits_)) {
        Findings none{std::string(path)};
        auto plan = validated(*std::move(workflow), none);
        if (none.empty()) {
            checked.plan = std::move(plan);
            checked.ok = true;
            return checked;
        }
    }
    Findings findings{std::string(path)};
    if (auto workflow = parse_workflow(path, text, limits_, findings)) checked.plan = validated(*std::move(workflow), findings);
    checked.ok = checked.plan != nullptr && !findings.has_errors();
    checked.diagnostics = findings.take();
    return checked;
}

RunSettings Tracker::settings() const {
    RunSettings settings;
    settings.grace_ns = grace_ns;
    settings.workers = setting<std::size_t>(host_, "workers", 0);
    settings.blocking_threads = setting(host_, "blocking_threads", settings.blocking_threads);
    settings.value_bytes_max = setting(host_, "values_size_max", settings.value_bytes_max);
    settings.seed = std::random_device{}();
    return settings;
}

Result<RunResult> Tracker::run(const Call& call, std::shared_ptr<const Plan> plan, const Value& inputs, RunSettings settings,
                               const std::function<void(const RunEvent&)>& on_event) const {
    if (settings.workers == 0) settings.workers = std::clamp(std::thread::hardware_concurrency(), 1u, 64u);
    if (plan->workflow.timeout_ns != 0) {
        const std::uint64_t own = steady_now_ns() + plan->workflow.timeout_ns;
        if (settings.deadline_ns == 0 || own < settings.deadline_ns) settings.deadline_ns = own;
    }
    if (call.deadline_ns() != 0) {
        // A moment earlier than the host: it drops what comes at its deadline, and partial results are better than none.
        constexpr std::uint64_t moment_ns = 50'000'000;
        const std::uint64_t own = call.deadline_ns() > moment_ns ? call.deadline_ns() - moment_ns : 1;
        if (settings.deadline_ns == 0 || own < settings.deadline_ns) settings.deadline_ns = own;
    }
    auto caller = SYMPHONY_TRY(PluginCaller::acquire(host_, *plan));
    const auto result = run_plan(std::move(plan), inputs, std::move(caller), settings, on_event, [&] { return call.cancelled(); });
    const auto metrics = host_.metrics();
    metrics.count("runs");
    metrics.count(result.state == RunResult::State::completed ? "runs_completed" : "runs_failed");
    metrics.observe("run_ms", static_cast<double>(result.elapsed_ns) / 1e6);
    if (result.abandoned > 0) *left_behind_ = true;
    if (result.abandoned > 0) host_.warn(std::to_string(result.abandoned) + " calls did not end after they were cancelled; they were left behind");
    return result;
}

ports::CheckReport check_report(const Checked& checked) {
    ports::CheckReport report;
    report.ok = checked.ok;
    if (checked.plan != nullptr) {
        const Workflow& workflow = checked.plan->workflow;
        report.id = workflow.id;
        report.name = workflow.name;
        report.version = workflow.version;
        report.nodes = static_cast<std::uint32_t>(workflow.nodes.size());
        report.edges = static_cast<std::uint32_t>(workflow.edges.size());
    }
    for (const auto& found : checked.diagnostics) {
        report.diagnostics.push_back({static_cast<std::uint8_t>(found.severity), found.reason, found.message, found.hint, found.file, found.line, found.column});
    }
    return report;
}

const Problem* failure_of(const RunResult& result, Id node) {
    if (result.nodes[node].state != NodeState::failed) return nullptr;
    for (const auto& problem : result.problems) {
        if (problem.node == node && problem.path.empty()) return &problem;
    }
    return nullptr;
}

ports::RunEvent port_event(const Plan& plan, const RunEvent& event) {
    ports::RunEvent out;
    out.kind = static_cast<std::uint8_t>(event.kind);
    out.total = static_cast<std::uint32_t>(plan.workflow.nodes.size());
    out.done = event.done;
    if (event.node == no_id) return out;
    out.node = plan.workflow.node_name(event.node);
    out.state = static_cast<std::uint8_t>(event.state);
    if (const auto* provider = plan.binding.providers[event.node]) out.plugin = provider->id;
    (event.state <= NodeState::running ? out.started_ns : out.ended_ns) = event.at_ns;
    out.attempt = event.attempt;
    out.permille = event.permille;
    out.note = event.note;
    return out;
}

ports::RunReport run_report(const Plan& plan, const RunResult& result) {
    ports::RunReport report;
    report.ok = result.state == RunResult::State::completed;
    report.state = name_of(result.state);
    report.elapsed_ns = result.elapsed_ns;
    ValueBuilder outputs;
    outputs.map(result.outputs.size());
    for (const auto& [index, value] : result.outputs) outputs.add(plan.workflow.outputs[index].name, value.view());
    report.outputs = outputs.end().build();
    report.nodes.reserve(result.nodes.size());
    for (const Id n : plan.workflow.order) {
        const NodeRun& run = result.nodes[n];
        ports::NodeReport node;
        node.node = plan.workflow.node_name(n);
        if (const auto* provider = plan.binding.providers[n]) node.plugin = provider->id;
        node.state = static_cast<std::uint8_t>(run.state);
        node.started_ns = run.started_ns;
        node.ended_ns = run.ended_ns;
        node.attempts = run.attempts;
        node.problems = run.problems;
        if (const auto* failure = failure_of(result, n)) {
            node.reason = failure->error.reason();
            node.message = failure->error.message();
            node.hint = failure->error.hint();
        }
        report.nodes.push_back(std::move(node));
    }
    return report;
}

Error invalid_workflow(const Checked& checked) {
    std::size_t errors = 0;
    const Diagnostic* first = nullptr;
    for (const auto& found : checked.diagnostics) {
        if (found.severity != Severity::error) continue;
        if (errors++ == 0) first = &found;
    }
    std::string message = "the workflow has " + std::to_string(errors) + (errors == 1 ? " fault" : " faults");
    if (first != nullptr) message += ": " + format(*first);
    return {Code::invalid_argument, "invalid-workflow", std::move(message), "symphony check FILE lists all"};
}

} // namespace symphony::tracker
