// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <pthread.h>

#include <random>

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

TEST(Validate, LevelsAreThoseOfTheLongestWay) {
    const auto plan = plan_of(std::string(head) + node("a", "", {}, "text", "join") + node("b", "a = \"a.text\"", {}, "text", "join") + node("c", "a = \"a.text\", b = \"b.text\"", {}, "text", "join") +
                              node("d", "a = \"a.text\"", {}, "text", "join"));
    EXPECT_EQ(plan->workflow.levels, (std::vector<std::uint32_t>{0, 1, 2, 1}));
    const auto knot = read(std::string(head) + node("a", "text = \"b.text\"") + node("b", "text = \"a.text\"") + node("c", "text = \"b.text\"") + node("d", "", {}, "text", "join"));
    ASSERT_NE(knot.plan, nullptr);
    EXPECT_EQ(knot.plan->workflow.levels, (std::vector<std::uint32_t>{no_id, no_id, no_id, 0}));
}

TEST(Validate, FindsWhatCanNeverRun) {
    const std::string branch = text_input + "[nodes.b]\ntype = \"control\"\noperation = \"branch\"\ninputs = { value = \"$inputs.t\" }\n";
    const auto out = read(std::string(head) + branch + node("c", "text = { from = \"b.value\", when = \"size(value) < 0\" }") + node("d", "text = \"c.text\"") + node("e", "a = \"d.text\"", {}, "text", "join") +
                          "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\ninputs = { x = \"c.text\", y = \"d.text\" }\n[outputs.o]\nfrom = \"m.value\"\n[outputs.p]\nfrom = \"e.text\"\n");
    EXPECT_TRUE(out.ok()) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.reasons().count("never-holds"), 1u) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.reasons().count("unreachable"), 4u) << manifests::format(out.diagnostics);  // c, d, m, output o; e has its input only if there is one
    EXPECT_NE(manifests::format(out.diagnostics).find("merge \"m\" is never fed"), std::string::npos);
    EXPECT_EQ(out.find("never-holds")->severity, Severity::warning);
    expect_fault(branch + node("c", "text = { from = \"b.value\", when = \"size(value) >= 0\" }") + node("d", "text = { from = \"b.value\", when = \"else\" }"), "never-holds", "\"else\" of b -> d");
    expect_fault(branch + node("c", "text = { from = \"b.value\", when = \"value == 3\" }"), "never-holds", "value == 3");
    expect_fine(branch + node("c", "text = { from = \"b.value\", when = \"value == '3'\" }") + node("d", "text = { from = \"b.value\", when = \"else\" }"));
    expect_fault("[nodes.m]\ntype = \"control\"\noperation = \"merge\"\n", "missing-input", "no inputs");
}

TEST(Validate, HoldsPluginsToTheVersionsOfTheFile) {
    const std::string uses = text_input + node("a", "text = \"$inputs.t\"");
    expect_fine("[plugins]\ntext = \"^1.0\"\n" + uses);
    expect_fine("[plugins]\n\"org.test.text\" = \">=1.0, <1.5\"\n" + uses);
    expect_fault("[plugins]\ntext = \"^2\"\n" + uses, "plugin-version", "is 1.4.0, the workflow was made with ^2");
    expect_fault("[plugins]\ntext = \"^2\"\n" + uses, "plugin-version", "symphony install text@^2");
    expect_fault("[plugins]\nnowhere = \"^3.1\"\n" + node("a", "", {}, "nowhere"), "missing-plugin", "symphony install nowhere@^3.1");
    expect_fault("[plugins]\ntext = \"new\"\n" + uses, "bad-version", "text");
    expect_fault("[plugins]\n\"a b\" = \"1\"\n" + uses, "bad-id", "a b");
    CheckOptions any;
    any.any_versions = true;
    const auto accepted = read(std::string(head) + "[plugins]\ntext = \"^2\"\n" + uses + node("b", "text = \"$inputs.t\""), "w.toml", {}, any);
    EXPECT_TRUE(accepted.ok());
    EXPECT_EQ(accepted.reasons(), (std::multiset<std::string>{"plugin-version"})) << manifests::format(accepted.diagnostics);
}

