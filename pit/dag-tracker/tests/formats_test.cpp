// SPDX-License-Identifier: Apache-2.0
#include "binary.hpp"
#include "formats.hpp"
#include "generated_workflow.hpp"
#include "parse.hpp"
#include "schema_zero.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace symphony::tracker::test {
namespace {

constexpr Format lossless[] = {Format::toml, Format::json, Format::json_compact, Format::msgpack, Format::binary};

std::uint64_t seed() {
    const char* given = std::getenv("SYMPHONY_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 20261127;
}

std::optional<Workflow> read_back(std::string_view text, std::vector<Diagnostic>& found, const Limits& limits = {}) {
    Findings findings{"w"};
    auto workflow = parse_workflow("w", text, limits, findings);
    if (findings.has_errors()) workflow.reset();
    found = findings.take();
    return workflow;
}
Workflow must_read(std::string_view text) {
    std::vector<Diagnostic> found;
    auto workflow = read_back(text, found);
    EXPECT_TRUE(workflow) << manifests::format(found) << "\n" << text.substr(0, 4000);
    return workflow ? *std::move(workflow) : Workflow();
}
void expect_refused(std::string_view text, std::string_view reason, const Limits& limits = {}) {
    std::vector<Diagnostic> found;
    EXPECT_FALSE(read_back(text, found, limits));
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0].reason, reason) << manifests::format(found);
}

TEST(WorkflowFormats, EveryWorkflowComesBackEqualFromEveryFormat) {
    std::cout << "seed " << seed() << " (SYMPHONY_TEST_SEED)\n";
    for (std::uint64_t i = 0; i < 1200; ++i) {
        SCOPED_TRACE(i);
        const Workflow made = WorkflowMaker(seed() + i).make();
        const std::string binary = write_workflow(made, Format::binary);
        const std::string digest = digest_of(made);
        for (const Format format : lossless) {
            SCOPED_TRACE(name_of(format));
            const std::string text = write_workflow(made, format);
            ASSERT_EQ(format_of("w", text), format == Format::json_compact ? Format::json : format);
            const Workflow back = must_read(i % 3 == 0 ? zstd_of(text) : text);
            ASSERT_EQ(write_workflow(back, Format::binary), binary) << text;
            ASSERT_EQ(write_workflow(back, format), text);
            ASSERT_EQ(digest_of(back), digest);
            if (HasFatalFailure() || HasNonfatalFailure()) return;
        }
    }
}

TEST(WorkflowFormats, TheFastReaderOfJsonReadsTheSameAsTheOneWithPlaces) {
    for (std::uint64_t i = 0; i < 300; ++i) {
        const Workflow made = WorkflowMaker(seed() + i).make();
        const std::string text = write_workflow(made, Format::json);
        const auto fast = parse_flawless_workflow("w", text, {});
        ASSERT_TRUE(fast) << text;
        ASSERT_EQ(digest_of(*fast), digest_of(must_read(text)));
    }
    for (const std::string_view bad : {"{\"workflow\": {}}", "{\"nodes\": {\"a\": {}, \"a\": {}}}", "[1]", "{\"a\": 18446744073709551615}"}) EXPECT_FALSE(parse_flawless_workflow("w.json", bad, {}));
}

constexpr std::string_view one = R"(
[workflow]
id = "w"
version = "1.0.0"
[nodes.b]
plugin = "text"
operation = "join"
type = "operator"
inputs = { a = "a.text", b = { from = "a.text", when = "value" } }
with = { z = { y = 1, x = 2 }, c = 3 }
after = ["c"]
retry = { max = 0 }
[nodes.a]
plugin = "text"
operation = "list"
[nodes.c]
plugin = "text"
operation = "list"
)";
constexpr std::string_view other = R"({
  "edges": [{"to": "b", "kind": "control", "from": "c"}, {"when": "value", "to": "b.b", "from": "a.text"}, {"from": "a.text", "kind": "data", "to": "b.a"}],
  "nodes": {"c": {"operation": "list", "plugin": "text"}, "a": {"operation": "list", "plugin": "text", "on_error": "fail"},
            "b": {"operation": "join", "plugin": "text", "with": {"c": 3, "z": {"x": 2, "y": 1}}, "description": ""}},
  "workflow": {"version": "1.0.0", "schema": 1, "fail_fast": false, "id": "w"}
})";

