// SPDX-License-Identifier: Apache-2.0
#include "names.hpp"

#include <algorithm>
#include <array>

namespace symphony::kit {
namespace {

bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
char to_upper(char c) noexcept { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

/// What a name of one word must not be in C, C++ and Rust, where it names a namespace, a file and a target.
constexpr std::array reserved{"alignas", "and", "asm", "auto", "bool", "break", "case", "catch", "char", "class", "const", "continue",
    "crate", "default", "delete", "do",
                              "double", "else", "enum", "explicit", "export", "extern", "false", "float", "fn", "for", "friend", "goto",
                                  "if", "impl", "in", "inline",
                              "int", "let", "long", "loop", "match", "mod", "move", "mutable", "namespace", "new", "not", "operator", "or", "plugin", "private",
                              "protected", "pub", "public", "register", "requires", "return", "self", "short", "signed", "sizeof",
                                  "static", "std", "struct", "super",
                              "switch", "symphony", "template", "test", "this", "throw", "trait", "true", "try", "type", "typedef", "typename", "union", "unsafe",
                              "unsigned", "use", "using", "virtual", "void", "where", "while", "xor"};

Error bad(std::string_view reason, std::string message, std::string hint) { return {Code::invalid_argument, reason, std::move(message), std::move(hint)}; }

Status check_name(std::string_view name) {
    const std::string quoted = "\"" + to_valid_utf8(name.substr(0, name_bytes_max)) + "\"";
    constexpr std::string_view hint = "lower-case letters and digits, with single hyphens between words: word-count";
    if (name.empty() || name.size() > name_bytes_max) return bad("bad-name", "the name " + quoted + " has " + std::to_string(name.size()) +
        " bytes, not 1 to 64", std::string(hint));
    if (!is_lower(name.front())) return bad("bad-name", "the name " + quoted + " does not begin with a lower-case letter", std::string(hint));
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool hyphen = name[i] == '-' && i + 1 < name.size() && name[i + 1] != '-';
        if (!is_lower(name[i]) && !is_digit(name[i]) && !hyphen) return bad("bad-name", "the name " + quoted + " is not in kebab-case", std::string(hint));
    }
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) {
        return bad("bad-name", "the name " + quoted + " is a word of a language that the sources are in",
            "put a second word to it, such as my-" + std::string(name));
    }
    return {};
}

Status check_id(std::string_view id) {
    constexpr std::size_t id_bytes_max = 100;
    bool dot = false, good = !id.empty() && id.size() <= id_bytes_max && is_lower(id.front());
    for (std::size_t i = 0; i < id.size(); ++i) {
        const bool between = (id[i] == '.' || id[i] == '-') && i + 1 < id.size() && (is_lower(id[i + 1]) || is_digit(id[i + 1]));
        dot = dot || id[i] == '.';
        good = good && (is_lower(id[i]) || is_digit(id[i]) || between);
    }
    if (good && dot) return {};
    return bad("bad-id", "the id \"" + to_valid_utf8(id.substr(0, id_bytes_max)) + "\" is no reversed domain name in lower case", "such as org.example.word-count");
}

} // namespace

Result<Names> Names::of(std::string_view name, std::string_view id) {
    SYMPHONY_TRY(check_name(name));
    if (!id.empty()) SYMPHONY_TRY(check_id(id));
    Names out;
    out.kebab = name;
    out.id = id.empty() ? "com.example." + std::string(name) : std::string(id);
    bool begins = true;
    for (const char c : name) {
        out.snake += c == '-' ? '_' : c;
        out.upper += c == '-' ? '_' : to_upper(c);
        if (c != '-') out.pascal += begins ? to_upper(c) : c;
        begins = c == '-';
    }
    return out;
}

std::string renamed(std::string_view text, const Names& from, const Names& to) {
    const std::pair<std::string_view, std::string_view> pairs[] = {{from.id, to.id}, {from.kebab, to.kebab}, {from.snake, to.snake},
        {from.pascal, to.pascal}, {from.upper, to.upper}};
    const auto letter = [](char c) { return is_lower(c) || is_upper(c) || is_digit(c); };
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto found = std::find_if(std::begin(pairs), std::end(pairs), [&](const auto& pair) {
            if (text.substr(at, pair.first.size()) != pair.first) return false;
            const std::size_t end = at + pair.first.size();
            // WordMaskTest is a name of the plugin, too; wordmask and word_masked are none.
            const bool pascal = pair.first == from.pascal;
            return (at == 0 || !letter(text[at - 1])) && (end == text.size() || !letter(text[end]) || (pascal && is_upper(text[end])));
        });
        if (found == std::end(pairs)) {
            out += text[at++];
        } else {
            out += found->second;
            at += found->first.size();
        }
    }
    return out;
}

} // namespace symphony::kit
