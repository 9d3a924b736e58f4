// SPDX-License-Identifier: Apache-2.0
#include "binary.hpp"

#include "binary_layout.hpp"
#include "canonical.hpp"
#include "packer.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace symphony::tracker {
namespace {

using namespace binary;

/// Bytes that grow; the numbers of one record are written without looking at the room for each.
class Sink {
public:
    explicit Sink(std::size_t bytes) : bytes_(bytes, '\0'), at_(bytes_.data()) {}

    void room(std::size_t bytes) {
        const auto used = size();
        if (bytes_.size() - used >= bytes) return;
        bytes_.resize(std::max(bytes_.size() * 2, used + bytes));
        at_ = bytes_.data() + used;
    }
    std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - bytes_.data()); }
    std::string_view view() const noexcept { return {bytes_.data(), size()}; }

    /// After room().
    void byte(std::uint8_t value) { *at_++ = static_cast<char>(value); }
    /// LEB128; after room(varint_bytes_max).
    void varint(std::uint64_t value) {
        while (value >= 0x80) {
            *at_++ = static_cast<char>(value | 0x80);
            value >>= 7;
        }
        *at_++ = static_cast<char>(value);
    }
    void raw(std::string_view bytes) {
        room(bytes.size());
        if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    void text(std::string_view text) {
        room(varint_bytes_max);
        varint(text.size());
        if (!text.empty()) raw(text);
    }

private:
    std::string bytes_;
    char* at_;
};

class Writer {
public:
    explicit Writer(const Workflow& workflow)
        : workflow_(workflow), canonical_(workflow), head_(1024), body_(workflow.nodes.size() * 24 + workflow.edges.size() * 8 + 256),
          refs_(workflow.names.size(), 0), condition_refs_(workflow.conditions.size(), 0) {}

    std::string run() {
        for (const Id n : canonical_.nodes()) add(workflow_.nodes[n].name);
        head();
        for (const Id n : canonical_.nodes()) node(workflow_.nodes[n], n);
        body_.room(varint_bytes_max);
        body_.varint(workflow_.outputs.size());
        for (const Id o : canonical_.outputs()) output(workflow_.outputs[o]);
        return joined();
    }

private:
    void add(Id name) {
        texts_.push_back(workflow_.names[name]);
        refs_[name] = static_cast<std::uint32_t>(texts_.size());
    }
    /// 0 for none, else one more than the place in the table of texts.
    std::uint32_t ref(Id name) {
        if (refs_[name] == 0 && name != 0) add(name);
        return refs_[name];
    }

    void head() {
        head_.raw(binary_magic);
        head_.room(1);
        head_.byte(schema_version);
        head_.text(workflow_.id);
        head_.text(workflow_.name);
        head_.text(workflow_.version);
        head_.text(workflow_.description);
        head_.room(varint_bytes_max + 1);
        head_.varint(workflow_.timeout_ns / ns_per_ms);
        const bool limits = workflow_.retries_max || !workflow_.plugin_limits.empty() || !workflow_.resources.empty();
        head_.byte(static_cast<std::uint8_t>((workflow_.fail_fast ? fail_fast_bit : 0u) | (workflow_.metadata.is_null() ? 0u : metadata_bit) |
                                             (workflow_.grace_ns == 0 ? 0u : grace_bit) | (limits ? limits_bit : 0u)));
        if (!workflow_.metadata.is_null()) value(head_, workflow_.metadata.view());
        head_.room(varint_bytes_max);
        if (workflow_.grace_ns != 0) head_.varint(workflow_.grace_ns / ns_per_ms);
        if (limits) this->limits();
        head_.room(varint_bytes_max);
        head_.varint(workflow_.plugins.size());
        for (const Id p : canonical_.plugins()) {
            head_.text(workflow_.plugins[p].plugin);
            head_.text(workflow_.plugins[p].requirement);
        }
        head_.room(varint_bytes_max);
        head_.varint(workflow_.inputs.size());
        for (const Id i : canonical_.inputs()) input(workflow_.inputs[i]);
        head_.room(2 * varint_bytes_max);
        head_.varint(workflow_.nodes.size());
        head_.varint(workflow_.edges.size());
    }

    void limits() {
        const auto budget = [&](const std::optional<std::uint32_t>& max) { head_.varint(max ? std::uint64_t{*max} + 1 : 0); };
        head_.room(2 * varint_bytes_max);
        budget(workflow_.retries_max);
        head_.varint(workflow_.plugin_limits.size());
        for (const Id l : canonical_.plugin_limits()) {
            const PluginLimit& limit = workflow_.plugin_limits[l];
            head_.text(limit.plugin);
            head_.room(2 * varint_bytes_max);
            head_.varint(limit.calls_max);
            budget(limit.retries_max);
        }
        head_.room(varint_bytes_max);
        head_.varint(workflow_.resources.size());
        for (const Id r : canonical_.resources()) {
            head_.text(workflow_.resources[r].name);
            head_.room(varint_bytes_max);
            head_.varint(workflow_.resources[r].count);
        }
    }

