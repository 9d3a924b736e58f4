// SPDX-License-Identifier: Apache-2.0
#include "skeleton.hpp"

#include <array>

namespace symphony::tracker {
namespace {

using Shape = Skeleton::Shape;
using Line = Skeleton::Line;

bool in_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(std::string_view text, std::string_view word) noexcept {
    if (text.size() != word.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((text[i] | 0x20) != word[i]) return false;
    }
    return true;
}

/// The language of Graphviz: https://graphviz.org/doc/info/lang.html.
class Reader {
public:
    Reader(std::string_view text, Skeleton& skeleton, Findings& findings) : text_(text), skeleton_(skeleton), findings_(findings) {}

    bool run() {
        next();
        if (is_word(token_, "strict")) next();
        if (is_word(token_, "graph")) return bad("the lines of an undirected graph say no order", "digraph { a -> b }");
        if (!is_word(token_, "digraph")) return bad("expected \"digraph\"");
        next();
        if (kind_ == Kind::id) {
            skeleton_.set_name(token_);
            next();
        }
        if (!is("{")) return bad("expected \"{\"");
        next();
        std::vector<std::size_t> inside;
        while (!is("}")) {
            if (kind_ == Kind::end) return bad("expected \"}\"");
            if (failed_ || !statement(inside, 0)) return false;
            if (skeleton_.too_many()) return true;  // workflow() says so
            inside.clear();
        }
        next();
        return kind_ == Kind::end ? !failed_ : bad("something follows the graph");
    }

private:
    enum class Kind : std::uint8_t { end, id, sign };
    static constexpr std::size_t depth_max = 32;

    bool bad(const std::string& what, std::string hint = "nodes and edges of a directed graph are read: a -> b [label=\"text\"];") {
        if (!failed_) findings_.error("bad-dot", what + (kind_ == Kind::end ? ", found the end" : ", found " + shown(token_)), place_, std::move(hint));
        failed_ = true;
        return false;
    }
    bool is(std::string_view sign) const noexcept { return kind_ == Kind::sign && token_ == sign; }
    bool eat(std::string_view sign) {
        if (!is(sign)) return false;
        next();
        return true;
    }

    void step() {
        if (text_[at_] == '\n') {
            ++line_;
            line_start_ = at_ + 1;
        }
        ++at_;
    }
    bool starts(std::string_view with) const noexcept { return text_.substr(at_).starts_with(with); }
    void skip() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
                step();
            } else if (starts("//") || (c == '#' && at_ == line_start_)) {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else if (starts("/*")) {
                const auto end = text_.find("*/", at_ + 2);
                const std::size_t to = end == std::string_view::npos ? text_.size() : end + 2;
                while (at_ < to) step();
            } else {
                return;
            }
        }
    }

