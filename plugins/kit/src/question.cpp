// SPDX-License-Identifier: Apache-2.0
#include "question.hpp"

#include <symphony/json.hpp>
#include <symphony/packaging/disk.hpp>
#include <symphony/ports/instrument.hpp>
#include <symphony/ports/operator.hpp>
#include <symphony/ports/workflow.hpp>

namespace symphony::kit {
namespace {

constexpr std::uint64_t workflow_bytes_max = 16 * 1024 * 1024;

Result<std::string> run_workflow(const Typed& typed, const std::filesystem::path& file, const Value& inputs) {
    ports::WorkflowSource source;
    source.path = file.string();
    source.text = Buffer::copy(SYMPHONY_TRY(packaging::read_file(file, workflow_bytes_max)));
    CallOptions<ports::RunEvent> options;
    options.parent = &typed.call();
    const auto client = SYMPHONY_TRY(ports::WorkflowClient::acquire(typed.host()));
    const auto report = SYMPHONY_TRY(client.run(source, inputs, {}, options));
    if (report.ok) return print_json(report.outputs);
    for (const auto& node : report.nodes) {
        if (node.state == ports::NodeState::failed) return Error(Code::plugin_failed, node.reason, "node " + node.node + ": " + node.message, node.hint);
    }
    return Error(Code::plugin_failed, "run-failed", "the workflow ended as " + report.state, "symphony check " + file.string());
}

} // namespace

Result<Question> Question::typed(const Typed& typed) {
    Question out;
    out.operation_ = typed.text("call");
    if (typed.given("run")) out.workflow_ = typed.path(typed.text("run"));
    if (typed.given("call") && typed.given("run")) return usage("--call and --run are two questions", "ask one of them");
    if (typed.given("with") && out.empty()) return usage("--with has nothing to go with", "name an operation, --call OPERATION, or a workflow, --run FILE");
    auto input = parse_json(typed.text("with", "{}"));
    if (!input) return std::move(input).error().in("--with");
    if (!input->is_map()) return usage("--with is no map of inputs", "such as --with '{\"text\": \"hello\"}'");
    out.input_ = *std::move(input);
    return out;
}

Result<std::string> Question::ask(const Typed& typed, const std::string& plugin, bool instrument) const {
    if (!workflow_.empty()) return run_workflow(typed, workflow_, input_);
    CallOptions<Value> options;
    options.parent = &typed.call();
    if (instrument) {
        const auto client = SYMPHONY_TRY(ports::InstrumentClient::acquire(typed.host(), plugin));
        return print_json(SYMPHONY_TRY(client.infer(operation_, input_, options)));
    }
    const auto client = SYMPHONY_TRY(ports::OperatorClient::acquire(typed.host(), plugin));
    return print_json(SYMPHONY_TRY(client.apply(operation_, input_, options)));
}

} // namespace symphony::kit
