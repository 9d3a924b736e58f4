// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/base64.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>
#include <symphony/workflow_words.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Workflows made by programs. The result is a document of schema version 1, as the workflow file's documentation describes it.
namespace symphony {

/// A value from one node's output to another node's input. The ports stand here, or behind the nodes' ids: "ask.text".
struct DataEdge {
    std::string from_port, to_port;
};
/// Order only.
struct ControlEdge {};
/// As a DataEdge, or without ports as a ControlEdge, while the expression holds.
struct ConditionalEdge {
    std::string when;
    std::string from_port, to_port;
};

enum class OnError : std::uint8_t { fail, collect, skip };
enum class MergeMode : std::uint8_t { first, any, all, concat, named };
/// How long a failed call waits for its next attempt: anywhere up to backoff x 2^n, exactly that, or always `backoff`.
enum class RetryKind : std::uint8_t { jitter, exponential, constant };
/// Whether answers are kept for later calls that are the same.
enum class CachePolicy : std::uint8_t { always, within_run, never };

namespace detail {

/// A value as a workflow says it: bytes, and maps that would be read as something else, have a mark.
inline void put_marked(ValueBuilder& out, ValueView value) {
    switch (value.kind()) {
    case Kind::bytes: out.map(1).add("$bytes", std::string_view(to_base64(value.as_bytes()))).end(); return;
    case Kind::list:
        out.list(value.size());
        for (const ValueView item : value.items()) put_marked(out, item);
        out.end();
        return;
    case Kind::map: {
        bool marked = value.size() == 1;
        for (const auto [key, item] : value.entries()) marked = marked && (key == "$bytes" || key == "$null" || key == "$map");
        if (marked) out.map(1).key("$map");
        out.map(value.size());
        for (const auto [key, item] : value.entries()) put_marked(out.key(key), item);
        out.end();
        if (marked) out.end();
        return;
    }
    default: out.value(value); return;
    }
}

} // namespace detail

struct WorkflowInput {
    std::string type = "any";
    std::optional<Value> otherwise = {};   ///< the default
    std::optional<bool> required = {};     ///< true when there is no default
    std::string description = {};
};

struct WorkflowOutput {
    std::string from;                      ///< "node.port" or "$inputs.name"
    std::string file = {};                 ///< a relative path beneath the run's output folder
    std::string type = {};
    std::string description = {};
};

/// `[limits.plugins.NAME]`.
struct PluginLimits {
    std::optional<std::uint32_t> calls = {};    ///< at a time
    std::optional<std::uint32_t> retries = {};  ///< further attempts of all nodes that call it
};

/// How often a loop runs its body: at most `max` rounds, until an expression holds or while it does (one of them).
struct LoopRounds {
    std::uint32_t max = 0;
    std::string until = {}, going = {};  ///< `going` is the file's `while`
    bool take = false;                   ///< with what it has, when it has run `max` rounds and is not done
};

/// How a node is called, and with what.
class NodeOptions {
public:
    NodeOptions& with(std::string port, ValueView constant) { return put("with", std::move(port), Value::copy(constant)); }
    NodeOptions& with(std::string port, const Value& constant) { return put("with", std::move(port), constant); }
    NodeOptions& with(std::string port, std::string_view constant) { return put("with", std::move(port), ValueBuilder().text(constant).build()); }
    NodeOptions& with(std::string port, const char* constant) { return with(std::move(port), std::string_view(constant)); }
    NodeOptions& with(std::string port, const std::string& constant) { return with(std::move(port), std::string_view(constant)); }
    NodeOptions& with(std::string port, bool constant) { return put("with", std::move(port), ValueBuilder().boolean(constant).build()); }
    NodeOptions& with(std::string port, double constant) { return put("with", std::move(port), ValueBuilder().number(constant).build()); }
    template <std::signed_integral T>
    NodeOptions& with(std::string port, T constant) { return put("with", std::move(port), ValueBuilder().integer(constant).build()); }
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    NodeOptions& with(std::string port, T constant) { return put("with", std::move(port), ValueBuilder().unsigned_integer(constant).build()); }

