// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arena.hpp"
#include "expression.hpp"
#include "report.hpp"

#include <symphony/manifests/semver.hpp>
#include <symphony/manifests/types.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::tracker {

using manifests::Type;

/// An index into Workflow::nodes, edges, inputs, conditions or names.
using Id = std::uint32_t;
inline constexpr Id no_id = ~Id{0};

/// Every text that repeats (ports, plugins, operations) once. Ids count from 0 in order of arrival; "" is 0.
class Names {
public:
    Names();
    Names(Names&&) = default;
    Names& operator=(Names&&) = default;
    Id intern(std::string_view text);
    /// no_id when it was never interned.
    Id find(std::string_view text) const noexcept;
    std::string_view operator[](Id id) const noexcept { return texts_[id]; }
    std::size_t size() const noexcept { return texts_.size(); }
    /// Makes room for so many texts at once.
    void reserve(std::size_t texts);

private:
    std::uint32_t hash(std::string_view text) const noexcept;
    void rehash(std::size_t places);

    Arena arena_;
    std::vector<std::string_view> texts_;
    std::vector<std::uint32_t> hashes_;
    std::vector<Id> places_;   // open addressing; no_id is free
    std::uint64_t seed_ = 0;   // of this object alone, so that nobody can choose texts that collide
};

/// The last five are in no file: expand() makes them.
enum class NodeKind : std::uint8_t { operation, instrument, branch, merge, join, delay, wait, workflow, loop, scope, gather, rounds, tries, elements };
/// The last two are in no file either: the next may begin when one has ended, whatever has become of it, or only when it has failed.
enum class EdgeKind : std::uint8_t { data, control, conditional, after_end, after_failure };
enum class OnError : std::uint8_t { fail, collect, skip };
enum class MergeMode : std::uint8_t { first, any, all, concat, named };

std::string_view name_of(NodeKind kind) noexcept;
constexpr bool calls_plugin(NodeKind kind) noexcept { return kind <= NodeKind::instrument; }
/// Whether the order of the values that lead into such a node has a meaning.
constexpr bool keeps_order(NodeKind kind) noexcept { return kind == NodeKind::merge; }
std::string_view name_of(MergeMode mode) noexcept;

struct InputDecl {
    std::string name;
    std::string description;
    Type type;
    Place place;
    bool required = true;
    std::optional<Value> otherwise;  // the default
    bool used = false;
};

struct OutputDecl {
    std::string name;
    std::string description;
    std::string file;
    std::optional<Type> type;
    Id node = no_id;
    Id port = 0;
    Id input = no_id;  // `from = "$inputs.x"`
    Place place;
};

struct Constant {
    Id port = 0;
    Place place;
    Bytes bytes;  // of its value; they live in Workflow::values
    ValueView value() const noexcept { return ValueView(bytes); }
};

/// Whether answers of a node's calls are kept for later calls that are the same. `if_pure`: when the manifest says that the operation is pure.
enum class CachePolicy : std::uint8_t { if_pure, always, within_run, never };
std::string_view name_of(CachePolicy policy) noexcept;

/// How a node is called, beside what it is called with. Only nodes that differ from the default have their own.
struct CallPolicy {
    std::uint64_t timeout_ns = 0;  // 0 = none
    std::uint64_t backoff_ns = 200'000'000;
    std::uint32_t retries_max = 0;
    std::uint32_t parallel_max = 0;  // 0 = as many as there are workers
    std::uint64_t ttl_ns = 0;        // how old a kept answer may be; 0 = any age
    CachePolicy cache = CachePolicy::if_pure;
    friend bool operator==(const CallPolicy&, const CallPolicy&) = default;

    /// Whether it says something about answers that are kept.
    bool caches() const noexcept { return cache != CachePolicy::if_pure || ttl_ns != 0; }
    /// Whether it says something else.
    bool calls() const noexcept {
        CallPolicy rest = *this;
        rest.cache = CachePolicy::if_pure;
        rest.ttl_ns = 0;
        return rest != CallPolicy{};
    }
};

