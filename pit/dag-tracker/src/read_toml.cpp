// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <algorithm>
#include <sstream>

namespace symphony::tracker {
namespace {

Place place_of(const toml::source_region& region) noexcept { return {region.begin.line, region.begin.column}; }

/// Dates and times have no kind of their own: they become text as RFC 3339 writes it.
template <class Written>
std::string printed(const Written& value) {
    std::ostringstream out;
    out << value;
    return std::move(out).str();
}

class Converter {
public:
    explicit Converter(std::size_t items_max) : builder_(tree_, items_max) {}

    /// @return Nothing when there are too many items.
    std::optional<DocTree> run(const toml::table& table) {
        tree_.root = convert_table(table, {.root = true});
        if (full_) return std::nullopt;
        return std::move(tree_);
    }

private:
    /// What the table is that is converted.
    struct Under {
        bool root = false;
        bool ids = false;  // its keys are ids, which mark_duplicates() may have marked
    };

    Doc convert_table(const toml::table& table, Under under) {
        Doc doc;
        doc.kind = Doc::Kind::table;
        doc.place = place_of(table.source());
        const std::size_t opened = builder_.open();
        for (const auto& [key, value] : table) {
            // Only ids were marked; a key of a constant may well begin like a mark.
            const auto name = under.ids ? without_mark(key.str()) : key.str();
            const bool ids = under.root && (name == "nodes" || name == "inputs" || name == "outputs");
            add(DocEntry(tree_.arena.copy(name), place_of(key.source()), convert(value, {.ids = ids})));
        }
        auto& entries = builder_.waiting();
        std::stable_sort(entries.begin() + static_cast<std::ptrdiff_t>(opened), entries.end(), [](const DocEntry& a, const DocEntry& b) {
            return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
        });
        doc.set_entries(builder_.close(opened));
        return doc;
    }

    // Recursive: toml++ stops at TOML_MAX_NESTED_VALUES containers, toml_guard at seventeen parts of a key.
    Doc convert(const toml::node& node, Under under) {
        if (const auto* table = node.as_table()) return convert_table(*table, under);
        Doc doc;
        doc.place = place_of(node.source());
        if (const auto* list = node.as_array()) {
            doc.kind = Doc::Kind::list;
            const std::size_t opened = builder_.open();
            for (const auto& item : *list) add(DocEntry({}, place_of(item.source()), convert(item, {})));
            doc.set_entries(builder_.close(opened));
        } else if (const auto* text = node.as_string()) {
            doc.kind = Doc::Kind::text;
            doc.set_text(tree_.arena.copy(text->get()));
        } else if (const auto* integer = node.as_integer()) {
            doc.kind = Doc::Kind::integer;
            doc.integer = integer->get();
        } else if (const auto* number = node.as_floating_point()) {
            doc.kind = Doc::Kind::number;
            doc.number = number->get();
        } else if (const auto* truth = node.as_boolean()) {
            doc.kind = Doc::Kind::boolean;
            doc.truth = truth->get();
        } else {
            doc.kind = Doc::Kind::text;
            if (const auto* date = node.as_date()) doc.set_text(tree_.arena.copy(printed(date->get())));
            if (const auto* time = node.as_time()) doc.set_text(tree_.arena.copy(printed(time->get())));
            if (const auto* moment = node.as_date_time()) doc.set_text(tree_.arena.copy(printed(moment->get())));
        }
        return doc;
    }

    void add(const DocEntry& entry) {
        if (!builder_.add(entry)) full_ = true;
    }

    DocTree tree_;
    DocBuilder builder_;
    bool full_ = false;
};

} // namespace

std::optional<DocTree> read_toml(std::string_view text, const Limits& limits, Findings& findings) {
    if (auto trouble = manifests::toml_trouble(text, findings.file(), limits.file_bytes_max)) {
        findings.add(std::move(*trouble));
        return std::nullopt;
    }
    const auto marked = mark_duplicates(text, limits, findings);
    if (!marked) return std::nullopt;
    try {
        auto tree = Converter(limits.items_max()).run(toml::parse(std::string_view(*marked)));
        if (!tree) report_too_many_items(findings, limits.items_max(), {});
        return tree;
    } catch (const toml::parse_error& error) {
        std::string message(error.description());
        if (!message.empty() && message.back() == '.') message.pop_back();
        findings.error("bad-toml", std::move(message), place_of(error.source()), "fix this first: what comes after it could not be read");
    } catch (const std::exception& error) {
        findings.error("bad-toml", std::string("cannot be read: ") + error.what(), {});
    }
    return std::nullopt;
}

} // namespace symphony::tracker
