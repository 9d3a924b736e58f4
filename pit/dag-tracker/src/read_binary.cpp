// SPDX-License-Identifier: Apache-2.0
#include "binary.hpp"

#include "binary_layout.hpp"
#include "expand.hpp"
#include "identifiers.hpp"
#include "packer.hpp"
#include "text_check.hpp"

#include <array>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace symphony::tracker {
namespace {

using namespace binary;

/// Reading never fails at once: after a fault everything reads as zero or empty, and the caller looks at failed() where it
/// matters: before it makes something of a count, and at the end.
class Reader {
public:
    /// @param depth  0 for a file, else how many bodies it is in.
    Reader(Bytes bytes, const Limits& limits, Findings& findings, std::size_t depth)
        : file_(Buffer::copy(bytes)), start_(file_.data()), at_(start_), end_(start_ + file_.size()), limits_(limits), findings_(findings), depth_(depth) {}

    std::optional<Workflow> run() {
        at_ += binary_magic.size();
        if (const auto version = byte(); version != schema_version && !failed_) {
            findings_.error("newer-schema", "the file has schema " + std::to_string(version) + ", this dag-tracker reads up to " + std::to_string(schema_version), {},
                            "update dag-tracker, or write the file with --to toml where it was made");
            return std::nullopt;
        }
        made_.file = findings_.file();
        header();
        plugins();
        inputs();
        if (!failed_) counts();
        if (!failed_) texts();
        for (Id n = 0; n < node_count_ && !failed_; ++n) node(n);
        if (!failed_ && made_.edges.size() != edge_count_) fail("the nodes have " + std::to_string(made_.edges.size()) + " edges, the head says " + std::to_string(edge_count_));
        if (!failed_) outputs();
        if (!failed_ && at_ != end_) fail("something follows the workflow");
        if (failed_) return std::nullopt;
        if (!made_.constants.empty()) made_.values.push_back(Value::unchecked(std::move(file_)));
        return std::move(made_);
    }

private:
    void fail(std::string_view what) {
        if (failed_) return;
        failed_ = true;
        findings_.error("bad-binary", "byte " + std::to_string(at_ - start_) + ": " + std::string(what), {}, "write the file anew: symphony workflow convert");
        at_ = end_;
    }
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    std::uint8_t byte() {
        if (at_ < end_) return *at_++;
        fail("cut off");
        return 0;
    }
    /// LEB128 in its shortest form.
    std::uint64_t varint() {
        if (at_ < end_ && *at_ < 0x80) return *at_++;
        return long_varint();
    }
    std::uint64_t long_varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t part = byte();
            if (failed_) return 0;
            if ((shift == 63 && part > 1) || (shift > 0 && part == 0)) break;
            value |= static_cast<std::uint64_t>(part & 0x7Fu) << shift;
            if (part < 0x80) return value;
        }
        fail("a number that is not in its shortest form");
        return 0;
    }
    std::uint32_t number(std::uint64_t max, std::string_view what) {
        const auto value = varint();
        if (value <= max) return static_cast<std::uint32_t>(value);
        fail(std::string(what) + " is " + std::to_string(value) + ", at most " + std::to_string(max));
        return 0;
    }
    /// How many things follow, of which each takes at least `bytes_least`.
    std::size_t count(std::size_t bytes_least) {
        const auto value = varint();
        if (value <= left() / bytes_least) return static_cast<std::size_t>(value);
        fail("more things than bytes");
        return 0;
    }
    std::string_view take(std::size_t size) {
        if (size > left()) {
            fail("cut off");
            return {};
        }
        const std::string_view taken(reinterpret_cast<const char*>(at_), size);
        at_ += size;
        return taken;
    }
    std::string_view text() {
        const auto size = varint();
        const auto found = take(size > left() ? left() + 1 : static_cast<std::size_t>(size));
        if (!is_text(found)) fail("text that is not UTF-8");
        return failed_ ? std::string_view() : found;
    }
    /// Bytes of one value in its canonical form.
    Bytes value() {
        const auto* from = at_;
        const auto* to = msgpack::skip(at_, end_);
        if (to == nullptr) {
            fail("no value, or cut off");
            return {};
        }
        const Bytes found(from, to);
        packer_.cut(0);
        if (const auto status = pack(packer_, ValueView(found)); !status) fail("a constant: " + status.error().message());
        else if (text_of(packer_.bytes()) != text_of(found)) fail("a constant that is not in its canonical form");
        at_ = failed_ ? end_ : to;
        return failed_ ? Bytes() : found;
    }
    /// Names have to rise, so that none is there twice.
    void rises(std::string_view& last, std::string_view name, std::string_view what) {
        if (!last.empty() && name <= last) fail(std::string(what) + " are not in order");
        last = name;
    }
    std::uint64_t duration_ns() {
        constexpr std::uint64_t ms_max = 366ull * 24 * 3600 * 1000;
        const auto ms = varint();
        if (ms > ms_max) fail("a duration above a year");
        return failed_ ? 0 : ms * ns_per_ms;
    }
    std::optional<Type> type(std::string_view text) {
        const auto parsed = Type::parse(text);
        if (parsed && parsed->text() == text) return *parsed;
        fail("no type");
        return std::nullopt;
    }

    void header() {
        made_.id = text();
        made_.name = text();
        made_.version = text();
        made_.description = text();
        if (!failed_ && !is_workflow_id(made_.id)) fail("workflow id " + shown(made_.id));
        if (!failed_ && !manifests::Version::parse(made_.version)) fail("version " + shown(made_.version) + " is not SemVer");
        made_.timeout_ns = duration_ns();
        const auto bits = byte();
        if (bits > (fail_fast_bit | metadata_bit | grace_bit | limits_bit)) fail("unknown bits");
        made_.fail_fast = (bits & fail_fast_bit) != 0;
        if ((bits & metadata_bit) != 0 && !failed_) {
            const auto found = value();
            made_.metadata = Value::unchecked(Buffer::copy(found));
            if (!failed_ && (!made_.metadata.is_map() || made_.metadata.empty())) fail("metadata that is no map, or empty");
        }
        if ((bits & grace_bit) != 0 && !failed_) {
            made_.grace_ns = duration_ns();
            if (made_.grace_ns == 0) fail("a default that is written");
        }
        if ((bits & limits_bit) != 0 && !failed_) limits();
    }

    std::optional<std::uint32_t> budget() {
        const auto max = number(1'000'000'001, "a number of retries");
        return max == 0 ? std::nullopt : std::optional(max - 1);
    }
    void limits() {
        made_.retries_max = budget();
        std::string_view last;
        for (std::size_t left = count(3); left > 0 && !failed_; --left) {
            PluginLimit limit;
            const auto name = text();
            limit.calls_max = number(1024, "the calls of a plugin");
            limit.retries_max = budget();
            if (failed_) return;
            if (!is_plugin_name(name)) return fail("plugin " + shown(name));
            if (limit.calls_max == 0 && !limit.retries_max) return fail("a limit that is none");
            rises(last, name, "limits");
            limit.plugin = name;
            made_.plugin_limits.push_back(std::move(limit));
        }
        std::string_view before;
        for (std::size_t left = count(2); left > 0 && !failed_; --left) {
            Resource resource;
            const auto name = text();
            resource.count = number(1'000'000, "the count of a resource");
            if (failed_) return;
            if (!is_id(name) || resource.count == 0) return fail("resource " + shown(name));
            rises(before, name, "resources");
            resource.name = name;
            made_.resources.push_back(std::move(resource));
        }
        if (!failed_ && !made_.retries_max && made_.plugin_limits.empty() && made_.resources.empty()) fail("a default that is written");
    }

    void plugins() {
        std::string_view last;
        for (std::size_t left = count(2); left > 0 && !failed_; --left) {
            const auto name = text();
            const auto requirement = text();
            if (failed_) return;
            auto range = manifests::Range::parse(requirement);
            if (!is_plugin_name(name)) return fail("plugin " + shown(name));
            if (!range || range->text() != requirement) return fail("plugin " + shown(name) + ": no version requirement");
            rises(last, name, "plugins");
            made_.plugins.push_back({std::string(name), std::string(requirement), *std::move(range), {}});
        }
    }

    void inputs() {
        std::string_view last;
        for (std::size_t left = count(4); left > 0 && !failed_; --left) {
            InputDecl input;
            const auto name = text();
            const auto type_text = text();
            input.description = text();
            const auto bits = byte();
            if (failed_) return;
            if (!is_id(name)) return fail("input " + shown(name));
            rises(last, name, "inputs");
            input.name = name;
            if (const auto found = type(type_text)) input.type = *found;
            if (bits > (required_bit | default_bit)) fail("unknown bits");
            input.required = (bits & required_bit) != 0;
            if ((bits & default_bit) != 0) input.otherwise = Value::unchecked(Buffer::copy(value()));
            made_.inputs.push_back(std::move(input));
        }
    }

    void counts() {
        constexpr std::size_t node_bytes_least = 3, edge_bytes_least = 1;
        node_count_ = count(node_bytes_least);
        edge_count_ = count(edge_bytes_least);
        if (failed_) return;
        if (node_count_ == 0) return fail("no nodes");
        if (node_count_ > limits_.nodes_max || edge_count_ > limits_.edges_max) {
            report_too_many(findings_, node_count_ > limits_.nodes_max, node_count_ > limits_.nodes_max ? limits_.nodes_max : limits_.edges_max, {});
            failed_ = true;
        }
    }

    /// Of each text its length, then all bytes. The first ones are the ids of the nodes.
    void texts() {
        const std::size_t others = count(1);
        if (failed_ || node_count_ > left()) return fail("more things than bytes");
        const std::size_t all = node_count_ + others;
        std::vector<std::uint32_t> sizes(all);
        for (auto& size : sizes) size = number(0x7FFFFFFF, "the length of a text");
        if (failed_) return;
        made_.names.reserve(all);
        names_.reserve(all + 1);
        names_.push_back(0);
        std::string_view last;
        for (std::size_t i = 0; i < all && !failed_; ++i) {
            const auto found = take(sizes[i]);
            if (failed_) return;
            if (i < node_count_) {
                if (!is_id(found)) return fail("node " + shown(found));
                rises(last, found, "nodes");
            } else if (found.empty() || !is_text(found)) {
                return fail("an empty text, or one that is not UTF-8");
            }
            const std::size_t known = made_.names.size();
            const Id name = made_.names.intern(found);
            if (name < known) return fail("a text that is there twice");
            names_.push_back(name);
        }
        made_.nodes.resize(node_count_);
        made_.edges.reserve(edge_count_);
    }

    Id ref(bool required = true) {
        const auto index = varint();
        if (index < names_.size() && (index != 0 || !required)) return names_[static_cast<std::size_t>(index)];
        fail("no such text");
        return 0;
    }

    void node(Id id) {
        Node& node = made_.nodes[id];
        node.name = names_[id + 1];
        const auto kind = byte();
        const auto fields = number(known_fields, "the fields of a node");
        if (kind > static_cast<std::uint8_t>(NodeKind::loop)) return fail("an unknown kind of node");
        node.kind = static_cast<NodeKind>(kind);
        const bool calls = calls_plugin(node.kind);
        const std::uint32_t control = description_field | extras_field;
        const std::uint32_t allowed = calls ? known_fields & ~mode_field : node.kind == NodeKind::merge ? control | mode_field : node.kind == NodeKind::wait ? control | policy_field
                                      : node.kind >= NodeKind::workflow ? control | constants_field | each_field | policy_field | on_error_field : control;
        if ((fields & ~allowed) != 0) return fail("a field that such a node does not have");
        if (calls) {
            node.plugin = ref();
            node.operation = ref();
        }
        if ((fields & description_field) != 0) node.description = ref();
        if ((fields & each_field) != 0) node.each = ref();
        CallPolicy called;
        if ((fields & policy_field) != 0) policy(called, node);
        if ((fields & on_error_field) != 0) {
            node.on_error = static_cast<OnError>(number(static_cast<std::uint64_t>(OnError::skip), "on_error"));
            if (node.on_error == OnError::fail) fail("a default that is written");
        }
        if ((fields & mode_field) != 0) {
            node.mode = static_cast<MergeMode>(number(static_cast<std::uint64_t>(MergeMode::named), "the mode of a merge"));
            if (node.mode == MergeMode::first) fail("a default that is written");
        }
        node.constants_from = static_cast<std::uint32_t>(made_.constants.size());
        if ((fields & constants_field) != 0) constants();
        node.constants_to = static_cast<std::uint32_t>(made_.constants.size());
        if ((fields & extras_field) != 0) extras(id);
        else if (node.kind == NodeKind::delay || node.kind >= NodeKind::workflow) fail("a node that lacks what makes it one");
        if ((fields & cache_field) != 0) {
            called.cache = static_cast<CachePolicy>(number(static_cast<std::uint64_t>(CachePolicy::never), "the cache of a node"));
            called.ttl_ns = duration_ns();
            if (!called.caches()) fail("a default that is written");
            if (called.ttl_ns != 0 && called.cache >= CachePolicy::within_run) fail("\"ttl\" of answers that are not kept");
        }
        if ((fields & (policy_field | cache_field)) != 0) node.policy = policy_index(made_, called);
        for (std::size_t left = count(1); left > 0 && !failed_; --left) edge(id);
    }

    void policy(CallPolicy& policy, const Node& node) {
        policy.timeout_ns = duration_ns();
        policy.backoff_ns = duration_ns();
        policy.retries_max = number(100, "the retries of a node");
        policy.parallel_max = number(1024, "the parallel calls of a node");
        if (!policy.calls()) fail("a default that is written");
        if (policy.parallel_max != 0 && node.each == 0) fail("\"parallel\" without \"each\"");
        CallPolicy only_timeout;
        only_timeout.timeout_ns = policy.timeout_ns;
        const bool wrong = node.kind == NodeKind::wait ? policy != only_timeout : node.kind >= NodeKind::workflow && policy.timeout_ns != 0;
        if (wrong) fail("a policy that such a node does not have");
    }

    Id other_node(Id self) {
        const Id found = number(0x7FFFFFFF, "a node");
        if (!failed_ && (found >= node_count_ || found == self)) fail("no such other node");
        return found;
    }
    Value output_values() {
        Value found = Value::unchecked(Buffer::copy(value()));
        if (!failed_ && !found.is_map()) fail("outputs that are no map");
        return found;
    }
    static std::uint32_t extras_of(NodeKind kind) noexcept {
        constexpr std::uint32_t of_bodies = file_extra | body_extra | fallback_extra | fallback_outputs_extra | default_extra | retry_extra | elements_extra;
        switch (kind) {
        case NodeKind::operation:
        case NodeKind::instrument: return known_extras & ~(delay_extra | expects_extra | file_extra | body_extra | loop_extra | elements_extra);
        case NodeKind::branch:
        case NodeKind::merge:
        case NodeKind::join: return quorum_extra | finally_extra;
        case NodeKind::delay: return delay_extra | finally_extra;
        case NodeKind::wait: return expects_extra | finally_extra | fallback_extra | fallback_outputs_extra;
        case NodeKind::workflow: return of_bodies;
        case NodeKind::loop: return of_bodies | loop_extra;
        default: break;
        }
        return 0;
    }
    void extras(Id id) {
        const auto fields = number(known_extras, "the extras of a node");
        if (fields == 0) fail("a default that is written");
        if ((fields & ~extras_of(made_.nodes[id].kind)) != 0) fail("an extra that such a node does not have");
        if (made_.nodes[id].kind == NodeKind::delay && (fields & delay_extra) == 0) fail("a delay of nothing");
        if ((fields & fallback_extra) != 0 && (fields & fallback_outputs_extra) != 0) fail("two fallbacks");
        if (failed_) return;
        NodeExtras& extras = own_extras(made_, made_.nodes[id]);
        if ((fields & fallback_extra) != 0) extras.fallback = other_node(id);
        if ((fields & fallback_outputs_extra) != 0) extras.fallback_outputs = output_values();
        if ((fields & default_extra) != 0) extras.otherwise = output_values();
        if ((fields & compensate_extra) != 0) extras.compensate = other_node(id);
        if ((fields & quorum_extra) != 0) {
            extras.quorum = number(1'000'000, "the quorum of a node");
            if (extras.quorum == 0) fail("a default that is written");
        }
        extras.finally = (fields & finally_extra) != 0;
        if ((fields & retry_extra) != 0) {
            extras.retry = static_cast<RetryKind>(number(static_cast<std::uint64_t>(RetryKind::constant), "the kind of a retry"));
            if (extras.retry == RetryKind::jitter) fail("a default that is written");
        }
        if ((fields & delay_extra) != 0) {
            extras.delay_ns = duration_ns();
            if (extras.delay_ns == 0) fail("a delay of nothing");
        }
        if ((fields & expects_extra) != 0) {
            if (const auto found = type(text())) extras.expects = *found;
            if (extras.expects == Type()) fail("a default that is written");
        }
        if ((fields & priority_extra) != 0) {
            extras.priority = static_cast<std::int32_t>(number(2 * priority_max, "a priority")) - priority_max;
            if (extras.priority == 0) fail("a default that is written");
        }
        if ((fields & uses_extra) != 0) uses(extras);
        if (made_.nodes[id].kind >= NodeKind::workflow) body(extras, made_.nodes[id], fields);
    }

    void uses(NodeExtras& extras) {
        std::string_view last;
        const std::size_t all = count(2);
        if (all == 0) fail("a default that is written");
        for (std::size_t left = all; left > 0 && !failed_; --left) {
            Use use;
            use.resource = ref();
            use.count = number(1'000'000, "the use of a resource");
            if (failed_) return;
            if (use.count == 0) return fail("a use of nothing");
            rises(last, made_.names[use.resource], "uses");
            extras.uses.push_back(use);
        }
    }
    void body(NodeExtras& extras, const Node& node, std::uint32_t fields) {
        if (((fields & file_extra) != 0) == ((fields & body_extra) != 0)) return fail("not one body");
        if ((node.kind == NodeKind::loop) != ((fields & loop_extra) != 0)) return fail("a loop without its bound");
        if ((node.each != 0) != ((fields & elements_extra) != 0)) return fail("\"each\" without its bound");
        if ((fields & file_extra) != 0) {
            extras.file = ref();
            if (!failed_ && !is_inner_path(made_.names[extras.file])) fail("file " + shown(made_.names[extras.file]) + " is not a relative path");
        } else {
            const auto size = varint();
            const auto inner = take(size > left() ? left() + 1 : static_cast<std::size_t>(size));
            if (failed_) return;
            if (depth_ == workflow_depth_max) return fail("bodies in too many bodies");
            if (!inner.starts_with(binary_magic)) return fail("a body that is no workflow");
            auto read = Reader(bytes_of(inner), limits_, findings_, depth_ + 1).run();
            if (!read) {
                failed_ = true;  // told
                return;
            }
            const bool plain = read->id == body_id && read->version == body_version && read->name.empty() && read->description.empty() && read->timeout_ns == 0 && !read->fail_fast &&
                               read->metadata.is_null() && read->grace_ns == 0 && !read->retries_max && read->plugin_limits.empty() && read->plugins.empty();
            if (!plain) return fail("a body that says more than a body can");
            compile(*read);
            extras.body = static_cast<std::uint32_t>(made_.bodies.size());
            made_.bodies.push_back(std::make_shared<const Workflow>(*std::move(read)));
        }
        if ((fields & elements_extra) != 0) {
            extras.elements_max = number(limits_.nodes_max, "the elements of a node");
            if (extras.elements_max == 0) return fail("a default that is written");
        }
        if ((fields & loop_extra) == 0) return;
        extras.rounds_max = number(limits_.nodes_max, "the rounds of a loop");
        if (extras.rounds_max == 0) fail("a loop of no rounds");
        const auto bits = byte();
        if (bits > (until_bit | takes_bound_bit)) fail("unknown bits");
        extras.until = (bits & until_bit) != 0;
        extras.takes_bound = (bits & takes_bound_bit) != 0;
        const std::string written(text());
        if (failed_) return;
        auto plain = Expression::parse(written);
        auto again = plain && extras.until ? Expression::parse("not (" + written + ")") : std::move(plain);
        if (!again || again->is_else() || written == "else") return fail("the condition of a loop");
        extras.again = static_cast<std::uint32_t>(made_.conditions.size());
        made_.conditions.push_back(*std::move(again));
    }

    void constants() {
        Id last = no_id;
        for (std::size_t left = count(2); left > 0 && !failed_; --left) {
            const Id port = ref(false);
            const auto* from = at_;
            plain_value();
            if (failed_) return;
            port_rises(last, port);
            made_.constants.push_back({port, {}, Bytes(from, at_)});
        }
    }

    /// Names have to rise here, too. Nodes repeat each other: of two ports in a row that were compared before the answer is known.
    void port_rises(Id& last, Id port) {
        constexpr std::uint32_t some = 31;
        auto& known = risen_[(last * some + port) % risen_.size()];
        if (last != no_id && known != std::pair(last, port)) {
            if (made_.names[port] <= made_.names[last]) fail("constants are not in order");
            known = {last, port};
        }
        last = port;
    }

    /// value(), with a short way for what has only one form and is most of what there is.
    void plain_value() {
        const std::uint8_t tag = at_ < end_ ? *at_ : 0xC1;
        if (tag < 0x80 || tag == 0xC0 || tag == 0xC2 || tag == 0xC3 || tag >= 0xE0) {
            ++at_;
        } else if (tag >= 0xA0 && tag < 0xC0) {
            ++at_;
            if (!is_text(take(tag & 0x1Fu))) fail("text that is not UTF-8");
        } else if (tag == 0xCA && left() > sizeof(float)) {
            const float number = std::bit_cast<float>(msgpack::read_be<std::uint32_t>(at_ + 1));
            if (!std::isfinite(number)) fail("a number that is not finite");
            else at_ += 1 + sizeof(float);
        } else {
            value();
        }
    }

    void edge(Id to) {
        if (made_.edges.size() == edge_count_) return fail("more edges than the head says");
        Edge edge;
        edge.to = to;
        const auto head = varint();
        const auto source = head >> edge_bits;
        const auto kind = head & 3u;
        const bool from_input = (head & edge_from_input) != 0;
        const bool carries = (head & edge_carries) != 0;
        if (kind > static_cast<unsigned>(EdgeKind::conditional)) return fail("an unknown kind of edge");
        edge.kind = static_cast<EdgeKind>(kind);
        if (source >= (from_input ? made_.inputs.size() : node_count_)) return fail("an edge from nowhere");
        if (carries ? edge.kind == EdgeKind::control : edge.kind == EdgeKind::data || from_input) return fail("an edge that carries what its kind does not");
        if (from_input) {
            edge.input = static_cast<Id>(source);
            made_.inputs[edge.input].used = true;
        } else {
            edge.from = static_cast<Id>(source);
        }
        if (carries) {
            if (!from_input) edge.from_port = ref();
            edge.to_port = ref();
        }
        if (edge.kind == EdgeKind::conditional) edge.condition = condition();
        made_.edges.push_back(edge);
    }

    std::uint32_t condition() {
        const Id name = ref();
        if (failed_) return no_id;
        const auto [found, added] = condition_ids_.try_emplace(name, static_cast<std::uint32_t>(made_.conditions.size()));
        if (!added) return found->second;
        auto parsed = Expression::parse(made_.names[name]);
        if (parsed) made_.conditions.push_back(*std::move(parsed));
        else fail("an expression: " + parsed.error().message());
        return found->second;
    }

    void outputs() {
        std::string_view last;
        std::unordered_set<std::string_view> files;
        for (std::size_t left = count(5); left > 0 && !failed_; --left) {
            OutputDecl output;
            const auto name = text();
            output.description = text();
            const auto file = text();
            const auto type_text = text();
            const auto head = varint();
            if (failed_) return;
            if (!is_id(name)) return fail("output " + shown(name));
            rises(last, name, "outputs");
            output.name = name;
            output.file = file;
            if (!file.empty() && !is_inner_path(file)) return fail("file " + shown(file) + " is not a relative path beneath the output folder");
            if (!file.empty() && !files.insert(file).second) return fail("file " + shown(file) + " is written by two outputs");
            if (!type_text.empty()) output.type = type(type_text);
            if ((head >> 1) >= ((head & 1u) != 0 ? made_.inputs.size() : node_count_)) return fail("an output from nowhere");
            ((head & 1u) != 0 ? output.input : output.node) = static_cast<Id>(head >> 1);
            if ((head & 1u) == 0) output.port = ref();
            made_.outputs.push_back(std::move(output));
        }
    }

    Buffer file_;  // a copy, which constants go on looking into
    const std::uint8_t* start_;
    const std::uint8_t* at_;
    const std::uint8_t* end_;
    const Limits& limits_;
    Findings& findings_;
    Workflow made_;
    bool failed_ = false;
    std::size_t node_count_ = 0;
    std::size_t edge_count_ = 0;
    std::vector<Id> names_;  // of the table of texts: their ids in made_.names, behind the id of none
    std::array<std::pair<Id, Id>, 64> risen_{};  // ports in a row that are known to be in order
    std::unordered_map<Id, std::uint32_t> condition_ids_;
    Packer packer_;
    const std::size_t depth_;
};

} // namespace

std::optional<Workflow> read_binary(Bytes bytes, const Limits& limits, Findings& findings) {
    if (!text_of(bytes).starts_with(binary_magic)) {
        findings.error("bad-binary", "byte 0: not a compact workflow", {});
        return std::nullopt;
    }
    return Reader(bytes, limits, findings, 0).run();
}

} // namespace symphony::tracker
