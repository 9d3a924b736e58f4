// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

namespace files {

/// One pattern of the kind that .gitignore has, without negation. `*` and `?` stay within a name, `**`
/// crosses folders, `[a-z]` and `[!a-z]` are sets, `\` takes the next byte literally. A pattern without
/// `/` matches a name at any depth; one with it matches from the top. A `/` at the end: folders only.
/// Matching takes time in proportion to pattern times path, whatever the pattern.
class Glob {
public:
    static symphony::Result<Glob> compile(std::string_view pattern);

    /// @param path  Bytes relative to the top of the walk, '/'-separated, without a slash at the ends.
    bool matches(std::string_view path, bool folder) const;

private:
    struct Token {
        enum class Kind : std::uint8_t { byte, any, set, star, deep, deep_folders };
        Kind kind = Kind::byte;
        char byte = 0;
        std::size_t set = 0;
    };
    bool accepts(const Token& token, char c) const;

    std::vector<Token> tokens_;
    std::vector<std::bitset<256>> sets_;
    bool folders_only_ = false;
    bool name_only_ = false;
};

} // namespace files