/// How long a failed call waits for its next attempt: anywhere up to backoff x 2^n, exactly that, or always `backoff`.
enum class RetryKind : std::uint8_t { jitter, exponential, constant };
std::string_view name_of(RetryKind kind) noexcept;

/// `[limits.resources]`: so many of something that nodes use while they are called.
struct Resource {
    std::string name;
    std::uint32_t count = 0;
    Place place;
};
/// What one call of a node uses of a resource.
struct Use {
    Id resource = 0;  // its name
    std::uint32_t count = 0;
    friend bool operator==(const Use&, const Use&) = default;
};
inline constexpr std::int32_t priority_max = 1000;

/// What few nodes have.
struct NodeExtras {
    Id fallback = no_id;       // the node that stands in when this one fails
    Value fallback_outputs;    // or the outputs that it then has: a map, null for none
    Value otherwise;           // `default`: the outputs of the node when it is skipped; a map, null for none
    Id compensate = no_id;     // the node that undoes this one
    std::uint32_t quorum = 0;  // so many of those it waits for are enough, 0 = all are wanted
    RetryKind retry = RetryKind::jitter;
    bool finally = false;      // runs when everything else has ended
    std::uint64_t delay_ns = 0;  // of a delay
    Type expects;                // what a `wait` waits for
    Id file = 0;                 // of a sub-workflow or loop: name of the file that its body is in
    std::uint32_t body = no_id;  // index into Workflow::bodies
    std::uint32_t rounds_max = 0;
    std::uint32_t again = no_id; // condition: a loop goes on
    bool until = false;          // it is written as the opposite
    bool takes_bound = false;    // a loop that comes to `rounds_max` completes
    std::int32_t priority = 0;   // calls of nodes with a higher one are made first
    std::vector<Use> uses;       // by name
    std::uint32_t elements_max = 0;  // of a sub-workflow or loop with `each`: more elements make it fail
    // What expand() makes of sub-workflows and loops:
    std::uint32_t element = 0;   // of a scope: it has this one of the list, counted from 1
    std::uint32_t attempt = 0;   // of a scope: it begins this attempt, from 2
    bool part = false;           // of an end: of an element or an attempt, whose failure is for the node that it is a part of
};

struct Node {
    Id name = 0;
    Id plugin = 0;
    Id operation = 0;
    Id each = 0;         // port name, 0 = none
    Id description = 0;
    std::uint32_t policy = 0;          // index into Workflow::policies
    std::uint32_t extras = 0;          // index into Workflow::extras
    std::uint32_t constants_from = 0;  // range in Workflow::constants
    std::uint32_t constants_to = 0;
    Place place;
    NodeKind kind = NodeKind::operation;
    OnError on_error = OnError::fail;
    MergeMode mode = MergeMode::first;
};

struct Edge {
    Id from = no_id;   // node; no_id when it comes from a workflow input
    Id input = no_id;  // the workflow input then
    Id from_port = 0;  // 0 = none
    Id to = no_id;
    Id to_port = 0;
    std::uint32_t condition = no_id;  // index into Workflow::conditions
    EdgeKind kind = EdgeKind::data;
    Place place;

    bool carries() const noexcept { return to_port != 0; }
};

/// A plugin version that the workflow was made with: `[plugins]`.
struct PluginPin {
    std::string plugin;        // id or short name, as nodes write it
    std::string requirement;   // canonical text of `range`
    manifests::Range range;
    Place place;
};

/// `[limits.plugins.NAME]`.
struct PluginLimit {
    std::string plugin;  // id or short name
    std::uint32_t calls_max = 0;  // at a time; 0 = as many as there are threads
    std::optional<std::uint32_t> retries_max;
    Place place;
};

/// When a node runs, and what for.
enum class Role : std::uint8_t {
    main,
    standby,       // the fallback of a node
    compensation,  // undoes a node when the run has failed or was cancelled
    closing,       // `finally`
};

