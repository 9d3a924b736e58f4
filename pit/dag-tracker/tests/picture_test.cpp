// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"
#include "generated_workflow.hpp"
#include "parse.hpp"

#include <gtest/gtest.h>

#include <set>

namespace symphony::tracker::test {
namespace {

struct Drawn {
    std::optional<Workflow> workflow;
    std::vector<Diagnostic> found;

    std::size_t count(std::string_view reason) const {
        return static_cast<std::size_t>(std::count_if(found.begin(), found.end(), [&](const auto& each) { return each.reason == reason; }));
    }
    /// "a.result -> b.input" of each edge, "-->" for order only, "when" with its condition.
    std::set<std::string> edges() const {
        std::set<std::string> all;
        for (const Edge& edge : workflow->edges) {
            std::string from = edge.from == no_id ? "$" + workflow->inputs[edge.input].name : std::string(workflow->node_name(edge.from));
            if (edge.from_port != 0) from += "." + std::string(workflow->names[edge.from_port]);
            std::string to(workflow->node_name(edge.to));
            if (edge.to_port != 0) to += "." + std::string(workflow->names[edge.to_port]);
            all.insert(from + (edge.carries() ? " -> " : " --> ") + to + (edge.condition == no_id ? "" : " when " + workflow->conditions[edge.condition].text()));
        }
        return all;
    }
    std::set<std::string> nodes() const {
        std::set<std::string> all;
        // A picture does not show what is in a body: of such a node it has a box.
        for (const Node& node : workflow->nodes) {
            all.insert(std::string(workflow->names[node.name]) + ":" + std::string(name_of(node.kind >= NodeKind::workflow ? NodeKind::operation : node.kind)));
        }
        return all;
    }
};

Drawn draw(std::string_view text) {
    Drawn drawn;
    Findings findings{"picture"};
    drawn.workflow = parse_workflow("picture", text, {}, findings);
    drawn.found = findings.take();
    return drawn;
}

TEST(Pictures, MermaidOfPeopleBecomesASkeleton) {
    const auto drawn = draw("%% a plan\nflowchart TD\n"
                            "  A[Load text] --> B{Long?}\n  B -->|yes| C([Recognise])\n  B -- no --> D & E\n"
                            "  C & D --> F((join)); E -.-> F\n  subgraph one\n    style A fill:#f9f\n  end\n  classDef big font-size:20px\n");
    ASSERT_TRUE(drawn.workflow) << manifests::format(drawn.found);
    EXPECT_EQ(drawn.nodes(), (std::set<std::string>{"A:operator", "B:branch", "C:instrument", "D:operator", "E:operator", "F:merge"}));
    EXPECT_EQ(drawn.edges(), (std::set<std::string>{"A.result -> B.value", "B.value -> C.input", "B.value -> D.input", "B.value -> E.input", "C.result -> F.C", "D.result -> F.D-2", "E --> F"}));
    EXPECT_EQ(drawn.count("not-in-workflow"), 3u) << manifests::format(drawn.found);
    EXPECT_GE(drawn.count("assumed"), 10u) << manifests::format(drawn.found);
    EXPECT_EQ(drawn.workflow->names[drawn.workflow->nodes[0].description], "Load text");
    for (const auto& each : drawn.found) EXPECT_NE(each.severity, Severity::error) << each.message;
}

TEST(Pictures, DotOfPeopleBecomesASkeleton) {
    const auto drawn = draw("// a plan\nstrict digraph Plan {\n  node [color=red];\n  \"Load text\" -> parse -> { c d } [label=\"next\"];\n"
                            "  subgraph cluster_0 { c; d:port:n -> e }\n  parse [shape=diamond, label=\"Parse it\"]; e [shape=circle]; c -> e [style=dotted]\n}\n");
    ASSERT_TRUE(drawn.workflow) << manifests::format(drawn.found);
    EXPECT_EQ(drawn.workflow->id, "plan");
    EXPECT_EQ(drawn.nodes(), (std::set<std::string>{"Load-text:operator", "parse:branch", "c:operator", "d:operator", "e:merge"}));
    EXPECT_EQ(drawn.edges(), (std::set<std::string>{"Load-text.result -> parse.value", "parse.value -> c.input", "parse.value -> d.input", "d.result -> e.d", "c --> e"}));
    EXPECT_EQ(drawn.count("not-in-workflow"), 2u) << manifests::format(drawn.found);
}

TEST(Pictures, OurOwnPicturesComeBackWithNodesEdgesPortsAndConditions) {
    for (std::uint64_t i = 0; i < 400; ++i) {
        SCOPED_TRACE(i);
        const Workflow made = WorkflowMaker(20261127 + i).make();
        const Drawn whole = draw(write_workflow(made, Format::binary));
        ASSERT_TRUE(whole.workflow);
        for (const Format format : {Format::mermaid, Format::dot}) {
            const std::string text = write_workflow(made, format);
            const auto drawn = draw(text);
            ASSERT_EQ(format_of("w", text), format);
            ASSERT_TRUE(drawn.workflow) << text << manifests::format(drawn.found);
            ASSERT_EQ(drawn.nodes(), whole.nodes()) << text;
            ASSERT_EQ(drawn.workflow->edges.size(), made.edges.size()) << text << manifests::format(drawn.found);
            ASSERT_EQ(drawn.workflow->outputs.size(), made.outputs.size()) << text;
        }
    }
}

TEST(Pictures, EdgesOfOurOwnPicturesKeepPortsAndConditions) {
    const std::string text = "[workflow]\nid=\"w\"\nversion=\"1.0.0\"\n[inputs.t]\ntype=\"text\"\n[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={text=\"$inputs.t\"}\n"
                             "[nodes.b-1]\ntype=\"instrument\"\nplugin=\"eyes\"\noperation=\"see\"\ninputs={image={from=\"a.total\", when=\"value > 3 and value < 9\"}}\nafter=[\"a\"]\n[outputs.o]\nfrom=\"b-1.text\"\n";
    for (const Format format : {Format::mermaid, Format::dot}) {
        const auto picture = write_workflow(*draw(text).workflow, format);
        const auto drawn = draw(picture);
        ASSERT_TRUE(drawn.workflow) << picture;
        EXPECT_EQ(drawn.edges(), (std::set<std::string>{"$t -> a.text", "a.total -> b-1.image when value > 3 and value < 9", "a --> b-1"})) << picture;
        EXPECT_EQ(drawn.workflow->names[drawn.workflow->nodes[0].plugin], "text") << picture;
        ASSERT_EQ(drawn.workflow->outputs.size(), 1u);
        EXPECT_EQ(drawn.workflow->names[drawn.workflow->outputs[0].port], "text");
        EXPECT_EQ(drawn.count("not-in-workflow"), 0u) << manifests::format(drawn.found);
    }
}

void expect_bad(std::string_view text, std::string_view reason, std::uint32_t line) {
    SCOPED_TRACE(text);
    const auto drawn = draw(text);
    EXPECT_FALSE(drawn.workflow);
    ASSERT_FALSE(drawn.found.empty());
    const auto& last = drawn.found.back();
    EXPECT_EQ(last.reason, reason);
    EXPECT_EQ(last.line, line);
}

TEST(Pictures, WhatCannotBeUnderstoodHasItsPlace) {
    expect_bad("flowchart LR\n a --> \n", "bad-mermaid", 2);
    expect_bad("flowchart LR\n a[\"open --> b\n", "bad-mermaid", 2);
    expect_bad("flowchart LR\n a b\n", "bad-mermaid", 2);
    expect_bad("flowchart XX\n", "bad-mermaid", 1);
    expect_bad("graph {\n a -- b\n}", "bad-dot", 1);
    expect_bad("digraph {\n a -> \n}", "bad-dot", 3);
    expect_bad("digraph {\n a -> \"b\n", "bad-dot", 2);
    expect_bad("digraph { a -> b", "bad-dot", 1);
    expect_bad("digraph {" + std::string(100, '{'), "bad-dot", 1);
}

} // namespace
} // namespace symphony::tracker::test
