// SPDX-License-Identifier: Apache-2.0
#include <symphony/workflow_builder.hpp>

#include <symphony/json.hpp>

#include <gtest/gtest.h>

#include <set>

namespace symphony {
namespace {

using namespace std::chrono_literals;

std::string json_of(const BuiltWorkflow& built) {
    EXPECT_TRUE(built) << built.errors().front().message();
    const auto text = print_json(built.document().view(), -1, JsonBytes::refuse);
    EXPECT_TRUE(text) << text.error().message();
    return text ? *text : std::string();
}

std::multiset<std::string> reasons(const BuiltWorkflow& built) {
    std::multiset<std::string> all;
    for (const Error& error : built.errors()) all.insert(std::string(error.reason()));
    return all;
}
using Reasons = std::multiset<std::string>;

/// Right as it is; tests make it wrong.
WorkflowBuilder good() {
    WorkflowBuilder builder("w");
    builder.version("1.0.0").input("x").add_operator("a", "text", "join", NodeOptions().input("a", "$inputs.x")).add_operator("b", "text", "join");
    return builder;
}

TEST(WorkflowBuilder, SaysWhatTheFirstDesignSays) {
    const auto built = WorkflowBuilder("data-processing")
                           .version("1.0.0")
                           .add_instrument("ask", "gpt-4", "complete", NodeOptions().with("temperature", 0.5))
                           .add_operator("parse", "json-parser", "parse")
                           .connect("ask", "parse", DataEdge{"text", "text"})
                           .build();
    EXPECT_EQ(json_of(built), R"({"edges":[{"from":"ask.text","to":"parse.text"}],"nodes":{"ask":{"operation":"complete","plugin":"gpt-4","type":"instrument","with":{"temperature":0.5}},)"
                              R"("parse":{"operation":"parse","plugin":"json-parser","type":"operator"}},"workflow":{"id":"data-processing","schema":1,"version":"1.0.0"}})");
    EXPECT_TRUE(Value::check(built.document().bytes()));
}

TEST(WorkflowBuilder, SaysEverythingThatAWorkflowCan) {
    WorkflowBuilder builder("w");
    builder.version("1.2.3-rc.1+build.5").name("n").description("d").timeout(90s).fail_fast().plugin("text", "^1.2");
    builder.metadata(ValueBuilder().map().add("owner", "me").end().build());
    builder.input("x", {.type = "list<text>?", .otherwise = ValueBuilder().list().text("a").end().build(), .required = true, .description = "which"});
    builder.add_operator("a", "text", "count", NodeOptions().input("text", "$inputs.x").each("text").parallel(4).on_error(OnError::collect).timeout(1500ms).retry(3, 250ms).description("counts"));
    builder.add_branch("pick").connect("a.results", "pick.value").add_merge("all", MergeMode::concat, NodeOptions().input("one", "pick.value", "size(value) > 2").after("a"));
    builder.add_control("later", "delay", NodeOptions().set("for", ValueBuilder().text("5s").build())).connect("a", "later", ConditionalEdge{"value.n > 1", {}, {}});
    builder.output("o", {.from = "all.value", .file = "in/o.json", .type = "list", .description = "all"});
    EXPECT_EQ(json_of(builder.build()),
              R"({"edges":[{"from":"$inputs.x","to":"a.text"},{"from":"a.results","to":"pick.value"},{"from":"pick.value","kind":"conditional","to":"all.one","when":"size(value) > 2"},)"
              R"({"from":"a","kind":"control","to":"all"},{"from":"a","kind":"conditional","to":"later","when":"value.n > 1"}],)"
              R"("inputs":{"x":{"default":["a"],"description":"which","required":true,"type":"list<text>?"}},"metadata":{"owner":"me"},)"
              R"("nodes":{"a":{"description":"counts","each":"text","on_error":"collect","operation":"count","parallel":4,"plugin":"text","retry":{"backoff":"250ms","max":3},"timeout":"1500ms","type":"operator"},)"
              R"("all":{"mode":"concat","operation":"merge","type":"control"},"later":{"for":"5s","operation":"delay","type":"control"},"pick":{"operation":"branch","type":"control"}},)"
              R"("outputs":{"o":{"description":"all","file":"in/o.json","from":"all.value","type":"list"}},"plugins":{"text":"^1.2"},)"
              R"("workflow":{"description":"d","fail_fast":true,"id":"w","name":"n","schema":1,"timeout":"90000ms","version":"1.2.3-rc.1+build.5"}})");
}

TEST(WorkflowBuilder, ConstantsKeepTheirKind) {
    const std::uint8_t raw[] = {0, 255};
    WorkflowBuilder builder("w");
    builder.version("1.0.0").add_operator("a", "p", "o", NodeOptions()
        .with("int", 3).with("big", std::uint64_t{9223372036854775807u}).with("number", 3.0).with("yes", true).with("text", std::string("t")).with("none", Value())
        .with("bytes", ValueBuilder().bytes(raw).build()).with("marked", ValueBuilder().map().add("$bytes", "x").end().build()).with("plain", ValueBuilder().map().add("$bytes", "x").add("b", 1).end().build()));
    EXPECT_NE(json_of(builder.build()).find(R"("with":{"big":9223372036854775807,"bytes":{"$bytes":"AP8="},"int":3,"marked":{"$map":{"$bytes":"x"}},"none":null,"number":3.0,"plain":{"$bytes":"x","b":1},"text":"t","yes":true})"),
              std::string::npos) << json_of(builder.build());
}

TEST(WorkflowBuilder, TellsAllFaultsAtOnce) {
    WorkflowBuilder builder("Not an id");
    builder.version("1.0").timeout(-1ms).input("x", {.type = "list<texts>"}).input("x");
    builder.add_operator("a", "", "", NodeOptions().with("t", 1.0 / 0.0).input("t", "nobody.text").parallel(0));
    builder.add_operator("a", "p", "o").add_merge("m", MergeMode::all, NodeOptions().each("x"));
    builder.connect("a", "m").connect("$inputs.y", "m.value").connect("m.value", "$inputs.x").connect("a.text", "m", ControlEdge()).connect("a.text", "m.t", ConditionalEdge{});
    builder.output("o", {.from = "a", .file = "../o"}).output("o", {.from = ""});
    const auto built = builder.build();
    EXPECT_EQ(reasons(built), (Reasons{"bad-id", "bad-version", "bad-duration", "bad-type", "duplicate-id", "missing-key", "missing-key", "bad-value", "unknown-key", "bad-value", "duplicate-id", "unknown-key",
                                       "unknown-node", "unknown-port", "unknown-input", "unknown-node", "bad-value", "missing-key", "bad-path", "unknown-port", "duplicate-id", "missing-key"}));
    EXPECT_TRUE(built.document().is_null());
    EXPECT_EQ(built.result().error().reason(), "bad-id");
    EXPECT_NE(built.result().error().message().find("and 21 more"), std::string::npos) << built.result().error().message();
}

void expect_only(const WorkflowBuilder& builder, std::string_view reason, std::string_view words = {}) {
    SCOPED_TRACE(reason);
    const auto built = builder.build();
    ASSERT_EQ(built.errors().size(), 1u) << (built ? "none" : built.errors().back().message());
    EXPECT_EQ(built.errors()[0].reason(), reason);
    EXPECT_NE(built.errors()[0].message().find(words), std::string::npos) << built.errors()[0].message();
}

TEST(WorkflowBuilder, NamesEachFault) {
    EXPECT_TRUE(good().build());
    expect_only(good().connect("a.text", "b.a").connect("a.total", "b.a"), "two-sources", "\"b.a\"");
    expect_only(good().add_operator("c", "p", "o", NodeOptions().with("x", 1).input("x", "a.text")), "two-sources", "\"c.x\"");
    expect_only(good().connect("a.text", "b.a").connect("b.text", "a.b"), "cycle", "a -> b -> a");
    expect_only(good().connect("b", "b", ControlEdge()), "cycle", "b -> b");
    expect_only(good().connect("a.text", "c.a"), "unknown-node", "\"c\"");
    expect_only(good().connect("a", "b.a"), "unknown-port", "\"a\" names no output");
    expect_only(good().connect("a.text", "b"), "unknown-port", "\"b\" names no input");
    expect_only(good().connect("$inputs.x", "b", ControlEdge()), "bad-value", "order needs a node");
    expect_only(WorkflowBuilder("w").version("1.0.0"), "no-nodes");
    expect_only(WorkflowBuilder("w").add_operator("a", "p", "o"), "missing-key", "version");
    expect_only(good().add_operator("c", "p", "o", NodeOptions().timeout(std::chrono::hours(24 * 400))), "bad-duration", "timeout");
    expect_only(good().add_operator("c", "p", "o", NodeOptions().retry(101)), "bad-value", "101");
    expect_only(good().add_operator("c", "p", "o", NodeOptions().with("n", std::numeric_limits<std::uint64_t>::max())), "bad-value", "64 bits");
    expect_only(good().metadata(ValueBuilder().text("x").build()), "wrong-kind");
    expect_only(good().add_operator("c", "p", "o", NodeOptions().set("plugin", Value())), "bad-value", "set()");
    expect_only(good().set("nodes", Value()), "bad-value", "set()");
    Value deep = ValueBuilder().integer(1).build();
    for (int i = 0; i < 21; ++i) deep = ValueBuilder().list().value(deep.view()).end().build();
    expect_only(good().add_operator("c", "p", "o", NodeOptions().with("x", deep)), "too-deep");
}

TEST(WorkflowBuilder, KnowsSemVer) {
    for (const char* right : {"0.0.0", "1.2.3", "10.20.30-rc.1", "1.0.0-0a.x-y", "1.0.0+001", "1.0.0-a+b"}) EXPECT_TRUE(good().version(right).build()) << right;
    for (const char* wrong : {"1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "1.0.0-a..b", "1.0.0-a.", " 1.0.0", "1.0.0-ä"}) expect_only(good().version(wrong), "bad-version");
}

TEST(WorkflowBuilder, IsBoundedAndIterative) {
    WorkflowBuilder builder("w");
    builder.version("1.0.0");
    constexpr int count = 10'000;
    for (int i = 0; i < count; ++i) builder.add_operator("n" + std::to_string(i), "text", "join", i == 0 ? NodeOptions() : NodeOptions().input("a", "n" + std::to_string(i - 1) + ".text"));
    EXPECT_TRUE(builder.build());
    builder.connect("n" + std::to_string(count - 1) + ".text", "n0.a");
    expect_only(builder, "cycle", "... -> n");
    for (int i = 0; i < 1000; ++i) builder.connect("nobody", "n0", ControlEdge());
    EXPECT_EQ(builder.build().errors().size(), 200u);
}

TEST(WorkflowBuilder, SaysTablesThatItDoesNotKnow) {
    const auto built = good().set("limits", ValueBuilder().map().add("retries", 3).end().build()).build();
    ASSERT_TRUE(built);
    EXPECT_EQ(built.document()["limits"]["retries"].as_int(), 3);
}

TEST(WorkflowBuilder, GoesOnAfterABuild) {
    WorkflowBuilder builder = good();
    const auto first = builder.build();
    const auto second = builder.add_operator("c", "text", "join").build();
    EXPECT_TRUE(first);
    EXPECT_EQ(second.document()["nodes"].size(), 3u);
    EXPECT_EQ(first.document()["nodes"].size(), 2u);
}

TEST(WorkflowBuilder, TellsFaultsOfBodiesWithTheirNode) {
    const auto reasons_of = [](const WorkflowBuilder& body, NodeOptions options = {}) {
        std::string all;
        const auto built = WorkflowBuilder("w").version("1.0.0").add_loop("l", {.max = 3, .until = "value.done"}, body, options).build();
        for (const Error& error : built.errors()) {
            EXPECT_NE(error.message().find("node \"l\""), std::string::npos) << error.message();
            all += std::string(error.reason()) + " ";
        }
        return all;
    };
    const auto good = WorkflowBuilder().add_operator("a", "text", "count");
    EXPECT_EQ(reasons_of(good), "");
    EXPECT_EQ(reasons_of(WorkflowBuilder()), "no-nodes ");
    EXPECT_EQ(reasons_of(WorkflowBuilder(good).connect("a", "b", ControlEdge())), "unknown-node ");
    EXPECT_EQ(reasons_of(good, NodeOptions().each("text")), "missing-key ");
    EXPECT_EQ(reasons_of(good, NodeOptions().elements_max(3)), "unknown-key ");
    const auto limits = WorkflowBuilder("w").version("1.0.0").add_operator("a", "text", "count").resource("gpu", 0).limit("text", {}).build();
    ASSERT_EQ(limits.errors().size(), 2u);
    EXPECT_EQ(limits.errors()[0].reason(), "bad-value");
    EXPECT_EQ(limits.errors()[1].reason(), "missing-key");
}

} // namespace
} // namespace symphony