TEST(WorkflowFormats, WhatSaysTheSameHasTheSameDigest) {
    const std::string digest = digest_of(must_read(one));
    EXPECT_EQ(digest.size(), 64u);
    EXPECT_EQ(digest, digest_of(must_read(other)));
    EXPECT_EQ(digest, digest_of(must_read(write_workflow(must_read(other), Format::toml))));
    for (const auto& [from, to] : {std::pair{"c = 3", "c = 3.0"}, {"a.text\", b", "a.other\", b"}, {"\"value\"", "\"value.x\""}, {"[nodes.c]", "[nodes.d]"}, {"1.0.0", "1.0.1"}}) {
        std::string changed(one);
        changed.replace(changed.find(from), std::string_view(from).size(), to);
        if (std::string_view(to) == "[nodes.d]") changed.replace(changed.find("\"c\""), 3, "\"d\"");
        EXPECT_NE(digest, digest_of(must_read(changed))) << to;
    }
}

TEST(WorkflowFormats, TheDigestNeverChangesByItself) {
    // Digests are kept by others (caches, locks): a change of the layout needs a new schema version.
    EXPECT_EQ(digest_of(must_read(one)), "a167e3f17b0028603ea07a2a752548b0d93d22d101ed13e7a2f30489276a8c62");
}

TEST(WorkflowFormats, OrderCountsOnlyIntoAMerge) {
    const std::string head = "[workflow]\nid=\"w\"\nversion=\"1.0.0\"\n[nodes.x]\nplugin=\"t\"\noperation=\"o\"\n[nodes.y]\nplugin=\"t\"\noperation=\"o\"\n";
    const auto merge = [&](const std::string& inputs) { return digest_of(must_read(head + "[nodes.m]\ntype=\"control\"\noperation=\"merge\"\ninputs={" + inputs + "}\n")); };
    const auto plain = [&](const std::string& inputs) { return digest_of(must_read(head + "[nodes.m]\nplugin=\"t\"\noperation=\"o\"\ninputs={" + inputs + "}\n")); };
    EXPECT_NE(merge("a=\"x.o\", b=\"y.o\""), merge("b=\"y.o\", a=\"x.o\""));
    EXPECT_EQ(plain("a=\"x.o\", b=\"y.o\""), plain("b=\"y.o\", a=\"x.o\""));
}

/// The same values under the same keys; places are not compared.
bool same(const Doc& a, const Doc& b) {
    if (a.kind != b.kind || a.truth != b.truth || a.text() != b.text() || a.entries().size() != b.entries().size()) return false;
    if ((a.kind == Doc::Kind::integer || a.kind == Doc::Kind::number) && a.integer != b.integer) return false;  // of a number its bits
    for (std::size_t i = 0; i < a.entries().size(); ++i) {
        if (a.entries()[i].key != b.entries()[i].key || !same(a.entries()[i].value, b.entries()[i].value)) return false;
    }
    return true;
}

TEST(WorkflowFormats, WhatIsReadAsJsonWithoutPlacesIsJson) {
    const std::string whole = R"({"workflow": {"id": "w", "version": "1.0.0", "schema": 1}, "metadata": {"a": [1, -2.5e3, true, false, null, [], {}], "b": "\u00e9\n\"x"},)"
                              R"( "nodes": {"first-node": {"plugin": "t", "with": {"x": 0.125, "y": [{"z": 12345678901}]}}, "second-node": {"after": ["first-node"]}}})";
    constexpr std::string_view odd = "{}[]:,\"\\0159eE+-.ntfu \t\n/\x01\x80\xc3";
    std::mt19937_64 engine(seed());
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(engine() % bound); };
    int taken = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = whole;
        for (std::size_t left = below(4); left > 0; --left) {
            const std::size_t at = below(text.size());
            switch (below(3)) {
            case 0: text[at] = odd[below(odd.size())]; break;
            case 1: text.erase(at, 1 + below(3)); break;
            default: text.insert(at, 1, odd[below(odd.size())]); break;
            }
        }
        const auto fast = read_json_fast(text, {});
        if (!fast) continue;
        ++taken;
        Findings findings{"w.json"};
        const auto slow = read_json(text, {}, findings);
        ASSERT_TRUE(slow && !findings.has_errors()) << text;
        ASSERT_TRUE(same(fast->root, slow->root)) << text;
    }
    EXPECT_GT(taken, 5'000) << "those without a change, and some of the others";
    EXPECT_FALSE(read_json_fast(whole + " {}", {})) << "something follows";
    EXPECT_FALSE(read_json_fast(std::string(60, '[') + std::string(60, ']'), {}));
}