    void input(const InputDecl& input) {
        head_.text(input.name);
        head_.text(input.type.text());
        head_.text(input.description);
        head_.room(1);
        head_.byte(static_cast<std::uint8_t>((input.required ? required_bit : 0u) | (input.otherwise ? default_bit : 0u)));
        if (input.otherwise) value(head_, input.otherwise->view());
    }

    void value(Sink& to, ValueView value) {
        packer_.cut(0);
        static_cast<void>(pack(packer_, value));  // what a workflow holds was packed when it was read
        to.raw(text_of(packer_.bytes()));
    }

    void node(const Node& node, Id id) {
        const bool calls = calls_plugin(node.kind);
        const auto constants = canonical_.constants(node);
        std::uint32_t fields = 0;
        if (node.description != 0) fields |= description_field;
        if (node.each != 0) fields |= each_field;
        const CallPolicy& called = workflow_.policies[node.policy];
        if (called.calls()) fields |= policy_field;
        if (called.caches()) fields |= cache_field;
        if (!constants.empty()) fields |= constants_field;
        if (node.on_error != OnError::fail) fields |= on_error_field;
        if (node.mode != MergeMode::first) fields |= mode_field;
        const std::uint32_t extras = node.extras == 0 ? 0 : extras_of(workflow_.extras[node.extras]);
        if (extras != 0) fields |= extras_field;
        body_.room(16 * varint_bytes_max);
        body_.byte(static_cast<std::uint8_t>(node.kind));
        body_.varint(fields);
        if (calls) {
            body_.varint(ref(node.plugin));
            body_.varint(ref(node.operation));
        }
        if ((fields & description_field) != 0) body_.varint(ref(node.description));
        if ((fields & each_field) != 0) body_.varint(ref(node.each));
        if ((fields & policy_field) != 0) policy(called);
        if ((fields & on_error_field) != 0) body_.byte(static_cast<std::uint8_t>(node.on_error));
        if ((fields & mode_field) != 0) body_.byte(static_cast<std::uint8_t>(node.mode));
        if ((fields & constants_field) != 0) {
            body_.varint(constants.size());
            for (const auto c : constants) constant(workflow_.constants[c]);
        }
        if (extras != 0) this->extras(workflow_.extras[node.extras], extras);
        body_.room(3 * varint_bytes_max);
        if ((fields & cache_field) != 0) {
            body_.byte(static_cast<std::uint8_t>(called.cache));
            body_.varint(called.ttl_ns / ns_per_ms);
        }
        const auto edges = canonical_.edges(id);
        body_.varint(edges.size());
        for (const Id e : edges) edge(workflow_.edges[e]);
    }

    void constant(const Constant& constant) {
        body_.room(varint_bytes_max);
        body_.varint(ref(constant.port));
        const Bytes bytes = constant.bytes;
        // A short text, a small integer or a boolean has only one form.
        const std::uint8_t tag = bytes[0];
        if (tag < 0x80 || (tag >= 0xA0 && tag <= 0xC3) || tag == 0xCA || tag >= 0xE0) body_.raw(text_of(bytes));
        else value(body_, constant.value());
    }

    void policy(const CallPolicy& policy) {
        body_.varint(policy.timeout_ns / ns_per_ms);
        body_.varint(policy.backoff_ns / ns_per_ms);
        body_.varint(policy.retries_max);
        body_.varint(policy.parallel_max);
    }

