// SPDX-License-Identifier: Apache-2.0
#include "write_document.hpp"

#include "canonical.hpp"
#include "json_text.hpp"
#include "packer.hpp"

#include <symphony/manifests/units.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_set>

namespace symphony::tracker {
namespace {

constexpr std::uint64_t ns_per_ms = 1'000'000;

/// Text that grows. A piece is written after one look at the room for all of it. Apart from the writer of envelopes (ipc): TOML and indented JSON need the same
/// escapes, and marks where JSON has no word.
class TextOut {
public:
    explicit TextOut(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 64), '\0'), at_(bytes_.data()), end_(at_ + bytes_.size()) {}

    bool empty() const noexcept { return at_ == bytes_.data(); }
    std::string take() {
        bytes_.resize(static_cast<std::size_t>(at_ - bytes_.data()));
        return std::move(bytes_);
    }
    TextOut& operator+=(char c) {
        room(1);
        *at_++ = c;
        return *this;
    }
    TextOut& operator+=(std::string_view text) {
        room(text.size());
        raw(text);
        return *this;
    }
    void blanks(std::size_t count) {
        room(count);
        std::memset(at_, ' ', count);
        at_ += count;
    }
    void integer(std::int64_t value) {
        room(24);
        at_ = std::to_chars(at_, end_, value).ptr;
    }
    void number(double value);
    /// In double quotes as JSON and TOML both read it, and `after` behind.
    void quoted(std::string_view text, std::string_view after = {}) {
        room(text.size() + after.size() + 2);
        *at_++ = '"';
        if (is_plain(text)) raw(text);
        else escaped(text, after.size() + 1);
        *at_++ = '"';
        raw(after);
    }
    /// "node.port".
    void quoted_pair(std::string_view node, std::string_view port) {
        if (!is_plain(port)) {
            scratch_.assign(node).append(1, '.').append(port);
            quoted(scratch_);
            return;
        }
        room(node.size() + port.size() + 3);
        *at_++ = '"';
        raw(node);  // ids are plain
        *at_++ = '.';
        raw(port);
        *at_++ = '"';
    }

private:
    void room(std::size_t bytes) {
        if (static_cast<std::size_t>(end_ - at_) < bytes) grow(bytes);
    }
    void grow(std::size_t bytes) {
        const auto used = static_cast<std::size_t>(at_ - bytes_.data());
        bytes_.resize(std::max(bytes_.size() * 2, used + bytes));
        at_ = bytes_.data() + used;
        end_ = bytes_.data() + bytes_.size();
    }
    void raw(std::string_view text) noexcept {
        if (!text.empty()) std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    /// Nothing to escape: no control character, quote or backslash. Eight bytes at a time (Mycroft 1987: a byte below or equal to another).
    static bool is_plain(std::string_view text) noexcept {
        constexpr std::uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
        const auto zero = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
        const auto odd = [&](std::uint64_t x) { return ((x - ones * 0x20) & ~x & highs) | zero(x ^ ones * '"') | zero(x ^ ones * '\\') | zero(x ^ ones * 0x7F); };
        std::uint64_t eight = 0;
        std::size_t at = 0;
        std::uint64_t found = 0;
        for (; at + 8 <= text.size(); at += 8) {
            std::memcpy(&eight, text.data() + at, 8);
            found |= odd(eight);
        }
        for (; at < text.size(); ++at) {
            const auto byte = static_cast<unsigned char>(text[at]);
            if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F) return false;
        }
        return found == 0;
    }
    void escaped(std::string_view text, std::size_t behind) {
        constexpr std::size_t longest = 6;
        room(text.size() * longest + behind);
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F) {
                *at_++ = c;
                continue;
            }
            constexpr std::string_view digits = "0123456789abcdef";
            *at_++ = '\\';
            if (byte == '"' || byte == '\\') *at_++ = c;
            else if (byte == '\n') *at_++ = 'n';
            else if (byte == '\t') *at_++ = 't';
            else {
                raw("u00");
                *at_++ = digits[byte >> 4];
                *at_++ = digits[byte & 15u];
            }
        }
    }

    std::string bytes_;
    char* at_;
    char* end_;
    std::string scratch_;
};

