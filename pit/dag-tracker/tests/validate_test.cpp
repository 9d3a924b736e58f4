// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::tracker::test {
namespace {

std::string node(std::string_view id, std::string_view inputs, std::string_view more = {}, std::string_view plugin = "text", std::string_view operation = "count") {
    return "[nodes." + std::string(id) + "]\nplugin = \"" + std::string(plugin) + "\"\noperation = \"" + std::string(operation) + "\"\ninputs = { " + std::string(inputs) + " }\n" + std::string(more);
}
const std::string text_input = "[inputs.t]\ntype = \"text\"\n";

void expect_fault(const std::string& body, std::string_view reason, std::string_view words) {
    SCOPED_TRACE(body);
    const auto out = read(std::string(head) + body);
    const auto* found = out.find(reason);
    ASSERT_NE(found, nullptr) << manifests::format(out.diagnostics);
    EXPECT_GT(found->line, 0u);
    EXPECT_NE((found->message + " / " + found->hint).find(words), std::string::npos) << manifests::format(out.diagnostics);
}
void expect_fine(const std::string& body) {
    SCOPED_TRACE(body);
    const auto out = read(std::string(head) + body);
    EXPECT_TRUE(out.diagnostics.empty()) << manifests::format(out.diagnostics);
}

TEST(Validate, NamesCyclesFromTheirFirstNode) {
    expect_fault(node("b", "text = \"c.text\"") + node("c", "text = \"a.text\"") + node("a", "text = \"b.text\""), "cycle", "b -> a -> c -> b");
    expect_fault(node("a", "text = \"a.text\""), "cycle", "a -> a");
    std::string two = node("a", "text = \"b.text\"") + node("b", "text = \"a.text\"") + node("c", "text = \"d.text\"") + node("d", "text = \"c.text\"") + node("e", "text = \"d.text\"");
    const auto out = read(std::string(head) + two);
    EXPECT_EQ(out.reasons().count("cycle"), 2u) << manifests::format(out.diagnostics);
}

TEST(Validate, NamesOneShortCycleOfALargeKnot) {
    std::string text(head);
    constexpr int size = 3000;
    for (int i = 0; i < size; ++i) text += node("n" + std::to_string(i), "a = \"n" + std::to_string((i + 1) % size) + ".text\", b = \"n" + std::to_string(i / 2 == i ? 1 : i / 2) + ".text\"", {}, "text", "join");
    const auto out = read(text);
    EXPECT_EQ(out.reasons().count("cycle"), 1u);
    EXPECT_LT(out.find("cycle")->message.size(), 300u);
}

TEST(Validate, ComparesTypesAndNamesBothSides) {
    expect_fault(text_input + node("a", "text = \"$inputs.t\"") + node("b", "text = \"a.total\""), "type-mismatch", "\"a.total\" is integer, \"b.text\" takes text");
    expect_fault(node("l", "", "with = { n = 1 }\n", "text", "list") + node("b", "text = \"l.items\""), "type-mismatch", "each = \"text\" runs the node once per element");
    expect_fault(text_input + node("b", "text = \"$inputs.t\"", "each = \"text\"\n"), "type-mismatch", "takes list<text>");
    expect_fault(text_input + node("b", "text = \"$inputs.t\"", "with = { top = \"x\" }\n"), "type-mismatch", "it is text, expected integer");
    expect_fault(node("l", "", "with = { n = 1.5 }\n", "text", "list"), "type-mismatch", "number");
    expect_fault(text_input + node("a", "text = \"$inputs.t\"") + "[outputs.o]\nfrom = \"a.total\"\ntype = \"text\"\n", "type-mismatch", "declared text");
    expect_fault("[inputs.t]\ntype = \"integer\"\ndefault = \"x\"\n" + node("a", "a = \"$inputs.t\"", {}, "text", "join"), "type-mismatch", "default of input \"t\"");
    expect_fault(text_input + "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"concat\"\ninputs = { a = \"$inputs.t\" }\n", "type-mismatch", "joins lists");
    expect_fine(text_input + node("l", "", "with = { n = 2 }\n", "text", "list") + node("b", "text = \"l.items\"", "each = \"text\"\n") +
                "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"concat\"\ninputs = { a = \"b.text\", b = \"l.items\" }\n" + node("c", "text = \"m.value\"", "each = \"text\"\n") +
                node("k", "whole = \"l.count\", many = \"m.value\"", {}, "text", "each_kind") + node("d", "text = \"$inputs.t\"") + "[outputs.o]\nfrom = \"c.results\"\ntype = \"list<map>\"\n[outputs.d]\nfrom = \"d.text\"\n");
}

TEST(Validate, KnowsPortsAndNamesTheNearest) {
    expect_fault(text_input + node("a", "txt = \"$inputs.t\""), "unknown-port", "did you mean \"text\"?");
    expect_fault(text_input + node("a", "text = \"$inputs.t\"") + node("b", "text = \"a.txet\""), "unknown-port", "did you mean \"text\"?");
    expect_fault(text_input + node("a", "text = \"$inputs.t\"") + node("b", "a = \"a.problems\"", {}, "text", "join"), "unknown-port", "on_error = \"collect\"");
    expect_fault(text_input + node("a", "text = \"$inputs.t\"", {}, "text", "cuont"), "unknown-operation", "did you mean \"count\"?");
    expect_fault(node("a", ""), "missing-input", "gives no \"text\" (text)");
    expect_fault(node("a", "", "each = \"text\"\n"), "missing-input", "runs each");
    expect_fault(text_input + node("a", "text = \"$inputs.t\"", "with = { text = \"x\" }\n"), "two-sources", "\"a.text\"");
    expect_fault(text_input + node("a", "text = \"$inputs.t\"") + "[[edges]]\nfrom = \"$inputs.t\"\nto = \"a.text\"\n", "two-sources", "merge");
    expect_fault("[nodes.b]\ntype = \"control\"\noperation = \"branch\"\n", "missing-input", "no input \"value\"");
    expect_fault(text_input + "[nodes.b]\ntype = \"control\"\noperation = \"branch\"\ninputs = { val = \"$inputs.t\" }\n", "unknown-port", "one input, \"value\"");
    expect_fault(text_input + "[nodes.b]\ntype = \"control\"\noperation = \"branch\"\ninputs = { value = \"$inputs.t\" }\n" + node("c", "text = { from = \"b.value\", when = \"else\" }"), "bad-expression", "else");
}

TEST(Validate, SaysHowToGetAPlugin) {
    expect_fault(node("a", "", {}, "org.test.nowhere"), "missing-plugin", "symphony install org.test.nowhere");
    expect_fault(node("a", "", {}, "texd"), "missing-plugin", "did you mean \"text\"?");
    expect_fault(node("a", "", {}, "refused"), "refused-plugin", "its library has another digest");
    expect_fault(node("a", "", {}, "eyes", "see"), "wrong-node-type", "type = \"instrument\"");
    expect_fault(node("a", "", "type = \"instrument\"\n", "text", "count"), "wrong-node-type", "type = \"operator\"");
}

TEST(Validate, WarnsOfOrphansAndUnusedInputs) {
    const auto out = read(std::string(head) + text_input + node("a", "", {}, "text", "join") + node("b", "", {}, "text", "join") + "[outputs.o]\nfrom = \"b.text\"\n");
    EXPECT_TRUE(out.ok()) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.reasons(), (std::multiset<std::string>{"orphan", "unused-input"})) << manifests::format(out.diagnostics);
    EXPECT_NE(out.find("orphan")->message.find("\"a\""), std::string::npos);
}