/// A workflow as read from its file, names resolved to numbers. Compiled (see `compile`) it has its adjacency and order.
struct Workflow {
    std::string file;
    std::string id;
    std::string name;
    std::string version;
    std::string description;
    std::uint64_t timeout_ns = 0;
    bool fail_fast = false;
    std::uint64_t grace_ns = 0;       // what cancelled calls, and then what closes the run, may take; 0 = the default
    std::optional<std::uint32_t> retries_max;  // of all nodes together
    std::vector<PluginLimit> plugin_limits;
    std::vector<Resource> resources;

    Names names;
    Value metadata;                   // a map, or null for none: kept and never read
    std::vector<PluginPin> plugins;
    std::vector<InputDecl> inputs;
    std::vector<OutputDecl> outputs;
    std::vector<Node> nodes;
    std::vector<Edge> edges;
    std::vector<Constant> constants;
    std::vector<Value> values;        // what constants look into: few, for many of them have one in common
    std::vector<CallPolicy> policies{CallPolicy{}};
    std::vector<NodeExtras> extras{NodeExtras{}};
    std::vector<Expression> conditions;
    std::vector<std::shared_ptr<const Workflow>> bodies;  // of sub-workflows and loops; each compiled
    std::vector<Id> scopes;           // of each node of an expanded workflow the node that has its inputs, or no_id; else empty
    std::vector<Id> guards;           // of each node of an expanded workflow the end that sees to its failure, or no_id; empty when there is none

    // Compressed adjacency: the edges of node n are [offsets[n], offsets[n + 1]) of the list beside it.
    std::vector<std::uint32_t> out_offsets;
    std::vector<Id> out_edges;  // edge ids
    std::vector<std::uint32_t> in_offsets;
    std::vector<Id> in_edges;   // edge ids in the order of the file
    std::vector<Id> order;      // topological; shorter than nodes when there is a cycle
    std::vector<std::uint32_t> levels;  // of each node: 0 without a predecessor, else one more than its deepest; no_id in and behind a cycle
    std::vector<Role> roles;    // of each node; empty when all are `main`
    std::vector<Id> stands_in;  // of each node whose fallback it is, else itself; empty with `roles`
    std::vector<Id> first_of;   // of each node the begin of its chain of fallbacks, mostly itself; empty with `roles`

    /// Keeps a value for a constant.
    Bytes own(Value value) {
        values.push_back(std::move(value));
        return values.back().bytes();
    }

    std::string_view node_name(Id node) const noexcept { return names[nodes[node].name]; }
    const CallPolicy& policy(Id node) const noexcept { return policies[nodes[node].policy]; }
    const NodeExtras& extras_of(Id node) const noexcept { return extras[nodes[node].extras]; }
    /// Of a sub-workflow or a loop; null while its file has not been read.
    const Workflow* body(Id node) const noexcept { return extras_of(node).body == no_id ? nullptr : bodies[extras_of(node).body].get(); }
    Role role(Id node) const noexcept { return roles.empty() ? Role::main : roles[node]; }
    /// Of a node of a sub-workflow whose failure is not the run's at once.
    Id guard(Id node) const noexcept { return guards.empty() ? no_id : guards[node]; }
};

/// What a body that stands in its node has for an id and a version.
inline constexpr std::string_view body_id = "body", body_version = "1.0.0";

/// The condition of a loop as it is written.
std::string_view loop_text(const Workflow& workflow, const NodeExtras& extras) noexcept;

/// The index of an equal policy among the latest, or of a new one.
std::uint32_t policy_index(Workflow& workflow, const CallPolicy& policy);

/// The node's own, made when it has none.
NodeExtras& own_extras(Workflow& workflow, Node& node);

/// Makes the adjacency, the roles and the order: Kahn 1962 with a first-in-first-out queue, so equal files have equal orders.
/// Levels come with it: nodes of one level never wait for each other.
void compile(Workflow& workflow);

} // namespace symphony::tracker