    /// `from` is "node.port" or "$inputs.name"; with `when` only while the expression holds.
    NodeOptions& input(std::string port, std::string from, std::string when = {}) {
        edges_.push_back({std::move(from), std::move(port), std::move(when), false});
        return *this;
    }
    NodeOptions& after(std::string node) {
        edges_.push_back({std::move(node), {}, {}, true});
        return *this;
    }
    /// Once for each element of the list that comes into the input `port`.
    NodeOptions& each(std::string_view port) { return set("each", ValueBuilder().text(port).build()); }
    NodeOptions& parallel(std::uint32_t most) { return set("parallel", ValueBuilder().unsigned_integer(most).build()); }
    NodeOptions& on_error(OnError policy) {
        constexpr std::string_view names[] = {"fail", "collect", "skip"};
        return set("on_error", ValueBuilder().text(names[static_cast<std::size_t>(policy)]).build());
    }
    NodeOptions& timeout(std::chrono::milliseconds each_call) { return set("timeout", duration(each_call)); }
    NodeOptions& retry(std::uint32_t most, std::chrono::milliseconds backoff = std::chrono::milliseconds(200), RetryKind kind = RetryKind::jitter) {
        constexpr std::string_view names[] = {"jitter", "exponential", "constant"};
        ValueBuilder out;
        out.map(3).add("max", most).add("backoff", duration(backoff));
        if (kind != RetryKind::jitter) out.add("kind", names[static_cast<std::size_t>(kind)]);
        return set("retry", out.end().build());
    }
    /// Of a sub-workflow or loop with each(): a longer list makes it fail.
    NodeOptions& elements_max(std::uint32_t most) { return set("elements_max", ValueBuilder().unsigned_integer(most).build()); }
    /// The node that stands in when this one fails.
    NodeOptions& fallback(std::string_view node) { return set("fallback", ValueBuilder().text(node).build()); }
    /// Or the outputs that it then has. @param outputs  A map from port to value.
    NodeOptions& fallback_outputs(ValueView outputs) { return set("fallback", marked(outputs)); }
    /// Its outputs when it is skipped: `default` of the file. @param outputs  A map from port to value.
    NodeOptions& when_skipped(ValueView outputs) { return set("default", marked(outputs)); }
    /// The node that undoes this one when the run fails or is cancelled.
    NodeOptions& compensate(std::string_view node) { return set("compensate", ValueBuilder().text(node).build()); }
    /// So many of those that it waits for are enough.
    NodeOptions& quorum(std::uint32_t enough) { return set("quorum", ValueBuilder().unsigned_integer(enough).build()); }
    /// It runs when the run ends, however it does.
    NodeOptions& finally(bool yes = true) { return set("finally", ValueBuilder().boolean(yes).build()); }
    /// -1000 to 1000: of the calls that wait for a turn the highest is made first.
    NodeOptions& priority(std::int32_t priority) { return set("priority", ValueBuilder().integer(priority).build()); }
    /// Each of its calls uses so much of a resource. May be said of several.
    NodeOptions& use(std::string resource, std::uint32_t count) {
        uses_.insert_or_assign(std::move(resource), count);
        ValueBuilder all;
        all.map(uses_.size());
        for (const auto& [name, much] : uses_) all.add(name, much);
        return set("use", all.end().build());
    }
    NodeOptions& cache(CachePolicy policy) {
        constexpr std::string_view names[] = {"always", "within-run", "never"};
        return set("cache", ValueBuilder().text(names[static_cast<std::size_t>(policy)]).build());
    }
    /// How old a kept answer may be.
    NodeOptions& ttl(std::chrono::milliseconds age) { return set("ttl", duration(age)); }
    NodeOptions& description(std::string_view text) { return set("description", ValueBuilder().text(text).build()); }
    /// Any other key of a node, as its file has it: what a newer dag-tracker knows and this header does not.
    NodeOptions& set(std::string key, Value value) {
        keys_.insert_or_assign(std::move(key), std::move(value));
        return *this;
    }

private:
    friend class WorkflowBuilder;
    struct Coming {
        std::string from, port, when;
        bool order_only = false;
    };
    NodeOptions& put(const char*, std::string port, Value constant) {
        with_.insert_or_assign(std::move(port), std::move(constant));
        return *this;
    }
    static Value marked(ValueView value) {
        ValueBuilder out;
        detail::put_marked(out, value);
        return out.build();
    }
    static Value duration(std::chrono::milliseconds time) { return ValueBuilder().text(std::to_string(time.count()) + "ms").build(); }

    std::map<std::string, Value> keys_;
    std::map<std::string, Value> with_;
    std::map<std::string, std::uint32_t> uses_;
    std::vector<Coming> edges_;
};

/// The document that a WorkflowBuilder made, or everything that is wrong with it.
class [[nodiscard]] BuiltWorkflow {
public:
    explicit operator bool() const noexcept { return errors_.empty(); }
    /// A map without bytes: its MessagePack is a workflow file (`document().bytes()`), and so is its JSON
    /// (`print_json(document(), 2, JsonBytes::refuse)` of <symphony/json.hpp>). Null when there are errors.
    const Value& document() const noexcept { return document_; }
    /// In the order of what was said; at most 200. Reasons are those of `symphony check`.
    const std::vector<Error>& errors() const noexcept { return errors_; }
    /// The document, or the first error with the number of the others.
    Result<Value> result() const {
        if (errors_.empty()) return document_;
        const Error& first = errors_.front();
        const std::string more = errors_.size() > 1 ? " (and " + std::to_string(errors_.size() - 1) + " more)" : "";
        return Error(first.code(), first.reason(), first.message() + more, first.hint());
    }

private:
    friend class WorkflowBuilder;
    Value document_;
    std::vector<Error> errors_;
};

/// Says a workflow step by step. Nothing fails before build(), which tells all faults at once: ids, versions, types, durations, constants, edges that
/// lead nowhere, inputs with two sources, cycles. What needs the plugins' manifests or the grammar of expressions is left to `symphony check`. One thread.
class WorkflowBuilder {
public:
    /// @param id  Of a body it is not needed.
    explicit WorkflowBuilder(std::string id = "body") : id_(std::move(id)) {}

