// SPDX-License-Identifier: Apache-2.0
#include "parse.hpp"

#include "doc_reader.hpp"
#include "expand.hpp"
#include "identifiers.hpp"
#include "parse_extras.hpp"

#include <symphony/manifests/semver.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace symphony::tracker {
namespace {

/// What an edge's end is written as: "node", "node.port", "$inputs.name".
struct End {
    std::string_view node;
    std::string_view port;
    bool input = false;
};

End split_end(std::string_view text) noexcept {
    End end;
    if (text.starts_with("$inputs.")) {
        end.input = true;
        end.node = text.substr(8);
        return end;
    }
    const auto dot = text.find('.');
    end.node = text.substr(0, dot);
    if (dot != std::string_view::npos) end.port = text.substr(dot + 1);
    return end;
}

class Parser : private DocReader {
public:
    /// @param depth  0 for a file, else how many bodies the document is in.
    Parser(const DocTree& tree, const Doc& root, const Limits& limits, Findings& findings, std::size_t depth)
        : DocReader(findings), tree_(tree), root_(root), limits_(limits), depth_(depth) {}

    std::optional<Workflow> run() {
        if (root_.kind != Doc::Kind::table) {
            findings_.error("wrong-kind", "the file is " + std::string(root_.kind_name()) + ", not a table", root_.place);
            return std::nullopt;
        }
        made_.file = findings_.file();
        if (depth_ == 0) {
            constexpr std::array<std::string_view, 8> keys{"workflow", "plugins", "metadata", "limits", "inputs", "outputs", "nodes", "edges"};
            check_keys(root_, keys, {"the file"});
            header();
            plugins();
            metadata();
            if (const Doc* limits = section("limits"); limits != nullptr) parse_limits(*this, made_, *limits);
        } else {
            constexpr std::array<std::string_view, 4> keys{"inputs", "outputs", "nodes", "edges"};
            check_keys(root_, keys, {"a body"});
            made_.id = body_id;
            made_.version = body_version;
        }
        declare_inputs();
        declare_nodes();
        if (too_many_) return std::nullopt;
        for (std::size_t i = 0; i < node_docs_.size() && !too_many_; ++i) node_body(static_cast<Id>(i), *node_docs_[i]);
        if (!too_many_) edges();
        if (too_many_) return std::nullopt;
        outputs();
        share_constants();
        return std::move(made_);
    }

private:
    bool good_id(std::string_view id, std::string_view what, Place place) {
        if (is_id(id)) return true;
        error("bad-id", std::string(what) + " id " + shown(id) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}", place);
        return false;
    }
    /// [section] of tables by id, or nothing.
    const Doc* section(std::string_view key) {
        const auto* entry = root_.find(key);
        if (entry == nullptr) return nullptr;
        return expect(*entry, Doc::Kind::table, "a table") ? &entry->value : nullptr;
    }

    void header() {
        const auto* entry = root_.find("workflow");
        if (entry == nullptr) {
            error("missing-key", "no [workflow] table", root_.place, "begin with: [workflow] id = \"my-workflow\" version = \"1.0.0\"");
            return;
        }
        if (!expect(*entry, Doc::Kind::table, "a table")) return;
        const Doc& table = entry->value;
        constexpr std::array<std::string_view, 8> keys{"id", "name", "version", "description", "timeout", "grace", "fail_fast", "schema"};
        check_keys(table, keys, {"[workflow]"});
        for (const std::string_view key : {"id", "version"}) {
            if (table.find(key) == nullptr) error("missing-key", "[workflow] has no " + shown(key), entry->place);
        }
        made_.id = text(table, "id");
        if (const auto* id = table.find("id"); id != nullptr && id->value.kind == Doc::Kind::text && !is_workflow_id(made_.id)) {
            error("bad-id", "workflow id " + shown(made_.id) + " is not of the form [a-z0-9][a-z0-9.-]{0,99}", id->place);
        }
        made_.version = text(table, "version");
        if (const auto* version = table.find("version"); version != nullptr && version->value.kind == Doc::Kind::text) {
            if (!manifests::Version::parse(made_.version)) error("bad-version", "version " + shown(made_.version) + " is not SemVer, such as \"1.0.0\"", version->place);
        }
        made_.name = text(table, "name");
        made_.description = text(table, "description");
        made_.timeout_ns = duration_ns(table, "timeout", 0);
        made_.grace_ns = duration_ns(table, "grace", 0);
        made_.fail_fast = boolean(table, "fail_fast", false);
        schema(table);
    }