TEST(Validate, FindsEverythingAtOnce) {
    const auto out = read(std::string(head) + node("a", "text = \"b.text\"") + node("b", "text = \"a.text\"") + node("c", "", {}, "nowhere") + node("d", "txt = \"a.total\"") +
                          node("d", "", {}, "text", "juggle") + node("e", "text = \"nowhere.text\"") + node("f", "", {}, "text", "join"));
    const auto reasons = out.reasons();
    for (const std::string reason : {"cycle", "missing-plugin", "unknown-port", "missing-input", "duplicate-id", "unknown-operation", "unknown-node", "orphan"}) {
        EXPECT_GT(reasons.count(reason), 0u) << reason << "\n" << manifests::format(out.diagnostics);
    }
    EXPECT_TRUE(std::is_sorted(out.diagnostics.begin(), out.diagnostics.end(), [](const auto& a, const auto& b) { return a.line < b.line; }));
}

TEST(Validate, StopsWhenItTakesTooLong) {
    std::string text(head);
    for (int i = 0; i < 2000; ++i) text += node("n" + std::to_string(i), "", {}, "text", "join");
    Findings findings{"w.toml"};
    auto workflow = parse_workflow("w.toml", text, {}, findings);
    ASSERT_TRUE(workflow);
    compile(*workflow);
    const auto known = catalogue();
    std::uint64_t clock = 0;
    validate(*workflow, *known, {}, findings, [&] { return clock += 60'000'000; });
    const auto found = findings.take();
    EXPECT_EQ(std::count_if(found.begin(), found.end(), [](const auto& one) { return one.reason == "check-too-slow"; }), 1);
}

TEST(Validate, OrderIsThatOfTheFileWhereItIsFree) {
    const auto plan = plan_of(std::string(head) + node("z", "", {}, "text", "join") + node("m", "a = \"a.text\"", {}, "text", "join") + node("a", "a = \"z.text\"", {}, "text", "join") + node("b", "a = \"z.text\"", {}, "text", "join"));
    std::string order;
    for (const Id n : plan->workflow.order) order += std::string(plan->workflow.node_name(n)) + " ";
    EXPECT_EQ(order, "z a b m ");
}

} // namespace
} // namespace symphony::tracker::test
