// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <fstream>
#include <sstream>

namespace symphony::tracker::test {
namespace {

constexpr std::string_view as_toml = R"(
[workflow]
id = "both"
name = "Both"
version = "1.2.3"
timeout = "5m"
[inputs.n]
type = "integer"
default = 3
[outputs.all]
from = "joined.text"
file = "all.txt"
[nodes.make]
plugin = "text"
operation = "list"
inputs = { n = "$inputs.n" }
[nodes.one]
plugin = "disk"
operation = "count"
inputs = { text = "make.items" }
with = { top = 4 }
each = "text"
parallel = 2
on_error = "collect"
timeout = "2s"
retry = { max = 3, backoff = "10ms" }
[nodes.pick]
type = "control"
operation = "branch"
inputs = { value = "one.results" }
[nodes.joined]
plugin = "text"
operation = "join"
inputs = { a = { from = "pick.value", when = "size(value) > 1" } }
after = ["make"]
[[edges]]
from = "one.problems"
to = "joined.b"
)";

constexpr std::string_view as_json = R"({
  "workflow": {"id": "both", "name": "Both", "version": "1.2.3", "timeout": "5m"},
  "inputs": {"n": {"type": "integer", "default": 3}},
  "outputs": {"all": {"from": "joined.text", "file": "all.txt"}},
  "nodes": {
    "make": {"plugin": "text", "operation": "list", "inputs": {"n": "$inputs.n"}},
    "one": {"plugin": "disk", "operation": "count", "inputs": {"text": "make.items"}, "with": {"top": 4}, "each": "text",
            "parallel": 2, "on_error": "collect", "timeout": "2s", "retry": {"max": 3, "backoff": "10ms"}},
    "pick": {"type": "control", "operation": "branch", "inputs": {"value": "one.results"}},
    "joined": {"plugin": "text", "operation": "join", "inputs": {"a": {"from": "pick.value", "when": "size(value) > 1"}}, "after": ["make"]}
  },
  "edges": [{"from": "one.problems", "to": "joined.b"}]
})";

std::string summary(const Workflow& w) {
    std::ostringstream out;
    out << w.id << ' ' << w.name << ' ' << w.version << ' ' << w.timeout_ns << '\n';
    for (const auto& input : w.inputs) out << "input " << input.name << ' ' << input.type.text() << ' ' << input.required << '\n';
    for (const auto& node : w.nodes) {
        const auto& policy = w.policies[node.policy];
        out << "node " << w.names[node.name] << ' ' << name_of(node.kind) << ' ' << w.names[node.plugin] << '.' << w.names[node.operation] << " each=" << w.names[node.each]
            << " error=" << static_cast<int>(node.on_error) << ' ' << policy.timeout_ns << ' ' << policy.backoff_ns << ' ' << policy.retries_max << ' ' << policy.parallel_max << '\n';
        for (auto i = node.constants_from; i < node.constants_to; ++i) out << "  with " << w.names[w.constants[i].port] << '=' << plain(w.constants[i].value()) << '\n';
    }
    for (const auto& edge : w.edges) {
        out << "edge " << (edge.from == no_id ? "$" + w.inputs[edge.input].name : std::string(w.node_name(edge.from))) << '.' << w.names[edge.from_port] << " -> " << w.node_name(edge.to) << '.'
            << w.names[edge.to_port] << ' ' << static_cast<int>(edge.kind) << ' ' << (edge.condition == no_id ? "" : w.conditions[edge.condition].text()) << '\n';
    }
    for (const auto& output : w.outputs) out << "output " << output.name << ' ' << output.file << '\n';
    out << "order";
    for (const auto n : w.order) out << ' ' << w.node_name(n);
    return out.str();
}

TEST(WorkflowFile, IsTheSameInTomlAndJson) {
    const auto toml = read(as_toml);
    const auto json = read(as_json, "w.json");
    ASSERT_TRUE(toml.ok()) << manifests::format(toml.diagnostics);
    ASSERT_TRUE(json.ok()) << manifests::format(json.diagnostics);
    EXPECT_EQ(summary(toml.plan->workflow), summary(json.plan->workflow));
    EXPECT_NE(summary(toml.plan->workflow).find("order make one pick joined"), std::string::npos) << summary(toml.plan->workflow);
    EXPECT_TRUE(read(as_json, "named-otherwise").ok());
}