    void next() {
        skip();
        place_ = {line_, static_cast<std::uint32_t>(at_ - line_start_ + 1)};
        token_.clear();
        quoted_ = false;
        kind_ = Kind::end;
        if (at_ >= text_.size()) return;
        const char c = text_[at_];
        kind_ = Kind::id;
        if (c == '"') return quoted();
        if (c == '<') return html();
        if (in_word(c) || (c == '-' && at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9')) {
            do token_ += text_[at_++];
            while (at_ < text_.size() && in_word(text_[at_]));
            return;
        }
        kind_ = Kind::sign;
        token_ = starts("->") ? "->" : starts("--") ? "--" : std::string(1, c);
        for (std::size_t i = token_.size(); i > 0; --i) step();
    }
    void quoted() {
        quoted_ = true;
        for (step(); at_ < text_.size() && text_[at_] != '"'; step()) {
            if (text_[at_] != '\\' || at_ + 1 >= text_.size()) {
                token_ += text_[at_];
                continue;
            }
            step();
            const char c = text_[at_];
            if (c == 'n' || c == 'l' || c == 'r') token_ += '\n';
            else if (c == '"' || c == '\\') token_ += c;
            else if (c != '\n') token_.append("\\").append(1, c);
        }
        if (at_ < text_.size()) step();
        else bad("a text without its closing quote");
    }
    void html() {
        quoted_ = true;
        std::size_t level = 0;
        do {
            const char c = text_[at_];
            if (c == '<') ++level;
            else if (c == '>') --level;
            else if (level == 1) token_ += c;
            step();
        } while (at_ < text_.size() && level > 0);
        if (level > 0) bad("a text without its closing >");
    }

    using Attributes = std::vector<std::pair<std::string, std::string>>;

    bool attributes(Attributes& to) {
        while (eat("[")) {
            while (!is("]")) {
                if (kind_ != Kind::id) return bad("expected an attribute");
                std::string name = token_;
                next();
                std::string value = "true";
                if (eat("=")) {
                    if (kind_ != Kind::id) return bad("expected a value");
                    value = token_;
                    next();
                }
                to.emplace_back(std::move(name), std::move(value));
                if (!eat(",")) eat(";");
            }
            next();
        }
        return !failed_;
    }

    // Recursive with subgraphs, depth_max deep.
    bool statement(std::vector<std::size_t>& nodes, std::size_t depth) {
        if (eat(";") || eat(",")) return true;
        const Place where = place_;
        if (kind_ == Kind::id && !quoted_ && (is_word(token_, "node") || is_word(token_, "edge") || is_word(token_, "graph"))) {
            const std::string what = token_;
            next();
            Attributes defaults;
            if (!attributes(defaults)) return false;
            if (!defaults.empty()) skeleton_.left_out("what is said of every " + what, where);
            return true;
        }
        std::vector<std::size_t> from;
        bool single = false;
        if (!operand(from, single, depth)) return false;
        if (from.empty() && single) return true;  // name = value
        nodes.insert(nodes.end(), from.begin(), from.end());
        std::vector<std::pair<std::size_t, std::size_t>> edges;
        const bool node_alone = !is("->") && single;
        while (is("->") || is("--")) {
            if (is("--")) return bad("the lines of an undirected graph say no order");
            next();
            std::vector<std::size_t> to;
            if (!operand(to, single, depth)) return false;
            for (const auto a : from) {
                for (const auto b : to) {
                    edges.emplace_back(a, b);
                    if (edges.size() > edges_max) return bad("more than " + std::to_string(edges_max) + " edges in one line");
                }
            }
            nodes.insert(nodes.end(), to.begin(), to.end());
            from = std::move(to);
        }
        Attributes given;
        if (!attributes(given)) return false;
        if (node_alone) describe(from[0], given, where);
        else draw(edges, given, where);
        return true;
    }

    bool operand(std::vector<std::size_t>& nodes, bool& single, std::size_t depth) {
        single = false;
        const Place where = place_;
        const bool named = kind_ == Kind::id && !quoted_ && is_word(token_, "subgraph");
        if (named) {
            next();
            if (kind_ == Kind::id) next();
        }
        if (named || is("{")) {
            if (depth == depth_max) return bad("subgraphs in subgraphs, more than " + std::to_string(depth_max));
            if (!eat("{")) return bad("expected \"{\"");
            if (named) skeleton_.left_out("a subgraph (its nodes are kept)", where);
            while (!is("}")) {
                if (kind_ == Kind::end) return bad("expected \"}\"");
                if (!statement(nodes, depth + 1)) return false;
                if (skeleton_.too_many()) return bad("too many nodes or edges");
            }
            next();
            return !failed_;
        }
        if (kind_ != Kind::id) return bad("expected a node");
        const std::string name = token_;
        next();
        single = true;
        if (eat("=")) {  // an attribute of the graph
            if (kind_ != Kind::id) return bad("expected a value");
            if (name != "rankdir") skeleton_.left_out("attribute " + shown(name), where);
            next();
            return true;
        }
        nodes.push_back(skeleton_.node(name, where));
        for (int part = 0; part < 2 && eat(":"); ++part) {  // where on the node the line ends
            if (kind_ != Kind::id) return bad("expected a port");
            next();
        }
        return !failed_;
    }

    void describe(std::size_t node, const Attributes& given, Place where) {
        for (const auto& [name, value] : given) {
            if (name == "label") skeleton_.label(node, value);
            else if (name == "shape") skeleton_.shape(node, shape_of(value));
            else skeleton_.left_out("attribute " + shown(name), where);
        }
    }
    static Shape shape_of(std::string_view name) noexcept {
        if (name == "diamond") return Shape::rhomb;
        if (name == "circle" || name == "point") return Shape::circle;
        return name == "oval" || name == "ellipse" ? Shape::stadium : Shape::box;
    }
    void draw(const std::vector<std::pair<std::size_t, std::size_t>>& edges, const Attributes& given, Place where) {
        Line line = Line::plain;
        std::string label;
        for (const auto& [name, value] : given) {
            if (name == "label") label = value;
            else if (name == "style") line = value == "dashed" || value == "dotted" ? Line::dashed : value == "bold" ? Line::thick : Line::plain;
            else skeleton_.left_out("attribute " + shown(name), where);
        }
        for (const auto& [a, b] : edges) skeleton_.edge(a, b, line, label, where);
    }

    static constexpr std::size_t edges_max = 1'000'000;

    std::string_view text_;
    Skeleton& skeleton_;
    Findings& findings_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    std::uint32_t line_ = 1;
    Place place_;
    Kind kind_ = Kind::end;
    bool quoted_ = false;
    bool failed_ = false;
    std::string token_;
};

} // namespace

bool draw_dot(std::string_view text, Skeleton& skeleton, Findings& findings) { return Reader(text, skeleton, findings).run(); }

} // namespace symphony::tracker
