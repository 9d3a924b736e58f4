// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"
#include "generated_workflow.hpp"
#include "rig.hpp"

#include <symphony/json.hpp>
#include <symphony/workflow_builder.hpp>

namespace symphony::tracker::test {
namespace {

std::chrono::milliseconds ms_of(std::uint64_t ns) { return std::chrono::milliseconds(ns / 1'000'000); }

/// Everything that a node says, in the builder's own words.
NodeOptions options_of(const Workflow& w, Id n) {
    const Node& node = w.nodes[n];
    NodeOptions options;
    if (node.description != 0) options.description(w.names[node.description]);
    const NodeExtras& extras = w.extras_of(n);
    const CallPolicy& policy = w.policy(n);
    const auto name = [&](Id other) { return w.node_name(other); };
    if (extras.fallback != no_id) options.fallback(name(extras.fallback));
    if (!extras.fallback_outputs.is_null()) options.fallback_outputs(extras.fallback_outputs.view());
    if (!extras.otherwise.is_null()) options.when_skipped(extras.otherwise.view());
    if (extras.compensate != no_id) options.compensate(name(extras.compensate));
    if (extras.quorum != 0) options.quorum(extras.quorum);
    if (extras.finally) options.finally();
    if (extras.priority != 0) options.priority(extras.priority);
    for (const Use& use : extras.uses) options.use(std::string(w.names[use.resource]), use.count);
    if (extras.elements_max != 0) options.elements_max(extras.elements_max);
    if (policy.timeout_ns != 0) options.timeout(ms_of(policy.timeout_ns));
    if (policy.cache != CachePolicy::if_pure) options.cache(static_cast<symphony::CachePolicy>(static_cast<int>(policy.cache) - 1));
    if (policy.ttl_ns != 0) options.ttl(ms_of(policy.ttl_ns));
    if (node.each != 0) options.each(w.names[node.each]);
    if (policy.parallel_max != 0) options.parallel(policy.parallel_max);
    for (auto i = node.constants_from; i < node.constants_to; ++i) options.with(std::string(w.names[w.constants[i].port]), Value::copy(w.constants[i].value()));
    if (!calls_plugin(node.kind) && node.kind < NodeKind::workflow) return options;
    options.retry(policy.retries_max, ms_of(policy.backoff_ns), static_cast<symphony::RetryKind>(extras.retry)).on_error(static_cast<symphony::OnError>(node.on_error));
    return options;
}

void say_rest_of(WorkflowBuilder& to, const Workflow& w);

/// The nodes, edges, inputs and outputs, said step by step; of a body that is all. Recursive, as deep as the workflow.
WorkflowBuilder sections(const Workflow& w) {
    WorkflowBuilder to(w.id);
    say_rest_of(to, w);
    return to;
}

LoopRounds rounds_of(const Workflow& w, const NodeExtras& extras) {
    const std::string written(loop_text(w, extras));
    return {.max = extras.rounds_max, .until = extras.until ? written : "", .going = extras.until ? "" : written, .take = extras.takes_bound};
}

/// The whole workflow once more.
WorkflowBuilder said(const Workflow& w) {
    WorkflowBuilder to = sections(w);
    to.version(w.version).name(w.name).description(w.description).fail_fast(w.fail_fast).metadata(w.metadata);
    if (w.timeout_ns != 0) to.timeout(ms_of(w.timeout_ns));
    if (w.grace_ns != 0) to.grace(ms_of(w.grace_ns));
    if (w.retries_max) to.retries(*w.retries_max);
    for (const Resource& resource : w.resources) to.resource(resource.name, resource.count);
    for (const PluginLimit& limit : w.plugin_limits) to.limit(limit.plugin, {.calls = limit.calls_max == 0 ? std::nullopt : std::optional(limit.calls_max), .retries = limit.retries_max});
    for (const auto& pin : w.plugins) to.plugin(pin.plugin, pin.requirement);
    return to;
}

void say_rest_of(WorkflowBuilder& to, const Workflow& w) {
    for (const auto& input : w.inputs) to.input(input.name, {.type = input.type.text(), .otherwise = input.otherwise, .required = input.required, .description = input.description});
    for (Id n = 0; n < w.nodes.size(); ++n) {
        const Node& node = w.nodes[n];
        const NodeExtras& extras = w.extras_of(n);
        const std::string id(w.node_name(n)), plugin(w.names[node.plugin]), operation(w.names[node.operation]), file(w.names[extras.file]);
        const NodeOptions options = options_of(w, n);
        switch (node.kind) {
        case NodeKind::operation: to.add_operator(id, plugin, operation, options); break;
        case NodeKind::instrument: to.add_instrument(id, plugin, operation, options); break;
        case NodeKind::branch: to.add_branch(id, options); break;
        case NodeKind::merge: to.add_merge(id, static_cast<symphony::MergeMode>(node.mode), options); break;
        case NodeKind::join: to.add_join(id, options); break;
        case NodeKind::delay: to.add_delay(id, ms_of(extras.delay_ns), options); break;
        case NodeKind::wait: to.add_wait(id, extras.expects.text(), options); break;
        case NodeKind::workflow:
            if (extras.file != 0) to.add_workflow(id, file, options);
            else to.add_workflow(id, sections(*w.body(n)), options);
            break;
        default:
            if (extras.file != 0) to.add_loop(id, rounds_of(w, extras), file, options);
            else to.add_loop(id, rounds_of(w, extras), sections(*w.body(n)), options);
            break;
        }
    }
    for (const Edge& edge : w.edges) {
        const std::string from = edge.from == no_id ? "$inputs." + w.inputs[edge.input].name : std::string(w.node_name(edge.from));
        const std::string to_node(w.node_name(edge.to)), from_port(w.names[edge.from_port]), to_port(w.names[edge.to_port]);
        switch (edge.kind) {
        case EdgeKind::data: to.connect(from, to_node, DataEdge{from_port, to_port}); break;
        case EdgeKind::control: to.connect(from, to_node, ControlEdge()); break;
        case EdgeKind::conditional: to.connect(from, to_node, ConditionalEdge{w.conditions[edge.condition].text(), from_port, to_port}); break;
        default: ADD_FAILURE() << "no file has such an edge"; break;
        }
    }
    for (const auto& output : w.outputs) {
        const std::string from = output.node == no_id ? "$inputs." + w.inputs[output.input].name : std::string(w.node_name(output.node)) + "." + std::string(w.names[output.port]);
        to.output(output.name, {.from = from, .file = output.file, .type = output.type ? output.type->text() : "", .description = output.description});
    }
}

bool names_files(const Workflow& w) {
    return std::any_of(w.extras.begin(), w.extras.end(), [](const NodeExtras& extras) { return extras.file != 0; }) ||
           std::any_of(w.bodies.begin(), w.bodies.end(), [](const auto& body) { return names_files(*body); });
}

TEST(Builder, WhatItSaysIsReadAsWhatWasMeant) {
    std::size_t read_back = 0, refused = 0, rich = 0, bodies = 0;
    for (std::uint64_t seed = 0; seed < 60'000 && (read_back <= 500 || refused <= 500); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Workflow meant = WorkflowMaker(seed).make(seed % 5 == 0 ? 24 : 4);
        rich += meant.extras.size() > 1 ? 1 : 0;
        bodies += meant.bodies.empty() ? 0 : 1;
        const BuiltWorkflow built = said(meant).build();
        const std::string file = write_workflow(meant, Format::toml);
        if (!built) {
            // What it refuses, the tracker refuses for the same reasons.
            ++refused;
            const auto told = read(file).reasons();
            // An input that there is not is not told to get its value twice; what leads into a file that is not read is not told at all.
            const bool looked_at = !told.contains("unknown-port") && !names_files(meant);
            for (const Error& error : built.errors()) {
                if (error.reason() == "two-sources" && !looked_at) continue;
                EXPECT_TRUE(told.contains(std::string(error.reason()))) << error.reason() << ": " << error.message();
            }
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
    EXPECT_GT(rich, 100u) << "nodes of every kind, with everything that they can have";
    EXPECT_GT(bodies, 100u);
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
