// SPDX-License-Identifier: Apache-2.0
#include "quick_check.hpp"

#include "validate.hpp"

#include <algorithm>
#include <optional>

namespace symphony::tracker {
namespace {

/// Ports of signatures as small numbers, and what each means to each signature: all that an edge needs is in tables that fit
/// a near cache, however many nodes there are.
class PortTables {
public:
    PortTables(const Workflow& workflow, const Bindings& bindings) : slots_(workflow.names.size(), 0) {
        const auto& all = bindings.signatures;
        for (const auto& signature : all) {
            for (const auto* list : {&signature.inputs, &signature.outputs}) {
                for (const auto& port : *list) {
                    if (port.name != no_id && slots_[port.name] == 0) slots_[port.name] = ++count_;
                }
            }
        }
        ++count_;  // slot 0 is every other name
        constexpr std::size_t cells_max = 1u << 22;
        if (all.size() * count_ > cells_max) return;
        usable_ = true;
        inputs_.resize(all.size() * count_);
        outputs_.resize(all.size() * count_, no_type);
        for (std::size_t s = 0; s < all.size(); ++s) {
            for (std::size_t i = 0; i < all[s].inputs.size() && i < Signature::inputs_max; ++i) {
                const auto& port = all[s].inputs[i];
                if (port.name != no_id) inputs_[s * count_ + slots_[port.name]] = {static_cast<std::uint8_t>(i), type_id(port.type)};
            }
            for (const auto& port : all[s].outputs) {
                if (port.name != no_id) outputs_[s * count_ + slots_[port.name]] = type_id(port.type.as_optional(false));
            }
        }
        for (const auto& input : workflow.inputs) declared_.push_back(type_id(input.type.as_optional(false)));
        if (types_.size() > no_type) usable_ = false;
        if (!usable_) return;
        fits_.resize(types_.size() * types_.size());
        for (std::size_t to = 0; to < types_.size(); ++to) {
            for (std::size_t from = 0; from < types_.size(); ++from) fits_[to * types_.size() + from] = manifests::accepts(types_[to], types_[from]);
        }
    }

    /// False where there are too many signatures or types for tables.
    bool usable() const noexcept { return usable_; }

    /// The input of `to` that the edge fits, as a set of one; 0 when it fits none.
    std::uint64_t fitting_input(const Edge& edge, Id from, Id to) const noexcept {
        const std::uint8_t type = edge.from == no_id ? declared_[edge.input] : outputs_[from * count_ + slots_[edge.from_port]];
        const Input input = inputs_[to * count_ + slots_[edge.to_port]];
        if (type == no_type || input.type == no_type || fits_[input.type * types_.size() + type] == 0) return 0;
        return std::uint64_t{1} << input.index;
    }
    /// The input of that name; nothing where there is none.
    std::optional<std::uint8_t> input(Id signature, Id name) const noexcept {
        const Input found = inputs_[signature * count_ + slots_[name]];
        return found.type == no_type ? std::nullopt : std::optional(found.index);
    }

private:
    static constexpr std::uint8_t no_type = 255;
    struct Input {
        std::uint8_t index = 0;
        std::uint8_t type = no_type;
    };

    std::uint8_t type_id(Type type) {
        const auto found = std::find(types_.begin(), types_.end(), type);
        if (found == types_.end() && types_.size() <= no_type) types_.push_back(type);
        return static_cast<std::uint8_t>(std::min<std::size_t>(static_cast<std::size_t>(std::find(types_.begin(), types_.end(), type) - types_.begin()), no_type));
    }

    std::vector<std::uint32_t> slots_;  // of each name
    std::uint32_t count_ = 0;
    std::vector<Input> inputs_;         // signature x slot
    std::vector<std::uint8_t> outputs_;
    std::vector<std::uint8_t> declared_;  // types of the workflow's inputs
    std::vector<Type> types_;
    std::vector<std::uint8_t> fits_;      // to x from
    bool usable_ = false;
};

class QuickCheck {
public:
    QuickCheck(const Workflow& workflow, const Bindings& bindings) : workflow_(workflow), bindings_(bindings), tables_(workflow, bindings) {}

    std::vector<bool> run() {
        const std::size_t nodes = workflow_.nodes.size();
        std::vector<bool> good(nodes, false);
        if (!tables_.usable()) return good;
        given_.assign(nodes, 0);
        for (Id n = 0; n < nodes; ++n) {
            const auto* signature = bindings_.of(n);
            if (signature == nullptr || !signature->plain) given_[n] = spoilt;
        }
        for (const Edge& edge : workflow_.edges) this->edge(edge);
        std::vector<bool> used(nodes, false);
        for (const auto& output : workflow_.outputs) {
            if (output.node != no_id) used[output.node] = true;
        }
        for (Id n = 0; n < nodes; ++n) good[n] = given_[n] != spoilt && node(n, used[n]);
        return good;
    }

private:
    /// A set of inputs that no node has: not for us, or a fault is likely. Signatures have one input less than bits.
    static constexpr std::uint64_t spoilt = ~std::uint64_t{0};

    void edge(const Edge& edge) {
        std::uint64_t& given = given_[edge.to];
        if (given == spoilt) return;
        if (edge.condition != no_id && workflow_.conditions[edge.condition].is_else()) {
            given = spoilt;
            return;
        }
        if (!edge.carries()) return;
        // Of the source only the signature counts, and that it had a fault of its own does not matter.
        const Id from = edge.from == no_id ? 0 : bindings_.of_node[edge.from];
        const std::uint64_t bit = from == no_id ? 0 : tables_.fitting_input(edge, from, bindings_.of_node[edge.to]);
        given = bit == 0 || (given & bit) != 0 ? spoilt : given | bit;
    }

    bool node(Id n, bool used) {
        const Signature& signature = *bindings_.of(n);
        const Node& node = workflow_.nodes[n];
        std::uint64_t given = given_[n];
        for (auto i = node.constants_from; i < node.constants_to; ++i) {
            const Constant& constant = workflow_.constants[i];
            const auto input = tables_.input(bindings_.of_node[n], constant.port);
            if (!input || (given >> *input & 1u) != 0) return false;
            given |= std::uint64_t{1} << *input;
            if (!value_fits(constant.value(), signature.inputs[*input].type)) return false;
        }
        const std::uint64_t wanted = signature.required | signature.each;
        if ((given & wanted) != wanted) return false;
        const bool leads = workflow_.out_offsets[n] != workflow_.out_offsets[n + 1];
        const bool led = workflow_.in_offsets[n] != workflow_.in_offsets[n + 1];
        return leads || led || used || workflow_.nodes.size() == 1;
    }

    const Workflow& workflow_;
    const Bindings& bindings_;
    PortTables tables_;
    std::vector<std::uint64_t> given_;  // of each node a set of its inputs, by Signature::inputs
};

} // namespace

std::vector<bool> quick_check(const Workflow& workflow, const Bindings& bindings) { return QuickCheck(workflow, bindings).run(); }

} // namespace symphony::tracker