TEST(WorkflowFile, ExampleOfTheDocumentParses) {
    std::ifstream file(SYMPHONY_TRACKER_DIR "/docs/workflow-file.md");
    std::stringstream text;
    text << file.rdbuf();
    const std::string document = text.str();
    const auto from = document.find("```toml\n") + 8;
    const std::string example = document.substr(from, document.find("```", from) - from);
    Findings findings{"survey.toml"};
    const auto workflow = parse_workflow("survey.toml", example, {}, findings);
    ASSERT_TRUE(workflow);
    EXPECT_FALSE(findings.has_errors()) << manifests::format(findings.take());
    EXPECT_EQ(workflow->nodes.size(), 8u);
}

void expect_fault(std::string_view text, std::string_view reason, std::uint32_t line, std::uint32_t column, std::string_view words = {}) {
    SCOPED_TRACE(text.substr(0, 200));
    const auto out = read(text);
    const auto* found = out.find(reason);
    ASSERT_NE(found, nullptr) << manifests::format(out.diagnostics);
    EXPECT_EQ(found->line, line) << manifests::format(out.diagnostics);
    if (column != 0) {
        EXPECT_EQ(found->column, column) << manifests::format(out.diagnostics);
    }
    EXPECT_NE((found->message + " / " + found->hint).find(words), std::string::npos) << manifests::format(out.diagnostics);
}

TEST(WorkflowFile, FaultsHaveTheirPlaces) {
    const std::string h(head);  // three lines
    expect_fault("[workflow]\nid=\"w\"\nversion=\"1.0.0\"\nnmae=\"x\"\n", "unknown-key", 4, 1, "did you mean \"name\"?");
    expect_fault("[workflow]\nid=\"W w\"\nversion=\"1.0.0\"\n", "bad-id", 2, 1);
    expect_fault("[workflow]\nid=\"w\"\nversion=\"one\"\n", "bad-version", 3, 1);
    expect_fault("[workflow]\nid=\"w\"\n", "missing-key", 1, 0, "version");
    expect_fault("", "missing-key", 1, 0, "no [workflow]");
    expect_fault(h, "no-nodes", 1, 0);
    expect_fault(h + "[nodes.a]\ntype=\"control\"\noperation=\"merg\"\ninputs={a=\"a.value\"}", "unknown-operation", 6, 1, "merge");
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ntimeout=\"fast\"\n", "bad-duration", 7, 1);
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\nretry={max=1000}\n", "bad-value", 7, 8);
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={ text = 3 }\n", "wrong-kind", 7, 10, "with");
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={ text = \"b.text\" }\n", "unknown-node", 7, 10, "nodes: a");
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={ text = \"$inputs.x\" }\n", "unknown-input", 7, 10);
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={ text = { from = \"a.text\", when = \"value =\" } }\n", "bad-expression", 7, 36);
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\n[outputs.o]\nfrom=\"a.text\"\nfile=\"../up\"\n", "bad-path", 8, 1);
    expect_fault(h + "[nodes.a]\nplugin=\"text\"\n[[edges]]\nfrom=\"a\"\nto=\"a.text\"\n", "unknown-port", 7, 1, "a.PORT");
    expect_fault(h + "[inputs.x]\ntype=\"lst\"\n", "bad-type", 5, 1, "list");
    expect_fault(h + "[nodes.a]\nplugin = \n", "bad-toml", 5, 0);
}

TEST(WorkflowFile, JsonFaultsHaveTheirPlaces) {
    const auto out = read("{\"workflow\": {\"id\": \"w\", \"version\": \"1.0.0\"},\n \"nodes\": {\"a\": {\"plugin\": \"text\",\n  \"oops\": 1}, \"é\\\"\": 1}}", "w.json");
    ASSERT_NE(out.find("unknown-key"), nullptr) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.find("unknown-key")->line, 3u);
    EXPECT_EQ(out.find("unknown-key")->column, 3u);
    ASSERT_NE(out.find("wrong-kind"), nullptr);
    EXPECT_EQ(out.find("wrong-kind")->line, 3u);
    EXPECT_EQ(out.find("wrong-kind")->column, 15u);
    for (const std::string_view bad : {"{", "{\"a\":}", "{\"a\":1}}", "[1]", "null", "{\"a\": 1e999}", "{\"a\": \"\xff\"}"}) {
        SCOPED_TRACE(bad);
        const auto faults = read(bad, "w.json");
        EXPECT_TRUE(manifests::has_errors(faults.diagnostics));
    }
}