    void schema(const Doc& table) {
        const auto* entry = table.find("schema");
        if (entry == nullptr || !expect(*entry, Doc::Kind::integer, "the version of this format, 1") || entry->value.integer == 1) return;
        const bool newer = entry->value.integer > 1;
        error(newer ? "newer-schema" : "bad-value", "the file has schema " + std::to_string(entry->value.integer) + (newer ? ", this dag-tracker reads up to 1" : ", which never was"),
              entry->place, newer ? "update dag-tracker" : "schema = 1");
    }

    void plugins() {
        const Doc* table = section("plugins");
        if (table == nullptr) return;
        for (const auto& entry : table->entries) {
            if (!is_plugin_name(entry.key)) {
                error("bad-id", "plugin " + shown(entry.key) + " is neither an id such as \"org.symphony.files\" nor a short name", entry.place);
                continue;
            }
            if (!expect(entry, Doc::Kind::text, "a version requirement such as \"^1.2\"")) continue;
            auto range = manifests::Range::parse(entry.value.text);
            if (!range) {
                error("bad-version", "plugin " + shown(entry.key) + ": " + range.error().message(), entry.place, std::string(range.error().hint()));
                continue;
            }
            made_.plugins.push_back({std::string(entry.key), range->text(), *range, entry.place});
        }
    }

    void metadata() {
        const auto* entry = root_.find("metadata");
        if (entry == nullptr || !expect(*entry, Doc::Kind::table, "a table") || entry->value.entries.empty()) return;
        made_.metadata = constant(*entry);
        if (!made_.metadata.is_map()) error("wrong-kind", "[metadata] stands for " + std::string(symphony::name_of(made_.metadata.kind())) + ", expected a table", entry->place);
        if (made_.metadata.empty()) made_.metadata = Value();
    }

    void declare_inputs() {
        const Doc* tables = section("inputs");
        if (tables == nullptr) return;
        constexpr std::array<std::string_view, 4> keys{"type", "default", "description", "required"};
        for (const auto& entry : tables->entries) {
            if (!good_id(entry.key, "input", entry.place) || !expect(entry, Doc::Kind::table, "a table")) continue;
            const Id name = made_.names.intern(entry.key);
            if (input_ids_.contains(name)) continue;  // reported by the reader
            check_keys(entry.value, keys, {"[inputs.", entry.key, "]"});
            InputDecl input;
            input.name = entry.key;
            input.place = entry.place;
            input.description = text(entry.value, "description");
            input.type = type(entry.value).value_or(Type());
            if (const auto* otherwise = entry.value.find("default"); otherwise != nullptr) input.otherwise = constant(*otherwise);
            input.required = boolean(entry.value, "required", !input.otherwise.has_value() && !input.type.optional());
            input_ids_.emplace(name, static_cast<Id>(made_.inputs.size()));
            input_names_.push_back(made_.names[name]);
            made_.inputs.push_back(std::move(input));
        }
    }