/// The shortest text that reads back as the same number, and never as an integer.
void TextOut::number(double value) {
    room(40);
    // Up to three decimals below 10^11: fourteen digits name a number, so that the one with the same quotient is it.
    constexpr double small = 1e11;
    if (value > -small && value < small && value != 0) {
        const auto thousandths = static_cast<std::int64_t>(value * 1000);
        if (static_cast<double>(thousandths) / 1000 == value) {
            const auto whole = static_cast<std::uint64_t>(thousandths < 0 ? -thousandths : thousandths);
            if (thousandths < 0) *at_++ = '-';
            at_ = std::to_chars(at_, end_, whole / 1000).ptr;
            auto rest = static_cast<unsigned>(whole % 1000);
            *at_++ = '.';
            do {
                *at_++ = static_cast<char>('0' + rest / 100);
                rest = rest % 100 * 10;
            } while (rest != 0);
            return;
        }
    }
    const char* from = at_;
    at_ = std::to_chars(at_, end_, value).ptr;
    if (std::string_view(from, static_cast<std::size_t>(at_ - from)).find_first_of(".e") == std::string_view::npos) raw(".0");
}

/// A value where JSON and TOML write it alike; what stands for nothing is the sink's. Recursive, constant_depth_max deep.
template <class Sink>
void put_value(Sink& sink, TextOut& out, ValueView value) {
    sink.enter();
    switch (value.kind()) {
    case Kind::boolean: out += value.as_bool() ? std::string_view("true") : std::string_view("false"); break;
    case Kind::integer: out.integer(value.as_int()); break;
    case Kind::number: out.number(value.as_double()); break;
    case Kind::text: out.quoted(value.as_text()); break;
    case Kind::bytes:
        sink.open('{');
        sink.text("$bytes", base64_of(value.as_bytes()));
        sink.close('}');
        break;
    case Kind::list:
        sink.open('[');
        for (const auto item : value.items()) {
            sink.next();
            put_value(sink, out, item);
        }
        sink.close(']');
        break;
    case Kind::map: {
        const bool marked = is_marked(value);
        sink.open('{');
        if (marked) sink.table("$map", 1);
        for (const auto [name, item] : value.entries()) {
            sink.key(name);
            put_value(sink, out, item);
        }
        if (marked) sink.close('}');
        sink.close('}');
        break;
    }
    default: sink.nothing(); break;
    }
    sink.leave();
}

// A sink takes one document from front to back. A "part" is a table right beneath the root, a "group" such a table of tables,
// "item"s are its tables; what is deeper is a "table" and a value. Counts are exact.

template <bool indented>
class JsonSink {
public:
    explicit JsonSink(std::size_t bytes) : out_(bytes) {}

    void root(std::size_t) { open('{'); }
    void part(std::string_view key, std::size_t) { table(key, 0); }
    void group(std::string_view key, std::size_t) { table(key, 0); }
    void item(std::string_view id, std::size_t) { table(id, 0); }
    void table(std::string_view key, std::size_t) {
        this->key(key);
        open('{');
    }
    void list(std::string_view key, std::size_t) {
        this->key(key);
        open('[');
    }
    void edges(std::size_t count) { list("edges", count); }
    void edge(std::size_t) {
        next();
        open('{');
    }
    void end_table() { close('}'); }
    void end_list() { close(']'); }
    std::string end_root() {
        close('}');
        if (indented) out_ += '\n';
        return out_.take();
    }
    void text(std::string_view key, std::string_view value) {
        this->key(key);
        out_.quoted(value);
    }
    void integer(std::string_view key, std::int64_t value) {
        this->key(key);
        out_.integer(value);
    }
    void boolean(std::string_view key, bool value) {
        this->key(key);
        out_ += value ? std::string_view("true") : std::string_view("false");
    }
    void list_text(std::string_view value) {
        next();
        out_.quoted(value);
    }
    void value(std::string_view key, ValueView value) {
        this->key(key);
        bare(value);
    }
    /// "node.port", as a value of `key`.
    void end_of_edge(std::string_view key, std::string_view node, std::string_view port) {
        this->key(key);
        out_.quoted_pair(node, port);
    }

private:
    void open(char bracket) {
        out_ += bracket;
        first_ = true;
        ++depth_;
    }
    void close(char bracket) {
        --depth_;
        if (indented && !first_) line();
        first_ = false;
        out_ += bracket;
    }
    void line() {
        out_ += '\n';
        out_.blanks(2 * depth_);
    }
    void next() {
        if (!first_) out_ += ',';
        first_ = false;
        if (indented) line();
    }
    void key(std::string_view key) {
        next();
        out_.quoted(key, indented ? ": " : ":");
    }
    template <class Sink>
    friend void put_value(Sink& sink, TextOut& out, ValueView value);
    void enter() noexcept {}
    void leave() noexcept {}
    void nothing() { out_ += "null"; }
    void bare(ValueView value) { put_value(*this, out_, value); }

