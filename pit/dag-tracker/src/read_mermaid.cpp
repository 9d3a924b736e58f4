// SPDX-License-Identifier: Apache-2.0
#include "skeleton.hpp"

#include <array>
#include <charconv>

namespace symphony::tracker {
namespace {

using Shape = Skeleton::Shape;
using Line = Skeleton::Line;

bool in_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

/// "#34;", "#quot;" and the like, and line breaks.
std::string decoded(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text.starts_with("<br>") || text.starts_with("<br/>") || text.starts_with("<br />")) {
            out += '\n';
            text.remove_prefix(text.find('>') + 1);
            continue;
        }
        const auto end = text[0] == '#' ? text.substr(0, 8).find(';') : std::string_view::npos;
        if (end == std::string_view::npos) {
            out += text[0];
            text.remove_prefix(1);
            continue;
        }
        const auto name = text.substr(1, end - 1);
        unsigned code = 0;
        std::from_chars(name.data(), name.data() + name.size(), code);
        const char c = name == "quot" ? '"' : name == "lt" ? '<' : name == "gt" ? '>' : name == "amp" ? '&' : code > 0 && code < 0x80 ? static_cast<char>(code) : '\0';
        if (c == '\0') out.append(text.substr(0, end + 1));
        else out += c;
        text.remove_prefix(end + 1);
    }
    return out;
}

class Reader {
public:
    Reader(std::string_view text, Skeleton& skeleton, Findings& findings) : text_(text), skeleton_(skeleton), findings_(findings) {}

    bool run() {
        bool head = false;
        while (next_line()) {
            if (!head) {
                if (!header()) return false;
                head = true;
            } else if (!statement()) {
                return false;
            }
            if (skeleton_.too_many()) return true;  // workflow() says so
        }
        if (head) return true;
        return bad("expected \"flowchart\" or \"graph\"");
    }

private:
    bool bad(const std::string& what) {
        findings_.error("bad-mermaid", what, place(), "nodes and links of a flowchart are read: a[Text] --> b{Text}");
        return false;
    }
    Place place() const noexcept { return {line_number_, static_cast<std::uint32_t>(at_ + 1)}; }