    WorkflowBuilder& version(std::string semver) { version_ = std::move(semver); return *this; }
    WorkflowBuilder& name(std::string text) { name_ = std::move(text); return *this; }
    WorkflowBuilder& description(std::string text) { description_ = std::move(text); return *this; }
    WorkflowBuilder& timeout(std::chrono::milliseconds whole_run) { timeout_ = whole_run; return *this; }
    /// How long cancelled calls may take to end, and then what closes the run.
    WorkflowBuilder& grace(std::chrono::milliseconds time) { grace_ = time; return *this; }
    /// Further attempts of all nodes together.
    WorkflowBuilder& retries(std::uint32_t most) { retries_ = most; return *this; }
    /// How much there is of something that nodes use() while they are called.
    WorkflowBuilder& resource(std::string name, std::uint32_t count) {
        resources_.insert_or_assign(std::move(name), count);
        return *this;
    }
    /// @param plugin  Id or short name.
    WorkflowBuilder& limit(std::string plugin, PluginLimits limits) {
        plugin_limits_.insert_or_assign(std::move(plugin), limits);
        return *this;
    }
    WorkflowBuilder& fail_fast(bool yes = true) { fail_fast_ = yes; return *this; }
    /// A map: for people and tools, kept and never read.
    WorkflowBuilder& metadata(Value map) { metadata_ = std::move(map); return *this; }
    /// A version of a plugin that the workflow was made with: "^1.2".
    WorkflowBuilder& plugin(std::string plugin, std::string requirement) {
        plugins_.insert_or_assign(std::move(plugin), std::move(requirement));
        return *this;
    }
    /// Any other table of the document, as its file has it: what a newer dag-tracker knows and this header does not.
    WorkflowBuilder& set(std::string table, Value value) {
        tables_.insert_or_assign(std::move(table), std::move(value));
        return *this;
    }
    WorkflowBuilder& input(std::string name, WorkflowInput input = {}) { inputs_.emplace_back(std::move(name), std::move(input)); return *this; }
    WorkflowBuilder& output(std::string name, WorkflowOutput output) { outputs_.emplace_back(std::move(name), std::move(output)); return *this; }

    WorkflowBuilder& add_operator(std::string id, std::string plugin, std::string operation, NodeOptions options = {}) {
        return add_node({std::move(id), "operator", std::move(plugin), std::move(operation), {}, std::move(options)});
    }
    WorkflowBuilder& add_instrument(std::string id, std::string plugin, std::string operation, NodeOptions options = {}) {
        return add_node({std::move(id), "instrument", std::move(plugin), std::move(operation), {}, std::move(options)});
    }
    /// One input and one output, both "value"; conditional edges choose where it goes.
    WorkflowBuilder& add_branch(std::string id, NodeOptions options = {}) { return add_node({std::move(id), "control", {}, "branch", {}, std::move(options)}); }
    WorkflowBuilder& add_merge(std::string id, MergeMode mode = MergeMode::first, NodeOptions options = {}) {
        constexpr std::string_view names[] = {"first", "any", "all", "concat", "named"};
        return add_node({std::move(id), "control", {}, "merge", std::string(names[static_cast<std::size_t>(mode)]), std::move(options)});
    }
    /// Waits for all in its inputs and after(), or for a quorum() of them. Its output "value" is the map of what they gave.
    WorkflowBuilder& add_join(std::string id, NodeOptions options = {}) { return add_node({std::move(id), "control", {}, "join", {}, std::move(options)}); }
    /// Goes on so much later, with the input "value" that it is given, if any.
    WorkflowBuilder& add_delay(std::string id, std::chrono::milliseconds time, NodeOptions options = {}) {
        options.set("for", NodeOptions::duration(time));
        return add_node({std::move(id), "control", {}, "delay", {}, std::move(options)});
    }
    /// Waits until somebody gives its output "value". @param expects  Its type.
    WorkflowBuilder& add_wait(std::string id, std::string_view expects = "any", NodeOptions options = {}) {
        options.set("expects", ValueBuilder().text(expects).build());
        return add_node({std::move(id), "control", {}, "wait", {}, std::move(options)});
    }
    /// Another workflow as one node: the inputs, nodes, edges and outputs of `body`; nothing else of it counts.
    WorkflowBuilder& add_workflow(std::string id, const WorkflowBuilder& body, NodeOptions options = {}) {
        return add_node({std::move(id), "control", {}, "workflow", {}, std::move(options), std::make_shared<const WorkflowBuilder>(body)});
    }
    /// Or those of a file, relative to this one.
    WorkflowBuilder& add_workflow(std::string id, std::string_view file, NodeOptions options = {}) {
        options.set("file", ValueBuilder().text(file).build());
        return add_node({std::move(id), "control", {}, "workflow", {}, std::move(options)});
    }
    WorkflowBuilder& add_workflow(std::string id, const char* file, NodeOptions options = {}) { return add_workflow(std::move(id), std::string_view(file), std::move(options)); }
    WorkflowBuilder& add_loop(std::string id, LoopRounds rounds, const WorkflowBuilder& body, NodeOptions options = {}) {
        return add_node({std::move(id), "control", {}, "loop", {}, with_rounds(std::move(options), std::move(rounds)), std::make_shared<const WorkflowBuilder>(body)});
    }
    WorkflowBuilder& add_loop(std::string id, LoopRounds rounds, std::string_view file, NodeOptions options = {}) {
        options.set("file", ValueBuilder().text(file).build());
        return add_node({std::move(id), "control", {}, "loop", {}, with_rounds(std::move(options), std::move(rounds))});
    }
    WorkflowBuilder& add_loop(std::string id, LoopRounds rounds, const char* file, NodeOptions options = {}) {
        return add_loop(std::move(id), std::move(rounds), std::string_view(file), std::move(options));
    }
    /// Any other control node, by its operation.
    WorkflowBuilder& add_control(std::string id, std::string operation, NodeOptions options = {}) {
        return add_node({std::move(id), "control", {}, std::move(operation), {}, std::move(options)});
    }

