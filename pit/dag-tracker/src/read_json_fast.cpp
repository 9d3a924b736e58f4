// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <simdjson.h>

namespace symphony::tracker {
namespace {

namespace dom = simdjson::dom;

class Converter {
public:
    Converter(DocTree& tree, std::size_t items_max) : builder_(tree, items_max) {}

    // Recursive: simdjson was told to stop at document_depth_max.
    bool convert(dom::element from, Doc& doc, std::size_t depth = 0, std::string_view under = {}) {
        switch (from.type()) {
        case dom::element_type::NULL_VALUE: return true;
        case dom::element_type::BOOL:
            doc.kind = Doc::Kind::boolean;
            doc.truth = from.get_bool().value_unsafe();
            return true;
        case dom::element_type::INT64:
            doc.kind = Doc::Kind::integer;
            doc.integer = from.get_int64().value_unsafe();
            return true;
        case dom::element_type::UINT64: return false;
        case dom::element_type::DOUBLE:
            doc.kind = Doc::Kind::number;
            doc.number = from.get_double().value_unsafe();
            return true;
        case dom::element_type::STRING:
            doc.kind = Doc::Kind::text;
            doc.text = from.get_string().value_unsafe();
            return true;
        case dom::element_type::ARRAY: return list(from.get_array().value_unsafe(), doc, depth);
        case dom::element_type::OBJECT: return table(from.get_object().value_unsafe(), doc, depth, under);
        }
        return false;
    }

private:
    bool list(dom::array from, Doc& doc, std::size_t depth) {
        doc.kind = Doc::Kind::list;
        const std::size_t opened = builder_.open();
        for (const dom::element item : from) {
            DocEntry entry;
            if (!convert(item, entry.value, depth + 1) || !builder_.add(entry)) return false;
        }
        doc.entries = builder_.close(opened);
        return true;
    }
    bool table(dom::object from, Doc& doc, std::size_t depth, std::string_view under) {
        doc.kind = Doc::Kind::table;
        const std::size_t opened = builder_.open();
        for (const auto field : from) {
            DocEntry entry(field.key);
            if (!convert(field.value, entry.value, depth + 1, entry.key) || !builder_.add(entry)) return false;
        }
        doc.entries = builder_.close(opened);
        // The nodes' ids are compared when they get their numbers.
        return (depth == 1 && under == "nodes") || second_key(doc.entries) == nullptr;
    }

    DocBuilder builder_;
};

} // namespace

std::optional<DocTree> read_json_fast(std::string_view text, const Limits& limits) {
    auto parser = std::make_shared<dom::parser>();
    if (parser->allocate(text.size() + 1, document_depth_max) != simdjson::SUCCESS) return std::nullopt;
    dom::element root;
    if (parser->parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
    DocTree tree;
    if (!Converter(tree, limits.items_max()).convert(root, tree.root)) return std::nullopt;
    tree.keeps = std::move(parser);
    tree.ids_compared = false;
    return tree;
}

} // namespace symphony::tracker
