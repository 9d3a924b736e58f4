// SPDX-License-Identifier: Apache-2.0
#include "query.hpp"

#include "period.hpp"
#include "words.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace symphony::search {

namespace {

struct FieldName {
    std::string_view name;
    Field field;
    bool dated = false;
};
constexpr std::array field_names{FieldName{"text", Field::text}, FieldName{"name", Field::name},   FieldName{"tag", Field::tag},
                                 FieldName{"type", Field::type}, FieldName{"input", Field::input}, FieldName{"date", Field::any, true}};

bool blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool ends_word(char c) noexcept { return blank(c) || c == '(' || c == ')' || c == '"'; }

/// What one term says, before it is understood.
struct Term {
    std::size_t at = 0; ///< where it begins
    const FieldName* field = nullptr;
    std::string value;
    bool prefix = false;
};

/// Something understood, or nothing where all terms in it were without words.
using Part = std::optional<Node>;

Node invert(Node node) {
    if (node.kind == Node::Kind::inverted) return std::move(node.children.front());
    Node out;
    out.kind = Node::Kind::inverted;
    out.children.push_back(std::move(node));
    return out;
}

/// Puts the parts that are there together; one alone stays itself.
Part join(Node::Kind kind, std::vector<Part> parts) {
    Node out;
    out.kind = kind;
    for (Part& part : parts) {
        if (!part) continue;
        if (part->kind == kind) std::move(part->children.begin(), part->children.end(), std::back_inserter(out.children));
        else out.children.push_back(std::move(*part));
    }
    if (out.children.empty()) return {};
    if (out.children.size() == 1) return std::move(out.children.front());
    return out;
}

/// Recursive descent over the grammar of search/1, at most query_depth_max deep.
class Parser {
public:
    explicit Parser(std::string_view text) noexcept : text_(text) {}

    Result<Node> parse() {
        skip_blanks();
        if (done()) return Node{};
        Part part = SYMPHONY_TRY(parse_or(0));
        if (!done()) return bad("a parenthesis is closed that was not opened", at_);
        if (part) return std::move(*part);
        Node nothing;
        nothing.kind = Node::Kind::none;
        return nothing;
    }

private:
    bool done() const noexcept { return at_ == text_.size(); }
    bool here(char c) const noexcept { return at_ < text_.size() && text_[at_] == c; }
    void skip_blanks() noexcept {
        while (at_ < text_.size() && blank(text_[at_])) ++at_;
    }
    bool at_operator(std::string_view name) const noexcept {
        return text_.substr(at_).starts_with(name) && (at_ + name.size() == text_.size() || ends_word(text_[at_ + name.size()]));
    }
    bool take_operator(std::string_view name) noexcept {
        if (!at_operator(name)) return false;
        at_ += name.size();
        skip_blanks();
        return true;
    }
    Error bad(std::string what, std::size_t at) const {
        return {Code::invalid_argument, "bad-query", "query: " + std::move(what) + " (at byte " + std::to_string(at + 1) + ")",
                "plain words need no operators; put text with special characters between quotation marks"};
    }
    static Error too_large(std::string what) {
        return {Code::invalid_argument, "query-too-large", "query: " + std::move(what), "ask for less at a time"};
    }

    Result<Part> parse_or(std::size_t depth) {
        std::vector<Part> parts;
        do {
            parts.push_back(SYMPHONY_TRY(parse_and(depth)));
        } while (take_operator("OR"));
        return join(Node::Kind::either, std::move(parts));
    }

    Result<Part> parse_and(std::size_t depth) {
        std::vector<Part> parts;
        do {
            parts.push_back(SYMPHONY_TRY(parse_not(depth)));
        } while (take_operator("AND") || !(done() || here(')') || at_operator("OR")));
        return join(Node::Kind::both, std::move(parts));
    }

    Result<Part> parse_not(std::size_t depth) {
        bool inverted = false;
        while (true) {
            const bool minus = here('-') && at_ + 1 < text_.size() && !blank(text_[at_ + 1]) && text_[at_ + 1] != ')';
            if (minus) ++at_;
            else if (!take_operator("NOT")) break;
            inverted = !inverted;
            if (++depth > query_depth_max) return too_deep();
        }
        Part part = SYMPHONY_TRY(parse_item(depth));
        skip_blanks();
        if (inverted && part) return Part(invert(std::move(*part)));
        return part;
    }

    Result<Part> parse_item(std::size_t depth) {
        if (done() || here(')') || at_operator("AND") || at_operator("OR")) return bad("something to look for is missing", at_);
        if (!here('(')) return parse_term();
        const std::size_t opened = at_++;
        if (depth + 1 > query_depth_max) return too_deep();
        skip_blanks();
        Part part;
        if (!here(')')) part = SYMPHONY_TRY(parse_or(depth + 1));
        if (!here(')')) return bad("this parenthesis is not closed", opened);
        ++at_;
        return part;
    }
    static Error too_deep() { return too_large("parentheses and NOTs are more than " + std::to_string(query_depth_max) + " deep"); }

