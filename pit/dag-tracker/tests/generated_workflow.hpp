// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"
#include "packer.hpp"

#include <random>
#include <string>
#include <vector>

namespace symphony::tracker::test {

/// Workflows of every shape that the model can hold, the same for the same seed: all kinds of nodes and edges, odd names,
/// nested constants, two sources for one input, knots. They are right as files, not always as workflows.
class WorkflowMaker {
public:
    explicit WorkflowMaker(std::uint64_t seed) : engine_(seed) {}

    Workflow make(std::size_t nodes_max = 24) {
        Workflow w;
        w.id = one_of({"w", "survey", "a-b.c", "0", "made-by-hand"});
        w.version = one_of({"1.0.0", "0.1.0-rc.1", "2.3.4+build.5"});
        if (chance(2)) w.name = text();
        if (chance(2)) w.description = text();
        if (chance(3)) w.timeout_ns = milliseconds();
        w.fail_fast = chance(3);
        rich_ = chance(3);
        if (rich_ && chance(3)) w.grace_ns = milliseconds();
        if (rich_ && chance(3)) w.retries_max = static_cast<std::uint32_t>(below(100));
        for (std::size_t i = rich_ ? below(3) : 0; i > 0; --i) limit(w);
        if (rich_ && chance(3)) w.resources = {{"zeta", 3, {}}, {"gpu", 1 + static_cast<std::uint32_t>(below(9)), {}}};
        if (chance(3)) w.metadata = map_value();
        for (std::size_t i = below(3); i > 0; --i) pin(w);
        for (std::size_t i = below(4); i > 0; --i) input(w);
        const std::size_t nodes = 1 + below(nodes_max);
        for (std::size_t n = 0; n < nodes; ++n) node(w, n);
        for (Id n = 0; n < w.nodes.size(); ++n) {
            if (rich_ && chance(3)) extras(w, n);
        }
        for (std::size_t e = below(nodes * 3); e > 0; --e) edge(w);
        for (std::size_t o = below(4); o > 0; --o) output(w);
        return w;
    }

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound == 0 ? 0 : bound - 1)(engine_); }
    bool chance(std::size_t one_in) { return below(one_in) == 0; }

    /// Of every kind, a few levels deep; a map with one key of a mark among them.
    void value(Packer& to, std::size_t depth = 0) {
        switch (below(depth < 3 ? 10 : 7)) {
        case 0: to.null(); break;
        case 1: to.boolean(chance(2)); break;
        case 2: to.integer(integer()); break;
        case 3: to.number(number()); break;
        case 4:
        case 5: to.text(text()); break;
        case 6: to.blob(bytes_of(text())); break;
        case 7:
        case 8: {
            const std::size_t items = below(4);
            to.list(items);
            for (std::size_t i = 0; i < items; ++i) value(to, depth + 1);
            break;
        }
        default: map(to, depth); break;
        }
    }

