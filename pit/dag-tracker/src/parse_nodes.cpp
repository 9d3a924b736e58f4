// SPDX-License-Identifier: Apache-2.0
#include "parser.hpp"

#include "expand.hpp"
#include "identifiers.hpp"
#include "parse_extras.hpp"

#include <algorithm>
#include <array>

namespace symphony::tracker {

void Parser::declare_nodes() {
    const auto* entry = root_.find("nodes");
    const bool list = entry != nullptr && entry->value.kind == Doc::Kind::list;
    if (entry != nullptr && !list && !expect(*entry, Doc::Kind::table, "tables by id, or a list of tables with an id")) return;
    if (entry == nullptr || entry->value.entries().empty()) {
        error("no-nodes", "the workflow has no nodes", entry == nullptr ? root_.place : entry->place, "add one: [nodes.ID] plugin = \"text\" operation = \"count\"");
        return;
    }
    if (entry->value.entries().size() > limits_.nodes_max) {
        report_too_many(findings_, true, limits_.nodes_max, entry->place);
        too_many_ = true;
        return;
    }
    made_.nodes.reserve(entry->value.entries().size());
    made_.names.reserve(entry->value.entries().size() + 64);
    for (const auto& item : entry->value.entries()) {
        if (item.value.kind != Doc::Kind::table) {
            error("wrong-kind", "node " + shown(item.key) + " is " + std::string(item.value.kind_name()) + ", expected a table", item.place);
            continue;
        }
        std::string_view id = item.key;
        Place place = item.place;
        if (list) {
            const auto* own = item.value.find("id");
            if (own == nullptr || own->value.kind != Doc::Kind::text) {
                error("missing-key", "a node in [[nodes]] has no \"id\"", item.place);
                continue;
            }
            id = own->value.text();
            place = own->place;
        }
        if (!good_id(id, "node", place)) continue;
        const Id name = made_.names.intern(id);
        if (name >= node_ids_.size()) node_ids_.resize(name + 64, no_id);
        const Id first = node_ids_[name];
        if (first == no_id) node_ids_[name] = static_cast<Id>(made_.nodes.size());
        // A second node of one id stays in the graph, so that its own faults are found; no name leads to it.
        if (first != no_id && (list || !tree_.ids_compared || depth_ > 0)) {
            const auto line = made_.nodes[first].place.line;
            error("duplicate-id", "a second node " + shown(id), place, (line == 0 ? std::string() : "the first is in line " + std::to_string(line) + "; ") + "ids are unique, rename one");
        }
        Node node;
        node.name = name;
        node.place = place;
        made_.nodes.push_back(node);
        node_docs_.push_back(&item.value);
    }
    node_names_.reserve(made_.nodes.size());
    for (const auto& node : made_.nodes) node_names_.push_back(made_.names[node.name]);
}

void Parser::node_body(Id id, const Doc& doc) {
    const Where where{"[nodes.", made_.node_name(id), "]"};
    const auto kind = text(doc, "type");
    constexpr std::array<std::string_view, 3> kinds{"operator", "instrument", "control"};
    if (is_text(doc, "type") && std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
        error("bad-value", "node type " + shown(kind) + " is not known", doc.find("type")->place, meant(kind, kinds));
    }
    Node& node = made_.nodes[id];
    node.description = made_.names.intern(text(doc, "description"));
    if (kind == "control") control_body(node, doc, where);
    else plugin_body(node, doc, where, kind == "instrument" ? NodeKind::instrument : NodeKind::operation);
    parse_extras(*this, made_, node, doc, [this](std::string_view wanted, Place place) { return resolve_node(wanted, place); });
    sugar(id, doc);
}

void Parser::control_body(Node& node, const Doc& doc, const Where& where) {
    constexpr std::array<std::string_view, 7> operations{"branch", "merge", "join", "delay", "wait", "workflow", "loop"};
    const auto* operation = doc.find("operation");
    const auto name = text(doc, "operation");
    const auto known = std::find(operations.begin(), operations.end(), name);
    node.kind = known == operations.end() ? NodeKind::merge : static_cast<NodeKind>(static_cast<int>(NodeKind::branch) + (known - operations.begin()));
    if (operation == nullptr) error("missing-key", where.text() + " has no \"operation\"", node.place, "control nodes are branch, merge, join, delay, wait, workflow or loop");
    else if (is_text(doc, "operation") && known == operations.end()) {
        error("unknown-operation", "no control operation " + shown(name), operation->place, meant(name, operations));
    }
    if (node.kind == NodeKind::delay || node.kind == NodeKind::wait) return timed_body(node, doc, where);
    if (node.kind == NodeKind::workflow || node.kind == NodeKind::loop) return body_of(node, doc, where);
    constexpr std::array<std::string_view, 9> keys{"id", "type", "operation", "inputs", "mode", "after", "description", "quorum", "finally"};
    check_keys(doc, keys, where);
    if (const auto* mode = doc.find("mode"); mode != nullptr) {
        constexpr std::array<std::string_view, 5> modes{"first", "any", "all", "concat", "named"};
        const auto wanted = text(doc, "mode");
        const auto found = std::find(modes.begin(), modes.end(), wanted);
        if (found == modes.end()) {
            if (mode->value.kind == Doc::Kind::text) error("bad-value", "merge mode " + shown(wanted) + " is not known", mode->place, meant(wanted, modes));
        } else {
            node.mode = static_cast<MergeMode>(found - modes.begin());
        }
        if (node.kind != NodeKind::merge) error("unknown-key", "\"mode\" is for merge nodes", mode->place);
    }
}

void Parser::cache(const Doc& doc, CallPolicy& policy) {
    policy.ttl_ns = duration_ns(doc, "ttl", 0);
    const auto* cache = doc.find("cache");
    if (cache == nullptr || !expect(*cache, Doc::Kind::text, "text")) return;
    constexpr std::array<std::string_view, 3> ways{"always", "within-run", "never"};
    const auto found = std::find(ways.begin(), ways.end(), cache->value.text());
    if (found == ways.end()) error("bad-value", "cache " + shown(cache->value.text()) + " is not known", cache->place, meant(cache->value.text(), ways));
    else policy.cache = static_cast<CachePolicy>(1 + (found - ways.begin()));
    if (policy.ttl_ns != 0 && (policy.cache == CachePolicy::never || policy.cache == CachePolicy::within_run)) {
        error("bad-value", "\"ttl\" is for answers that later runs may have", doc.find("ttl")->place, "leave it out, or write cache = \"always\"");
    }
}

void Parser::body_of(Node& node, const Doc& doc, const Where& where) {
    check_body_keys(*this, doc, node.kind == NodeKind::loop, where);
    if (node.kind == NodeKind::loop) loop(node, doc, where);
    node.each = each(doc);
    node.on_error = on_error(doc);
    CallPolicy policy;
    parallel(node, doc, policy);
    retry(node, doc, policy);
    node.policy = policy_index(made_, policy);
    const std::uint32_t elements_max = integer(doc, "elements_max", 1, static_cast<std::int64_t>(limits_.nodes_max), 0);
    if (elements_max != 0) own_extras(made_, node).elements_max = elements_max;
    if (const auto* most = doc.find("elements_max"); most == nullptr && node.each != 0) {
        error("missing-key", where.text() + " has \"each\" and no \"elements_max\"", doc.find("each")->place, "elements_max = 100: a longer list makes the node fail");
    } else if (most != nullptr && node.each == 0) {
        error("unknown-key", "\"elements_max\" is for nodes with \"each\"", most->place, "leave it out, or name the input that is a list: each = \"items\"");
    }
    constants(node, doc);
    const auto* file = doc.find("file");
    const auto* body = doc.find("body");
    if ((file == nullptr) == (body == nullptr)) {
        error("missing-key", where.text() + (file == nullptr ? " has neither \"file\" nor \"body\"" : " has both \"file\" and \"body\""), node.place,
              "file = \"other.toml\", or body = { inputs = …, nodes = …, outputs = … }");
    } else if (file != nullptr && expect(*file, Doc::Kind::text, "a relative path")) {
        if (is_inner_path(file->value.text())) own_extras(made_, node).file = made_.names.intern(file->value.text());
        else error("bad-path", "file " + shown(file->value.text()) + " is not a relative path beneath the folder of this one", file->place);
    } else if (body != nullptr && expect(*body, Doc::Kind::table, "a table with inputs, nodes and outputs")) {
        if (depth_ == workflow_depth_max) {
            error("workflow-depth", "bodies in more than " + std::to_string(workflow_depth_max) + " bodies", body->place, "put what they have in common into files");
            return;
        }
        auto inner = Parser(tree_, body->value, limits_, findings_, depth_ + 1).run();
        if (!inner) {
            too_many_ = true;
            return;
        }
        compile(*inner);
        own_extras(made_, node).body = static_cast<std::uint32_t>(made_.bodies.size());
        made_.bodies.push_back(std::make_shared<const Workflow>(*std::move(inner)));
    }
}

void Parser::loop(Node& node, const Doc& doc, const Where& where) {
    const std::uint32_t rounds_max = integer(doc, "max", 1, static_cast<std::int64_t>(limits_.nodes_max), 1);
    if (doc.find("max") == nullptr) error("missing-key", where.text() + " has no \"max\"", node.place, "max = 10: a loop never runs more rounds");
    NodeExtras& extras = own_extras(made_, node);
    extras.rounds_max = rounds_max;
    const auto* until = doc.find("until");
    const auto* going = doc.find("while");
    if ((until == nullptr) == (going == nullptr)) {
        error("missing-key", where.text() + (until == nullptr ? " has neither \"until\" nor \"while\"" : " has both \"until\" and \"while\""), node.place, "until = \"value.score > 0.9\"");
    } else if (const auto* given = until != nullptr ? until : going; expect(*given, Doc::Kind::text, "an expression")) {
        auto written = Expression::parse(given->value.text());
        auto again = written && until != nullptr ? Expression::parse("not (" + std::string(given->value.text()) + ")") : std::move(written);
        if (!again || again->is_else() || given->value.text() == "else") {
            error("bad-expression", again ? "a loop has no \"else\"" : again.error().message(), given->place, "see the language in the workflow file's documentation");
        } else {
            extras.again = static_cast<std::uint32_t>(made_.conditions.size());
            extras.until = until != nullptr;
            made_.conditions.push_back(*std::move(again));
        }
    }
    if (const auto* bound = doc.find("on_bound"); bound != nullptr && expect(*bound, Doc::Kind::text, "text")) {
        constexpr std::array<std::string_view, 2> words{"fail", "take"};
        if (std::find(words.begin(), words.end(), bound->value.text()) == words.end()) error("bad-value", "on_bound " + shown(bound->value.text()) + " is not known", bound->place, meant(bound->value.text(), words));
        extras.takes_bound = bound->value.text() == "take";
    }
}

void Parser::timed_body(Node& node, const Doc& doc, const Where& where) {
    if (node.kind == NodeKind::delay) {
        constexpr std::array<std::string_view, 8> keys{"id", "type", "operation", "inputs", "for", "after", "description", "finally"};
        check_keys(doc, keys, where);
        const auto* length = doc.find("for");
        if (length == nullptr) error("missing-key", where.text() + " has no \"for\"", node.place, "for = \"5s\"");
        const std::uint64_t delay_ns = duration_ns(doc, "for", 0);
        if (delay_ns != 0) own_extras(made_, node).delay_ns = delay_ns;
        else if (length != nullptr && length->value.kind == Doc::Kind::text) error("bad-value", "a delay of nothing", length->place, "leave the node out, or use `after`");
        return;
    }
    constexpr std::array<std::string_view, 10> keys{"id", "type", "operation", "inputs", "expects", "timeout", "fallback", "after", "description", "finally"};
    check_keys(doc, keys, where);
    CallPolicy policy;
    policy.timeout_ns = duration_ns(doc, "timeout", 0);
    node.policy = policy_index(made_, policy);
    const auto expected = type(doc, "expects").value_or(Type());
    if (!(expected == Type())) own_extras(made_, node).expects = expected;
}

void Parser::plugin_body(Node& node, const Doc& doc, const Where& where, NodeKind kind) {
    constexpr std::array<std::string_view, 22> keys{"id", "type", "plugin", "operation", "inputs", "with", "each", "parallel", "on_error", "timeout", "retry",
                                                    "cache", "ttl", "after", "description", "fallback", "default", "compensate", "quorum", "finally", "priority", "use"};
    check_keys(doc, keys, where);
    node.kind = kind;
    for (const std::string_view key : {"plugin", "operation"}) {
        const auto* entry = doc.find(key);
        if (entry == nullptr) error("missing-key", where.text() + " has no " + shown(key), node.place);
        else if (entry->value.kind == Doc::Kind::text && entry->value.text().empty()) error("bad-value", shown(key) + " of " + where.text() + " is empty", entry->place, "name what the node calls");
    }
    node.plugin = made_.names.intern(text(doc, "plugin"));
    node.operation = made_.names.intern(text(doc, "operation"));
    node.each = each(doc);
    node.on_error = on_error(doc);
    CallPolicy policy;
    policy.timeout_ns = duration_ns(doc, "timeout", 0);
    parallel(node, doc, policy);
    retry(node, doc, policy);
    cache(doc, policy);
    node.policy = policy_index(made_, policy);
    constants(node, doc);
}

Id Parser::each(const Doc& doc) {
    const Id port = made_.names.intern(text(doc, "each"));
    if (port == 0 && is_text(doc, "each")) error("bad-value", "\"each\" names no input", doc.find("each")->place, "leave it out, or name the input that is a list");
    return port;
}

OnError Parser::on_error(const Doc& doc) {
    const auto* entry = doc.find("on_error");
    if (entry == nullptr || !expect(*entry, Doc::Kind::text, "text")) return OnError::fail;
    constexpr std::array<std::string_view, 3> policies{"fail", "collect", "skip"};
    const auto found = std::find(policies.begin(), policies.end(), entry->value.text());
    if (found != policies.end()) return static_cast<OnError>(found - policies.begin());
    error("bad-value", "on_error " + shown(entry->value.text()) + " is not known", entry->place, meant(entry->value.text(), policies));
    return OnError::fail;
}

void Parser::parallel(const Node& node, const Doc& doc, CallPolicy& policy) {
    policy.parallel_max = integer(doc, "parallel", 1, 1024, 0);
    if (const auto* parallel = doc.find("parallel"); parallel != nullptr && node.each == 0) {
        error("unknown-key", "\"parallel\" is for nodes with \"each\"", parallel->place);
    }
}

void Parser::retry(Node& node, const Doc& doc, CallPolicy& policy) {
    const auto* retry = doc.find("retry");
    if (retry == nullptr || !expect(*retry, Doc::Kind::table, "a table such as { max = 2, backoff = \"200ms\" }")) return;
    constexpr std::array<std::string_view, 3> keys{"max", "backoff", "kind"};
    check_keys(retry->value, keys, {"\"retry\" of [nodes.", made_.names[node.name], "]"});
    policy.retries_max = integer(retry->value, "max", 0, 100, 0);
    policy.backoff_ns = duration_ns(retry->value, "backoff", policy.backoff_ns);
    parse_retry_kind(*this, made_, node, retry->value);
}

void Parser::constants(Node& node, const Doc& doc) {
    node.constants_from = static_cast<std::uint32_t>(made_.constants.size());
    if (const auto* with = doc.find("with"); with != nullptr && expect(*with, Doc::Kind::table, "a table of constants")) {
        for (const auto& entry : with->value.entries()) {
            made_.constants.push_back({made_.names.intern(entry.key), entry.place, {}});
            pack_constant(entry);
        }
    }
    node.constants_to = static_cast<std::uint32_t>(made_.constants.size());
}

void Parser::pack_constant(const DocEntry& entry) {
    const std::size_t from = pool_.size();
    if (auto status = pack(pool_, entry.value); !status) error(status.error().reason(), shown(entry.key) + ": " + status.error().message(), entry.place, std::string(status.error().hint()));
    pooled_.emplace_back(from, pool_.size() - from);
}

void Parser::share_constants() {
    if (pooled_.empty()) return;
    const Bytes all = made_.own(Value::unchecked(Buffer::copy(pool_.bytes())));
    for (std::size_t i = 0; i < pooled_.size(); ++i) made_.constants[i].bytes = all.subspan(pooled_[i].first, pooled_[i].second);
}

} // namespace symphony::tracker