    static std::uint32_t extras_of(const NodeExtras& extras) noexcept {
        return (extras.fallback != no_id ? fallback_extra : 0u) | (extras.fallback_outputs.is_null() ? 0u : fallback_outputs_extra) |
               (extras.otherwise.is_null() ? 0u : default_extra) | (extras.compensate != no_id ? compensate_extra : 0u) | (extras.quorum != 0 ? quorum_extra : 0u) |
               (extras.finally ? finally_extra : 0u) | (extras.retry != RetryKind::jitter ? retry_extra : 0u) | (extras.delay_ns != 0 ? delay_extra : 0u) |
               (extras.expects == Type() ? 0u : expects_extra) | (extras.file != 0 ? file_extra : 0u) | (extras.body != no_id && extras.file == 0 ? body_extra : 0u) |
               (extras.rounds_max != 0 ? loop_extra : 0u) | (extras.priority != 0 ? priority_extra : 0u) | (extras.uses.empty() ? 0u : uses_extra) |
               (extras.elements_max != 0 ? elements_extra : 0u);
    }
    void extras(const NodeExtras& extras, std::uint32_t fields) {
        body_.room(8 * varint_bytes_max);
        body_.varint(fields);
        if (extras.fallback != no_id) body_.varint(canonical_.rank()[extras.fallback]);
        if (!extras.fallback_outputs.is_null()) value(body_, extras.fallback_outputs.view());
        if (!extras.otherwise.is_null()) value(body_, extras.otherwise.view());
        body_.room(8 * varint_bytes_max);
        if (extras.compensate != no_id) body_.varint(canonical_.rank()[extras.compensate]);
        if (extras.quorum != 0) body_.varint(extras.quorum);
        if (extras.retry != RetryKind::jitter) body_.byte(static_cast<std::uint8_t>(extras.retry));
        if (extras.delay_ns != 0) body_.varint(extras.delay_ns / ns_per_ms);
        if (!(extras.expects == Type())) body_.text(extras.expects.text());
        body_.room(8 * varint_bytes_max);
        if (extras.file != 0) body_.varint(ref(extras.file));
        if ((fields & body_extra) != 0) body_.text(write_binary(*workflow_.bodies[extras.body]));
        body_.room(8 * varint_bytes_max);
        if (extras.priority != 0) body_.varint(static_cast<std::uint64_t>(extras.priority + priority_max));
        if (!extras.uses.empty()) body_.varint(extras.uses.size());
        for (const Use& use : extras.uses) {
            body_.room(2 * varint_bytes_max);
            body_.varint(ref(use.resource));
            body_.varint(use.count);
        }
        body_.room(8 * varint_bytes_max);
        if (extras.elements_max != 0) body_.varint(extras.elements_max);
        if ((fields & loop_extra) == 0) return;
        body_.varint(extras.rounds_max);
        body_.byte(static_cast<std::uint8_t>((extras.until ? until_bit : 0u) | (extras.takes_bound ? takes_bound_bit : 0u)));
        body_.text(loop_text(workflow_, extras));
    }

    void edge(const Edge& edge) {
        body_.room(5 * varint_bytes_max);
        const bool from_input = edge.from == no_id;
        const std::uint64_t source = from_input ? canonical_.input_rank()[edge.input] : canonical_.rank()[edge.from];
        const bool carries = edge.carries();
        body_.varint(source << edge_bits | (from_input ? edge_from_input : 0u) | (carries ? edge_carries : 0u) | static_cast<std::uint64_t>(edge.kind));
        if (carries) {
            if (!from_input) body_.varint(ref(edge.from_port));
            body_.varint(ref(edge.to_port));
        }
        if (edge.kind == EdgeKind::conditional) body_.varint(condition(edge.condition));
    }

    std::uint32_t condition(Id index) {
        if (condition_refs_[index] != 0) return condition_refs_[index];
        const auto& text = workflow_.conditions[index].text();
        // An expression may read like a port.
        if (const Id name = workflow_.names.find(text); name != no_id) return condition_refs_[index] = ref(name);
        // Many edges share an expression, and each has its own index: the table has the text once.
        const auto [found, added] = condition_texts_.try_emplace(text, 0);
        if (added) {
            texts_.push_back(text);
            found->second = static_cast<std::uint32_t>(texts_.size());
        }
        return condition_refs_[index] = found->second;
    }

    void output(const OutputDecl& output) {
        body_.text(output.name);
        body_.text(output.description);
        body_.text(output.file);
        body_.text(output.type ? output.type->text() : std::string());
        body_.room(2 * varint_bytes_max);
        const bool from_input = output.node == no_id;
        const std::uint64_t source = from_input ? canonical_.input_rank()[output.input] : canonical_.rank()[output.node];
        body_.varint(source << 1 | (from_input ? 1u : 0u));
        if (!from_input) body_.varint(ref(output.port));
    }

    std::string joined() {
        body_.room(varint_bytes_max);
        std::size_t texts_bytes = 0;
        for (const auto text : texts_) texts_bytes += text.size() + 2;
        head_.room(varint_bytes_max * (texts_.size() + 1) + texts_bytes + body_.size());
        head_.varint(texts_.size() - workflow_.nodes.size());
        for (const auto text : texts_) head_.varint(text.size());
        for (const auto text : texts_) head_.raw(text);
        head_.raw(body_.view());
        return std::string(head_.view());
    }

    const Workflow& workflow_;
    Canonical canonical_;
    Sink head_;
    Sink body_;
    Packer packer_;
    std::vector<std::string_view> texts_;        // the nodes' ids, then others as they come
    std::vector<std::uint32_t> refs_;            // of each name its place in `texts_` plus one, 0 = not there yet
    std::vector<std::uint32_t> condition_refs_;
    std::unordered_map<std::string_view, std::uint32_t> condition_texts_;
};

} // namespace

std::string write_binary(const Workflow& workflow) { return Writer(workflow).run(); }

} // namespace symphony::tracker
