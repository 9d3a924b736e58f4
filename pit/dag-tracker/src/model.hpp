// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "expression.hpp"
#include "report.hpp"

#include <symphony/manifests/types.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
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
    Names() { intern(""); }
    Names(Names&&) = default;
    Names& operator=(Names&&) = default;
    Id intern(std::string_view text);
    /// no_id when it was never interned.
    Id find(std::string_view text) const noexcept;
    std::string_view operator[](Id id) const noexcept { return texts_[id]; }
    std::size_t size() const noexcept { return texts_.size(); }

private:
    std::deque<std::string> texts_;  // a deque: the map's keys look into it
    std::unordered_map<std::string_view, Id> ids_;
};

enum class NodeKind : std::uint8_t { operation, instrument, branch, merge };
enum class EdgeKind : std::uint8_t { data, control, conditional };
enum class OnError : std::uint8_t { fail, collect, skip };
enum class MergeMode : std::uint8_t { first, any, all, concat, named };

std::string_view name_of(NodeKind kind) noexcept;
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
    Value value;
    Place place;
};

/// How a node is called, beside what it is called with. Only nodes that differ from the default have their own.
struct CallPolicy {
    std::uint64_t timeout_ns = 0;  // 0 = none
    std::uint64_t backoff_ns = 200'000'000;
    std::uint32_t retries_max = 0;
    std::uint32_t parallel_max = 0;  // 0 = as many as there are workers
    friend bool operator==(const CallPolicy&, const CallPolicy&) = default;
};

struct Node {
    Id name = 0;
    Id plugin = 0;
    Id operation = 0;
    Id each = 0;         // port name, 0 = none
    Id description = 0;
    std::uint32_t policy = 0;          // index into Workflow::policies
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

/// A workflow as read from its file, names resolved to numbers. Compiled (see `compile`) it has its adjacency and order.
struct Workflow {
    std::string file;
    std::string id;
    std::string name;
    std::string version;
    std::string description;
    std::uint64_t timeout_ns = 0;
    bool fail_fast = false;

    Names names;
    std::vector<InputDecl> inputs;
    std::vector<OutputDecl> outputs;
    std::vector<Node> nodes;
    std::vector<Edge> edges;
    std::vector<Constant> constants;
    std::vector<CallPolicy> policies{CallPolicy{}};
    std::vector<Expression> conditions;

    // Compressed adjacency: the edges of node n are [offsets[n], offsets[n + 1]) of the list beside it.
    std::vector<std::uint32_t> out_offsets;
    std::vector<Id> out_edges;  // edge ids
    std::vector<std::uint32_t> in_offsets;
    std::vector<Id> in_edges;   // edge ids in the order of the file
    std::vector<Id> order;      // topological; shorter than nodes when there is a cycle

    std::string_view node_name(Id node) const noexcept { return names[nodes[node].name]; }
    const CallPolicy& policy(Id node) const noexcept { return policies[nodes[node].policy]; }
};

/// Makes the adjacency and the order: Kahn 1962 with a first-in-first-out queue, so equal files have equal orders.
void compile(Workflow& workflow);

} // namespace symphony::tracker
