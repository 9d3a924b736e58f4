// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <unordered_map>
#include <unordered_set>

namespace symphony::tracker {
namespace {

constexpr char mark = '\x01';

bool is_bare(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

/// Walks TOML text just deep enough to know where lines begin that are headers or keys.
class Scanner {
public:
    Scanner(std::string_view text, const Limits& limits, Findings& findings) : text_(text), limits_(limits), findings_(findings) {}

    std::optional<std::string> run() {
        out_.reserve(text_.size() + 64);
        while (at_ < text_.size()) {
            skip_blanks();
            if (at_ < text_.size() && text_[at_] == '[') header();
            else if (at_ < text_.size() && text_[at_] != '#' && text_[at_] != '\n' && text_[at_] != '\r') key();
            if (refused_) return std::nullopt;
            rest_of_line();
        }
        out_.append(text_.substr(copied_));
        return std::move(out_);
    }

private:
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    /// One part of a dotted key. Escapes are rare in ids and only cost a missed duplicate, which the TOML reader then finds.
    std::string_view part() {
        skip_blanks();
        if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
            const char quote = text_[at_];
            const std::size_t from = ++at_;
            while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') ++at_;
            const auto name = text_.substr(from, at_ - from);
            if (at_ < text_.size() && text_[at_] == quote) ++at_;
            return name;
        }
        const std::size_t from = at_;
        while (at_ < text_.size() && is_bare(text_[at_])) ++at_;
        return text_.substr(from, at_ - from);
    }
    bool eat(char c) {
        skip_blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    Place place(std::size_t at) const noexcept { return {line_, static_cast<std::uint32_t>(at - line_start_ + 1)}; }

    void header() {
        const std::size_t start = at_++;
        const bool list = eat('[');
        const auto first = part();
        section_.clear();
        if (list) {
            if (first == "edges") count(edges_, limits_.edges_max, false, start);
            else if (first == "nodes") count(nodes_, limits_.nodes_max, true, start);
            return;
        }
        if (first != "nodes" && first != "inputs" && first != "outputs") return;
        if (!eat('.')) {
            section_ = first;
            return;
        }
        skip_blanks();
        const std::size_t from = at_;
        const auto id = part();
        const std::size_t to = at_;
        skip_blanks();
        const bool whole = at_ < text_.size() && text_[at_] == ']';
        define(std::string(first), id, from, to, whole, start);
    }

    void key() {
        if (section_.empty()) return;
        const std::size_t from = at_;
        const auto id = part();
        const std::size_t to = at_;
        skip_blanks();
        if (at_ < text_.size() && text_[at_] == '=') define(section_, id, from, to, true, from);
    }

    /// `whole` is false for the header of a part, such as [nodes.a.with], which belongs to the latest definition.
    void define(const std::string& section, std::string_view id, std::size_t from, std::size_t to, bool whole, std::size_t start) {
        if (id.empty()) return;
        auto& seen = seen_[section];
        const auto [found, added] = seen.try_emplace(std::string(id));
        Definition& definition = found->second;
        if (added && section == "nodes") count(nodes_, limits_.nodes_max, true, start);
        if (whole) {
            if (definition.whole) {
                findings_.error("duplicate-id", "a second " + section.substr(0, section.size() - 1) + " " + shown(id), place(from),
                                "the first is in line " + std::to_string(definition.line) + "; ids are unique, rename one");
                ++definition.copies;
            }
            if (!definition.whole) definition.line = line_;
            definition.whole = true;
        }
        if (definition.copies == 0) return;
        out_.append(text_.substr(copied_, from - copied_));
        out_ += "\"\\u0001" + std::to_string(definition.copies) + "\\u0001" + std::string(id) + '"';
        copied_ = to;
    }

    void count(std::size_t& what, std::size_t max, bool nodes, std::size_t start) {
        if (++what <= max || refused_) return;
        report_too_many(findings_, nodes, max, place(start));
        refused_ = true;
    }

    void rest_of_line() {
        int depth = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"' || c == '\'') {
                string(c);
                continue;
            }
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
                continue;
            }
            ++at_;
            if (c == '[' || c == '{') ++depth;
            if ((c == ']' || c == '}') && depth > 0) --depth;
            if (c == '\n') {
                ++line_;
                line_start_ = at_;
                if (depth == 0) return;
            }
        }
    }
    void string(char quote) {
        const char three[] = {quote, quote, quote};
        const bool lines = text_.substr(at_, 3) == std::string_view(three, 3);
        at_ += lines ? 3 : 1;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
                at_ += 2;
                continue;
            }
            if (!lines && c == '\n') return;
            if (c == quote && (!lines || text_.substr(at_, 3) == std::string_view(three, 3))) {
                at_ += lines ? 3 : 1;
                while (lines && at_ < text_.size() && text_[at_] == quote) ++at_;
                return;
            }
            ++at_;
            if (c == '\n') {
                ++line_;
                line_start_ = at_;
            }
        }
    }

    struct Definition {
        bool whole = false;
        std::uint32_t line = 0;
        std::uint32_t copies = 0;
    };

    std::string_view text_;
    const Limits& limits_;
    Findings& findings_;
    std::string out_;
    std::size_t copied_ = 0;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    std::uint32_t line_ = 1;
    std::string section_;
    std::unordered_map<std::string, std::unordered_map<std::string, Definition>> seen_;
    std::size_t nodes_ = 0;
    std::size_t edges_ = 0;
    bool refused_ = false;
};

} // namespace

std::optional<std::string> mark_duplicates(std::string_view text, const Limits& limits, Findings& findings) {
    return Scanner(text, limits, findings).run();
}

std::string_view without_mark(std::string_view key) noexcept {
    if (key.empty() || key.front() != mark) return key;
    const auto end = key.find(mark, 1);
    return end == std::string_view::npos ? key : key.substr(end + 1);
}

} // namespace symphony::tracker