private:
    std::string one_of(std::initializer_list<const char*> words) { return *(words.begin() + static_cast<std::ptrdiff_t>(below(words.size()))); }

    std::string text() {
        return one_of({"", "a", "plain words", "\"quoted\" \\ back", "line\nbreak\ttab\r", "\x01\x1f\x7f", "café ☃ 𝄞", "$inputs.x", "'''", "a\"\"\"b", "#[nodes.a]", "1", "true", "{}", "\xEF\xBB\xBF"}) +
               (chance(3) ? std::to_string(below(1000)) : std::string());
    }
    std::string port() { return one_of({"text", "image", "a", "b", "with.dots", "odd key", "naïve", "\x01q\x01z", "=", "]", "results", "value"}) + (chance(4) ? std::to_string(below(9)) : std::string()); }
    std::int64_t integer() {
        const std::int64_t edges[] = {0, 1, -1, 127, 128, -32, -33, 255, 256, 65535, 65536, -32769, 4294967296, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
        return edges[below(std::size(edges))];
    }
    double number() {
        const double edges[] = {0.0, -0.0, 1.0, 0.1, 1e22, 1e-7, 1.7976931348623157e308, 5e-324, 3.141592653589793, -12345.678, 9007199254740993.0};
        return edges[below(std::size(edges))];
    }
    std::uint64_t milliseconds() {
        const std::uint64_t edges[] = {1, 250, 1000, 1500, 60'000, 3'600'000, 86'400'000, 86'400'001};
        return edges[below(std::size(edges))] * 1'000'000;
    }
    void map(Packer& to, std::size_t depth) {
        if (chance(4)) {
            to.map(1);
            to.text(one_of({"$bytes", "$null", "$map", "$other"}));
            value(to, depth + 1);
            return;
        }
        std::vector<std::string> keys;
        for (std::size_t i = below(4); i > 0; --i) keys.push_back(port());
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        to.map(keys.size());
        for (const auto& key : keys) {
            to.text(key);
            value(to, depth + 1);
        }
    }
    Value value() {
        Packer packer;
        value(packer);
        return Value::unchecked(Buffer::copy(packer.bytes()));
    }
    Value map_value() {
        Packer packer;
        map(packer, 0);
        Value made = Value::unchecked(Buffer::copy(packer.bytes()));
        return made.empty() ? Value() : made;
    }
    Type type() { return *Type::parse(one_of({"any", "text", "integer?", "list<text>", "map", "map<list<number>>?", "bytes", "boolean"})); }

    void pin(Workflow& w) {
        const std::string plugin = one_of({"files", "org.symphony.text", "x-1"});
        for (const auto& known : w.plugins) {
            if (known.plugin == plugin) return;
        }
        const auto range = *manifests::Range::parse(one_of({"^1.2", "=1.0.0", ">=1, <2.5", "*", "~0.3.1"}));
        w.plugins.push_back({plugin, range.text(), range, {}});
    }
    void limit(Workflow& w) {
        PluginLimit made;
        made.plugin = one_of({"files", "org.symphony.text", "x-1"});
        for (const auto& known : w.plugin_limits) {
            if (known.plugin == made.plugin) return;
        }
        made.calls_max = chance(2) ? 1 + static_cast<std::uint32_t>(below(1024)) : 0;
        if (made.calls_max == 0 || chance(2)) made.retries_max = static_cast<std::uint32_t>(below(3));
        w.plugin_limits.push_back(std::move(made));
    }
    void extras(Workflow& w, Id n) {
        Node& node = w.nodes[n];
        const bool calls = calls_plugin(node.kind);
        const auto other = [&] {
            const auto found = static_cast<Id>(below(w.nodes.size()));
            return found == n ? no_id : found;
        };
        NodeExtras made = w.extras[node.extras];
        if (node.kind <= NodeKind::join && chance(3)) made.quorum = 1 + static_cast<std::uint32_t>(below(5));
        made.finally = node.kind < NodeKind::workflow && chance(3);
        if (node.kind == NodeKind::wait) {
            if (chance(2)) made.expects = *Type::parse(one_of({"text", "list<map>", "boolean"}));
            if (chance(2)) made.fallback_outputs = outputs();
        }
        if (calls || node.kind >= NodeKind::workflow) {
            if (chance(3)) made.fallback = other();
            else if (chance(3)) made.fallback_outputs = outputs();
            if (chance(3)) made.otherwise = outputs();
            made.retry = static_cast<RetryKind>(below(3));
        }
        if (calls) {
            if (chance(3)) made.compensate = other();
            if (chance(3)) made.priority = static_cast<std::int32_t>(below(2001)) - 1000;
            if (chance(3)) made.uses = {{w.names.intern("gpu"), 1}, {w.names.intern("zeta"), 1 + static_cast<std::uint32_t>(below(9))}};
        }
        const bool any = made.quorum != 0 || made.finally || made.fallback != no_id || !made.fallback_outputs.is_null() || !made.otherwise.is_null() ||
                         made.compensate != no_id || made.retry != RetryKind::jitter || made.delay_ns != 0 || !(made.expects == Type()) || node.kind >= NodeKind::workflow || made.priority != 0 || !made.uses.empty();
        if (any) own_extras(w, node) = std::move(made);
    }
    /// A map that reads as one.
    Value outputs() {
        for (;;) {
            Packer packer;
            map(packer, 1);
            Value made = Value::unchecked(Buffer::copy(packer.bytes()));
            if (!is_marked(made)) return made;
        }
    }
    void input(Workflow& w) {
        InputDecl made;
        made.name = one_of({"folder", "x", "terms", "N-1"});
        for (const auto& known : w.inputs) {
            if (known.name == made.name) return;
        }
        made.type = type();
        if (chance(2)) made.description = text();
        if (chance(2)) made.otherwise = value();
        made.required = chance(4) ? chance(2) : !made.otherwise && !made.type.optional();
        w.inputs.push_back(std::move(made));
    }
    void node(Workflow& w, std::size_t n) {
        Node node;
        const std::string id = (chance(2) ? "n" : chance(2) ? "_node-" : "Z") + std::to_string((n * 7919) % 1000) + (chance(5) ? "-longer-than-eight-bytes" : "");
        if (w.names.find(id) != no_id && std::any_of(w.nodes.begin(), w.nodes.end(), [&](const Node& other) { return w.names[other.name] == id; })) return;
        node.name = w.names.intern(id);
        node.kind = static_cast<NodeKind>(below(rich_ ? (depth_ < 2 ? 9 : 7) : 4));
        if (chance(3)) node.description = w.names.intern(text());
        if (node.kind == NodeKind::merge) node.mode = static_cast<MergeMode>(below(5));
        node.constants_from = node.constants_to = static_cast<std::uint32_t>(w.constants.size());
        if (node.kind == NodeKind::operation || node.kind == NodeKind::instrument) calls(w, node);
        if (node.kind == NodeKind::delay) own_extras(w, node).delay_ns = milliseconds();
        if (node.kind == NodeKind::workflow || node.kind == NodeKind::loop) body(w, node);
        if (node.kind == NodeKind::wait && chance(2)) {
            CallPolicy policy;
            policy.timeout_ns = milliseconds();
            node.policy = policy_index(w, policy);
        }
        w.nodes.push_back(node);
    }
    /// A body in its node, or the name of a file that has it; some constants.
    void body(Workflow& w, Node& node) {
        NodeExtras& extras = own_extras(w, node);
        if (node.kind == NodeKind::loop) {
            extras.rounds_max = 1 + static_cast<std::uint32_t>(below(20));
            extras.until = chance(2);
            extras.takes_bound = chance(2);
            const std::string written = one_of({"value.done", "size(value.list) > 3 and inputs.n == 2", " value == 'it (is)' "});
            extras.again = static_cast<std::uint32_t>(w.conditions.size());
            w.conditions.push_back(*Expression::parse(extras.until ? "not (" + written + ")" : written));
        }
        if (chance(3)) {
            extras.file = w.names.intern(one_of({"other.toml", "in folder/ä.json"}));
        } else {
            const bool was = rich_;
            ++depth_;
            Workflow inner = make(3);
            --depth_;
            rich_ = was;
            inner.id = body_id;
            inner.version = body_version;
            inner.name.clear();
            inner.description.clear();
            inner.timeout_ns = inner.grace_ns = 0;
            inner.fail_fast = false;
            inner.metadata = Value();
            inner.retries_max.reset();
            inner.plugin_limits.clear();
            inner.resources.clear();
            inner.plugins.clear();
            compile(inner);
            own_extras(w, node).body = static_cast<std::uint32_t>(w.bodies.size());
            w.bodies.push_back(std::make_shared<const Workflow>(std::move(inner)));
        }
        some_constants(w, node);
        node.on_error = static_cast<OnError>(below(3));
        CallPolicy policy;
        if (chance(3)) {
            node.each = w.names.intern(port());
            own_extras(w, node).elements_max = 1 + static_cast<std::uint32_t>(below(100));
            if (chance(2)) policy.parallel_max = 1 + static_cast<std::uint32_t>(below(1024));
        }
        if (chance(3)) policy.retries_max = static_cast<std::uint32_t>(below(101));
        if (chance(3)) policy.backoff_ns = milliseconds();
        node.policy = policy_index(w, policy);
    }
    void calls(Workflow& w, Node& node) {
        node.plugin = w.names.intern(one_of({"text", "files", "org.symphony.report"}));
        node.operation = w.names.intern(one_of({"count", "read", "join"}));
        node.on_error = static_cast<OnError>(below(3));
        if (chance(3)) node.each = w.names.intern(port());
        CallPolicy policy;
        if (chance(3)) policy.timeout_ns = milliseconds();
        if (chance(3)) policy.retries_max = static_cast<std::uint32_t>(below(101));
        if (chance(3)) policy.backoff_ns = milliseconds();
        if (node.each != 0 && chance(2)) policy.parallel_max = 1 + static_cast<std::uint32_t>(below(1024));
        if (chance(4)) policy.cache = static_cast<CachePolicy>(1 + below(3));
        if (policy.cache <= CachePolicy::always && chance(4)) policy.ttl_ns = milliseconds();
        node.policy = policy_index(w, policy);
        some_constants(w, node);
    }
    void some_constants(Workflow& w, Node& node) {
        node.constants_from = static_cast<std::uint32_t>(w.constants.size());
        for (std::size_t c = below(4); c > 0; --c) {
            const Id name = w.names.intern(port());
            bool there = false;
            for (auto i = node.constants_from; i < w.constants.size(); ++i) there = there || w.constants[i].port == name;
            if (!there) w.constants.push_back({name, {}, w.own(value())});
        }
        node.constants_to = static_cast<std::uint32_t>(w.constants.size());
    }
    void edge(Workflow& w) {
        Edge edge;
        edge.to = static_cast<Id>(below(w.nodes.size()));
        edge.kind = static_cast<EdgeKind>(below(3));
        const bool carries = edge.kind == EdgeKind::data || (edge.kind == EdgeKind::conditional && chance(2));
        if (carries && !w.inputs.empty() && chance(3)) {
            edge.input = static_cast<Id>(below(w.inputs.size()));
            w.inputs[edge.input].used = true;
        } else {
            edge.from = static_cast<Id>(below(w.nodes.size()));
            if (carries) edge.from_port = w.names.intern(port());
        }
        if (carries) edge.to_port = w.names.intern(port());
        if (edge.kind == EdgeKind::conditional) {
            edge.condition = static_cast<std::uint32_t>(w.conditions.size());
            w.conditions.push_back(*Expression::parse(one_of({"else", "size(value) > 200", "value", "value == \"a\\\"b\"", "not exists(value.x) and inputs.n < 3", " value "})));
        }
        w.edges.push_back(edge);
    }
    void output(Workflow& w) {
        OutputDecl made;
        made.name = one_of({"html", "data", "o", "Report_1"});
        for (const auto& known : w.outputs) {
            if (known.name == made.name) return;
        }
        if (chance(2)) made.description = text();
        if (chance(2)) made.file = made.name + one_of({".txt", "/in folder/ä", ".json"});
        if (chance(2)) made.type = type();
        if (!w.inputs.empty() && chance(4)) {
            made.input = static_cast<Id>(below(w.inputs.size()));
        } else {
            made.node = static_cast<Id>(below(w.nodes.size()));
            made.port = w.names.intern(port());
        }
        w.outputs.push_back(std::move(made));
    }

    std::mt19937_64 engine_;
    std::size_t depth_ = 0;
    bool rich_ = false;  // with what few workflows have
};

} // namespace symphony::tracker::test