    WorkflowBuilder& connect(std::string from, std::string to, DataEdge edge = {}) {
        return add_edge({joined(std::move(from), edge.from_port), joined(std::move(to), edge.to_port), {}, Edge::Kind::data});
    }
    WorkflowBuilder& connect(std::string from, std::string to, ControlEdge) { return add_edge({std::move(from), std::move(to), {}, Edge::Kind::control}); }
    WorkflowBuilder& connect(std::string from, std::string to, ConditionalEdge edge) {
        return add_edge({joined(std::move(from), edge.from_port), joined(std::move(to), edge.to_port), std::move(edge.when), Edge::Kind::conditional});
    }

    /// May be called again, also after more was said.
    BuiltWorkflow build() const {
        Check check(*this);
        BuiltWorkflow built;
        built.errors_ = check.run();
        if (built.errors_.empty()) built.document_ = document();
        return built;
    }

private:
    struct Node {
        std::string id;
        std::string_view type;
        std::string plugin, operation, mode;
        NodeOptions options;
        std::shared_ptr<const WorkflowBuilder> body = {};
    };
    struct Edge {
        enum class Kind : std::uint8_t { data, control, conditional };
        std::string from, to, when;
        Kind kind = Kind::data;
    };
    /// "node", "node.port" or "$inputs.name".
    struct End {
        std::string_view node, port;
        bool input = false;
    };

    static End end_of(std::string_view text) noexcept {
        if (text.starts_with("$inputs.")) return {text.substr(8), {}, true};
        const auto dot = text.find('.');
        return {text.substr(0, dot), dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1), false};
    }
    static std::string joined(std::string node, const std::string& port) { return port.empty() ? std::move(node) : std::move(node) + "." + port; }

    static NodeOptions with_rounds(NodeOptions options, LoopRounds rounds) {
        options.set("max", ValueBuilder().unsigned_integer(rounds.max).build());
        if (!rounds.until.empty()) options.set("until", ValueBuilder().text(rounds.until).build());
        if (!rounds.going.empty()) options.set("while", ValueBuilder().text(rounds.going).build());
        if (rounds.take) options.set("on_bound", ValueBuilder().text("take").build());
        return options;
    }
    WorkflowBuilder& add_node(Node node) {
        for (auto& coming : node.options.edges_) {
            if (coming.order_only) edges_.push_back({std::move(coming.from), node.id, {}, Edge::Kind::control});
            else edges_.push_back({std::move(coming.from), node.id + "." + coming.port, coming.when, coming.when.empty() ? Edge::Kind::data : Edge::Kind::conditional});
        }
        node.options.edges_.clear();
        nodes_.push_back(std::move(node));
        return *this;
    }
    WorkflowBuilder& add_edge(Edge edge) {
        edges_.push_back(std::move(edge));
        return *this;
    }

    // ---- the document ----

    static void put(ValueBuilder& out, ValueView value) { detail::put_marked(out, value); }
    static void put_text(ValueBuilder& out, std::string_view key, const std::string& text) {
        if (!text.empty()) out.add(key, std::string_view(text));
    }

