// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"
#include "generated_workflow.hpp"
#include "rig.hpp"

#include <symphony/json.hpp>
#include <symphony/workflow_builder.hpp>

namespace symphony::tracker::test {
namespace {

std::chrono::milliseconds ms_of(std::uint64_t ns) { return std::chrono::milliseconds(ns / 1'000'000); }

NodeOptions options_of(const Workflow& w, Id n) {
    const Node& node = w.nodes[n];
    NodeOptions options;
    if (node.description != 0) options.description(w.names[node.description]);
    if (node.kind != NodeKind::operation && node.kind != NodeKind::instrument) return options;
    const CallPolicy& policy = w.policy(n);
    if (node.each != 0) options.each(w.names[node.each]);
    if (policy.parallel_max != 0) options.parallel(policy.parallel_max);
    if (policy.timeout_ns != 0) options.timeout(ms_of(policy.timeout_ns));
    options.retry(policy.retries_max, ms_of(policy.backoff_ns)).on_error(static_cast<symphony::OnError>(node.on_error));
    for (auto i = node.constants_from; i < node.constants_to; ++i) options.with(std::string(w.names[w.constants[i].port]), w.constants[i].value);
    return options;
}

/// What the builder has no function for is said with set().
template <class To>
void say_rest(To& to, ValueView from, std::initializer_list<std::string_view> said) {
    for (const auto [key, value] : from.entries()) {
        if (std::find(said.begin(), said.end(), key) == said.end()) to.set(std::string(key), Value::copy(value));
    }
}

/// The workflow once more, said step by step.
WorkflowBuilder said(const Workflow& w) {
    WorkflowBuilder to(w.id);
    const Value written = *parse_json(write_workflow(w, Format::json_compact), JsonBytes::refuse);
    say_rest(to, written.view(), {"workflow", "plugins", "metadata", "inputs", "nodes", "edges", "outputs"});
    to.version(w.version).name(w.name).description(w.description).fail_fast(w.fail_fast).metadata(w.metadata);
    if (w.timeout_ns != 0) to.timeout(ms_of(w.timeout_ns));
    for (const auto& pin : w.plugins) to.plugin(pin.plugin, pin.requirement);
    for (const auto& input : w.inputs) to.input(input.name, {.type = input.type.text(), .otherwise = input.otherwise, .required = input.required, .description = input.description});
    for (Id n = 0; n < w.nodes.size(); ++n) {
        const Node& node = w.nodes[n];
        const std::string id(w.node_name(n)), plugin(w.names[node.plugin]), operation(w.names[node.operation]);
        NodeOptions options = options_of(w, n);
        say_rest(options, written["nodes"][id], {"type", "plugin", "operation", "description", "inputs", "with", "each", "parallel", "on_error", "timeout", "retry", "after", "mode"});
        switch (node.kind) {
        case NodeKind::operation: to.add_operator(id, plugin, operation, options); break;
        case NodeKind::instrument: to.add_instrument(id, plugin, operation, options); break;
        case NodeKind::branch: to.add_branch(id, options); break;
        case NodeKind::merge: to.add_merge(id, static_cast<symphony::MergeMode>(node.mode), options); break;
        default: to.add_control(id, std::string(name_of(node.kind)), options); break;
        }
    }
    for (const Edge& edge : w.edges) {
        const std::string from = edge.from == no_id ? "$inputs." + w.inputs[edge.input].name : std::string(w.node_name(edge.from));
        const std::string to_node(w.node_name(edge.to)), from_port(w.names[edge.from_port]), to_port(w.names[edge.to_port]);
        switch (edge.kind) {
        case EdgeKind::data: to.connect(from, to_node, DataEdge{from_port, to_port}); break;
        case EdgeKind::control: to.connect(from, to_node, ControlEdge()); break;
        case EdgeKind::conditional: to.connect(from, to_node, ConditionalEdge{w.conditions[edge.condition].text(), from_port, to_port}); break;
        }
    }
    for (const auto& output : w.outputs) {
        const std::string from = output.node == no_id ? "$inputs." + w.inputs[output.input].name : std::string(w.node_name(output.node)) + "." + std::string(w.names[output.port]);
        to.output(output.name, {.from = from, .file = output.file, .type = output.type ? output.type->text() : "", .description = output.description});
    }
    return to;
}

TEST(Builder, WhatItSaysIsReadAsWhatWasMeant) {
    std::size_t read_back = 0, refused = 0;
    for (std::uint64_t seed = 0; seed < 60'000 && (read_back <= 500 || refused <= 500); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Workflow meant = WorkflowMaker(seed).make(seed % 5 == 0 ? 24 : 4);
        // The builder has no words of its own for these; set() says them, as they are written.
        const bool rich = meant.extras.size() > 1 || meant.grace_ns != 0 || meant.retries_max || !meant.plugin_limits.empty() || !meant.resources.empty();
        if (rich || std::any_of(meant.nodes.begin(), meant.nodes.end(), [](const Node& node) { return node.kind > NodeKind::merge; })) continue;
        const BuiltWorkflow built = said(meant).build();
        const std::string file = write_workflow(meant, Format::toml);
        if (!built) {
            // What it refuses, the tracker refuses for the same reasons.
            ++refused;
            const auto told = read(file).reasons();
            for (const Error& error : built.errors()) EXPECT_TRUE(told.contains(std::string(error.reason()))) << error.reason() << ": " << error.message();
            continue;
        }
        ++read_back;
        const auto json = print_json(built.document().view(), -1, JsonBytes::refuse);
        ASSERT_TRUE(json) << json.error().message();
        for (const std::string_view text : {text_of(built.document().bytes()), std::string_view(*json)}) {
            Findings findings{"built"};
            const auto back = parse_workflow("built", text, Limits{}, findings);
            const auto found = findings.take();
            ASSERT_TRUE(back && found.empty()) << manifests::format(found);
            EXPECT_EQ(digest_of(*back), digest_of(meant));
            EXPECT_EQ(write_workflow(*back, Format::json), write_workflow(meant, Format::json)) << "what people read, too";
        }
    }
    EXPECT_GT(read_back, 500u);
    EXPECT_GT(refused, 500u);
}

TEST(Builder, WhatItSaysRuns) {
    const auto built = WorkflowBuilder("data-processing")
                           .version("1.0.0")
                           .add_operator("list", "text", "list", NodeOptions().with("n", 3))
                           .add_instrument("see", "eyes", "see", NodeOptions().each("image").parallel(2))
                           .add_operator("join", "text", "join")
                           .connect("list.items", "see.image")
                           .connect("see", "join", DataEdge{"text", "a"})
                           .connect("list", "join", ConditionalEdge{"value > 2", "count", "b"})
                           .output("text", {.from = "join.text"})
                           .build();
    ASSERT_TRUE(built) << built.errors().front().message();
    EXPECT_EQ(run(text_of(built.document().bytes())).output("text"), "[item-0! item-1! item-2!]3-");
}

} // namespace
} // namespace symphony::tracker::test