    TextOut out_;
    std::size_t depth_ = 0;
    bool first_ = true;
};

class PackSink {
public:
    explicit PackSink(std::size_t bytes) { out_.reserve(bytes); }

    void root(std::size_t count) { out_.map(count); }
    void part(std::string_view key, std::size_t count) { table(key, count); }
    void group(std::string_view key, std::size_t count) { table(key, count); }
    void item(std::string_view id, std::size_t count) { table(id, count); }
    void table(std::string_view key, std::size_t count) {
        out_.text(key);
        out_.map(count);
    }
    void list(std::string_view key, std::size_t count) {
        out_.text(key);
        out_.list(count);
    }
    void edges(std::size_t count) { list("edges", count); }
    void edge(std::size_t count) { out_.map(count); }
    void end_table() {}
    void end_list() {}
    std::string end_root() { return out_.take(); }
    void text(std::string_view key, std::string_view value) {
        out_.text(key);
        out_.text(value);
    }
    void integer(std::string_view key, std::int64_t value) {
        out_.text(key);
        out_.integer(value);
    }
    void boolean(std::string_view key, bool value) {
        out_.text(key);
        out_.boolean(value);
    }
    void list_text(std::string_view value) { out_.text(value); }
    void value(std::string_view key, ValueView value) {
        out_.text(key);
        bare(value);
    }
    void end_of_edge(std::string_view key, std::string_view node, std::string_view port) {
        out_.text(key);
        out_.text(node, '.', port);
    }

private:
    void bare(ValueView value) {
        const auto kind = value.kind();
        if (kind != Kind::map && kind != Kind::list) {
            out_.raw(value.bytes());
            return;
        }
        if (kind == Kind::list) {
            out_.list(value.size());
            for (const auto item : value.items()) bare(item);
            return;
        }
        if (is_marked(value)) {
            out_.map(1);
            out_.text("$map");
        }
        out_.map(value.size());
        for (const auto [name, item] : value.entries()) {
            out_.text(name);
            bare(item);
        }
    }

    Packer out_;
};

class TomlSink {
public:
    explicit TomlSink(std::size_t bytes) : out_(bytes) {}

    void root(std::size_t) {}
    void part(std::string_view key, std::size_t count) {
        if (depth_ > 0) table(key, count);
        else header(key, {});
    }
    void group(std::string_view key, std::size_t count) {
        if (depth_ > 0) table(key, count);
        else group_ = key;
    }
    void item(std::string_view id, std::size_t count) {
        if (depth_ > 0) table(id, count);
        else header(group_, id);
    }
    void table(std::string_view key, std::size_t) {
        this->key(key);
        open('{');
    }
    void list(std::string_view key, std::size_t) {
        this->key(key);
        open('[');
    }
    void edges(std::size_t count) {
        if (depth_ > 0) list("edges", count);
    }
    void edge(std::size_t) {
        if (depth_ > 0) {
            next();
            return open('{');
        }
        out_ += std::string_view(out_.empty() ? "[[edges]]\n" : "\n[[edges]]\n");
        first_ = true;
    }
    void end_table() {
        if (depth_ > 0) close('}');
    }
    void end_list() {
        if (depth_ > 0) close(']');
    }
    std::string end_root() { return out_.take(); }
    void text(std::string_view key, std::string_view value) {
        this->key(key);
        out_.quoted(value);
        line();
    }
    void integer(std::string_view key, std::int64_t value) {
        this->key(key);
        out_.integer(value);
        line();
    }
    void boolean(std::string_view key, bool value) {
        this->key(key);
        out_ += value ? std::string_view("true") : std::string_view("false");
        line();
    }
    void list_text(std::string_view value) {
        next();
        out_.quoted(value);
    }
    void value(std::string_view key, ValueView value) {
        this->key(key);
        bare(value);
        line();
    }
    void end_of_edge(std::string_view key, std::string_view node, std::string_view port) {
        this->key(key);
        out_.quoted_pair(node, port);
        line();
    }

private:
    void header(std::string_view group, std::string_view id) {
        if (!out_.empty()) out_ += '\n';
        out_ += '[';
        out_ += group;
        if (!id.empty()) {
            out_ += '.';
            append_key(id);
        }
        out_ += "]\n";
        first_ = true;
    }
    void append_key(std::string_view key) {
        const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
        if (!key.empty() && std::all_of(key.begin(), key.end(), plain)) out_ += key;
        else out_.quoted(key);
    }
    void open(char bracket) {
        out_ += bracket;
        if (bracket == '{') out_ += ' ';
        first_ = true;
        ++depth_;
    }
    void close(char bracket) {
        --depth_;
        if (bracket == '}') out_ += std::string_view(first_ ? "}" : " }");
        else out_ += bracket;
        first_ = false;
        line();
    }
    /// What is written at depth 0 ends its line.
    void line() {
        if (depth_ == 0) out_ += '\n';
    }
    void next() {
        if (depth_ > 0 && !first_) out_ += ", ";
        first_ = false;
    }
    void key(std::string_view key) {
        next();
        append_key(key);
        out_ += " = ";
    }
    template <class Sink>
    friend void put_value(Sink& sink, TextOut& out, ValueView value);
    void enter() noexcept { ++depth_; }  // so that nothing inside ends the line
    void leave() noexcept {
        first_ = false;
        --depth_;
    }
    void nothing() {
        open('{');
        boolean("$null", true);
        close('}');
    }
    void bare(ValueView value) { put_value(*this, out_, value); }

