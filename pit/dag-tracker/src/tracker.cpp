// SPDX-License-Identifier: Apache-2.0
#include "tracker.hpp"

#include "artifact_values.hpp"
#include "expand.hpp"
#include "load_bodies.hpp"
#include "plugin_caller.hpp"
#include "run_memory.hpp"

#include <symphony/sqlite_files/host_folder.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

namespace symphony::tracker {
namespace {

/// Less than the two seconds after which the host ends a cancelled call of a plugin.
constexpr std::uint64_t grace_ns = 1'200'000'000;
/// For the report, before the host ends a cancelled call of ours.
constexpr std::uint64_t report_ns = 250'000'000;

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

RunState run_state(RunResult::State state) noexcept {
    switch (state) {
    case RunResult::State::completed: return RunState::completed;
    case RunResult::State::failed: return RunState::failed;
    case RunResult::State::cancelled: break;
    }
    return RunState::cancelled;
}

/// Id of each provider -> {version, sha256}.
Value plugins_of(const Plan& plan) {
    std::map<std::string_view, const Provider*> all;
    for (const Provider* provider : plan.binding.providers) {
        if (provider != nullptr) all.emplace(provider->id, provider);
    }
    ValueBuilder out;
    out.map(all.size());
    for (const auto& [id, provider] : all) {
        out.key(id).map(2).add("version", std::string_view(provider->version)).add("sha256", std::string_view(provider->sha256)).end();
    }
    return out.end().build();
}

/// What a run was started with, and what its sub-workflows were: it goes on with those, whatever has become of the files.
Value with_files(const Value& options, const std::map<std::string, std::string>& files) {
    if (files.empty()) return options;
    ValueBuilder out;
    out.map(options.size() + 1);
    for (const auto [key, value] : options.view().entries()) out.add(key, value);
    out.key("files").map(files.size());
    for (const auto& [path, text] : files) out.key(path).bytes(bytes_of(text));
    return out.end().end().build();
}

} // namespace

std::string changed_plugin(ValueView then, const Provider& now) {
    const ValueView before = then[now.id];
    if (!before.exists()) return {};
    const std::string version(before["version"].as_text());
    if (version == now.version && before["sha256"].as_text() == now.sha256) return {};
    return now.id + (version == now.version ? " is another build of " + version : " " + version + " is now " + now.version);
}

std::string changed_plugins(ValueView then, const Plan& now) {
    std::map<std::string_view, const Provider*> all;
    for (const Provider* provider : now.binding.providers) {
        if (provider != nullptr) all.emplace(provider->id, provider);
    }
    std::string text;
    for (const auto& [id, provider] : all) {
        if (const std::string changed = changed_plugin(then, *provider); !changed.empty()) text += (text.empty() ? "" : ", ") + changed;
    }
    return text;
}

Tracker::Tracker(Host host) : host_(host) {
    limits_.nodes_max = setting(host, "nodes_max", limits_.nodes_max);
    limits_.edges_max = setting(host, "edges_max", limits_.edges_max);
    limits_.file_bytes_max = setting(host, "file_size_max", limits_.file_bytes_max);
    limits_.check_ns_max = setting(host, "check_time_max", limits_.check_ns_max / 1'000'000) * 1'000'000;  // settings are in milliseconds
}

Checked Tracker::check(std::string_view path, std::string_view text, const CheckOptions& options, std::map<std::string, std::string> files, bool to_run) const {
    Checked checked;
    checked.files = std::move(files);
    const ReadFile read = [this](const std::string& name) -> Result<std::string> {
        const Files selected = SYMPHONY_TRY(host_.files());
        const auto bytes = SYMPHONY_TRY(selected.read_all("selected", name, limits_.file_bytes_max + 1));
        return std::string(bytes.text());
    };
    auto catalogue = std::make_shared<Catalogue>();
    catalogue->add(false, providers_of(host_, "operator/1"));
    catalogue->add(true, providers_of(host_, "instrument/1"));
    const auto validated = [&](Workflow&& workflow, Findings& findings) {
        load_bodies(workflow, std::string(path), limits_, read, checked.files, findings, to_run);
        compile(workflow);
        auto plan = std::make_shared<Plan>();
        plan->workflow = std::move(workflow);
        plan->catalogue = catalogue;
        plan->binding = validate(plan->workflow, *catalogue, limits_, findings, [] { return steady_now_ns(); }, options);
        if (!has_bodies(plan->workflow) || findings.has_errors()) return plan;
        auto whole = expand(plan->workflow, limits_.nodes_max, limits_.edges_max, findings);
        if (!whole) return plan;
        compile(*whole);
        plan->written = std::make_shared<const Workflow>(std::move(plan->workflow));
        plan->workflow = *std::move(whole);
        plan->binding = bind_expanded(plan->workflow, *catalogue);
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

Result<std::shared_ptr<Journal>> Tracker::journal() const {
    const std::lock_guard lock(opened_->mutex);
    if (opened_->journal == nullptr) {
        Journal::Options options;
        options.runs_max = setting(host_, "runs_max", options.runs_max);
        options.values = values();
        auto files = SYMPHONY_TRY(host_.files());
        opened_->journal = SYMPHONY_TRY(Journal::open(std::make_unique<sqlite_files::HostFolder>(files, "state", ""), std::move(options)));
    }
    return opened_->journal;
}

Result<std::shared_ptr<RunLog>> Tracker::begin_log(const Checked& checked, std::string_view path, std::string_view source, const Value& inputs, Value options,
                                                   std::optional<Durability> asked, std::string& warning) const {
    const Plan& plan = *checked.plan;
    const Durability durability = asked ? *asked : durability_named(host_.config()["durability"].as_text()).value_or(Durability::durable);
    if (durability == Durability::none) return std::shared_ptr<RunLog>();
    const auto begin = [&]() -> Result<std::shared_ptr<RunLog>> {
        const auto journal = SYMPHONY_TRY(this->journal());
        NewRun run;
        run.workflow = plan.workflow.id;
        run.version = plan.workflow.version;
        run.path = path;
        run.source = source;
        run.inputs = inputs;
        run.options = with_files(options, checked.files);
        run.plugins = plugins_of(plan);
        run.steps = static_cast<std::uint32_t>(plan.workflow.nodes.size());
        run.durability = durability;
        std::shared_ptr<RunLog> log = SYMPHONY_TRY(journal->begin(std::move(run)));
        SYMPHONY_TRY(log->attach(plan.workflow));
        return log;
    };
    auto log = begin();
    if (log || asked) return log;
    warning = "the run is not recorded and cannot be resumed: " + std::string(log.error().message());
    return std::shared_ptr<RunLog>();
}

Checked Tracker::check_again(const NewRun& made, const CheckOptions& options) const {
    std::map<std::string, std::string> files;
    for (const auto [name, text] : made.options["files"].entries()) files.emplace(std::string(name), std::string(text_of(text.as_bytes())));
    return check(made.path, made.source, options, std::move(files));
}

Result<Tracker::Resumed> Tracker::resume_log(std::string_view id, bool changed_too) const {
    const auto journal = SYMPHONY_TRY(this->journal());
    Resumed out;
    out.log = SYMPHONY_TRY(journal->resume(id));
    const NewRun& made = out.log->made_from();
    const Checked checked = check_again(made);
    if (!checked.ok) return invalid_workflow(checked);
    if (const std::string changed = changed_plugins(made.plugins, *checked.plan); !changed.empty() && !changed_too) {
        return Error(Code::conflict, "plugin-changed", "run " + out.log->id() + " was made with other plugins: " + changed,
                     "run it anew, or go on with symphony runs resume " + out.log->id() + " --accept-changes");
    }
    SYMPHONY_TRY(out.log->attach(checked.plan->workflow));
    out.plan = checked.plan;
    return out;
}

std::shared_ptr<ValueStore> Tracker::values() const {
    if (opened_->values == nullptr) opened_->values = artifact_values(host_);
    return opened_->values;
}

Result<std::shared_ptr<CallCache>> Tracker::cache() const {
    const std::lock_guard lock(opened_->mutex);
    if (opened_->cache == nullptr) {
        CallCache::Options options;
        options.bytes_max = setting(host_, "cache_size_max", options.bytes_max);
        options.values = values();
        auto files = SYMPHONY_TRY(host_.files());
        opened_->cache = SYMPHONY_TRY(CallCache::open(std::make_unique<sqlite_files::HostFolder>(files, "state", ""), std::move(options)));
    }
    return opened_->cache;
}

Status Tracker::remake_cache() const {
    {
        const std::lock_guard lock(opened_->mutex);
        sqlite_files::HostFolder folder(SYMPHONY_TRY(host_.files()), "state", "");
        SYMPHONY_TRY(CallCache::remove(folder));
    }
    SYMPHONY_TRY(cache());
    return {};
}

std::shared_ptr<CallMemory> Tracker::memory(const std::shared_ptr<const Plan>& plan, bool wanted, const RunLog* log, std::string& warning) const {
    RunMemory::Options options;
    if (wanted && host_.config()["cache"].as_bool(true)) {
        auto opened = cache();
        if (opened) {
            options.cache = *opened;
        } else {
            options.why_not = Recall::unavailable;
            warning = "the cache of calls is not used: " + std::string(opened.error().message());
        }
    }
    // How calls are known goes into the record of a run, also when none of them is looked up.
    if (options.cache == nullptr && options.why_not == Recall::run_says_no && log == nullptr) return nullptr;
    if (log != nullptr) options.run = log->id();
    return std::make_shared<RunMemory>(plan, std::move(options));
}

RunSettings Tracker::settings() const {
    RunSettings settings;
    settings.grace_ns = grace_ns;
    settings.cancel_max_ns = setting<std::uint64_t>(host_, "cancel_grace", 2'000) * 1'000'000 - report_ns;
    settings.limits = opened_->limits;
    settings.workers = setting<std::size_t>(host_, "workers", 0);
    settings.blocking_threads = setting(host_, "blocking_threads", settings.blocking_threads);
    settings.value_bytes_max = setting(host_, "values_size_max", settings.value_bytes_max);
    settings.seed = std::random_device{}();
    return settings;
}

Result<RunResult> Tracker::run(const Call& call, std::shared_ptr<const Plan> plan, const Value& inputs, RunSettings settings, std::shared_ptr<RunLog> log,
                               const std::function<void(const RunEvent&)>& on_event, const std::function<void()>& on_tick) const {
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
    settings.log = log;
    settings.id = log != nullptr ? log->id() : "not-recorded-" + std::to_string(settings.seed);
    auto result = run_plan(std::move(plan), inputs, std::move(caller), settings, on_event, [&] {
        if (on_tick) on_tick();
        return call.cancelled();
    });
    if (log != nullptr && !result.left_open.empty() && !log->failure()) {
        if (Status kept = log->leave_open(); !kept) result.not_recorded = std::move(kept).error();
    } else if (log != nullptr) {
        auto kept = log->failure() ? Result<RunState>(*log->failure()) : log->close(run_state(result.state));
        if (kept && *kept == RunState::cancelled) result.state = RunResult::State::cancelled;
        if (!kept) {
            result.not_recorded = std::move(kept).error();
            if (result.state == RunResult::State::completed) result.state = RunResult::State::failed;
        }
    }
    if (settings.memory != nullptr) {
        // Here and not when the plugin ends: large answers go to another plugin.
        std::shared_ptr<CallCache> cache;
        {
            const std::lock_guard lock(opened_->mutex);
            cache = opened_->cache;
        }
        if (cache != nullptr) cache->flush();
    }
    const auto metrics = host_.metrics();
    metrics.count("runs");
    for (const NodeRun& node : result.nodes) {
        if (node.recalled != 0) metrics.count("calls_recalled", node.recalled);
    }
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
