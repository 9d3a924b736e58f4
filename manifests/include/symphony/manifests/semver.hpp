// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

/// Semantic Versioning 2.0.0.
struct Version {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::uint64_t patch = 0;
    std::string pre;   ///< "rc.1", or empty for a release
    std::string build; ///< "20240101", no part of the precedence

    /// @return The version, or `invalid_argument` with reason "bad-version".
    static Result<Version> parse(std::string_view text);
    std::string text() const;

    friend bool operator==(const Version&, const Version&) = default;
    /// Precedence; versions that differ in build metadata only are ordered by it, so that sorting is deterministic.
    friend std::strong_ordering operator<=>(const Version& left, const Version& right) noexcept;
};

/// Precedence of SemVer 2.0.0, section 11: build metadata does not count.
std::weak_ordering precedence(const Version& left, const Version& right) noexcept;

/// One comparison of a range. A missing minor or patch stands for any.
struct Comparator {
    enum class Op : std::uint8_t { exact, greater, greater_equal, less, less_equal, tilde, caret, wildcard };
    Op op = Op::caret;
    std::uint64_t major = 0;
    std::optional<std::uint64_t> minor;
    std::optional<std::uint64_t> patch;
    std::string pre;

    friend bool operator==(const Comparator&, const Comparator&) = default;
};

/// A version requirement as Cargo reads it: `1.2` is `^1.2`; `^ ~ = > >= < <=`, `1.*`, `*`; a comma means and.
/// A pre-release matches only where a comparator names the same major.minor.patch with a pre-release.
class Range {
public:
    /// Any release.
    Range() = default;
    /// @return The range, or `invalid_argument` with reason "bad-range".
    static Result<Range> parse(std::string_view text);

    bool contains(const Version& version) const noexcept;
    const std::vector<Comparator>& comparators() const noexcept { return comparators_; }
    /// Canonical: "^1.2, <1.9".
    std::string text() const;

    friend bool operator==(const Range&, const Range&) = default;

private:
    std::vector<Comparator> comparators_;
};

} // namespace symphony::manifests