    TextOut out_;
    std::string_view group_;
    std::size_t depth_ = 0;
    bool first_ = true;
};

/// The document, in one order for all sinks.
template <class Sink>
class Writer {
public:
    Writer(const Workflow& workflow, Sink& out) : workflow_(workflow), canonical_(workflow), out_(out) {}

    /// What a body has, as an entry of its node.
    void body() {
        find_written_edges();
        out_.table("body", 1u + (workflow_.inputs.empty() ? 0u : 1u) + (workflow_.outputs.empty() ? 0u : 1u) + (written_edges_.empty() ? 0u : 1u));
        sections();
        out_.end_table();
    }

    std::string run() {
        find_written_edges();
        const bool limits = workflow_.retries_max || !workflow_.plugin_limits.empty() || !workflow_.resources.empty();
        out_.root(2u + (limits ? 1u : 0u) + (workflow_.plugins.empty() ? 0u : 1u) + (workflow_.metadata.is_null() ? 0u : 1u) + (workflow_.inputs.empty() ? 0u : 1u) +
                  (workflow_.outputs.empty() ? 0u : 1u) + (written_edges_.empty() ? 0u : 1u));
        header();
        if (!workflow_.plugins.empty()) {
            out_.part("plugins", workflow_.plugins.size());
            for (const Id p : canonical_.plugins()) out_.text(workflow_.plugins[p].plugin, workflow_.plugins[p].requirement);
            out_.end_table();
        }
        if (!workflow_.metadata.is_null()) metadata();
        if (limits) this->limits();
        sections();
        return out_.end_root();
    }

private:
    void sections() {
        if (!workflow_.inputs.empty()) {
            out_.group("inputs", workflow_.inputs.size());
            for (const Id i : canonical_.inputs()) input(workflow_.inputs[i]);
            out_.end_table();
        }
        out_.group("nodes", workflow_.nodes.size());
        for (const Id n : canonical_.nodes()) node(n);
        out_.end_table();
        if (!written_edges_.empty()) {
            out_.edges(written_edges_.size());
            for (const Id e : written_edges_) edge(workflow_.edges[e]);
            out_.end_list();
        }
        if (!workflow_.outputs.empty()) {
            out_.group("outputs", workflow_.outputs.size());
            for (const Id o : canonical_.outputs()) output(workflow_.outputs[o]);
            out_.end_table();
        }
    }

    std::string_view name(Id id) const { return workflow_.names[id]; }