    /// The next statement: a line, or what a semicolon ends.
    bool next_line() {
        for (;;) {
            if (at_ < line_.size()) {
                skip_blanks();
                if (at_ < line_.size() && line_[at_] == ';') ++at_;
                skip_blanks();
                if (at_ < line_.size()) return true;
            }
            if (text_.empty()) return false;
            const auto end = text_.find('\n');
            line_ = text_.substr(0, end);
            text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
            if (line_.ends_with('\r')) line_.remove_suffix(1);
            ++line_number_;
            at_ = 0;
            skip_blanks();
            if (line_.substr(at_).starts_with("%%")) at_ = line_.size();
        }
    }
    void skip_blanks() {
        while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t')) ++at_;
    }
    bool eat(std::string_view word) {
        if (!line_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    std::string_view word() {
        const std::size_t from = at_;
        while (at_ < line_.size() && in_word(line_[at_])) ++at_;
        return line_.substr(from, at_ - from);
    }

    bool header() {
        const auto kind = word();
        if (kind != "flowchart" && kind != "graph") return bad("a Mermaid picture of kind " + shown(kind) + " is not a flowchart");
        skip_blanks();
        const auto direction = word();
        if (!direction.empty() && direction != "LR" && direction != "RL" && direction != "TB" && direction != "TD" && direction != "BT") return bad("no direction " + shown(direction));
        return ended();
    }
    bool ended() {
        skip_blanks();
        if (at_ >= line_.size() || line_[at_] == ';') return true;
        return bad("not understood: " + shown(line_.substr(at_)));
    }

    bool statement() {
        constexpr std::array<std::string_view, 8> words{"subgraph", "end", "direction", "style", "class", "classDef", "click", "linkStyle"};
        const std::size_t from = at_;
        const auto first = word();
        const bool alone = at_ >= line_.size() || line_[at_] == ' ' || line_[at_] == ';';
        for (const auto known : words) {
            if (first != known || !alone) continue;
            const std::string_view rest = line_.substr(at_);
            // "class --> b" is a node that is called so.
            if (rest.find("--") != std::string_view::npos && known != "subgraph") break;
            if (known != "end" && known != "direction") skeleton_.left_out(shown(known), {line_number_, static_cast<std::uint32_t>(from + 1)});
            at_ = line_.size();
            return true;
        }
        at_ = from;
        return chain();
    }

    /// a & b --> c -- text --> d
    bool chain() {
        std::vector<std::size_t> from;
        if (!group(from)) return false;
        for (;;) {
            skip_blanks();
            if (at_ >= line_.size() || line_[at_] == ';') return true;
            const Place where = place();
            Line line = Line::plain;
            std::string label;
            if (!link(line, label)) return false;
            std::vector<std::size_t> to;
            if (!group(to)) return false;
            for (const auto a : from) {
                for (const auto b : to) {
                    skeleton_.edge(a, b, line, label, where);
                    if (skeleton_.too_many()) return true;
                }
            }
            from = std::move(to);
        }
    }
    bool group(std::vector<std::size_t>& nodes) {
        do {
            skip_blanks();
            std::size_t made = 0;
            if (!node(made)) return false;
            nodes.push_back(made);
            skip_blanks();
        } while (eat("&"));
        return true;
    }

    bool node(std::size_t& made) {
        const Place where = place();
        const std::size_t from = at_;
        // A hyphen belongs to a name where a letter follows it and no link begins.
        while (at_ < line_.size() && (in_word(line_[at_]) || line_[at_] == '$' ||
                                      ((line_[at_] == '-' || line_[at_] == '.') && at_ > from && at_ + 1 < line_.size() && in_word(line_[at_ + 1])))) ++at_;
        if (at_ == from) return bad("expected a node, found " + shown(line_.substr(at_)));
        made = skeleton_.node(line_.substr(from, at_ - from), where);
        if (!shape(made)) return false;
        if (eat(":::")) {
            skeleton_.left_out("class " + shown(word()), where);
        }
        return true;
    }

    bool shape(std::size_t node) {
        struct Known {
            std::string_view open, close;
            Shape shape;
        };
        constexpr std::array<Known, 13> shapes{{{"(((", ")))", Shape::circle}, {"([", "])", Shape::stadium}, {"((", "))", Shape::circle}, {"[[", "]]", Shape::box},
                                                {"[(", ")]", Shape::box}, {"[/", "/]", Shape::box}, {"[\\", "\\]", Shape::box}, {"{{", "}}", Shape::box},
                                                {"[/", "\\]", Shape::box}, {"[\\", "/]", Shape::box}, {"[", "]", Shape::box}, {"(", ")", Shape::box}, {"{", "}", Shape::rhomb}}};
        for (const auto& known : shapes) {
            if (!line_.substr(at_).starts_with(known.open)) continue;
            std::string_view label;
            const std::size_t begin = at_ + known.open.size();
            std::size_t end = 0;
            if (begin < line_.size() && line_[begin] == '"') {
                const auto quote = line_.find('"', begin + 1);
                if (quote == std::string_view::npos) return bad("a text without its closing quote");
                if (!line_.substr(quote + 1).starts_with(known.close)) continue;
                label = line_.substr(begin + 1, quote - begin - 1);
                end = quote + 1;
            } else {
                end = line_.find(known.close, begin);
                if (end == std::string_view::npos) continue;
                label = line_.substr(begin, end - begin);
            }
            at_ = end + known.close.size();
            skeleton_.label(node, decoded(label));
            skeleton_.shape(node, known.shape);
            return true;
        }
        if (at_ < line_.size() && (line_[at_] == '[' || line_[at_] == '(' || line_[at_] == '{' || line_[at_] == '>')) return bad("a node without its closing bracket: " + shown(line_.substr(at_)));
        return true;
    }

    /// -->  ---  -.->  ==>  --text-->  -->|text|
    bool link(Line& line, std::string& label) {
        const std::size_t from = at_;
        if (at_ < line_.size() && line_[at_] == '<') ++at_;
        const auto start = line_.substr(at_);
        line = start.starts_with("-.") ? Line::dashed : start.starts_with("==") ? Line::thick : Line::plain;
        if (!start.starts_with("--") && !start.starts_with("-.") && !start.starts_with("==")) return bad("expected a link such as -->, found " + shown(line_.substr(from)));
        const char body = line == Line::thick ? '=' : '-';
        at_ += 2;
        if (at_ < line_.size() && !link_rest(body)) {
            // Text inside: up to where the link goes on.
            const std::string_view close = line == Line::plain ? "--" : line == Line::thick ? "==" : ".-";
            const auto end = line_.find(close, at_);
            if (end == std::string_view::npos) return bad("a link without its end: " + shown(line_.substr(from)));
            std::string_view text = line_.substr(at_, end - at_);
            at_ = end + 2;
            link_rest(body);
            trim(text);
            label = decoded(unquoted(text));
        }
        skip_blanks();
        if (!eat("|")) return true;
        auto end = line_.find('|', at_);
        if (at_ < line_.size() && line_[at_] == '"') {
            const auto quote = line_.find('"', at_ + 1);
            end = quote == std::string_view::npos ? quote : line_.find('|', quote);
        }
        if (end == std::string_view::npos) return bad("a text without its closing |");
        std::string_view text = line_.substr(at_, end - at_);
        at_ = end + 1;
        trim(text);
        label = decoded(unquoted(text));
        return true;
    }
    /// What follows the first two characters: more of them, and a head. Whether the link ends here.
    bool link_rest(char body) {
        const std::size_t from = at_;
        while (at_ < line_.size() && (line_[at_] == body || line_[at_] == '.')) ++at_;
        if (at_ < line_.size() && (line_[at_] == '>' || ((line_[at_] == 'x' || line_[at_] == 'o') && at_ + 1 < line_.size() && line_[at_ + 1] == ' '))) {
            ++at_;
            return true;
        }
        return at_ > from;
    }
    static void trim(std::string_view& text) {
        while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
        while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    }
    static std::string_view unquoted(std::string_view text) { return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text; }

    std::string_view text_;
    Skeleton& skeleton_;
    Findings& findings_;
    std::string_view line_;
    std::size_t at_ = 0;
    std::uint32_t line_number_ = 0;
};

} // namespace

bool draw_mermaid(std::string_view text, Skeleton& skeleton, Findings& findings) { return Reader(text, skeleton, findings).run(); }

} // namespace symphony::tracker
