// SPDX-License-Identifier: Apache-2.0
#include "parse_extras.hpp"

#include "identifiers.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace symphony::tracker {
namespace {

/// Outputs by port, as constants.
Value outputs(DocReader& reader, const DocEntry& entry) {
    Value value = reader.constant(entry);
    if (value.is_map()) return value;
    reader.error("wrong-kind", shown(entry.key) + " stands for " + std::string(symphony::name_of(value.kind())) + ", expected outputs such as { text = \"none\" }", entry.place);
    return {};
}

/// Another node by its id.
Id other_node(DocReader& reader, const Workflow& made, const Node& node, const DocEntry& entry, const std::function<Id(std::string_view, Place)>& node_of) {
    const Id found = node_of(entry.value.text(), entry.place);
    if (found == no_id || &made.nodes[found] != &node) return found;
    reader.error("bad-value", shown(entry.key) + " of node " + shown(entry.value.text()) + " names the node itself", entry.place, "name another node");
    return no_id;
}

} // namespace

void parse_extras(DocReader& reader, Workflow& made, Node& node, const Doc& doc, const std::function<Id(std::string_view, Place)>& node_of) {
    if (const auto* fallback = doc.find("fallback"); fallback != nullptr) {
        if (fallback->value.kind == Doc::Kind::table) {
            own_extras(made, node).fallback_outputs = outputs(reader, *fallback);
        } else if (reader.expect(*fallback, Doc::Kind::text, "the id of a node, or outputs such as { text = \"none\" }")) {
            own_extras(made, node).fallback = other_node(reader, made, node, *fallback, node_of);
        }
    }
    if (const auto* otherwise = doc.find("default"); otherwise != nullptr && reader.expect(*otherwise, Doc::Kind::table, "outputs such as { text = \"none\" }")) {
        own_extras(made, node).otherwise = outputs(reader, *otherwise);
    }
    if (const auto* compensate = doc.find("compensate"); compensate != nullptr && reader.expect(*compensate, Doc::Kind::text, "the id of a node")) {
        own_extras(made, node).compensate = other_node(reader, made, node, *compensate, node_of);
    }
    if (doc.find("quorum") != nullptr) {
        if (const std::uint32_t quorum = reader.integer(doc, "quorum", 1, 1'000'000, 0); quorum != 0) own_extras(made, node).quorum = quorum;
    }
    if (const auto* priority = doc.find("priority"); priority != nullptr && reader.expect(*priority, Doc::Kind::integer, "an integer")) {
        const std::int64_t given = priority->value.integer;
        if (given < -priority_max || given > priority_max) reader.error("bad-value", "\"priority\" is " + std::to_string(given) + ", expected -1000 to 1000", priority->place);
        else if (given != 0) own_extras(made, node).priority = static_cast<std::int32_t>(given);
    }
    if (const auto* use = doc.find("use"); use != nullptr && reader.expect(*use, Doc::Kind::table, "a table such as { gpu = 1 }")) {
        for (const auto& entry : use->value.entries()) {
            const std::uint32_t count = reader.integer(use->value, entry.key, 1, 1'000'000, 0);
            if (count != 0) own_extras(made, node).uses.push_back({made.names.intern(entry.key), count});
        }
        if (node.extras != 0) {
            auto& uses = made.extras[node.extras].uses;
            std::sort(uses.begin(), uses.end(), [&](const Use& a, const Use& b) { return made.names[a.resource] < made.names[b.resource]; });
        }
    }
    if (doc.find("finally") != nullptr && reader.boolean(doc, "finally", false)) own_extras(made, node).finally = true;
}

void parse_retry_kind(DocReader& reader, Workflow& made, Node& node, const Doc& retry) {
    const auto* kind = retry.find("kind");
    if (kind == nullptr || !reader.expect(*kind, Doc::Kind::text, "text")) return;
    constexpr std::array<std::string_view, 3> kinds{"jitter", "exponential", "constant"};
    const auto found = std::find(kinds.begin(), kinds.end(), kind->value.text());
    if (found == kinds.end()) reader.error("bad-value", "retry kind " + shown(kind->value.text()) + " is not known", kind->place, meant(kind->value.text(), kinds));
    else if (found != kinds.begin()) own_extras(made, node).retry = static_cast<RetryKind>(found - kinds.begin());
}

