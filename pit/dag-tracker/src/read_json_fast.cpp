// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <simdjson.h>

namespace symphony::tracker {
namespace {

namespace ondemand = simdjson::ondemand;

/// Goes through the text once, without simdjson's own tree: of that the kernel's pages alone cost a third of the time. Everything is visited, so
/// everything is checked.
class Converter {
public:
    Converter(DocTree& tree, std::size_t items_max) : builder_(tree, items_max) {}

    // Recursive, document_depth_max deep.
    bool convert(ondemand::value from, Doc& doc, std::size_t depth, std::string_view under = {}) {
        ondemand::json_type type{};
        if (from.type().get(type) != simdjson::SUCCESS) return false;
        switch (type) {
        case ondemand::json_type::null: return nothing(from);
        case ondemand::json_type::boolean:
            doc.kind = Doc::Kind::boolean;
            return from.get_bool().get(doc.truth) == simdjson::SUCCESS;
        case ondemand::json_type::number: return number(from, doc);
        case ondemand::json_type::string:
            doc.kind = Doc::Kind::text;
            return string(from, doc);
        case ondemand::json_type::array: {
            ondemand::array array;
            return depth < document_depth_max && from.get_array().get(array) == simdjson::SUCCESS && list(array, doc, depth);
        }
        case ondemand::json_type::object: {
            ondemand::object object;
            return depth < document_depth_max && from.get_object().get(object) == simdjson::SUCCESS && table(object, doc, depth, under);
        }
        }
        return false;
    }
    bool table(ondemand::object& from, Doc& doc, std::size_t depth, std::string_view under) {
        doc.kind = Doc::Kind::table;
        const std::size_t opened = builder_.open();
        for (auto next : from) {
            ondemand::field field;
            std::string_view key;
            if (std::move(next).get(field) != simdjson::SUCCESS || field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
            DocEntry entry(key);
            if (!convert(field.value(), entry.value, depth + 1, key) || !builder_.add(entry)) return false;
        }
        doc.set_entries(builder_.close(opened));
        // The nodes' ids are compared when they get their numbers.
        return (depth == 1 && under == "nodes") || second_key(doc.entries()) == nullptr;
    }

private:
    bool list(ondemand::array& from, Doc& doc, std::size_t depth) {
        doc.kind = Doc::Kind::list;
        const std::size_t opened = builder_.open();
        for (auto next : from) {
            ondemand::value item;
            DocEntry entry;
            if (std::move(next).get(item) != simdjson::SUCCESS || !convert(item, entry.value, depth + 1) || !builder_.add(entry)) return false;
        }
        doc.set_entries(builder_.close(opened));
        return true;
    }
    /// "nul" and the like begin as nothing does.
    static bool nothing(ondemand::value& from) {
        bool is = false;
        return from.is_null().get(is) == simdjson::SUCCESS && is;
    }
    static bool string(ondemand::value& from, Doc& doc) {
        std::string_view text;
        if (from.get_string().get(text) != simdjson::SUCCESS) return false;
        doc.set_text(text);
        return true;
    }
    static bool number(ondemand::value& from, Doc& doc) {
        ondemand::number number;
        if (from.get_number().get(number) != simdjson::SUCCESS) return false;
        switch (number.get_number_type()) {
        case ondemand::number_type::signed_integer:
            doc.kind = Doc::Kind::integer;
            doc.integer = number.get_int64();
            return true;
        case ondemand::number_type::floating_point_number:
            doc.kind = Doc::Kind::number;
            doc.number = number.get_double();
            return true;
        default: return false;  // above what has a sign
        }
    }

    DocBuilder builder_;
};

/// What the texts of a document look into.
struct Kept {
    explicit Kept(std::string_view text) : padded(text) {}
    simdjson::padded_string padded;
    ondemand::parser parser;
};

} // namespace

std::optional<DocTree> read_json_fast(std::string_view text, const Limits& limits) {
    auto kept = std::make_shared<Kept>(text);
    ondemand::document document;
    ondemand::object root;
    if (kept->parser.iterate(kept->padded).get(document) != simdjson::SUCCESS || document.get_object().get(root) != simdjson::SUCCESS) return std::nullopt;
    DocTree tree;
    if (!Converter(tree, limits.items_max()).table(root, tree.root, 0, {})) return std::nullopt;
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return std::nullopt;  // something follows
    tree.keeps = std::move(kept);
    tree.ids_compared = false;
    return tree;
}

} // namespace symphony::tracker
