// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <iterator>
#include <limits>
#include <unordered_set>

namespace symphony::tracker {
namespace {

/// A character source that tells how far the reader has come; nlohmann keeps that to itself.
class Cursor {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;
    Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
    const char& operator*() const { return *at_; }
    Cursor& operator++() {
        ++at_;
        if (at_ > *seen_) *seen_ = at_;
        return *this;
    }
    Cursor operator++(int) { auto old = *this; ++*this; return old; }
    bool operator==(const Cursor& other) const { return at_ == other.at_; }
    bool operator!=(const Cursor& other) const { return at_ != other.at_; }

private:
    const char* at_;
    const char** seen_;
};

class Builder : public nlohmann::json_sax<nlohmann::json> {
public:
    Builder(std::string_view text, const char** seen, const Limits& limits, Findings& findings)
        : text_(text), seen_(seen), limits_(limits), findings_(findings), builder_(tree_, limits.items_max()) {}

    DocTree take() { return std::move(tree_); }

    bool null() override { return put({}); }
    bool boolean(bool value) override {
        Doc doc;
        doc.kind = Doc::Kind::boolean;
        doc.truth = value;
        return put(doc);
    }
    bool number_integer(number_integer_t value) override {
        Doc doc;
        doc.kind = Doc::Kind::integer;
        doc.integer = value;
        return put(doc);
    }
    bool number_unsigned(number_unsigned_t value) override {
        if (value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
            return number_integer(static_cast<std::int64_t>(value));
        }
        findings_.error("bad-value", "the integer " + std::to_string(value) + " does not fit 64 bits with a sign", here(), "write it as text, or as a number with a point");
        return number_integer(0);
    }
    bool number_float(number_float_t value, const string_t& digits) override {
        if (digits.find_first_of(".eE") == string_t::npos) {
            findings_.error("bad-value", "the integer " + shown(digits) + " does not fit 64 bits with a sign", here(), "write it as text, or as a number with a point");
            return number_integer(0);
        }
        Doc doc;
        doc.kind = Doc::Kind::number;
        doc.number = value;
        return put(doc);
    }
    bool string(string_t& value) override {
        Doc doc;
        doc.kind = Doc::Kind::text;
        doc.set_text(tree_.arena.copy(value));
        doc.place = string_place();
        return put(doc);
    }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(Doc::Kind::table); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Doc::Kind::list); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        Level& in = open_.back();
        key_ = tree_.arena.copy(name);
        key_place_ = string_place();
        if (!in.keys.insert(key_).second) {
            const bool id = open_.size() == 2 && (in.name == "nodes" || in.name == "inputs" || in.name == "outputs");
            findings_.error("duplicate-id", (id ? "a second " + std::string(in.name.substr(0, in.name.size() - 1)) + " " : std::string("a second key ")) + shown(key_),
                            key_place_, id ? "ids are unique; rename one" : "remove one");
        }
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        std::string message = error.what();
        if (const auto at = message.find("syntax error"); at != std::string::npos) message.erase(0, at);
        findings_.error("bad-json", message, here(), "fix this first: what comes after it could not be read");
        return false;
    }

private:
    struct Level {
        Doc doc;                // its entries come when it closes
        std::string_view name;  // the key it is under
        Place name_place;
        std::size_t opened = 0;
        std::size_t count = 0;
        std::unordered_set<std::string_view> keys;
    };

    bool open(Doc::Kind kind) {
        if (open_.size() >= document_depth_max) {
            findings_.error("too-deep", "more than " + std::to_string(document_depth_max) + " levels", place_at(*seen_));
            return false;
        }
        Level level;
        level.doc.kind = kind;
        level.doc.place = here();
        level.name = key_;
        level.name_place = key_place_;
        if (!one_more(level.doc.place)) return false;
        level.opened = builder_.open();
        open_.push_back(std::move(level));
        return true;
    }
    bool close() {
        const Level& level = open_.back();
        Doc doc = level.doc;
        const auto name = level.name;
        const Place name_place = level.name_place;
        doc.set_entries(builder_.close(level.opened));
        open_.pop_back();
        return place(doc, name, name_place);
    }
    bool put(Doc doc) {
        if (doc.place.line == 0) doc.place = here();
        return one_more(doc.place) && place(doc, key_, key_place_);
    }

    bool place(const Doc& doc, std::string_view name, Place name_place) {
        if (open_.empty()) {
            tree_.root = doc;
            return true;
        }
        const bool table = open_.back().doc.kind == Doc::Kind::table;
        if (builder_.add(DocEntry(table ? name : std::string_view(), table ? name_place : doc.place, doc))) return true;
        report_too_many_items(findings_, limits_.items_max(), doc.place);
        return false;
    }
    /// Counts what is about to be put into the innermost container.
    bool one_more(Place where) {
        if (open_.size() != 2) return true;
        Level& in = open_.back();
        const bool nodes = in.name == "nodes";
        if (!nodes && in.name != "edges") return true;
        const std::size_t max = nodes ? limits_.nodes_max : limits_.edges_max;
        if (++in.count <= max) return true;
        report_too_many(findings_, nodes, max, in.doc.kind == Doc::Kind::table ? key_place_ : where);
        return false;
    }

    Place here() { return place_at(*seen_ > text_.data() ? *seen_ - 1 : *seen_); }

    /// Where the string starts that ends where the reader stands.
    Place string_place() {
        const char* at = *seen_ - 1;
        while (at > text_.data()) {
            --at;
            if (*at != '"') continue;
            std::size_t slashes = 0;
            for (const char* p = at; p > text_.data() && p[-1] == '\\'; --p) ++slashes;
            if (slashes % 2 == 0) break;
        }
        return place_at(at);
    }
    /// Counted from the last place asked for, so that a file costs one pass. Back is only within a line: strings of JSON
    /// have no line ends.
    Place place_at(const char* to) {
        const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
        for (; counted_ > to; --counted_) {
            if (starts_character(counted_[-1]) && column_ > 1) --column_;
        }
        for (; counted_ < to; ++counted_) {
            if (*counted_ == '\n') {
                ++line_;
                column_ = 1;
            } else if (starts_character(*counted_)) {
                ++column_;
            }
        }
        return {line_, column_};
    }

    std::string_view text_;
    const char** seen_;
    const Limits& limits_;
    Findings& findings_;
    DocTree tree_;
    DocBuilder builder_;
    std::vector<Level> open_;
    std::string_view key_;
    Place key_place_;
    const char* counted_ = text_.data();
    std::uint32_t line_ = 1;
    std::uint32_t column_ = 1;
};

} // namespace

std::optional<DocTree> read_json(std::string_view text, const Limits& limits, Findings& findings) {
    const char* seen = text.data();
    Builder builder(text, &seen, limits, findings);
    try {
        const bool read = nlohmann::json::sax_parse(Cursor(text.data(), &seen), Cursor(text.data() + text.size(), &seen), &builder);
        if (read) return builder.take();
    } catch (const std::exception& error) {
        findings.error("bad-json", std::string("cannot be read: ") + error.what(), {});
    }
    return std::nullopt;
}

} // namespace symphony::tracker
