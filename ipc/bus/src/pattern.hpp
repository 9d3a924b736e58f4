// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <string>
#include <string_view>

namespace symphony::bus {

/// Which names are meant: segments between dots, where `*` is exactly one segment and `#`, at the end, any number of them and also none.
/// Every other character stands for itself: `user.*` does not match `userXlogin`. Immutable. [any]
class Pattern {
public:
    static constexpr std::size_t bytes_max = 255;

    /// @return `invalid_argument` "bad-pattern" with the place.
    static Result<Pattern> parse(std::string_view text);

    /// Looks at each byte once and takes no memory.
    bool matches(std::string_view name) const noexcept;
    bool exact() const noexcept { return exact_; }
    const std::string& text() const noexcept { return text_; }

    /// Of two patterns the first segment in which they differ decides: a word is more specific than `*`, and that than `#`. Two words there
    /// never match the same name; their order is that of their bytes, so that the order is total and the same whatever came before.
    /// @return Less than 0: `a` is the more specific one.
    static int compare(const Pattern& a, const Pattern& b) noexcept;

private:
    explicit Pattern(std::string_view text) : text_(text), exact_(text.find_first_of("*#") == std::string_view::npos) {}
    std::string text_;
    bool exact_;
};

/// A name of an endpoint: segments between dots, none empty, none with `*` or `#`, at most 255 bytes. @return `invalid_argument` "bad-name".
Status check_name(std::string_view name);

} // namespace symphony::bus
