// SPDX-License-Identifier: Apache-2.0
#include "glob.hpp"

#include <string>

namespace files {

using symphony::Code;
using symphony::Error;

namespace {

constexpr std::size_t pattern_bytes_max = 1024;

Error refuse(std::string_view pattern, const char* why) {
    return {Code::invalid_argument, "bad-pattern", "pattern \"" + std::string(pattern.substr(0, 80)) + "\" " + why};
}

/// Reads a set after its '['. @return Position after its ']', or npos.
std::size_t read_set(std::string_view pattern, std::size_t at, std::bitset<256>& set) {
    bool inverted = false;
    if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) {
        inverted = true;
        ++at;
    }
    for (bool first = true; at < pattern.size() && (pattern[at] != ']' || first); first = false) {
        if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
        const auto low = static_cast<unsigned char>(pattern[at++]);
        auto high = low;
        if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
            high = static_cast<unsigned char>(pattern[at + 1]);
            at += 2;
        }
        for (unsigned c = low; c <= high; ++c) set.set(c);
    }
    if (at >= pattern.size()) return std::string_view::npos;
    if (inverted) set.flip();
    set.reset('/');
    return at + 1;
}

} // namespace

symphony::Result<Glob> Glob::compile(std::string_view pattern) {
    if (pattern.empty()) return refuse(pattern, "is empty");
    if (pattern.size() > pattern_bytes_max) return refuse(pattern, "is longer than 1024 bytes");
    Glob glob;
    std::string_view rest = pattern;
    if (rest.ends_with('/')) {
        glob.folders_only_ = true;
        rest.remove_suffix(1);
    }
    glob.name_only_ = rest.find('/') == std::string_view::npos;
    if (rest.starts_with("./")) rest.remove_prefix(2);
    if (rest.starts_with('/')) rest.remove_prefix(1);
    if (rest.empty() || rest == ".") return refuse(pattern, "matches nothing");
    for (std::size_t at = 0; at < rest.size();) {
        Token token;
        if (rest.substr(at, 3) == "**/" && (at == 0 || rest[at - 1] == '/')) {
            token.kind = Token::Kind::deep_folders;
            at += 3;
        } else if (rest.substr(at, 2) == "**") {
            token.kind = Token::Kind::deep;
            at += 2;
        } else if (rest[at] == '*') {
            token.kind = Token::Kind::star;
            ++at;
        } else if (rest[at] == '?') {
            token.kind = Token::Kind::any;
            ++at;
        } else if (rest[at] == '[') {
            token.kind = Token::Kind::set;
            token.set = glob.sets_.size();
            glob.sets_.emplace_back();
            at = read_set(rest, at + 1, glob.sets_.back());
            if (at == std::string_view::npos) return refuse(pattern, "has a [ without its ]");
        } else {
            if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
            token.byte = rest[at++];
        }
        glob.tokens_.push_back(token);
    }
    return glob;
}

bool Glob::accepts(const Token& token, char c) const {
    switch (token.kind) {
    case Token::Kind::byte: return token.byte == c;
    case Token::Kind::any: return c != '/';
    case Token::Kind::set: return sets_[token.set].test(static_cast<unsigned char>(c));
    default: return false;
    }
}

bool Glob::matches(std::string_view path, bool folder) const {
    if (folders_only_ && !folder) return false;
    if (name_only_ && path.rfind('/') != std::string_view::npos) path.remove_prefix(path.rfind('/') + 1);

    // Thompson 1968: all states at once. State i = tokens before i are matched.
    std::vector<char> now(tokens_.size() + 1, 0);
    std::vector<char> next(tokens_.size() + 1, 0);
    const auto skip_empty = [&](std::vector<char>& states) {
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            const Token::Kind kind = tokens_[i].kind;
            const bool may_be_empty = kind == Token::Kind::star || kind == Token::Kind::deep || kind == Token::Kind::deep_folders;
            if (states[i] == 1 && may_be_empty) states[i + 1] = 1;
        }
    };
    now[0] = 1;
    skip_empty(now);
    for (const char c : path) {
        next.assign(next.size(), 0);
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (now[i] == 0) continue;
            switch (tokens_[i].kind) {
            case Token::Kind::star:
                if (c != '/') next[i] = 1;
                break;
            case Token::Kind::deep: next[i] = 1; break;
            case Token::Kind::deep_folders: // 2 = inside a folder name, which has to end before we go on
                if (c == '/') next[i] = 1;
                else if (next[i] == 0) next[i] = 2;
                break;
            default:
                if (accepts(tokens_[i], c)) next[i + 1] = 1;
            }
        }
        skip_empty(next);
        now.swap(next);
    }
    return now[tokens_.size()] == 1;
}

} // namespace files
