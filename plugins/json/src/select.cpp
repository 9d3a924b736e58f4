// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/inputs.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace json {

using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

constexpr std::size_t tokens_max = 63;
constexpr std::size_t values_max = 100'000;
constexpr std::size_t nodes_between_checks = 1 << 14;
constexpr std::size_t keys_shown = 8;

struct Token {
    enum class Kind : std::uint8_t { name, any, deep };
    Kind kind = Kind::name;
    std::string name;
};

struct Path {
    std::vector<Token> tokens;
    bool wild = false;
};

/// RFC 6901, with `*` for every member and `**` for any number of levels; `~2` is a literal `*`.
Result<Path> read_path(const Inputs& inputs, std::string_view text) {
    const auto refuse = [&](const std::string& why) {
        return inputs.error("bad-path", "input \"path\" " + why, "write /key/0/other; ~0 is ~, ~1 is /, ~2 is *");
    };
    Path path;
    if (!text.empty() && text.front() != '/') return refuse("does not begin with /");
    while (!text.empty()) {
        text.remove_prefix(1);
        const std::string_view raw = text.substr(0, text.find('/'));
        text.remove_prefix(raw.size());
        if (path.tokens.size() == tokens_max) return refuse("has more than 63 parts");
        Token token;
        if (raw == "*" || raw == "**") {
            token.kind = raw == "*" ? Token::Kind::any : Token::Kind::deep;
            path.wild = true;
        }
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (raw[i] != '~') {
                token.name += raw[i];
                continue;
            }
            const char escape = i + 1 < raw.size() ? raw[++i] : '\0';
            if (escape < '0' || escape > '2') return refuse("has a ~ that is not ~0, ~1 or ~2");
            token.name += "~/*"[escape - '0'];
        }
        path.tokens.push_back(std::move(token));
    }
    return path;
}

std::string escaped(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '~') out += "~0";
        else if (c == '/') out += "~1";
        else out += c;
    }
    return name == "*" ? "~2" : name == "**" ? "~2~2" : out;
}

/// Finds all places of a path in one pass: every node is visited once, with the set of tokens that may match
/// beneath it (a bit each), so no path is slow.
class Search {
public:
    Search(const Path& path, const Cancelled& cancelled) : path_(path), cancelled_(cancelled) {
        values_.list();
        paths_.list();
    }

    void run(ValueView value) { visit(value, close(1)); }

    ValueBuilder& values() { return values_; }
    ValueBuilder& paths() { return paths_; }
    ValueView first() const { return first_; }
    std::size_t count() const { return count_; }
    bool truncated() const { return truncated_; }
    bool stopped() const { return stopped_; }

private:
    using Set = std::uint64_t;

    /// Adds what is reached without a step: `**` may stand for no level.
    Set close(Set states) const {
        for (std::size_t i = 0; i < path_.tokens.size(); ++i) {
            if ((states >> i & 1) != 0 && path_.tokens[i].kind == Token::Kind::deep) states |= Set{1} << (i + 1);
        }
        return states;
    }
    Set step(Set states, std::string_view name) const {
        Set next = 0;
        for (std::size_t i = 0; i < path_.tokens.size(); ++i) {
            if ((states >> i & 1) == 0) continue;
            const Token& token = path_.tokens[i];
            if (token.kind == Token::Kind::deep) next |= Set{1} << i;
            else if (token.kind == Token::Kind::any || token.name == name) next |= Set{1} << (i + 1);
        }
        return close(next);
    }
    bool done() const { return truncated_ || stopped_; }

    // Recursion is as deep as the value, which is at most 128.
    void visit(ValueView value, Set states) {
        if (++nodes_ % nodes_between_checks == 0 && cancelled_()) stopped_ = true;
        if (done()) return;
        if ((states >> path_.tokens.size() & 1) != 0) found(value);
        if ((states & ((Set{1} << path_.tokens.size()) - 1)) == 0) return;
        if (value.is_map()) {
            for (const auto [name, member] : value.entries()) descend(name, member, states);
        } else if (value.is_list()) {
            std::size_t index = 0;
            for (const ValueView item : value.items()) descend(std::to_string(index++), item, states);
        }
    }
    void descend(std::string_view name, ValueView value, Set states) {
        const Set next = step(states, name);
        if (next == 0 || done()) return;
        const std::size_t size = at_.size();
        at_ += '/';
        at_ += escaped(name);
        visit(value, next);
        at_.resize(size);
    }
    void found(ValueView value) {
        if (count_ == values_max || values_.size() + paths_.size() + value.bytes().size() > output_bytes_max) {
            truncated_ = true;
            return;
        }
        if (count_++ == 0) first_ = value;
        values_.value(value);
        paths_.text(at_);
    }

    const Path& path_;
    const Cancelled& cancelled_;
    ValueBuilder values_;
    ValueBuilder paths_;
    std::string at_;
    ValueView first_;
    std::size_t count_ = 0;
    std::size_t nodes_ = 0;
    bool truncated_ = false;
    bool stopped_ = false;
};

/// What there is where a path without wildcards ends too early.
Error nothing_there(ValueView value, const Path& path) {
    std::string at;
    for (const Token& token : path.tokens) {
        ValueView next;
        if (value.is_map()) {
            next = value[token.name];
        } else if (value.is_list()) {
            std::size_t index = 0;
            for (const ValueView item : value.items()) {
                if (std::to_string(index++) == token.name) next = item;
            }
        }
        if (!next.exists()) {
            std::string has = (value.is_integer() ? "an " : "a ") + std::string(name_of(value.kind()));
            if (value.is_list()) has = "a list of " + std::to_string(value.size());
            if (value.is_map()) {
                has = value.empty() ? "a map without keys" : "a map with the keys ";
                std::size_t shown = 0;
                for (const auto [key, member] : value.entries()) {
                    if (shown++ == keys_shown) break;
                    has += (shown > 1 ? ", " : "") + std::string(key.substr(0, 40));
                }
                if (value.size() > keys_shown) has += ", ...";
            }
            return {Code::not_found, "nothing-there",
                    "select: there is no " + Inputs::quoted(token.name) + " at " + Inputs::quoted(at) + ", which is " + has,
                    "give a default, or change the path"};
        }
        at += '/' + escaped(token.name);
        value = next;
    }
    return {Code::internal, "select: the path leads somewhere after all"};
}

} // namespace

Result<Value> select(ValueView input, const Cancelled& cancelled) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("select", input, {"value", "path", "default"}));
    const ValueView value = SYMPHONY_TRY(inputs.any("value"));
    const Path path = SYMPHONY_TRY(read_path(inputs, SYMPHONY_TRY(inputs.text("path"))));
    Search search(path, cancelled);
    search.run(value);
    if (search.stopped()) return Error(Code::cancelled, "select: cancelled");
    ValueView first = search.first();
    if (search.count() == 0 && !search.truncated()) {
        first = input["default"];
        if (!first.exists() && !path.wild) return nothing_there(value, path);
    }
    ValueBuilder out;
    out.map(5).add("value", first).add("values", search.values().end().build()).add("paths", search.paths().end().build());
    return out.add("count", search.count()).add("truncated", search.truncated()).end().build();
}

} // namespace json