    void header() {
        const auto& w = workflow_;
        out_.part("workflow", 3u + (w.name.empty() ? 0u : 1u) + (w.description.empty() ? 0u : 1u) + (w.timeout_ns == 0 ? 0u : 1u) + (w.grace_ns == 0 ? 0u : 1u) +
                                 (w.fail_fast ? 1u : 0u));
        out_.integer("schema", 1);
        out_.text("id", w.id);
        if (!w.name.empty()) out_.text("name", w.name);
        out_.text("version", w.version);
        if (!w.description.empty()) out_.text("description", w.description);
        if (w.timeout_ns != 0) out_.text("timeout", manifests::duration_text(w.timeout_ns / ns_per_ms));
        if (w.grace_ns != 0) out_.text("grace", manifests::duration_text(w.grace_ns / ns_per_ms));
        if (w.fail_fast) out_.boolean("fail_fast", true);
        out_.end_table();
    }

    void metadata() {
        const auto view = workflow_.metadata.view();
        const bool marked = is_marked(view);
        out_.part("metadata", view.size());
        if (marked) out_.table("$map", view.size());
        for (const auto [key, value] : view.entries()) out_.value(key, value);
        if (marked) out_.end_table();
        out_.end_table();
    }

    void limits() {
        out_.part("limits", (workflow_.retries_max ? 1u : 0u) + (workflow_.plugin_limits.empty() ? 0u : 1u) + (workflow_.resources.empty() ? 0u : 1u));
        if (workflow_.retries_max) out_.integer("retries", *workflow_.retries_max);
        if (!workflow_.resources.empty()) {
            out_.table("resources", workflow_.resources.size());
            for (const Id r : canonical_.resources()) out_.integer(workflow_.resources[r].name, workflow_.resources[r].count);
            out_.end_table();
        }
        if (!workflow_.plugin_limits.empty()) {
            out_.table("plugins", workflow_.plugin_limits.size());
            for (const Id l : canonical_.plugin_limits()) {
                const PluginLimit& limit = workflow_.plugin_limits[l];
                out_.table(limit.plugin, (limit.calls_max != 0 ? 1u : 0u) + (limit.retries_max ? 1u : 0u));
                if (limit.calls_max != 0) out_.integer("calls", limit.calls_max);
                if (limit.retries_max) out_.integer("retries", *limit.retries_max);
                out_.end_table();
            }
            out_.end_table();
        }
        out_.end_table();
    }

    void input(const InputDecl& input) {
        const bool typed = !(input.type == Type());
        const bool required = !input.otherwise.has_value() && !input.type.optional();
        out_.item(input.name, (typed ? 1u : 0u) + (input.description.empty() ? 0u : 1u) + (input.otherwise ? 1u : 0u) + (input.required != required ? 1u : 0u));
        if (typed) out_.text("type", input.type.text());
        if (!input.description.empty()) out_.text("description", input.description);
        if (input.otherwise) out_.value("default", input.otherwise->view());
        if (input.required != required) out_.boolean("required", input.required);
        out_.end_table();
    }

    void output(const OutputDecl& output) {
        out_.item(output.name, 1u + (output.type ? 1u : 0u) + (output.file.empty() ? 0u : 1u) + (output.description.empty() ? 0u : 1u));
        if (output.node == no_id) out_.end_of_edge("from", "$inputs", workflow_.inputs[output.input].name);
        else out_.end_of_edge("from", workflow_.node_name(output.node), name(output.port));
        if (output.type) out_.text("type", output.type->text());
        if (!output.file.empty()) out_.text("file", output.file);
        if (!output.description.empty()) out_.text("description", output.description);
        out_.end_table();
    }

    /// Edges that cannot stand in their node: those without ports that have a condition, and all that carry a value into a
    /// node where one input gets its value twice, because their order would be lost.
    void find_written_edges() {
        twice_.assign(workflow_.nodes.size(), false);
        std::vector<Id> seen(workflow_.names.size(), no_id);
        for (const Id n : canonical_.nodes()) {
            for (const Id e : canonical_.edges(n)) {
                const Edge& edge = workflow_.edges[e];
                if (!edge.carries()) break;  // those that carry come first
                if (seen[edge.to_port] == n) twice_[n] = true;
                seen[edge.to_port] = n;
            }
            for (const Id e : canonical_.edges(n)) {
                if (!stands_in_node(workflow_.edges[e], n)) written_edges_.push_back(e);
            }
        }
    }
    bool stands_in_node(const Edge& edge, Id node) const { return edge.carries() ? !twice_[node] : edge.kind == EdgeKind::control; }

