// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/inputs.hpp>

#include <map>
#include <string_view>

namespace json {

using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

/// A merged value: a map of nodes, or a part of one of the inputs, which outlive it.
struct Node {
    bool map = false;
    ValueView leaf;
    std::map<std::string_view, Node> members;
};

/// RFC 7396 when `null_deletes`; otherwise null is a value like others. Recursion is as deep as the value, at most 128.
void overlay(Node& to, ValueView from, bool null_deletes) {
    if (!from.is_map()) {
        to = Node{false, from, {}};
        return;
    }
    if (!to.map) to = Node{true, {}, {}};
    for (const auto [key, value] : from.entries()) {
        if (null_deletes && value.is_null()) to.members.erase(key);
        else overlay(to.members[key], value, null_deletes);
    }
}

void write(ValueBuilder& out, const Node& node) {
    if (!node.map) {
        out.value(node.leaf);
        return;
    }
    out.map(node.members.size());
    for (const auto& [key, member] : node.members) write(out.key(key), member);
    out.end();
}

} // namespace

Result<Value> merge(ValueView input) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("merge", input, {"values", "mode"}));
    const ValueView values = SYMPHONY_TRY(inputs.need("values", symphony::Kind::list));
    const std::string_view mode = SYMPHONY_TRY(inputs.text_or("mode", "deep"));
    if (mode != "deep" && mode != "patch") {
        return inputs.error("bad-choice", "input \"mode\" is " + Inputs::quoted(mode.substr(0, 40)) + ", not deep or patch");
    }
    Node merged{true, {}, {}};
    std::size_t index = 0;
    for (const ValueView value : values.items()) {
        if (!value.is_map()) return inputs.wrong_item("values", index, "map", value);
        // The first is what the patches are for; its own nulls stay.
        overlay(merged, value, mode == "patch" && index > 0);
        ++index;
    }
    ValueBuilder out;
    out.map(1).key("value");
    write(out, merged);
    return out.end().build();
}

} // namespace json