    Value document() const {
        ValueBuilder out;
        out.map(8).key("workflow").map(8).add("schema", 1).add("id", std::string_view(id_)).add("version", std::string_view(version_));
        put_text(out, "name", name_);
        put_text(out, "description", description_);
        if (timeout_) out.add("timeout", NodeOptions::duration(*timeout_));
        if (grace_) out.add("grace", NodeOptions::duration(*grace_));
        if (fail_fast_) out.add("fail_fast", true);
        out.end();
        if (!plugins_.empty()) {
            out.key("plugins").map(plugins_.size());
            for (const auto& [plugin, requirement] : plugins_) out.add(plugin, std::string_view(requirement));
            out.end();
        }
        if (metadata_.is_map() && !metadata_.empty()) put(out.key("metadata"), metadata_.view());
        put_limits(out);
        put_sections(out);
        for (const auto& [table, value] : tables_) out.add(table, value);
        return out.end().build();
    }
    /// What a body has, too.
    void put_sections(ValueBuilder& out) const {
        put_inputs(out);
        out.key("nodes").map(nodes_.size());
        for (const Node& node : nodes_) put_node(out.key(node.id), node);
        out.end();
        put_edges(out);
        put_outputs(out);
    }
    bool has_limits() const noexcept { return retries_ || !resources_.empty() || !plugin_limits_.empty(); }
    void put_limits(ValueBuilder& out) const {
        if (!has_limits()) return;
        out.key("limits").map(3);
        if (retries_) out.add("retries", *retries_);
        if (!resources_.empty()) {
            out.key("resources").map(resources_.size());
            for (const auto& [name, count] : resources_) out.add(name, count);
            out.end();
        }
        if (!plugin_limits_.empty()) {
            out.key("plugins").map(plugin_limits_.size());
            for (const auto& [plugin, limits] : plugin_limits_) {
                out.key(plugin).map(2);
                if (limits.calls) out.add("calls", *limits.calls);
                if (limits.retries) out.add("retries", *limits.retries);
                out.end();
            }
            out.end();
        }
        out.end();
    }
    void put_inputs(ValueBuilder& out) const {
        if (inputs_.empty()) return;
        out.key("inputs").map(inputs_.size());
        for (const auto& [name, input] : inputs_) {
            out.key(name).map(4).add("type", std::string_view(input.type));
            if (input.otherwise) put(out.key("default"), input.otherwise->view());
            if (input.required) out.add("required", *input.required);
            put_text(out, "description", input.description);
            out.end();
        }
        out.end();
    }
    void put_node(ValueBuilder& out, const Node& node) const {
        out.map(16).add("type", node.type);
        if (node.type != "control") out.add("plugin", std::string_view(node.plugin));
        out.add("operation", std::string_view(node.operation));
        put_text(out, "mode", node.mode);
        for (const auto& [key, value] : node.options.keys_) out.add(key, value);
        if (!node.options.with_.empty()) {
            out.key("with").map(node.options.with_.size());
            for (const auto& [port, value] : node.options.with_) put(out.key(port), value.view());
            out.end();
        }
        if (node.body != nullptr) {
            out.key("body").map(4);
            node.body->put_sections(out);
            out.end();
        }
        out.end();
    }
    void put_edges(ValueBuilder& out) const {
        if (edges_.empty()) return;
        out.key("edges").list(edges_.size());
        for (const Edge& edge : edges_) {
            out.map(4).add("from", std::string_view(edge.from)).add("to", std::string_view(edge.to));
            if (edge.kind == Edge::Kind::control) out.add("kind", "control");
            if (edge.kind == Edge::Kind::conditional) out.add("kind", "conditional").add("when", std::string_view(edge.when));
            out.end();
        }
        out.end();
    }
    void put_outputs(ValueBuilder& out) const {
        if (outputs_.empty()) return;
        out.key("outputs").map(outputs_.size());
        for (const auto& [name, output] : outputs_) {
            out.key(name).map(4).add("from", std::string_view(output.from));
            put_text(out, "file", output.file);
            put_text(out, "type", output.type);
            put_text(out, "description", output.description);
            out.end();
        }
        out.end();
    }

    // ---- faults ----

    class Check {
    public:
        explicit Check(const WorkflowBuilder& builder) : of_(builder) {}

        std::vector<Error> run() {
            head();
            return run_body();
        }
        /// Of a body: it has no head.
        std::vector<Error> run_body() {
            declare();
            for (const Node& node : of_.nodes_) look_at(node);
            for (const Edge& edge : of_.edges_) look_at(edge);
            for (const auto& [name, output] : of_.outputs_) look_at(name, output);
            find_cycle();
            return std::move(errors_);
        }

    private:
        static constexpr std::size_t errors_max = 200;
        static constexpr std::size_t constant_depth_max = 20;
        static constexpr std::chrono::hours duration_max{366 * 24};

