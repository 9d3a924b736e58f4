// SPDX-License-Identifier: Apache-2.0
#include "plain_query.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace symphony::store {

struct PlainQuery::Node {
    enum class Kind : std::uint8_t { any_of, all_of, not_of, words, name_words, tag, type, input, date, nothing };
    Kind kind = Kind::nothing;
    std::vector<std::shared_ptr<const Node>> parts;
    std::vector<std::string> words; ///< lower case
    std::string value;              ///< of tag, type and input
    bool prefix = false;
    std::uint64_t from_ms = 0, to_ms = 0; ///< [from, to)
};

namespace {

using Node = PlainQuery::Node;
using NodePtr = std::shared_ptr<const Node>;

constexpr std::size_t query_bytes_max = 4096, terms_max = 64, depth_max = 32;

bool is_word_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text) {
        if (is_word_byte(c)) {
            word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        } else if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

/// The words of the query one after the other in those of the text; the last one may be the beginning of a word.
bool has_run(const std::vector<std::string>& text, const std::vector<std::string>& run, bool prefix) {
    if (run.empty()) return false;
    for (std::size_t at = 0; at + run.size() <= text.size(); ++at) {
        bool same = true;
        for (std::size_t i = 0; same && i < run.size(); ++i) {
            const bool last = prefix && i + 1 == run.size();
            same = last ? text[at + i].starts_with(run[i]) : text[at + i] == run[i];
        }
        if (same) return true;
    }
    return false;
}

/// 2026, 2026-05 or 2026-05-01, to the time it covers.
struct Span {
    std::uint64_t from_ms = 0, to_ms = 0;
};
std::optional<Span> span_of(std::string_view text) {
    std::array<int, 3> parts{0, 1, 1};
    std::size_t count = 0;
    for (std::size_t at = 0; count < 3; ++count) {
        const std::size_t digits = count == 0 ? 4 : 2;
        if (text.size() < at + digits) return std::nullopt;
        int number = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            const char c = text[at + i];
            if (c < '0' || c > '9') return std::nullopt;
            number = number * 10 + (c - '0');
        }
        parts[count] = number;
        at += digits;
        if (at == text.size()) {
            ++count;
            break;
        }
        if (text[at] != '-') return std::nullopt;
        if (++at == text.size() || count == 2) return std::nullopt;
    }
    namespace ch = std::chrono;
    const ch::year_month_day from{ch::year(parts[0]), ch::month(static_cast<unsigned>(parts[1])), ch::day(static_cast<unsigned>(parts[2]))};
    if (!from.ok() || parts[0] < 1970) return std::nullopt;
    ch::sys_days to = from;
    if (count == 1) to = ch::sys_days(from + ch::years(1));
    else if (count == 2) to = ch::sys_days(from + ch::months(1));
    else to += ch::days(1);
    const auto ms = [](ch::sys_days day) { return static_cast<std::uint64_t>(ch::duration_cast<ch::milliseconds>(day.time_since_epoch()).count()); };
    return Span{ms(from), ms(to)};
}

/// Recursive descent over the grammar of search/1; the depth is bounded.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<NodePtr> run() {
        skip_blanks();
        if (done()) return NodePtr();
        NodePtr root = SYMPHONY_TRY(any_of(0));
        if (!done()) return bad(text_[at_] == ')' ? "a parenthesis closes that none has opened" : "something stands behind the query's end");
        return root;
    }