TEST(Validate, TakesOfSeveralVersionsTheOneOfTheFile) {
    const auto out = read(std::string(head) + "[plugins]\ndisk = \"=0.9\"\n" + text_input + node("a", "text = \"$inputs.t\"", {}, "disk"));
    ASSERT_TRUE(out.ok()) << manifests::format(out.diagnostics);
    EXPECT_EQ(out.plan->binding.providers[0]->version, "0.9.3");
}

// ---- size ----

/// Made without a file: what is looked at is the check, and a thread with little stack shows that nothing recurses.
Workflow chain_of(std::size_t nodes) {
    Workflow w;
    w.id = "w";
    w.version = "1.0.0";
    const Id plugin = w.names.intern("text"), operation = w.names.intern("join"), port = w.names.intern("a"), out = w.names.intern("text");
    for (Id n = 0; n < nodes; ++n) {
        Node node;
        node.name = w.names.intern("n" + std::to_string(n));
        node.plugin = plugin;
        node.operation = operation;
        w.nodes.push_back(node);
        if (n == 0) continue;
        Edge edge;
        edge.from = n - 1;
        edge.to = n;
        edge.from_port = out;
        edge.to_port = port;
        w.edges.push_back(edge);
    }
    return w;
}
Limits patient() {
    Limits limits;
    limits.check_ns_max = std::uint64_t{600} * 1'000'000'000;
    return limits;
}