        void error(std::string_view reason, std::string message, std::string hint = {}) {
            if (errors_.size() < errors_max) errors_.push_back({Code::invalid_argument, reason, std::move(message), std::move(hint)});
        }
        static std::string shown(std::string_view text) {
            std::string clean = "\"";
            for (const char c : to_valid_utf8(text.substr(0, 64))) {
                const auto byte = static_cast<unsigned char>(c);
                if (c == '"' || c == '\\') clean += '\\';
                clean += byte < 0x20 || byte == 0x7F ? ' ' : c;
            }
            return clean + (text.size() > 64 ? "…\"" : "\"");
        }
        void head() {
            if (!workflow_words::is_workflow_id(of_.id_)) error("bad-id", "workflow id " + shown(of_.id_) + " is not of the form [a-z0-9][a-z0-9.-]{0,99}");
            if (of_.version_.empty()) error("missing-key", "the workflow has no version", "version(\"1.0.0\")");
            else if (!workflow_words::is_version(of_.version_)) error("bad-version", "version " + shown(of_.version_) + " is not SemVer, such as \"1.0.0\"");
            if (of_.timeout_) duration("the workflow's timeout", *of_.timeout_);
            if (of_.grace_) duration("the workflow's grace", *of_.grace_);
            limits();
            for (const auto& [table, value] : of_.tables_) {
                for (const std::string_view own : {"workflow", "plugins", "metadata", "limits", "inputs", "nodes", "edges", "outputs"}) {
                    if (table == own && (own != "limits" || of_.has_limits())) error("bad-value", shown(table) + " is not for set()", "it has a function of its own");
                }
                constant(shown(table), value.view());
            }
            if (!of_.metadata_.is_null()) {
                if (!of_.metadata_.is_map()) error("wrong-kind", "the metadata is " + std::string(name_of(of_.metadata_.kind())) + ", expected a map");
                else constant("the metadata", of_.metadata_.view());
            }
            for (const auto& [plugin, requirement] : of_.plugins_) {
                if (!workflow_words::is_plugin_name(plugin)) error("bad-id", "plugin " + shown(plugin) + " is neither an id such as \"org.symphony.files\" nor a short name");
                if (requirement.empty()) error("bad-version", "plugin " + shown(plugin) + " has an empty requirement", "such as \"^1.2\"");
            }
        }
        void limits() {
            constexpr std::uint32_t budget_max = 1'000'000'000, resource_max = 1'000'000, calls_most = 1024;
            if (of_.retries_ && *of_.retries_ > budget_max) error("bad-value", "retries() is " + std::to_string(*of_.retries_) + ", expected at most 1000000000");
            for (const auto& [name, count] : of_.resources_) {
                if (!workflow_words::is_id(name)) error("bad-id", "resource " + shown(name) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}");
                if (count < 1 || count > resource_max) error("bad-value", "resource " + shown(name) + " is " + std::to_string(count) + ", expected 1 to 1000000");
            }
            for (const auto& [plugin, limits] : of_.plugin_limits_) {
                const std::string what = "the limit of plugin " + shown(plugin);
                if (!workflow_words::is_plugin_name(plugin)) error("bad-id", "plugin " + shown(plugin) + " is neither an id such as \"org.symphony.files\" nor a short name");
                if (!limits.calls && !limits.retries) error("missing-key", what + " says nothing", "{.calls = 2}, or {.retries = 10}");
                if (limits.calls && (*limits.calls < 1 || *limits.calls > calls_most)) error("bad-value", what + " is " + std::to_string(*limits.calls) + " calls, expected 1 to 1024");
                if (limits.retries && *limits.retries > budget_max) error("bad-value", what + " is " + std::to_string(*limits.retries) + " retries, expected at most 1000000000");
            }
        }
        void duration(const std::string& what, std::chrono::milliseconds time) {
            if (time.count() < 0 || time > duration_max) error("bad-duration", what + " is " + std::to_string(time.count()) + " ms, expected 0 to a year");
        }
        void constant(const std::string& what, ValueView value) {
            if (auto why = fault_of(value, 0); !why.empty()) error(why == "too deep" ? "too-deep" : "bad-value", what + (why == "too deep" ? " has more than 20 levels" : " holds " + why));
        }
        static std::string fault_of(ValueView value, std::size_t depth) {
            switch (value.kind()) {
            case Kind::integer: return value.to_int() ? "" : "an integer that does not fit 64 bits with a sign";
            case Kind::number: return std::isfinite(value.as_double()) ? "" : "a number that is not finite";
            case Kind::text: return is_valid_utf8(value.as_text()) ? "" : "text that is not UTF-8";
            case Kind::list:
                if (depth == constant_depth_max) return "too deep";
                for (const ValueView item : value.items()) {
                    if (auto why = fault_of(item, depth + 1); !why.empty()) return why;
                }
                return "";
            case Kind::map: {
                if (depth == constant_depth_max) return "too deep";
                std::vector<std::string_view> keys;
                for (const auto [key, item] : value.entries()) {
                    if (!is_valid_utf8(key)) return "a key that is not UTF-8";
                    keys.push_back(key);
                    if (auto why = fault_of(item, depth + 1); !why.empty()) return why;
                }
                std::sort(keys.begin(), keys.end());
                return std::adjacent_find(keys.begin(), keys.end()) == keys.end() ? "" : "one key twice";
            }
            case Kind::invalid: return "bytes that are no value";
            default: return "";
            }
        }

        void declare() {
            if (of_.nodes_.empty()) error("no-nodes", "the workflow has no nodes", "add_operator(\"count\", \"text\", \"count\")");
            for (const auto& [name, input] : of_.inputs_) {
                if (!workflow_words::is_id(name)) error("bad-id", "input id " + shown(name) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}");
                if (!inputs_.emplace(name, 0).second) error("duplicate-id", "a second input " + shown(name), "ids are unique, rename one");
                if (!workflow_words::is_type(input.type)) error("bad-type", "input " + shown(name) + " has the type " + shown(input.type), "types: any boolean integer number text bytes list map list<T> map<T>, a trailing ? for optional");
                if (input.otherwise) constant("the default of input " + shown(name), input.otherwise->view());
            }
            for (std::size_t i = 0; i < of_.nodes_.size(); ++i) {
                const std::string& id = of_.nodes_[i].id;
                if (!workflow_words::is_id(id)) error("bad-id", "node id " + shown(id) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}");
                if (!nodes_.emplace(id, i).second) error("duplicate-id", "a second node " + shown(id), "ids are unique, rename one: a plugin may be in many nodes");
            }
            next_.resize(of_.nodes_.size());
        }