    Result<Part> parse_term() {
        if (++terms_ > query_terms_max) return too_large("more than " + std::to_string(query_terms_max) + " terms");
        Term term;
        term.at = at_;
        std::size_t letters = at_;
        while (letters < text_.size() && text_[letters] >= 'a' && text_[letters] <= 'z') ++letters;
        if (letters > at_ && letters < text_.size() && text_[letters] == ':') {
            const std::string_view name = text_.substr(at_, letters - at_);
            const auto* const found = std::find_if(field_names.begin(), field_names.end(), [&](const FieldName& f) { return f.name == name; });
            if (found == field_names.end()) return bad("there is no field \"" + std::string(name) + "\"", at_);
            term.field = found;
            at_ = letters + 1;
            if (done() || (ends_word(text_[at_]) && !here('"'))) return bad("the field needs a word or a string right behind it", term.at);
        }
        if (here('"')) {
            if (const Status read = read_string(term); !read) return read.error();
        } else {
            if (const Status read = read_word(term); !read) return read.error();
        }
        return understand(std::move(term));
    }

    Status read_string(Term& term) {
        const std::size_t opened = at_++;
        while (!here('"')) {
            if (here('\\') && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) ++at_;
            if (done()) return bad("this quotation mark is not closed", opened);
            term.value.push_back(text_[at_++]);
        }
        ++at_;
        term.prefix = here('*');
        if (term.prefix) ++at_;
        return {};
    }

    Status read_word(Term& term) {
        while (!done() && !ends_word(text_[at_])) {
            if (term.prefix) return bad("* may only stand at the end of a word", at_ - 1);
            if (here('*')) term.prefix = true;
            else term.value.push_back(text_[at_]);
            ++at_;
        }
        return {};
    }

    Result<Part> understand(Term term) {
        Node node;
        if (term.field != nullptr && term.field->dated) {
            const auto period = term.prefix ? std::nullopt : parse_period(term.value);
            if (!period) return bad("a date is written 2026, 2026-05, 2026-05-01 or as a span FROM..TO of these", term.at);
            node.kind = Node::Kind::dated;
            node.from_ms = period->from_ms;
            node.to_ms = period->to_ms;
            return Part(std::move(node));
        }
        node.field = term.field == nullptr ? Field::any : term.field->field;
        node.prefix = term.prefix;
        if (node.field == Field::tag || node.field == Field::type || node.field == Field::input) {
            if (term.value.empty()) return bad("the field needs a value", term.at);
            node.kind = Node::Kind::exact;
            node.value = std::move(term.value);
            return Part(std::move(node));
        }
        node.kind = Node::Kind::words;
        node.words = words_of(term.value);
        if (node.words.empty()) return Part();
        if (node.prefix && code_points(node.words.back()) < 2) return bad("a prefix needs at least 2 letters or digits", term.at);
        words_ += node.words.size();
        if (words_ > query_words_max) return too_large("more than " + std::to_string(query_words_max) + " words");
        return Part(std::move(node));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t terms_ = 0;
    std::size_t words_ = 0;
};

std::string_view field_prefix(Field field) noexcept {
    switch (field) {
    case Field::any: return "";
    case Field::text: return "text:";
    case Field::name: return "name:";
    case Field::tag: return "tag:";
    case Field::type: return "type:";
    case Field::input: return "input:";
    }
    return "";
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

void collect_words(const Node& node, std::vector<const Node*>& to) {
    if (node.kind == Node::Kind::words) to.push_back(&node);
    if (node.kind == Node::Kind::inverted) return;
    for (const Node& child : node.children) collect_words(child, to);
}

} // namespace

Result<Node> parse_query(std::string_view text) {
    if (text.size() > query_bytes_max) {
        return Error(Code::invalid_argument, "query-too-large",
                     "query: " + std::to_string(text.size()) + " bytes, the limit is " + std::to_string(query_bytes_max), "ask for less at a time");
    }
    return Parser(text).parse();
}

std::string to_text(const Node& node) {
    const auto list = [&node](std::string_view name) {
        std::string out = "(" + std::string(name);
        for (const Node& child : node.children) out += " " + to_text(child);
        return out + ")";
    };
    const auto quoted = [&node](const std::string& text) {
        return std::string(field_prefix(node.field)) + '"' + text + (node.prefix ? "\"*" : "\"");
    };
    switch (node.kind) {
    case Node::Kind::all: return "*";
    case Node::Kind::none: return "!";
    case Node::Kind::words: return quoted(joined(node.words));
    case Node::Kind::exact: return quoted(node.value);
    case Node::Kind::dated: return "date:[" + std::to_string(node.from_ms) + "," + (node.to_ms == UINT64_MAX ? "" : std::to_string(node.to_ms)) + ")";
    case Node::Kind::both: return list("and");
    case Node::Kind::either: return list("or");
    case Node::Kind::inverted: return list("not");
    }
    return {};
}

std::vector<const Node*> wanted_words(const Node& node) {
    std::vector<const Node*> found;
    collect_words(node, found);
    return found;
}

} // namespace symphony::search
