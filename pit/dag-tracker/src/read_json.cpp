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

constexpr std::size_t depth_max = 48;

class Builder : public nlohmann::json_sax<nlohmann::json> {
public:
    Builder(std::string_view text, const char** seen, const Limits& limits, Findings& findings)
        : text_(text), seen_(seen), limits_(limits), findings_(findings) {}

    Doc take() { return std::move(root_); }

    bool null() override { return put({}); }
    bool boolean(bool value) override {
        Doc doc;
        doc.kind = Doc::Kind::boolean;
        doc.truth = value;
        return put(std::move(doc));
    }
    bool number_integer(number_integer_t value) override {
        Doc doc;
        doc.kind = Doc::Kind::integer;
        doc.integer = value;
        return put(std::move(doc));
    }
    bool number_unsigned(number_unsigned_t value) override {
        if (value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
            return number_integer(static_cast<std::int64_t>(value));
        }
        return number_float(static_cast<double>(value), {});
    }
    bool number_float(number_float_t value, const string_t&) override {
        Doc doc;
        doc.kind = Doc::Kind::number;
        doc.number = value;
        return put(std::move(doc));
    }
    bool string(string_t& value) override {
        Doc doc;
        doc.kind = Doc::Kind::text;
        doc.text = std::move(value);
        doc.place = string_place();
        return put(std::move(doc));
    }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(Doc::Kind::table); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Doc::Kind::list); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        Level& in = open_.back();
        key_ = std::move(name);
        key_place_ = string_place();
        if (!in.keys.insert(key_).second) {
            const bool id = open_.size() == 2 && (in.name == "nodes" || in.name == "inputs" || in.name == "outputs");
            findings_.error("duplicate-id", (id ? "a second " + in.name.substr(0, in.name.size() - 1) + " " : std::string("a second key ")) + shown(key_),
                            key_place_, id ? "ids are unique; rename one" : "remove one");
        }
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        std::string message = error.what();
        if (const auto at = message.find("syntax error"); at != std::string::npos) message.erase(0, at);
        findings_.error("bad-json", message, place_at(*seen_ > text_.data() ? *seen_ - 1 : *seen_),
                        "fix this first: what comes after it could not be read");
        return false;
    }

private:
    struct Level {
        Doc* doc;
        std::string name;
        std::unordered_set<std::string> keys;
    };

    bool open(Doc::Kind kind) {
        if (open_.size() >= depth_max) {
            findings_.error("too-deep", "more than " + std::to_string(depth_max) + " levels", place_at(*seen_));
            return false;
        }
        Doc doc;
        doc.kind = kind;
        std::string name = key_;
        Doc* put_at = place(std::move(doc));
        if (put_at == nullptr) return false;
        open_.push_back({put_at, std::move(name), {}});
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }
    bool put(Doc doc) { return place(std::move(doc)) != nullptr; }

    Doc* place(Doc doc) {
        if (doc.place.line == 0) doc.place = place_at(*seen_ > text_.data() ? *seen_ - 1 : *seen_);
        if (open_.empty()) {
            root_ = std::move(doc);
            return &root_;
        }
        Level& in = open_.back();
        const bool table = in.doc->kind == Doc::Kind::table;
        const Place where = table ? key_place_ : doc.place;
        in.doc->entries.push_back({table ? key_ : std::string(), where, std::move(doc)});
        if (open_.size() == 2) {
            const bool nodes = in.name == "nodes";
            const std::size_t max = nodes ? limits_.nodes_max : limits_.edges_max;
            if ((nodes || in.name == "edges") && in.doc->entries.size() > max) {
                report_too_many(findings_, nodes, max, where);
                return nullptr;
            }
        }
        return &in.doc->entries.back().value;
    }

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
    Doc root_;
    std::vector<Level> open_;
    std::string key_;
    Place key_place_;
    const char* counted_ = text_.data();
    std::uint32_t line_ = 1;
    std::uint32_t column_ = 1;
};

} // namespace

std::optional<Doc> read_json(std::string_view text, const Limits& limits, Findings& findings) {
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