TEST(WorkflowFile, SecondDefinitionsAreToldWithAllOtherFaults) {
    const std::string text = std::string(head) +
                             "[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={text=\"$inputs.t\"}\n"
                             "[nodes.b]\nplugin=\"gone\"\noperation=\"count\"\n"
                             "[nodes.a]\nplugin=\"text\"\noperation=\"juggle\"\n[nodes.a.with]\ntop=1\n"
                             "[inputs]\nt = { type = \"text\" }\nt = { type = \"text\" }\n";
    const auto out = read(text);
    const auto reasons = out.reasons();
    EXPECT_EQ(reasons.count("duplicate-id"), 2u) << manifests::format(out.diagnostics);
    EXPECT_EQ(reasons.count("missing-plugin"), 1u) << manifests::format(out.diagnostics);
    EXPECT_EQ(reasons.count("unknown-operation"), 1u) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.find("duplicate-id")->line, 11u);
    EXPECT_EQ(out.find("duplicate-id")->column, 8u);
    const auto json = read("{\"workflow\": {\"id\": \"w\", \"version\": \"1.0.0\"}, \"nodes\": {\"a\": {},\n\"a\": {}}}", "w.json");
    ASSERT_NE(json.find("duplicate-id"), nullptr);
    EXPECT_EQ(json.find("duplicate-id")->line, 2u);
    EXPECT_EQ(json.find("duplicate-id")->column, 1u);
    const auto list = read(std::string(head) + "[[nodes]]\nid=\"a\"\nplugin=\"text\"\noperation=\"join\"\n[[nodes]]\nid=\"a\"\nplugin=\"text\"\noperation=\"join\"\n");
    ASSERT_NE(list.find("duplicate-id"), nullptr);
    EXPECT_EQ(list.find("duplicate-id")->line, 9u);
}

TEST(WorkflowFile, TextsThatLookLikeHeadersAreTexts) {
    const auto out = read(std::string(head) + "description = \"\"\"\n[nodes.a]\n[nodes.a]\n\"\"\"\n[nodes.a]\nplugin='text'\noperation='join'\nwith = { a = [\n'[nodes.a]', # [nodes.a]\n\"x\\\"\"\n] }\n");
    EXPECT_TRUE(out.ok()) << manifests::format(out.diagnostics);
    ASSERT_NE(out.plan, nullptr);
    EXPECT_EQ(out.plan->workflow.nodes.size(), 1u);
}

void expect_too_many(const std::string& text, std::string_view path, std::string_view reason) {
    SCOPED_TRACE(path);
    const auto out = read(text, path);
    EXPECT_EQ(out.plan, nullptr);
    ASSERT_EQ(out.diagnostics.size(), 1u) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.diagnostics[0].reason, reason);
}

TEST(WorkflowFile, HugeFilesAreRefusedWithOneSentence) {
    std::string headers(head), inline_form = std::string(head) + "[nodes]\n", edges(head), json = "{\"nodes\":{";
    for (int i = 0; i < 200'000; ++i) {
        const auto n = std::to_string(i);
        headers += "[nodes.n" + n + "]\n";
        inline_form += "n" + n + "={}\n";
        edges += "[[edges]]\nfrom=\"a\"\nto=\"b\"\n";
        json += (i == 0 ? "\"n" : ",\"n") + n + "\":{}";
    }
    expect_too_many(headers, "w.toml", "too-many-nodes");
    expect_too_many(inline_form, "w.toml", "too-many-nodes");
    expect_too_many(edges, "w.toml", "too-many-edges");
    expect_too_many(json + "}}", "w.json", "too-many-nodes");
    expect_too_many(std::string(9u << 20, '#'), "w.toml", "too-large");
    expect_too_many("a = " + std::string(100'000, '['), "w.toml", "bad-toml");
    expect_too_many(std::string(100'000, '['), "w.json", "too-deep");
}

} // namespace
} // namespace symphony::tracker::test
