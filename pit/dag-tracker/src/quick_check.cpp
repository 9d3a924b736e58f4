// SPDX-License-Identifier: Apache-2.0
#include "quick_check.hpp"

#include "validate.hpp"

#include <array>

namespace symphony::tracker {
namespace {

class QuickCheck {
public:
    QuickCheck(const Workflow& workflow, const Bindings& bindings) : workflow_(workflow), bindings_(bindings), nodes_(workflow.nodes.size()) {
        for (Id n = 0; n < nodes_.size(); ++n) {
            const auto* signature = bindings.of(n);
            nodes_[n].signature = signature != nullptr && signature->plain ? bindings.of_node[n] : no_id;
        }
    }

    std::vector<bool> run() {
        for (const Edge& edge : workflow_.edges) this->edge(edge);
        for (const auto& output : workflow_.outputs) {
            if (output.node != no_id) nodes_[output.node].used = true;
        }
        std::vector<bool> good(nodes_.size());
        for (Id n = 0; n < nodes_.size(); ++n) good[n] = node(n);
        return good;
    }

private:
    struct State {
        std::uint64_t given = 0;   // set of inputs, by Signature::inputs
        Id signature = no_id;      // no_id: not for us, or a fault is likely
        bool used = false;
    };
    /// What was found out about a pair of ports, for the next edge between such a pair.
    struct Pair {
        std::uint64_t from = ~std::uint64_t{0};
        std::uint64_t to = ~std::uint64_t{0};
        std::uint64_t bit = 0;  // of the input, 0 when the two do not fit
    };

    void edge(const Edge& edge) {
        State& to = nodes_[edge.to];
        if (to.signature == no_id) return;
        if (edge.condition != no_id && workflow_.conditions[edge.condition].is_else()) {
            to.signature = no_id;
            return;
        }
        if (!edge.carries()) return;
        std::uint64_t from = 0;
        if (edge.from != no_id) {
            // Of the source only the signature counts, and that it had a fault of its own does not matter.
            const Id source = bindings_.of_node[edge.from];
            if (source == no_id) {
                to.signature = no_id;
                return;
            }
            from = std::uint64_t{source} << 32 | edge.from_port;
        } else {
            from = std::uint64_t{1} << 63 | edge.input;
        }
        const std::uint64_t target = std::uint64_t{to.signature} << 32 | edge.to_port;
        Pair& pair = pairs_[((from * 0x9E3779B97F4A7C15u) ^ (target * 0xC2B2AE3D27D4EB4Fu)) >> 57];
        if (pair.from != from || pair.to != target) pair = {from, target, fitting_input(edge, to.signature)};
        if (pair.bit == 0 || (to.given & pair.bit) != 0) to.signature = no_id;
        else to.given |= pair.bit;
    }

    std::uint64_t fitting_input(const Edge& edge, Id signature) const {
        const Type* from = nullptr;
        if (edge.from == no_id) from = &workflow_.inputs[edge.input].type;
        else from = type_of(bindings_.of(edge.from)->outputs, edge.from_port);
        return from == nullptr ? 0 : input_bit(bindings_.signatures[signature], edge.to_port, from);
    }
    static const Type* type_of(const std::vector<Signature::Port>& ports, Id name) {
        for (const auto& port : ports) {
            if (port.name == name) return &port.type;
        }
        return nullptr;
    }
    static std::uint64_t input_bit(const Signature& signature, Id name, const Type* from) {
        for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
            if (signature.inputs[i].name != name) continue;
            return from == nullptr || manifests::accepts(signature.inputs[i].type, from->as_optional(false)) ? std::uint64_t{1} << i : 0;
        }
        return 0;
    }

    bool node(Id n) {
        State& state = nodes_[n];
        if (state.signature == no_id) return false;
        const Signature& signature = bindings_.signatures[state.signature];
        const Node& node = workflow_.nodes[n];
        for (auto i = node.constants_from; i < node.constants_to; ++i) {
            const Constant& constant = workflow_.constants[i];
            const std::uint64_t bit = input_bit(signature, constant.port, nullptr);
            if (bit == 0 || (state.given & bit) != 0) return false;
            state.given |= bit;
            if (!value_fits(constant.value.view(), *type_of(signature.inputs, constant.port))) return false;
        }
        const std::uint64_t wanted = signature.required | signature.each;
        if ((state.given & wanted) != wanted) return false;
        const bool leads = workflow_.out_offsets[n] != workflow_.out_offsets[n + 1];
        const bool led = workflow_.in_offsets[n] != workflow_.in_offsets[n + 1];
        return leads || led || state.used || nodes_.size() == 1;
    }

    const Workflow& workflow_;
    const Bindings& bindings_;
    std::vector<State> nodes_;
    std::array<Pair, 128> pairs_;
};

} // namespace

std::vector<bool> quick_check(const Workflow& workflow, const Bindings& bindings) { return QuickCheck(workflow, bindings).run(); }

} // namespace symphony::tracker
