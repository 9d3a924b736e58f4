// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The same workflow as plain structs of texts, as one would write it for a serialisation library.
namespace symphony::bench::plain {

struct Param {
    std::string key;
    double number = 0;
    std::string text;  // when not empty, it counts
    bool operator==(const Param&) const = default;
};
struct Input {
    std::string port, from;
    bool operator==(const Input&) const = default;
};
struct Node {
    std::string id, type, plugin, operation, description;
    std::vector<Input> inputs;
    std::vector<Param> with;
    bool operator==(const Node&) const = default;
};
struct Workflow {
    std::string id, name, version;
    std::vector<Node> nodes;
    bool operator==(const Workflow&) const = default;
};

} // namespace symphony::bench::plain