    void declare_nodes() {
        const auto* entry = root_.find("nodes");
        const bool list = entry != nullptr && entry->value.kind == Doc::Kind::list;
        if (entry != nullptr && !list && !expect(*entry, Doc::Kind::table, "tables by id, or a list of tables with an id")) return;
        if (entry == nullptr || entry->value.entries.empty()) {
            error("no-nodes", "the workflow has no nodes", entry == nullptr ? root_.place : entry->place, "add one: [nodes.ID] plugin = \"text\" operation = \"count\"");
            return;
        }
        if (entry->value.entries.size() > limits_.nodes_max) {
            report_too_many(findings_, true, limits_.nodes_max, entry->place);
            too_many_ = true;
            return;
        }
        made_.nodes.reserve(entry->value.entries.size());
        made_.names.reserve(entry->value.entries.size() + 64);
        for (const auto& item : entry->value.entries) {
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
                id = own->value.text;
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

    void node_body(Id id, const Doc& doc) {
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

    void control_body(Node& node, const Doc& doc, const Where& where) {
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

    void cache(const Doc& doc, CallPolicy& policy) {
        policy.ttl_ns = duration_ns(doc, "ttl", 0);
        const auto* cache = doc.find("cache");
        if (cache == nullptr || !expect(*cache, Doc::Kind::text, "text")) return;
        constexpr std::array<std::string_view, 3> ways{"always", "within-run", "never"};
        const auto found = std::find(ways.begin(), ways.end(), cache->value.text);
        if (found == ways.end()) error("bad-value", "cache " + shown(cache->value.text) + " is not known", cache->place, meant(cache->value.text, ways));
        else policy.cache = static_cast<CachePolicy>(1 + (found - ways.begin()));
        if (policy.ttl_ns != 0 && (policy.cache == CachePolicy::never || policy.cache == CachePolicy::within_run)) {
            error("bad-value", "\"ttl\" is for answers that later runs may have", doc.find("ttl")->place, "leave it out, or write cache = \"always\"");
        }
    }

    /// A sub-workflow or a loop.
    void body_of(Node& node, const Doc& doc, const Where& where) {
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
            if (is_inner_path(file->value.text)) own_extras(made_, node).file = made_.names.intern(file->value.text);
            else error("bad-path", "file " + shown(file->value.text) + " is not a relative path beneath the folder of this one", file->place);
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

    void loop(Node& node, const Doc& doc, const Where& where) {
        const std::uint32_t rounds_max = integer(doc, "max", 1, static_cast<std::int64_t>(limits_.nodes_max), 1);
        if (doc.find("max") == nullptr) error("missing-key", where.text() + " has no \"max\"", node.place, "max = 10: a loop never runs more rounds");
        NodeExtras& extras = own_extras(made_, node);
        extras.rounds_max = rounds_max;
        const auto* until = doc.find("until");
        const auto* going = doc.find("while");
        if ((until == nullptr) == (going == nullptr)) {
            error("missing-key", where.text() + (until == nullptr ? " has neither \"until\" nor \"while\"" : " has both \"until\" and \"while\""), node.place, "until = \"value.score > 0.9\"");
        } else if (const auto* given = until != nullptr ? until : going; expect(*given, Doc::Kind::text, "an expression")) {
            auto written = Expression::parse(given->value.text);
            auto again = written && until != nullptr ? Expression::parse("not (" + std::string(given->value.text) + ")") : std::move(written);
            if (!again || again->is_else() || given->value.text == "else") {
                error("bad-expression", again ? "a loop has no \"else\"" : again.error().message(), given->place, "see the language in the workflow file's documentation");
            } else {
                extras.again = static_cast<std::uint32_t>(made_.conditions.size());
                extras.until = until != nullptr;
                made_.conditions.push_back(*std::move(again));
            }
        }
        if (const auto* bound = doc.find("on_bound"); bound != nullptr && expect(*bound, Doc::Kind::text, "text")) {
            constexpr std::array<std::string_view, 2> words{"fail", "take"};
            if (std::find(words.begin(), words.end(), bound->value.text) == words.end()) error("bad-value", "on_bound " + shown(bound->value.text) + " is not known", bound->place, meant(bound->value.text, words));
            extras.takes_bound = bound->value.text == "take";
        }
    }

    void timed_body(Node& node, const Doc& doc, const Where& where) {
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

    void plugin_body(Node& node, const Doc& doc, const Where& where, NodeKind kind) {
        constexpr std::array<std::string_view, 22> keys{"id", "type", "plugin", "operation", "inputs", "with", "each", "parallel", "on_error", "timeout", "retry",
                                                        "cache", "ttl", "after", "description", "fallback", "default", "compensate", "quorum", "finally", "priority", "use"};
        check_keys(doc, keys, where);
        node.kind = kind;
        for (const std::string_view key : {"plugin", "operation"}) {
            const auto* entry = doc.find(key);
            if (entry == nullptr) error("missing-key", where.text() + " has no " + shown(key), node.place);
            else if (entry->value.kind == Doc::Kind::text && entry->value.text.empty()) error("bad-value", shown(key) + " of " + where.text() + " is empty", entry->place, "name what the node calls");
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

    Id each(const Doc& doc) {
        const Id port = made_.names.intern(text(doc, "each"));
        if (port == 0 && is_text(doc, "each")) error("bad-value", "\"each\" names no input", doc.find("each")->place, "leave it out, or name the input that is a list");
        return port;
    }
    OnError on_error(const Doc& doc) {
        const auto* entry = doc.find("on_error");
        if (entry == nullptr || !expect(*entry, Doc::Kind::text, "text")) return OnError::fail;
        constexpr std::array<std::string_view, 3> policies{"fail", "collect", "skip"};
        const auto found = std::find(policies.begin(), policies.end(), entry->value.text);
        if (found != policies.end()) return static_cast<OnError>(found - policies.begin());
        error("bad-value", "on_error " + shown(entry->value.text) + " is not known", entry->place, meant(entry->value.text, policies));
        return OnError::fail;
    }
    void parallel(const Node& node, const Doc& doc, CallPolicy& policy) {
        policy.parallel_max = integer(doc, "parallel", 1, 1024, 0);
        if (const auto* parallel = doc.find("parallel"); parallel != nullptr && node.each == 0) {
            error("unknown-key", "\"parallel\" is for nodes with \"each\"", parallel->place);
        }
    }
    void retry(Node& node, const Doc& doc, CallPolicy& policy) {
        const auto* retry = doc.find("retry");
        if (retry == nullptr || !expect(*retry, Doc::Kind::table, "a table such as { max = 2, backoff = \"200ms\" }")) return;
        constexpr std::array<std::string_view, 3> keys{"max", "backoff", "kind"};
        check_keys(retry->value, keys, {"\"retry\" of [nodes.", made_.names[node.name], "]"});
        policy.retries_max = integer(retry->value, "max", 0, 100, 0);
        policy.backoff_ns = duration_ns(retry->value, "backoff", policy.backoff_ns);
        parse_retry_kind(*this, made_, node, retry->value);
    }

    void constants(Node& node, const Doc& doc) {
        node.constants_from = static_cast<std::uint32_t>(made_.constants.size());
        if (const auto* with = doc.find("with"); with != nullptr && expect(*with, Doc::Kind::table, "a table of constants")) {
            for (const auto& entry : with->value.entries) {
                made_.constants.push_back({made_.names.intern(entry.key), entry.place, {}});
                pack_constant(entry);
            }
        }
        node.constants_to = static_cast<std::uint32_t>(made_.constants.size());
    }

    /// `inputs` and `after` of a node are edges.
    void sugar(Id to, const Doc& doc) {
        if (const auto* inputs = doc.find("inputs"); inputs != nullptr && expect(*inputs, Doc::Kind::table, "a table such as { text = \"read.text\" }")) {
            for (const auto& entry : inputs->value.entries) {
                Edge edge;
                edge.to = to;
                edge.to_port = made_.names.intern(entry.key);
                edge.place = entry.place;
                std::string_view from;
                if (entry.value.kind == Doc::Kind::text) {
                    from = entry.value.text;
                } else if (entry.value.kind == Doc::Kind::table) {
                    constexpr std::array<std::string_view, 2> keys{"from", "when"};
                    check_keys(entry.value, keys, {"input ", entry.key});
                    from = text(entry.value, "from");
                    if (const auto* when = entry.value.find("when"); when != nullptr) condition(edge, *when);
                    if (entry.value.find("from") == nullptr) {
                        error("missing-key", "input " + shown(entry.key) + " has no \"from\"", entry.place);
                        continue;
                    }
                } else {
                    error("wrong-kind", "input " + shown(entry.key) + " is " + std::string(entry.value.kind_name()) + ", expected \"node.port\"", entry.place, "constants go into `with`");
                    continue;
                }
                if (entry.key.empty()) error("bad-id", "an input without a name", entry.place);
                else add_edge(edge, from, true);
            }
        }
        const auto* after = doc.find("after");
        if (after == nullptr || !expect(*after, Doc::Kind::list, "a list of node ids")) return;
        for (const auto& entry : after->value.entries) {
            if (entry.value.kind != Doc::Kind::text) {
                error("wrong-kind", "\"after\" lists node ids", entry.value.place);
                continue;
            }
            Edge edge;
            edge.to = to;
            edge.kind = EdgeKind::control;
            edge.place = entry.value.place.line != 0 ? entry.value.place : after->place;
            add_edge(edge, entry.value.text, false);
        }
    }

    /// All constants of nodes lie in one piece of memory, which they share.
    void pack_constant(const DocEntry& entry) {
        const std::size_t from = pool_.size();
        if (auto status = pack(pool_, entry.value); !status) error(status.error().reason(), shown(entry.key) + ": " + status.error().message(), entry.place, std::string(status.error().hint()));
        pooled_.emplace_back(from, pool_.size() - from);
    }
    void share_constants() {
        if (pooled_.empty()) return;
        const Bytes all = made_.own(Value::unchecked(Buffer::copy(pool_.bytes())));
        for (std::size_t i = 0; i < pooled_.size(); ++i) made_.constants[i].bytes = all.subspan(pooled_[i].first, pooled_[i].second);
    }

    void condition(Edge& edge, const DocEntry& when) {
        edge.kind = EdgeKind::conditional;
        if (!expect(when, Doc::Kind::text, "an expression")) return;
        auto parsed = Expression::parse(when.value.text);
        if (!parsed) {
            error("bad-expression", parsed.error().message(), when.place, "see the language in the workflow file's documentation");
            return;
        }
        edge.condition = static_cast<std::uint32_t>(made_.conditions.size());
        made_.conditions.push_back(*std::move(parsed));
    }

    /// Resolves the source; the target is known. Edges whose source is unknown are left out after their report.
    void add_edge(Edge edge, std::string_view from, bool needs_port) {
        if (!resolve_from(edge, from, needs_port)) return;
        if (made_.edges.size() >= limits_.edges_max) {
            if (!too_many_) report_too_many(findings_, false, limits_.edges_max, edge.place);
            too_many_ = true;
            return;
        }
        made_.edges.push_back(edge);
    }

    bool resolve_from(Edge& edge, std::string_view written, bool needs_port) {
        const End end = split_end(written);
        if (end.input) {
            const auto found = input_ids_.find(made_.names.find(end.node));
            if (found == input_ids_.end()) {
                error("unknown-input", "the workflow has no input " + shown(end.node), edge.place, meant(end.node, input_names_));
                return false;
            }
            if (!needs_port) {
                error("bad-value", shown(written) + " is a value; order needs a node", edge.place);
                return false;
            }
            edge.input = found->second;
            made_.inputs[found->second].used = true;
            return true;
        }
        const Id node = resolve_node(end.node, edge.place);
        if (node == no_id) return false;
        if (needs_port && end.port.empty()) {
            error("unknown-port", shown(written) + " names no output", edge.place, "write it as \"" + std::string(end.node) + ".PORT\"");
            return false;
        }
        if (!needs_port && !end.port.empty()) {
            error("bad-value", shown(written) + " names an output; here only the node counts", edge.place, "write " + shown(end.node) + ", or give both ends a port");
            return false;
        }
        edge.from = node;
        edge.from_port = made_.names.intern(end.port);
        return true;
    }

    Id resolve_node(std::string_view id, Place place) {
        const Id name = made_.names.find(id);
        if (name < node_ids_.size() && node_ids_[name] != no_id) return node_ids_[name];
        error("unknown-node", "no node " + shown(id), place, meant(id, node_names_, "nodes"));
        return no_id;
    }

    void edges() {
        const auto* entry = root_.find("edges");
        if (entry == nullptr || !expect(*entry, Doc::Kind::list, "a list of tables: [[edges]]")) return;
        if (entry->value.entries.size() > limits_.edges_max) {
            report_too_many(findings_, false, limits_.edges_max, entry->place);
            too_many_ = true;
            return;
        }
        constexpr std::array<std::string_view, 4> keys{"from", "to", "kind", "when"};
        for (const auto& item : entry->value.entries) {
            if (item.value.kind != Doc::Kind::table) {
                error("wrong-kind", "an edge is " + std::string(item.value.kind_name()) + ", expected a table", item.place);
                continue;
            }
            check_keys(item.value, keys, {"[[edges]]"});
            written_edge(item.value, item.value.place.line != 0 ? item.value.place : item.place);
            if (too_many_) return;
        }
    }

    void written_edge(const Doc& doc, Place place) {
        bool complete = true;
        for (const std::string_view key : {"from", "to"}) {
            if (doc.find(key) != nullptr) continue;
            error("missing-key", "an edge has no " + shown(key), place);
            complete = false;
        }
        const auto kind = text(doc, "kind");
        constexpr std::array<std::string_view, 3> kinds{"data", "control", "conditional"};
        const auto* when = doc.find("when");
        Edge edge;
        edge.place = place;
        if (is_text(doc, "kind")) {
            const auto found = std::find(kinds.begin(), kinds.end(), kind);
            if (found == kinds.end()) error("bad-value", "edge kind " + shown(kind) + " is not known", doc.find("kind")->place, meant(kind, kinds));
            else edge.kind = static_cast<EdgeKind>(found - kinds.begin());
        }
        if (edge.kind == EdgeKind::conditional && when == nullptr) error("missing-key", "a conditional edge has no \"when\"", place);
        if (when != nullptr) {
            if (!kind.empty() && edge.kind != EdgeKind::conditional) error("unknown-key", "\"when\" is for conditional edges", when->place);
            condition(edge, *when);
        }
        if (!complete) return;
        const auto from = text(doc, "from");
        const auto to = text(doc, "to");
        if (!is_text(doc, "from") || !is_text(doc, "to")) return;
        const auto* to_entry = doc.find("to");
        const End end = split_end(to);
        if (end.input) {
            error("unknown-node", shown(to) + " is an input of the workflow; an edge leads to a node", to_entry->place);
            return;
        }
        edge.to = resolve_node(end.node, to_entry->place);
        edge.to_port = made_.names.intern(end.port);
        edge.place = doc.find("from")->place;
        if (edge.kind == EdgeKind::data && end.port.empty()) {
            error("unknown-port", shown(to) + " names no input", to_entry->place, "write it as \"" + std::string(end.node) + ".PORT\", or kind = \"control\" for order only");
            return;
        }
        if (edge.kind == EdgeKind::control && !end.port.empty()) {
            error("bad-value", shown(to) + " names an input; a control edge carries no value", to_entry->place);
            return;
        }
        Edge probe = edge;
        const bool needs_port = !end.port.empty();
        if (edge.to == no_id) {
            resolve_from(probe, from, needs_port);  // for its own faults
            return;
        }
        add_edge(edge, from, needs_port);
    }

    void outputs() {
        const Doc* tables = section("outputs");
        if (tables == nullptr) return;
        constexpr std::array<std::string_view, 4> keys{"from", "type", "file", "description"};
        std::unordered_map<std::string_view, std::uint32_t> files;
        std::unordered_set<std::string_view> seen;
        for (const auto& entry : tables->entries) {
            if (!good_id(entry.key, "output", entry.place) || !expect(entry, Doc::Kind::table, "a table")) continue;
            if (!seen.insert(entry.key).second) continue;  // reported by the reader
            check_keys(entry.value, keys, {"[outputs.", entry.key, "]"});
            OutputDecl output;
            output.name = entry.key;
            output.place = entry.place;
            output.description = text(entry.value, "description");
            output.type = type(entry.value);
            output.file = text(entry.value, "file");
            if (const auto* file = entry.value.find("file"); file != nullptr && file->value.kind == Doc::Kind::text) {
                if (!is_inner_path(output.file)) {
                    error("bad-path", "file " + shown(output.file) + " is not a relative path beneath the output folder", file->place);
                    output.file.clear();
                } else if (const auto [first, added] = files.emplace(file->value.text, file->place.line); !added) {
                    error("bad-path", "file " + shown(output.file) + " is also written by the output in line " + std::to_string(first->second), file->place);
                }
            }
            const auto* from = entry.value.find("from");
            if (from == nullptr) {
                error("missing-key", "[outputs." + std::string(entry.key) + "] has no \"from\"", entry.place);
                continue;
            }
            if (!expect(*from, Doc::Kind::text, "\"node.port\"")) continue;
            Edge edge;
            edge.place = from->place;
            if (!resolve_from(edge, from->value.text, true)) continue;
            output.node = edge.from;
            output.port = edge.from_port;
            output.input = edge.input;
            output.place = from->place;
            made_.outputs.push_back(std::move(output));
        }
    }

    const DocTree& tree_;
    const Doc& root_;
    const Limits& limits_;
    Workflow made_;
    std::vector<const Doc*> node_docs_;
    std::vector<Id> node_ids_;              // name -> node
    std::unordered_map<Id, Id> input_ids_;  // name -> input
    std::vector<std::string_view> node_names_;
    std::vector<std::string_view> input_names_;
    Packer pool_;
    std::vector<std::pair<std::size_t, std::size_t>> pooled_;  // of each constant its offset and size in `pool_`
    bool too_many_ = false;
    const std::size_t depth_;
};

} // namespace

std::optional<Workflow> parse_document(const DocTree& document, const Limits& limits, Findings& findings) {
    return Parser(document, document.root, limits, findings, 0).run();
}

} // namespace symphony::tracker