        void look_at(const Node& node) {
            const std::string what = "node " + shown(node.id);
            const NodeOptions& options = node.options;
            if (node.type != "control" && node.plugin.empty()) error("missing-key", what + " names no plugin");
            if (node.operation.empty()) error("missing-key", what + " names no operation");
            const bool bodied = node.operation == "workflow" || node.operation == "loop";
            if (node.type == "control" && bodied) {
                look_at_body(what, node);
                look_at_calls(what, options);
            } else if (node.type == "control") {
                if (!options.with_.empty()) error("unknown-key", what + ": a " + node.operation + " has no constants");
                for (const std::string_view key : {"each", "parallel", "on_error", "timeout", "retry"}) {
                    const bool known = node.operation == "branch" || node.operation == "merge";
                    if (known && options.keys_.contains(std::string(key))) error("unknown-key", what + ": a " + node.operation + " has no " + shown(key));
                }
            } else {
                look_at_calls(what, options);
            }
            for (const auto& [key, value] : options.keys_) {
                if (key == "type" || key == "plugin" || key == "operation" || key == "mode" || key == "with" || key == "id" || key == "inputs" || key == "after") {
                    error("bad-value", what + ": " + shown(key) + " is not for set()", "it has a function of its own");
                }
                constant(what + ": " + shown(key), value.view());
            }
            for (const auto& [port, value] : options.with_) {
                if (!fed_.emplace(node.id + "." + port, 0).second) error("two-sources", shown(node.id + "." + port) + " gets its value twice", "an input comes from one edge or one constant");
                constant(what + ": " + shown(port), value.view());
            }
        }
        void look_at_body(const std::string& what, const Node& node) {
            const auto has = [&](const char* key) { return node.options.keys_.contains(key); };
            if (has("elements_max") != has("each")) {
                if (has("each")) error("missing-key", what + " has each() and no elements_max()", "a longer list makes it fail");
                else error("unknown-key", what + ": elements_max() is for nodes with each()");
            }
            if (node.operation == "loop" && has("until") == has("while")) error("missing-key", what + (has("until") ? " has both `until` and `going`" : " has neither `until` nor `going`"));
            if (const auto most = node.options.keys_.find("max"); most != node.options.keys_.end() && most->second.view().as_uint() == 0) error("bad-value", what + ": a loop of no rounds");
            if (node.body == nullptr && !has("file") && !has("body")) error("missing-key", what + " has neither a file nor a body");
            if (const auto file = node.options.keys_.find("file"); file != node.options.keys_.end() && !workflow_words::is_inner_path(file->second.view().as_text())) {
                error("bad-path", what + ": file " + shown(file->second.view().as_text()) + " is not a relative path beneath the folder of this one");
            }
            if (node.body == nullptr) return;
            for (const Error& fault : Check(*node.body).run_body()) error(fault.reason(), what + ": " + std::string(fault.message()), std::string(fault.hint()));
        }
        void look_at_calls(const std::string& what, const NodeOptions& options) {
            const auto find = [&](const char* key) {
                const auto found = options.keys_.find(key);
                return found == options.keys_.end() ? ValueView() : found->second.view();
            };
            if (const auto each = find("each"); each.is_text() && each.as_text().empty()) error("bad-value", what + ": each() names no input");
            if (const auto parallel = find("parallel"); parallel.exists()) {
                if (!find("each").exists()) error("unknown-key", what + ": parallel() is for nodes with each()");
                if (parallel.as_uint() < 1 || parallel.as_uint() > 1024) error("bad-value", what + ": parallel() is " + std::to_string(parallel.as_uint()) + ", expected 1 to 1024");
            }
            if (const auto timeout = find("timeout"); timeout.exists()) duration_text(what + ": its timeout", timeout);
            if (const auto ttl = find("ttl"); ttl.exists()) duration_text(what + ": its ttl", ttl);
            if (const auto retry = find("retry"); retry.is_map()) {
                if (retry["max"].as_uint() > 100) error("bad-value", what + ": retry() is " + std::to_string(retry["max"].as_uint()) + ", expected 0 to 100");
                if (retry.contains("backoff")) duration_text(what + ": its backoff", retry["backoff"]);
            }
        }
        void duration_text(const std::string& what, ValueView text) {
            std::string_view digits = text.as_text();
            if (!digits.ends_with("ms")) return;  // said with set(), in other units
            digits.remove_suffix(2);
            std::int64_t count = 0;
            const bool minus = digits.starts_with('-');
            for (const char c : digits.substr(minus ? 1 : 0)) count = c < '0' || c > '9' || count > (1ll << 52) ? count : count * 10 + (c - '0');
            duration(what, std::chrono::milliseconds(minus ? -count : count));
        }

        /// Whether there is something of that name; tells when there is not.
        bool leads_somewhere(const End& end, std::string_view written) {
            if (end.input) {
                if (inputs_.contains(std::string(end.node))) return true;
                error("unknown-input", "the workflow has no input " + shown(end.node) + " (" + shown(written) + ")", "input(\"" + std::string(end.node.substr(0, 64)) + "\") declares it");
                return false;
            }
            if (nodes_.contains(std::string(end.node))) return true;
            error("unknown-node", "no node " + shown(end.node) + " (" + shown(written) + ")");
            return false;
        }