    void node(Id n) {
        const Node& node = workflow_.nodes[n];
        const bool control = !calls_plugin(node.kind);
        const auto edges = canonical_.edges(n);
        std::size_t carry = 0, after = 0;
        for (const Id e : edges) {
            const Edge& edge = workflow_.edges[e];
            if (!stands_in_node(edge, n)) continue;
            ++(edge.carries() ? carry : after);
        }
        const auto& policy = workflow_.policies[node.policy];
        const NodeExtras& extras = workflow_.extras[node.extras];
        const bool retry = policy.retries_max != 0 || policy.backoff_ns != CallPolicy{}.backoff_ns || extras.retry != RetryKind::jitter;
        const std::size_t constants = node.constants_to - node.constants_from;
        out_.item(workflow_.node_name(n), 1u + (node.kind != NodeKind::operation ? 1u : 0u) + (control ? 0u : 1u) + (node.mode != MergeMode::first ? 1u : 0u) +
                                              (node.description != 0 ? 1u : 0u) + (carry > 0 ? 1u : 0u) + (constants > 0 ? 1u : 0u) + (node.each != 0 ? 1u : 0u) +
                                              (policy.parallel_max != 0 ? 1u : 0u) + (node.on_error != OnError::fail ? 1u : 0u) + (policy.timeout_ns != 0 ? 1u : 0u) +
                                              (retry ? 1u : 0u) + (policy.cache != CachePolicy::if_pure ? 1u : 0u) + (policy.ttl_ns != 0 ? 1u : 0u) + (after > 0 ? 1u : 0u) +
                                              count_of(extras));
        if (control) out_.text("type", "control");
        else if (node.kind == NodeKind::instrument) out_.text("type", "instrument");
        if (!control) out_.text("plugin", name(node.plugin));
        out_.text("operation", control ? name_of(node.kind) : name(node.operation));
        if (node.mode != MergeMode::first) out_.text("mode", name_of(node.mode));
        if (node.description != 0) out_.text("description", name(node.description));
        if (carry > 0) {
            out_.table("inputs", carry);
            for (const Id e : edges) {
                if (workflow_.edges[e].carries()) inner_edge(workflow_.edges[e]);
            }
            out_.end_table();
        }
        if (constants > 0) {
            out_.table("with", constants);
            for (const auto c : canonical_.constants(node)) out_.value(name(workflow_.constants[c].port), workflow_.constants[c].value());
            out_.end_table();
        }
        if (node.each != 0) out_.text("each", name(node.each));
        if (policy.parallel_max != 0) out_.integer("parallel", policy.parallel_max);
        if (node.on_error != OnError::fail) out_.text("on_error", node.on_error == OnError::collect ? "collect" : "skip");
        if (policy.timeout_ns != 0) out_.text("timeout", manifests::duration_text(policy.timeout_ns / ns_per_ms));
        if (retry) this->retry(policy, extras.retry);
        if (policy.cache != CachePolicy::if_pure) out_.text("cache", name_of(policy.cache));
        if (policy.ttl_ns != 0) out_.text("ttl", manifests::duration_text(policy.ttl_ns / ns_per_ms));
        if (node.extras != 0) this->extras(extras);
        if (after > 0) {
            out_.list("after", after);
            for (const Id e : edges) {
                const Edge& edge = workflow_.edges[e];
                if (!edge.carries() && edge.kind == EdgeKind::control) out_.list_text(workflow_.node_name(edge.from));
            }
            out_.end_list();
        }
        out_.end_table();
    }

