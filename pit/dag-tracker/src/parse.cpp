// SPDX-License-Identifier: Apache-2.0
#include "parser.hpp"

#include "expand.hpp"
#include "parse.hpp"
#include "parse_extras.hpp"

#include <array>

namespace symphony::tracker {

std::optional<Workflow> Parser::run() {
    if (root_.kind != Doc::Kind::table) {
        findings_.error("wrong-kind", "the file is " + std::string(root_.kind_name()) + ", not a table", root_.place);
        return std::nullopt;
    }
    made_.file = findings_.file();
    if (depth_ == 0) {
        constexpr std::array<std::string_view, 8> keys{"workflow", "plugins", "metadata", "limits", "inputs", "outputs", "nodes", "edges"};
        check_keys(root_, keys, {"the file"});
        header();
        plugins();
        metadata();
        if (const Doc* limits = section("limits"); limits != nullptr) parse_limits(*this, made_, *limits);
    } else {
        constexpr std::array<std::string_view, 4> keys{"inputs", "outputs", "nodes", "edges"};
        check_keys(root_, keys, {"a body"});
        made_.id = body_id;
        made_.version = body_version;
    }
    declare_inputs();
    declare_nodes();
    if (too_many_) return std::nullopt;
    for (std::size_t i = 0; i < node_docs_.size() && !too_many_; ++i) node_body(static_cast<Id>(i), *node_docs_[i]);
    if (!too_many_) edges();
    if (too_many_) return std::nullopt;
    outputs();
    share_constants();
    return std::move(made_);
}

std::optional<Workflow> parse_document(const DocTree& document, const Limits& limits, Findings& findings) {
    return Parser(document, document.root, limits, findings, 0).run();
}

} // namespace symphony::tracker