        void look_at(const Edge& edge) {
            const End from = end_of(edge.from), to = end_of(edge.to);
            const std::string what = "edge " + shown(edge.from) + " -> " + shown(edge.to);
            if (to.input) {
                error("unknown-node", what + " leads to an input of the workflow; an edge leads to a node");
                return;
            }
            const bool known = leads_somewhere(from, edge.from);
            if (!leads_somewhere(to, edge.to)) return;
            if (edge.kind == Edge::Kind::conditional && edge.when.empty()) error("missing-key", what + " has no condition");
            if (edge.when.size() > 4096) error("bad-expression", what + ": its condition is longer than 4096 bytes");
            if (!is_valid_utf8(edge.from) || !is_valid_utf8(edge.to) || !is_valid_utf8(edge.when)) error("bad-value", what + ": text that is not UTF-8");
            const bool carries = !to.port.empty();
            if (edge.kind == Edge::Kind::data && !carries) error("unknown-port", shown(edge.to) + " names no input (" + what + ")", "write it as \"" + std::string(to.node) + ".PORT\", or connect with ControlEdge() for order only");
            if (edge.kind == Edge::Kind::control && carries) error("bad-value", shown(edge.to) + " names an input; a control edge carries no value");
            if (edge.kind != Edge::Kind::data || carries) {
                if (carries && edge.kind != Edge::Kind::control && !from.input && from.port.empty()) error("unknown-port", shown(edge.from) + " names no output (" + what + ")", "write it as \"" + std::string(from.node) + ".PORT\"");
                if (!carries && (from.input || !from.port.empty())) error("bad-value", shown(edge.from) + " is a value; order needs a node (" + what + ")");
            }
            if (!known) return;
            const std::size_t target = nodes_.find(std::string(to.node))->second;
            const bool branches = of_.nodes_[target].type == "control" && of_.nodes_[target].operation == "branch";
            if (branches && carries && to.port != "value") {
                error("unknown-port", "branch " + shown(to.node) + " has no input " + shown(to.port), "a branch has one input, \"value\"");
                return;
            }
            // A merge has names for its inputs too, and each of them once.
            if (carries && !fed_.emplace(edge.to, 0).second) error("two-sources", shown(edge.to) + " gets its value twice", "join several values with a merge node");
            if (!from.input) next_[nodes_.find(std::string(from.node))->second].push_back(target);
        }

        void look_at(const std::string& name, const WorkflowOutput& output) {
            const std::string what = "output " + shown(name);
            if (!workflow_words::is_id(name)) error("bad-id", "output id " + shown(name) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}");
            if (!outputs_.emplace(name, 0).second) error("duplicate-id", "a second output " + shown(name), "ids are unique, rename one");
            if (!output.type.empty() && !workflow_words::is_type(output.type)) error("bad-type", what + " has the type " + shown(output.type));
            if (!output.file.empty()) {
                if (!workflow_words::is_inner_path(output.file)) error("bad-path", what + ": file " + shown(output.file) + " is not a relative path beneath the output folder");
                else if (!files_.emplace(output.file, 0).second) error("bad-path", what + ": file " + shown(output.file) + " is also written by another output");
            }
            if (output.from.empty()) {
                error("missing-key", what + " comes from nowhere", "from = \"node.port\"");
                return;
            }
            const End from = end_of(output.from);
            if (leads_somewhere(from, output.from) && !from.input && from.port.empty()) error("unknown-port", shown(output.from) + " names no output (" + what + ")");
        }

        /// Kahn 1962; of what is left, one way around is named.
        void find_cycle() {
            std::vector<std::size_t> waits(next_.size(), 0), ready;
            for (const auto& targets : next_) {
                for (const auto to : targets) ++waits[to];
            }
            for (std::size_t n = 0; n < waits.size(); ++n) {
                if (waits[n] == 0) ready.push_back(n);
            }
            std::size_t done = 0;
            for (; done < ready.size(); ++done) {
                for (const auto to : next_[ready[done]]) {
                    if (--waits[to] == 0) ready.push_back(to);
                }
            }
            if (done == next_.size()) return;
            // Who waits has somebody before it who waits; going back must come around.
            std::vector<std::size_t> before(next_.size(), next_.size());
            for (std::size_t n = 0; n < next_.size(); ++n) {
                if (waits[n] == 0) continue;
                for (const auto to : next_[n]) {
                    if (waits[to] != 0) before[to] = n;
                }
            }
            std::size_t at = 0;
            while (waits[at] == 0) ++at;
            std::vector<bool> seen(next_.size(), false);
            while (!seen[at]) {
                seen[at] = true;
                at = before[at];
            }
            std::vector<std::size_t> around{at};
            for (std::size_t n = before[at]; n != at; n = before[n]) around.push_back(n);
            std::reverse(around.begin(), around.end());
            std::rotate(around.begin(), std::min_element(around.begin(), around.end()), around.end());
            std::string text;
            constexpr std::size_t named_max = 12;
            for (std::size_t i = 0; i < around.size() && i < named_max; ++i) text += of_.nodes_[around[i]].id + " -> ";
            if (around.size() > named_max) text += "... -> ";
            error("cycle", "the nodes wait for each other: " + text + of_.nodes_[around.front()].id, "remove one of these edges");
        }

        const WorkflowBuilder& of_;
        std::vector<Error> errors_;
        std::map<std::string, std::size_t> nodes_, inputs_, outputs_, files_, fed_;
        std::vector<std::vector<std::size_t>> next_;
    };

    std::string id_, version_, name_, description_;
    std::optional<std::chrono::milliseconds> timeout_, grace_;
    std::optional<std::uint32_t> retries_;
    std::map<std::string, std::uint32_t> resources_;
    std::map<std::string, PluginLimits> plugin_limits_;
    bool fail_fast_ = false;
    Value metadata_;
    std::map<std::string, std::string> plugins_;
    std::map<std::string, Value> tables_;
    std::vector<std::pair<std::string, WorkflowInput>> inputs_;
    std::vector<std::pair<std::string, WorkflowOutput>> outputs_;
    std::vector<Node> nodes_;
    std::vector<Edge> edges_;
};

} // namespace symphony