private:
    bool done() const { return at_ >= text_.size(); }
    void skip_blanks() {
        while (!done() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    Error bad(const std::string& why) const {
        return {Code::invalid_argument, "bad-query", "the query cannot be read at byte " + std::to_string(at_ + 1) + ": " + why};
    }
    bool take_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        const std::size_t end = at_ + word.size();
        if (end < text_.size() && text_[end] != ' ' && text_[end] != '(' && text_[end] != '"' && text_[end] != ')') return false;
        at_ = end;
        skip_blanks();
        return true;
    }
    static NodePtr group(Node::Kind kind, std::vector<NodePtr> parts) {
        if (parts.size() == 1) return parts.front();
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->parts = std::move(parts);
        return node;
    }

    Result<NodePtr> any_of(std::size_t depth) {
        if (depth > depth_max) return Error(Code::invalid_argument, "query-too-large", "parentheses and NOTs are more than 32 deep");
        std::vector<NodePtr> parts{SYMPHONY_TRY(all_of(depth))};
        while (!done() && take_word("OR")) parts.push_back(SYMPHONY_TRY(all_of(depth)));
        return group(Node::Kind::any_of, std::move(parts));
    }
    Result<NodePtr> all_of(std::size_t depth) {
        std::vector<NodePtr> parts;
        for (;;) {
            parts.push_back(SYMPHONY_TRY(negated(depth)));
            skip_blanks();
            if (done() || text_[at_] == ')') break;
            if (take_word("AND")) continue;
            const std::size_t before = at_;
            if (take_word("OR")) {
                at_ = before;
                break;
            }
        }
        return group(Node::Kind::all_of, std::move(parts));
    }
    Result<NodePtr> negated(std::size_t depth) {
        if (depth > depth_max) return Error(Code::invalid_argument, "query-too-large", "parentheses and NOTs are more than 32 deep");
        const bool minus = !done() && text_[at_] == '-';
        if (minus) ++at_;
        if (!minus && !take_word("NOT")) return item(depth);
        auto node = std::make_shared<Node>();
        node->kind = Node::Kind::not_of;
        node->parts.push_back(SYMPHONY_TRY(negated(depth + 1)));
        return NodePtr(std::move(node));
    }
    Result<NodePtr> item(std::size_t depth) {
        if (done()) return bad("a word is missing at the end");
        if (text_[at_] != '(') return term();
        ++at_;
        skip_blanks();
        if (!done() && text_[at_] == ')') {
            ++at_;
            return NodePtr(std::make_shared<Node>());
        }
        NodePtr inner = SYMPHONY_TRY(any_of(depth + 1));
        skip_blanks();
        if (done() || text_[at_] != ')') return bad("a parenthesis is not closed");
        ++at_;
        return inner;
    }
    Result<NodePtr> term() {
        if (++terms_ > terms_max) return Error(Code::invalid_argument, "query-too-large", "the query has more than 64 terms");
        std::string field;
        std::size_t end = at_;
        while (end < text_.size() && text_[end] >= 'a' && text_[end] <= 'z') ++end;
        if (end > at_ && end < text_.size() && text_[end] == ':') {
            field = text_.substr(at_, end - at_);
            constexpr std::array<std::string_view, 6> known{"text", "name", "tag", "type", "input", "date"};
            if (std::find(known.begin(), known.end(), field) == known.end()) return bad("there is no field \"" + field + "\"");
            at_ = end + 1;
            if (done()) return bad("a word is missing behind \"" + field + ":\"");
        }
        bool prefix = false;
        const std::string value = SYMPHONY_TRY(word_or_string(prefix));
        return node_of(field, value, prefix);
    }
    Result<std::string> word_or_string(bool& prefix) {
        std::string value;
        if (text_[at_] == '"') {
            for (++at_; !done() && text_[at_] != '"'; ++at_) {
                if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
                value += text_[at_];
            }
            if (done()) return bad("a quotation mark is not closed");
            ++at_;
        } else {
            while (!done() && text_[at_] != ' ' && text_[at_] != '(' && text_[at_] != ')' && text_[at_] != '"' && text_[at_] != '*' && text_[at_] != '\t' &&
                   text_[at_] != '\n' && text_[at_] != '\r') {
                value += text_[at_++];
            }
        }
        if (!done() && text_[at_] == '*') {
            prefix = true;
            ++at_;
        }
        if (value.empty()) return bad("a word is missing");
        return value;
    }
    Result<NodePtr> node_of(const std::string& field, const std::string& value, bool prefix) const {
        auto node = std::make_shared<Node>();
        node->prefix = prefix;
        if (field.empty() || field == "name") {
            node->kind = field.empty() ? Node::Kind::words : Node::Kind::name_words;
            node->words = words_of(value);
            node->value = value;
        } else if (field == "date") {
            const std::size_t dots = value.find("..");
            const auto from = dots == 0 ? Span{} : span_of(std::string_view(value).substr(0, dots)).value_or(Span{1, 0});
            const std::string_view behind = dots == std::string::npos ? std::string_view() : std::string_view(value).substr(dots + 2);
            const auto to = dots == std::string::npos ? from : behind.empty() ? Span{0, ~std::uint64_t{0}} : span_of(behind).value_or(Span{1, 0});
            if ((from.from_ms == 1 && from.to_ms == 0) || (to.from_ms == 1 && to.to_ms == 0)) return bad("\"" + value + "\" is no date such as 2026, 2026-05 or 2026-05-01..");
            node->kind = Node::Kind::date;
            node->from_ms = from.from_ms;
            node->to_ms = to.to_ms;
        } else if (field != "text") {
            node->kind = field == "tag" ? Node::Kind::tag : field == "type" ? Node::Kind::type : Node::Kind::input;
            node->value = value;
        }
        return NodePtr(std::move(node));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t terms_ = 0;
};

bool is_value(std::string_view value, const Node& node) { return node.prefix ? value.starts_with(node.value) : value == node.value; }

bool matches_node(const Node& node, const PlainDocument& document) {
    const auto part = [&](const NodePtr& one) { return matches_node(*one, document); };
    switch (node.kind) {
    case Node::Kind::any_of: return std::any_of(node.parts.begin(), node.parts.end(), part);
    case Node::Kind::all_of: return std::all_of(node.parts.begin(), node.parts.end(), part);
    case Node::Kind::not_of: return !part(node.parts.front());
    case Node::Kind::words:
        // Beyond search/1: without an index, a word may also be a tag or the beginning of an id.
        if (has_run(words_of(document.name), node.words, node.prefix)) return true;
        if (node.value.size() >= 4 && document.id.starts_with(node.value)) return true;
        return std::any_of(document.tags.begin(), document.tags.end(), [&](const std::string& tag) { return has_run(words_of(tag), node.words, node.prefix); });
    case Node::Kind::name_words: return has_run(words_of(document.name), node.words, node.prefix);
    case Node::Kind::tag: return std::any_of(document.tags.begin(), document.tags.end(), [&](const std::string& tag) { return is_value(tag, node); });
    case Node::Kind::type: return is_value(document.media_type, node);
    case Node::Kind::input: return std::any_of(document.inputs.begin(), document.inputs.end(), [&](const std::string& id) { return is_value(id, node); });
    case Node::Kind::date: return document.date_ms >= node.from_ms && document.date_ms < node.to_ms;
    case Node::Kind::nothing: return false;
    }
    return false;
}

} // namespace

Result<PlainQuery> PlainQuery::parse(std::string_view text) {
    if (text.size() > query_bytes_max) return Error(Code::invalid_argument, "query-too-large", "the query has more than 4096 bytes");
    if (!is_valid_utf8(text)) return Error(Code::invalid_argument, "bad-query", "the query is no UTF-8");
    return PlainQuery(SYMPHONY_TRY(Parser(text).run()));
}

bool PlainQuery::matches(const PlainDocument& document) const { return root_ == nullptr || matches_node(*root_, document); }

} // namespace symphony::store
