// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"

#include <algorithm>
#include <array>

namespace symphony::tracker {
namespace {

class Binder {
public:
    Binder(const Workflow& workflow, const Catalogue& catalogue) : workflow_(workflow), catalogue_(catalogue) {}

    Bindings run() {
        const std::size_t nodes = workflow_.nodes.size();
        made_.of_node.assign(nodes, no_id);
        for (Id n = 0; n < nodes; ++n) {
            const Node& node = workflow_.nodes[n];
            if (!calls_plugin(node.kind) || node.plugin == 0 || node.operation == 0) continue;
            made_.of_node[n] = signature(node);
        }
        return std::move(made_);
    }

private:
    struct Key {
        Id plugin, operation, each;
        bool instrument, collects;
        bool operator==(const Key&) const = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept {
            const std::uint64_t a = std::uint64_t{key.plugin} << 32 | key.operation;
            const std::uint64_t b = std::uint64_t{key.each} << 2 | (key.instrument ? 2u : 0u) | (key.collects ? 1u : 0u);
            return static_cast<std::size_t>((a * 0x9E3779B97F4A7C15u) ^ (b * 0xC2B2AE3D27D4EB4Fu));
        }
    };

    struct Recent {
        Key key{};
        Id signature = no_id;
    };

    Id signature(const Node& node) {
        const Key key{node.plugin, node.operation, node.each, node.kind == NodeKind::instrument, node.on_error == OnError::collect};
        Recent& recent = recent_[Hash()(key) >> 58];
        if (recent.signature != no_id && key == recent.key) return recent.signature;
        const auto [found, added] = known_.try_emplace(key, static_cast<Id>(made_.signatures.size()));
        if (added) made_.signatures.push_back(make(node, key));
        recent = {key, found->second};
        return found->second;
    }

    Signature make(const Node& node, const Key& key) {
        Signature made;
        made.plugin = node.plugin;
        choose(made, key.instrument);
        if (made.provider == nullptr || !made.provider->typed) return made;
        made.operation = made.provider->operation(workflow_.names[node.operation]);
        if (made.operation == nullptr) return made;
        for (const auto& spec : made.operation->inputs) {
            // A port that the workflow never names has no number, and the set of inputs given never has its bit.
            const Id name = workflow_.names.find(spec.name);
            const std::uint64_t bit = made.inputs.size() < Signature::inputs_max ? std::uint64_t{1} << made.inputs.size() : 0;
            const bool each = node.each != 0 && name == node.each;
            if (each) made.each = bit;
            else if (!spec.type.optional()) made.required |= bit;
            made.inputs.push_back({name, each ? Type::list_of(spec.type) : spec.type});
        }
        outputs(made, node);
        made.plain = made.provider->usable && made.inputs.size() <= Signature::inputs_max && !made.version_differs && (node.each == 0 || made.each != 0);
        return made;
    }

    void outputs(Signature& made, const Node& node) {
        const Type maps = Type::list_of(Type(Type::Kind::map));
        const auto add = [&](std::string_view port, Type type) {
            const Id name = workflow_.names.find(port);
            const bool there = std::any_of(made.outputs.begin(), made.outputs.end(), [&](const auto& each) { return each.name == name; });
            if (name != no_id && !there) made.outputs.push_back({name, type});
        };
        const bool collects = node.on_error == OnError::collect;
        if (node.each != 0) {
            add("results", maps);
            if (collects) add("problems", maps);
        }
        for (const auto& spec : made.operation->outputs) {
            if (node.each == 0 || spec.name != "items") add(spec.name, node.each != 0 ? Type::list_of(spec.type) : spec.type);
        }
        if (collects) add("problems", maps);
    }

    /// The pin may name the plugin by id where the node has its short name, or the other way round.
    const PluginPin* pin_of(std::string_view plugin, const Provider* provider) const {
        for (const auto& pin : workflow_.plugins) {
            if (pin.plugin == plugin || (provider != nullptr && (pin.plugin == provider->id || pin.plugin == provider->name))) return &pin;
        }
        return nullptr;
    }
    static bool fits(const PluginPin& pin, const Provider& provider) {
        const auto version = manifests::Version::parse(provider.version);
        return version && pin.range.contains(*version);
    }

    void choose(Signature& made, bool instrument) const {
        const auto plugin = workflow_.names[made.plugin];
        made.provider = catalogue_.find(instrument, plugin);
        made.pin = pin_of(plugin, made.provider);
        if (made.pin == nullptr || made.provider == nullptr || fits(*made.pin, *made.provider)) return;
        // Of several installed versions the one that the workflow was made with, though it is not the newest.
        for (const auto& other : catalogue_.providers()) {
            if (other.instrument != instrument || !other.usable || (other.id != plugin && other.name != plugin) || !fits(*made.pin, other)) continue;
            made.provider = &other;
            return;
        }
        made.version_differs = true;
    }

    const Workflow& workflow_;
    const Catalogue& catalogue_;
    Bindings made_;
    std::unordered_map<Key, Id, Hash> known_;
    std::array<Recent, 64> recent_;
};

} // namespace

Bindings bind(const Workflow& workflow, const Catalogue& catalogue) { return Binder(workflow, catalogue).run(); }

} // namespace symphony::tracker