TEST(WorkflowFormats, ConstantsThatTomlAndJsonDoNotHaveAreMarked) {
    const std::string head = "[workflow]\nid=\"w\"\nversion=\"1.0.0\"\n[nodes.x]\nplugin=\"t\"\noperation=\"o\"\nwith = { a = ";
    const auto kind = [&](const std::string& constant) { return std::string(symphony::name_of(must_read(head + constant + " }\n").constants.at(0).value().kind())); };
    EXPECT_EQ(kind("{ \"$bytes\" = \"aGk=\" }"), "bytes");
    EXPECT_EQ(kind("{ \"$null\" = true }"), "null");
    EXPECT_EQ(kind("{ \"$map\" = { \"$null\" = true } }"), "map");
    EXPECT_EQ(kind("{ \"$bytes\" = \"aGk=\", more = 1 }"), "map");
    expect_refused(head + "{ \"$bytes\" = \"?\" } }\n", "bad-base64");
    expect_refused(head + "{ \"$null\" = false } }\n", "bad-value");
    expect_refused(head + "nan }\n", "bad-value");
    std::string deep = "1";
    for (std::size_t i = 0; i < constant_depth_max; ++i) deep = "[" + deep + "]";
    EXPECT_EQ(kind(deep), "list");
    expect_refused(head + "[" + deep + "] }\n", "too-deep");
}

TEST(WorkflowFormats, EveryCutAndEveryChangedByteOfABinaryFileIsReadOrRefused) {
    const std::string whole = write_workflow(WorkflowMaker(seed()).make(), Format::binary);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Findings findings{"w"};
        EXPECT_FALSE(read_binary(bytes_of(std::string_view(whole).substr(0, size)), {}, findings)) << size;
        EXPECT_EQ(findings.errors(), 1u) << size;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const char change : {'\x01', '\x80', '\xFF'}) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ change);
            Findings findings{"w"};
            const auto read = parse_workflow("w", damaged, {}, findings);
            if (!read) {
                EXPECT_TRUE(findings.has_errors()) << at;
            } else if (!findings.has_errors()) {  // what is read has a canonical form
                EXPECT_EQ(digest_of(*read).size(), 64u);
            }
        }
    }
}