void check_body_keys(DocReader& reader, const Doc& doc, bool loop, const Where& where) {
    constexpr std::array<std::string_view, 20> keys{"id", "type", "operation", "inputs", "with", "after", "description", "file", "body", "each", "elements_max", "parallel", "on_error", "retry", "fallback", "default",
                                                    "max", "until", "while", "on_bound"};
    constexpr std::size_t of_loops = 4;
    // What a node that calls a plugin has, and a body cannot have: where to say it instead.
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> refused{{
        {"timeout", "give the nodes inside a timeout, or the whole workflow: [workflow] timeout"},
        {"cache", "give the nodes inside their `cache`: each of their calls is kept by itself"},
        {"ttl", "give the nodes inside their `ttl`: each of their calls is kept by itself"},
        {"compensate", "give the nodes inside their `compensate`: each is undone by itself"},
        {"quorum", "put a join with a quorum before it"},
        {"finally", "make the nodes inside `finally` nodes"},
        {"use", "give the nodes inside their `use`: it is for one call"},
        {"priority", "give the nodes inside their `priority`: it is for one call"},
    }};
    const std::span<const std::string_view> known(keys.data(), loop ? keys.size() : keys.size() - of_loops);
    for (const auto& entry : doc.entries()) {
        if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
        const auto found = std::find_if(refused.begin(), refused.end(), [&](const auto& each) { return each.first == entry.key; });
        const std::string what = shown(entry.key) + (found == refused.end() ? " in " + where.text() : ": " + where.text() + " is a " + (loop ? "loop" : "workflow"));
        reader.error("unknown-key", (found == refused.end() ? "unknown key " : "no key ") + what, entry.place, found == refused.end() ? meant(entry.key, known) : std::string(found->second));
    }
}

void parse_limits(DocReader& reader, Workflow& made, const Doc& limits) {
    constexpr std::array<std::string_view, 3> keys{"retries", "plugins", "resources"};
    constexpr std::int64_t retries_max = 1'000'000'000;
    reader.check_keys(limits, keys, {"[limits]"});
    if (limits.find("retries") != nullptr) made.retries_max = reader.integer(limits, "retries", 0, retries_max, 0);
    if (const auto* resources = limits.find("resources"); resources != nullptr && reader.expect(*resources, Doc::Kind::table, "a table such as { gpu = 1 }")) {
        for (const auto& entry : resources->value.entries()) {
            if (!is_id(entry.key)) {
                reader.error("bad-id", "resource " + shown(entry.key) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}", entry.place);
                continue;
            }
            const std::uint32_t count = reader.integer(resources->value, entry.key, 1, 1'000'000, 0);
            if (count != 0) made.resources.push_back({std::string(entry.key), count, entry.place});
        }
    }
    const auto* plugins = limits.find("plugins");
    if (plugins == nullptr || !reader.expect(*plugins, Doc::Kind::table, "tables by plugin")) return;
    for (const auto& entry : plugins->value.entries()) {
        if (!is_plugin_name(entry.key)) {
            reader.error("bad-id", "plugin " + shown(entry.key) + " is neither an id such as \"org.symphony.files\" nor a short name", entry.place);
            continue;
        }
        if (!reader.expect(entry, Doc::Kind::table, "a table such as { calls = 2 }")) continue;
        constexpr std::array<std::string_view, 2> plugin_keys{"calls", "retries"};
        reader.check_keys(entry.value, plugin_keys, {"[limits.plugins.", entry.key, "]"});
        PluginLimit limit;
        limit.plugin = entry.key;
        limit.place = entry.place;
        limit.calls_max = reader.integer(entry.value, "calls", 1, 1024, 0);
        if (entry.value.find("retries") != nullptr) limit.retries_max = reader.integer(entry.value, "retries", 0, retries_max, 0);
        if (entry.value.entries().empty()) reader.error("missing-key", "[limits.plugins." + limit.plugin + "] says nothing", entry.place, "calls = 2, or retries = 10");
        else made.plugin_limits.push_back(std::move(limit));
    }
}

} // namespace symphony::tracker