TEST(Validate, ALongChainIsNoDeepStack) {
    Workflow w = chain_of(10'000);
    Findings findings{"w"};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    struct Work {
        Workflow& workflow;
        Findings& findings;
    } work{w, findings};
    pthread_t thread{};
    ASSERT_EQ(pthread_create(&thread, &attributes, [](void* given) -> void* {
        auto& [workflow, found] = *static_cast<Work*>(given);
        compile(workflow);
        validate(workflow, *catalogue(), patient(), found, [] { return steady_now_ns(); });
        std::reverse(workflow.edges.begin(), workflow.edges.end());
        Edge back = workflow.edges[0];
        back.from = 9'999;
        back.to = 0;
        workflow.edges.push_back(back);  // one knot of 10,000 nodes
        compile(workflow);
        validate(workflow, *catalogue(), patient(), found, [] { return steady_now_ns(); });
        return nullptr;
    }, &work), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    const auto found = findings.take();
    ASSERT_EQ(found.size(), 1u) << manifests::format(found);
    EXPECT_EQ(found[0].reason, "cycle");
    EXPECT_LT(found[0].message.size(), 400u);
    EXPECT_TRUE(w.order.empty());
}

TEST(Validate, ItemsOfItemsAreFollowedAndNoRoundIsEndless) {
    const std::string list = node("l", "", "with = { n = 2 }\n", "text", "list");
    expect_fine(list + node("a", "text = \"l.items\"", "each = \"text\"\n") + node("b", "text = \"a.items\"", "each = \"text\"\n") + "[outputs.o]\nfrom = \"b.items\"\ntype = \"list<text>\"\n");
    expect_fault(list + node("a", "text = \"l.items\"", "each = \"text\"\n") + node("b", "text = \"a.items\"", "each = \"text\"\n") + "[outputs.o]\nfrom = \"b.items\"\ntype = \"list<integer>\"\n", "type-mismatch", "list<text>");
    expect_fault(node("a", "text = \"b.items\"", "each = \"text\"\n") + node("b", "text = \"a.items\"", "each = \"text\"\n"), "cycle", "a -> b -> a");
}

TEST(Validate, FiftyThousandEdgesIntoOneNode) {
    for (const bool merge : {true, false}) {
        SCOPED_TRACE(merge);
        std::string text(head);
        for (int i = 0; i < 100; ++i) text += node("n" + std::to_string(i), "", {}, "text", "join");
        text += merge ? "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"all\"\n" : "[nodes.m]\nplugin = \"text\"\noperation = \"join\"\n";
        for (int i = 0; i < 50'000; ++i) text += "[[edges]]\nfrom = \"n" + std::to_string(i % 100) + ".text\"\nto = \"m.p" + std::to_string(i) + "\"\n";
        const auto out = read(text, "w.toml", patient());
        ASSERT_NE(out.plan, nullptr);
        EXPECT_EQ(out.ok(), merge);
        EXPECT_EQ(out.reasons().count("check-too-slow"), 0u);
        EXPECT_EQ(out.plan->workflow.levels.back(), 1u);
        EXPECT_EQ(out.reasons().count("unknown-port"), merge ? 0u : Findings::findings_max);
    }
}

TEST(Validate, OneNodeOrEdgeTooManyIsRefused) {
    Limits limits;
    limits.nodes_max = 3;
    limits.edges_max = 2;
    const std::string three = node("a", "", {}, "text", "join") + node("b", "a = \"a.text\"", {}, "text", "join") + node("c", "a = \"b.text\"", {}, "text", "join");
    EXPECT_TRUE(read(std::string(head) + three, "w.toml", limits).ok());
    EXPECT_NE(read(std::string(head) + three + node("d", "", {}, "text", "join"), "w.toml", limits).find("too-many-nodes"), nullptr);
    EXPECT_NE(read(std::string(head) + three + "[[edges]]\nfrom = \"a.text\"\nto = \"c.b\"\n", "w.toml", limits).find("too-many-edges"), nullptr);
}

/// The short way through the edges must say of a node just what the long one says.
TEST(Validate, LookingQuicklyAndCloselyFindsTheSame) {
    std::mt19937 engine(20261127);
    const char* ports[] = {"text", "a", "b", "total", "items", "whole", "many", "by", "truth", "n", "results"};
    const char* operations[] = {"count", "join", "list", "each_kind"};
    std::size_t checked = 0, faulty = 0;
    for (int round = 0; round < 300; ++round) {
        std::string text(head);
        const std::size_t nodes = 2 + engine() % 8;
        for (std::size_t n = 0; n < nodes; ++n) {
            std::string inputs, with;
            for (std::size_t i = engine() % 3; i > 0; --i) {
                inputs += (inputs.empty() ? "" : ", ") + std::string(ports[engine() % std::size(ports)]) + std::to_string(i) + " = \"n" + std::to_string(engine() % nodes) + "." + ports[engine() % std::size(ports)] + "\"";
            }
            for (std::size_t i = 1; i < 3; ++i) {
                if (const auto at = inputs.find(std::to_string(i) + " = "); at != std::string::npos) inputs.erase(at, 1);
            }
            if (engine() % 3 == 0) with = "with = { " + std::string(ports[engine() % std::size(ports)]) + " = " + (engine() % 2 == 0 ? "1" : "\"x\"") + " }\n";
            const std::string id = "n" + std::to_string(n);
            text += node(id, inputs, with + (engine() % 4 == 0 ? "each = \"text\"\n" : ""), "text", operations[engine() % 4]);
        }
        CheckOptions closely;
        closely.closely = true;
        const auto quick = read(text);
        const auto close = read(text, "w.toml", {}, closely);
        ASSERT_EQ(manifests::format(quick.diagnostics), manifests::format(close.diagnostics)) << text;
        checked += quick.plan != nullptr ? 1u : 0u;
        faulty += quick.find("type-mismatch") != nullptr || quick.find("missing-input") != nullptr ? 1u : 0u;
    }
    EXPECT_GT(checked, 200u);
    EXPECT_GT(faulty, 100u);
    EXPECT_LT(faulty, checked);
}

} // namespace
} // namespace symphony::tracker::test