    static std::size_t count_of(const NodeExtras& extras) noexcept {
        const bool fallback = extras.fallback != no_id || !extras.fallback_outputs.is_null();
        return (fallback ? 1u : 0u) + (extras.otherwise.is_null() ? 0u : 1u) + (extras.compensate != no_id ? 1u : 0u) + (extras.quorum != 0 ? 1u : 0u) + (extras.finally ? 1u : 0u) +
               (extras.delay_ns != 0 ? 1u : 0u) + (extras.expects == Type() ? 0u : 1u) + (extras.file != 0 || extras.body != no_id ? 1u : 0u) + (extras.rounds_max != 0 ? 1u : 0u) +
               (extras.again != no_id ? 1u : 0u) + (extras.takes_bound ? 1u : 0u) + (extras.priority != 0 ? 1u : 0u) + (extras.uses.empty() ? 0u : 1u) +
               (extras.elements_max != 0 ? 1u : 0u);
    }
    void extras(const NodeExtras& extras) {
        if (extras.fallback != no_id) out_.text("fallback", workflow_.node_name(extras.fallback));
        else if (!extras.fallback_outputs.is_null()) out_.value("fallback", extras.fallback_outputs.view());
        if (!extras.otherwise.is_null()) out_.value("default", extras.otherwise.view());
        if (extras.compensate != no_id) out_.text("compensate", workflow_.node_name(extras.compensate));
        if (extras.quorum != 0) out_.integer("quorum", extras.quorum);
        if (extras.finally) out_.boolean("finally", true);
        if (extras.delay_ns != 0) out_.text("for", manifests::duration_text(extras.delay_ns / ns_per_ms));
        if (!(extras.expects == Type())) out_.text("expects", extras.expects.text());
        if (extras.priority != 0) out_.integer("priority", extras.priority);
        if (!extras.uses.empty()) {
            out_.table("use", extras.uses.size());
            for (const Use& use : extras.uses) out_.integer(name(use.resource), use.count);
            out_.end_table();
        }
        if (extras.elements_max != 0) out_.integer("elements_max", extras.elements_max);
        if (extras.rounds_max != 0) out_.integer("max", extras.rounds_max);
        if (extras.again != no_id) out_.text(extras.until ? "until" : "while", loop_text(workflow_, extras));
        if (extras.takes_bound) out_.text("on_bound", "take");
        if (extras.file != 0) out_.text("file", name(extras.file));
        else if (extras.body != no_id) Writer(*workflow_.bodies[extras.body], out_).body();
    }
    void retry(const CallPolicy& policy, RetryKind kind) {
        const bool backoff = policy.backoff_ns != CallPolicy{}.backoff_ns;
        out_.table("retry", (policy.retries_max != 0 ? 1u : 0u) + (backoff ? 1u : 0u) + (kind != RetryKind::jitter ? 1u : 0u));
        if (policy.retries_max != 0) out_.integer("max", policy.retries_max);
        if (backoff) out_.text("backoff", manifests::duration_text(policy.backoff_ns / ns_per_ms));
        if (kind != RetryKind::jitter) out_.text("kind", name_of(kind));
        out_.end_table();
    }

    void source(std::string_view key, const Edge& edge) {
        if (edge.from == no_id) out_.end_of_edge(key, "$inputs", workflow_.inputs[edge.input].name);
        else if (!edge.carries()) out_.text(key, workflow_.node_name(edge.from));
        else out_.end_of_edge(key, workflow_.node_name(edge.from), name(edge.from_port));
    }

    void inner_edge(const Edge& edge) {
        if (edge.kind != EdgeKind::conditional) {
            source(name(edge.to_port), edge);
            return;
        }
        out_.table(name(edge.to_port), 2);
        source("from", edge);
        out_.text("when", workflow_.conditions[edge.condition].text());
        out_.end_table();
    }

    void edge(const Edge& edge) {
        const bool conditional = edge.kind == EdgeKind::conditional;
        out_.edge(conditional ? 4u : 2u);
        source("from", edge);
        if (edge.carries()) out_.end_of_edge("to", workflow_.node_name(edge.to), name(edge.to_port));
        else out_.text("to", workflow_.node_name(edge.to));
        if (conditional) {
            out_.text("kind", "conditional");
            out_.text("when", workflow_.conditions[edge.condition].text());
        }
        out_.end_table();
    }

    const Workflow& workflow_;
    Canonical canonical_;
    Sink& out_;
    std::vector<bool> twice_;
    std::vector<Id> written_edges_;
};

std::size_t guess(const Workflow& workflow) { return 1024 + workflow.nodes.size() * 128 + workflow.edges.size() * 32 + workflow.constants.size() * 24; }

} // namespace

namespace {

template <class Sink>
std::string written(const Workflow& workflow, std::size_t bytes) {
    Sink out(bytes);
    return Writer<Sink>(workflow, out).run();
}

} // namespace

std::string write_toml(const Workflow& workflow) { return written<TomlSink>(workflow, guess(workflow)); }
std::string write_json(const Workflow& workflow, bool indented) {
    return indented ? written<JsonSink<true>>(workflow, 2 * guess(workflow)) : written<JsonSink<false>>(workflow, guess(workflow));
}
std::string write_msgpack(const Workflow& workflow) { return written<PackSink>(workflow, guess(workflow)); }

} // namespace symphony::tracker