TEST(WorkflowFormats, HostileBytesAreRefusedWithOneReason) {
    Limits small;
    small.nodes_max = 3;
    small.file_bytes_max = 8192;
    expect_refused(std::string(binary_magic) + "\x02", "newer-schema");
    expect_refused(binary_magic, "bad-binary");
    expect_refused(write_workflow(WorkflowMaker(3).make(40), Format::binary), "too-many-nodes", small);
    expect_refused("\x81", "bad-msgpack");
    expect_refused("\xDF\xFF\xFF\xFF\xFF", "bad-msgpack");
    expect_refused(std::string("\x81\xA1") + "a" + std::string(100, '\x91') + "\x01", "too-deep");
    expect_refused(std::string("\x81\xA5nodes\xDC\x10\x00", 10) + std::string(8192, '\xC0'), "too-large", small);
    expect_refused(zstd_of(std::string(100'000, ' ')), "too-large", small);
    std::string cut = zstd_of(std::string(one));
    cut.pop_back();
    expect_refused(cut, "bad-zstd");
    expect_refused(zstd_of(std::string(one)) + "more", "bad-zstd");
    expect_refused("{\"workflow\": {\"schema\": 2, \"id\": \"w\", \"version\": \"1.0.0\"}, \"nodes\": {\"a\": {\"plugin\": \"t\", \"operation\": \"o\"}}}", "newer-schema");
}

TEST(WorkflowFormats, AFileOfSmallValuesTakesBoundedMemory) {
    Limits limits;
    limits.nodes_max = 10;
    limits.edges_max = 10;
    std::string json = "{\"metadata\":{\"a\":[0";
    std::string pack = "\x81\xA8metadata\x81\xA1" "a\xDD";
    const std::size_t items = limits.items_max() + 1;
    for (int shift = 24; shift >= 0; shift -= 8) pack += static_cast<char>(items >> shift);
    pack += std::string(items, '\0');
    for (std::size_t i = 0; i < items; ++i) json += ",0";
    expect_refused(json + "]}}", "too-large", limits);
    expect_refused(pack, "too-large", limits);
}

// ---- schema 0 ----

constexpr std::string_view seed_workflow = R"({
  "id": "data-processing", "name": "data-processing", "version": "1.0.0", "metadata": {"author": "x"},
  "nodes": {
    "gpt-4": {"Instrument": {"operation": "complete", "config": {"temperature": 0.5}}},
    "json-parser": {"Operator": {"plugin": "text", "operation": "parse", "config": {}}},
    "pick": {"Control": {"kind": "merge", "mode": "any"}}
  },
  "edges": [
    {"Data": {"from": "gpt-4", "to": "json-parser", "from_port": "text", "to_port": "text"}},
    {"Conditional": {"from": "json-parser", "to": "pick", "from_port": "value", "to_port": "a", "condition": "size(value) > 1"}},
    {"Control": {"from": "gpt-4", "to": "pick"}}
  ]
})";

TEST(SchemaZero, IsReadAsAWorkflowAndWrittenBack) {
    const Workflow up = must_read(seed_workflow);
    ASSERT_EQ(up.nodes.size(), 3u);
    EXPECT_EQ(up.names[up.nodes[0].plugin], "gpt-4");
    EXPECT_EQ(up.nodes[0].kind, NodeKind::instrument);
    EXPECT_EQ(up.edges.size(), 3u);
    Findings lost{"w"};
    const std::string down = write_schema_zero(up, lost);
    EXPECT_TRUE(lost.empty()) << manifests::format(lost.take());
    EXPECT_EQ(digest_of(must_read(down)), digest_of(up)) << down;
}

TEST(SchemaZero, SaysWhatItAssumes) {
    std::vector<Diagnostic> found;
    const auto up = read_back(R"({"name": "flow", "version": "1.0.0", "nodes": {"a": {"Operator": {}}, "b": {"Instrument": {"operation": "x"}}}, "edges": [{"Data": {"from": "a", "to": "b"}}]})", found);
    ASSERT_TRUE(up) << manifests::format(found);
    EXPECT_EQ(found.size(), 4u) << manifests::format(found);
    for (const auto& each : found) EXPECT_EQ(each.reason, "assumed");
    EXPECT_EQ(up->id, "flow");
}

TEST(SchemaZero, SaysWhatItDoesNotUnderstand) {
    std::vector<Diagnostic> found;
    EXPECT_FALSE(read_back(R"({"id": "w", "version": "1.0.0", "nodes": {"a": {"Robot": {}}, "b": {"Operator": {"colour": 1}}, "c": 3}, "edges": []})", found));
    std::multiset<std::string> reasons;
    for (const auto& each : found) {
        if (each.severity == Severity::error) reasons.insert(each.reason);
    }
    EXPECT_EQ(reasons, (std::multiset<std::string>{"bad-value", "unknown-key", "wrong-kind"})) << manifests::format(found);
}

TEST(SchemaZero, GoesDownAndUpUnchangedWhereItLosesNothing) {
    std::size_t whole = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        SCOPED_TRACE(i);
        Workflow made = WorkflowMaker(seed() + i).make(4);
        // What schema 0 has no word for, taken out of most, so that many have only what it can say.
        if (i % 4 != 0) {
            made.timeout_ns = 0;
            made.fail_fast = false;
            made.description.clear();
            made.plugins.clear();
            made.grace_ns = 0;
            made.retries_max.reset();
            made.plugin_limits.clear();
            made.resources.clear();
            made.outputs.clear();
            std::erase_if(made.edges, [](const Edge& edge) { return edge.from == no_id; });
            made.inputs.clear();
            for (Node& node : made.nodes) {
                node.each = 0;
                node.on_error = OnError::fail;
                node.policy = 0;
                node.extras = 0;
            }
            if (made.name.empty()) made.name = made.id;
        }
        Findings lost{"w"};
        const std::string down = write_schema_zero(made, lost);
        const Workflow up = must_read(down);
        if (!lost.empty()) continue;
        ++whole;
        ASSERT_EQ(digest_of(up), digest_of(made)) << down;
    }
    EXPECT_GT(whole, 500u);
}

} // namespace
} // namespace symphony::tracker::test
