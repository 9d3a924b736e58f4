// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/semver.hpp>

#include "text.hpp"

namespace symphony::manifests {
namespace {

/// Reads from the front of a text; every method leaves the cursor alone when it does not match.
class Cursor {
public:
    explicit Cursor(std::string_view text) : rest_(text) {}

    bool done() const noexcept { return rest_.empty(); }
    std::string_view rest() const noexcept { return rest_; }
    bool skip(std::string_view word) noexcept {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    void skip_blanks() noexcept {
        while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    }
    /// Digits without a leading zero that fit 64 bits.
    std::optional<std::uint64_t> number() noexcept {
        std::size_t n = 0;
        std::uint64_t value = 0;
        while (n < rest_.size() && is_digit(rest_[n])) {
            const auto digit = static_cast<std::uint64_t>(rest_[n] - '0');
            if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
            value = value * 10 + digit;
            ++n;
        }
        if (n == 0 || (n > 1 && rest_[0] == '0')) return std::nullopt;
        rest_.remove_prefix(n);
        return value;
    }
    bool wildcard() noexcept { return skip("*") || skip("x") || skip("X"); }
    /// Identifiers parted by dots, none empty; numeric ones without leading zeros unless `zeros`.
    std::optional<std::string_view> identifiers(bool zeros) noexcept {
        std::size_t n = 0;
        std::size_t start = 0;
        for (;; ++n) {
            const char c = n < rest_.size() ? rest_[n] : '\0';
            if (is_alnum(c) || c == '-') continue;
            const auto word = rest_.substr(start, n - start);
            if (word.empty()) return std::nullopt;
            if (!zeros && word.size() > 1 && word[0] == '0' && all_of(word, is_digit)) return std::nullopt;
            if (c != '.') break;
            start = n + 1;
        }
        const auto found = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return found;
    }

private:
    std::string_view rest_;
};

/// SemVer 11.4: identifier by identifier, numbers before words; of equal beginnings the shorter is lower.
std::strong_ordering compare_identifiers(std::string_view left, std::string_view right) noexcept {
    const auto take = [](std::string_view& rest) {
        const auto end = std::min(rest.find('.'), rest.size());
        const auto word = rest.substr(0, end);
        rest.remove_prefix(end == rest.size() ? end : end + 1);
        return word;
    };
    while (!left.empty() && !right.empty()) {
        const auto a = take(left);
        const auto b = take(right);
        const bool a_number = all_of(a, is_digit);
        const bool b_number = all_of(b, is_digit);
        if (a_number != b_number) return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
        // Without leading zeros the longer number is the greater one, whatever its size.
        if (a_number && a.size() != b.size()) return a.size() <=> b.size();
        if (const int order = a.compare(b); order != 0) return order <=> 0;
    }
    return right.empty() <=> left.empty();
}

std::strong_ordering compare_pre(std::string_view left, std::string_view right) noexcept {
    if (left.empty() || right.empty()) return left.empty() <=> right.empty();
    return compare_identifiers(left, right);
}

std::strong_ordering compare_versions(const Version& left, const Version& right) noexcept {
    if (const auto order = left.major <=> right.major; order != 0) return order;
    if (const auto order = left.minor <=> right.minor; order != 0) return order;
    if (const auto order = left.patch <=> right.patch; order != 0) return order;
    return compare_pre(left.pre, right.pre);
}

Error bad_version(std::string_view text) {
    return Error(Code::invalid_argument, "bad-version",
                 "expected a version such as \"1.0.0\" or \"2.1.0-rc.1\", found " + shown(text),
                 "write major.minor.patch, see https://semver.org");
}

Error bad_range(std::string_view text, std::string_view why) {
    return Error(Code::invalid_argument, "bad-range",
                 "expected a version range such as \"^1.2\" or \">=1.0, <3.0\", found " + shown(text) + ": " + std::string(why));
}

Comparator::Op read_op(Cursor& cursor) noexcept {
    using Op = Comparator::Op;
    if (cursor.skip(">=")) return Op::greater_equal;
    if (cursor.skip("<=")) return Op::less_equal;
    if (cursor.skip(">")) return Op::greater;
    if (cursor.skip("<")) return Op::less;
    if (cursor.skip("=")) return Op::exact;
    if (cursor.skip("~")) return Op::tilde;
    cursor.skip("^");
    return Op::caret;
}

std::string_view op_text(Comparator::Op op) noexcept {
    using Op = Comparator::Op;
    switch (op) {
    case Op::exact: return "=";
    case Op::greater: return ">";
    case Op::greater_equal: return ">=";
    case Op::less: return "<";
    case Op::less_equal: return "<=";
    case Op::tilde: return "~";
    case Op::caret: return "^";
    case Op::wildcard: return "";
    }
    return "";
}

Result<Comparator> read_comparator(Cursor& cursor, std::string_view whole) {
    Comparator out;
    const auto length_before = cursor.rest().size();
    out.op = read_op(cursor);
    const bool bare = cursor.rest().size() == length_before;
    cursor.skip_blanks();
    const auto major = cursor.number();
    if (!major) return bad_range(whole, "a comparison starts with a major number without leading zeros");
    out.major = *major;
    bool wild = false;
    if (cursor.skip(".")) {
        if (cursor.wildcard()) {
            wild = true;
        } else if (out.minor = cursor.number(); !out.minor) {
            return bad_range(whole, "the minor number is missing or malformed");
        }
        if (cursor.skip(".")) {
            if (cursor.wildcard()) {
                wild = true;
            } else if (wild) {
                return bad_range(whole, "nothing but * may follow a *");
            } else if (out.patch = cursor.number(); !out.patch) {
                return bad_range(whole, "the patch number is missing or malformed");
            }
        }
    }
    if (wild && bare) out.op = Comparator::Op::wildcard;
    if (out.patch && cursor.skip("-")) {
        const auto pre = cursor.identifiers(false);
        if (!pre) return bad_range(whole, "the pre-release is empty or malformed");
        out.pre = *pre;
    }
    if (out.patch && cursor.skip("+") && !cursor.identifiers(true)) {
        return bad_range(whole, "the build metadata is empty or malformed");
    }
    cursor.skip_blanks();
    return out;
}

bool matches_exact(const Comparator& want, const Version& version) noexcept {
    return version.major == want.major && (!want.minor || version.minor == *want.minor) &&
           (!want.patch || version.patch == *want.patch) && version.pre == want.pre;
}

/// Compares as far as the comparator is written: `>1.2` is above all of 1.2.
std::strong_ordering compare_prefix(const Version& version, const Comparator& want) noexcept {
    if (const auto order = version.major <=> want.major; order != 0 || !want.minor) return order;
    if (const auto order = version.minor <=> *want.minor; order != 0 || !want.patch) return order;
    if (const auto order = version.patch <=> *want.patch; order != 0) return order;
    return compare_pre(version.pre, want.pre);
}

bool matches_tilde(const Comparator& want, const Version& version) noexcept {
    if (version.major != want.major || (want.minor && version.minor != *want.minor)) return false;
    if (want.patch && version.patch != *want.patch) return version.patch > *want.patch;
    return compare_pre(version.pre, want.pre) >= 0;
}

bool matches_caret(const Comparator& want, const Version& version) noexcept {
    if (version.major != want.major) return false;
    if (!want.minor) return true;
    if (!want.patch) return want.major > 0 ? version.minor >= *want.minor : version.minor == *want.minor;
    if (want.major > 0) {
        if (version.minor != *want.minor) return version.minor > *want.minor;
        if (version.patch != *want.patch) return version.patch > *want.patch;
    } else if (*want.minor > 0) {
        if (version.minor != *want.minor) return false;
        if (version.patch != *want.patch) return version.patch > *want.patch;
    } else if (version.minor != *want.minor || version.patch != *want.patch) {
        return false;
    }
    return compare_pre(version.pre, want.pre) >= 0;
}

bool matches(const Comparator& want, const Version& version) noexcept {
    using Op = Comparator::Op;
    switch (want.op) {
    case Op::exact:
    case Op::wildcard: return matches_exact(want, version);
    case Op::greater: return compare_prefix(version, want) > 0;
    case Op::greater_equal: return matches_exact(want, version) || compare_prefix(version, want) > 0;
    case Op::less: return compare_prefix(version, want) < 0;
    case Op::less_equal: return matches_exact(want, version) || compare_prefix(version, want) < 0;
    case Op::tilde: return matches_tilde(want, version);
    case Op::caret: return matches_caret(want, version);
    }
    return false;
}

bool names_pre_release_of(const Comparator& want, const Version& version) noexcept {
    return !want.pre.empty() && want.major == version.major && want.minor == version.minor && want.patch == version.patch;
}

} // namespace

Result<Version> Version::parse(std::string_view text) {
    Version out;
    Cursor cursor(text);
    const auto major = cursor.number();
    if (!major || !cursor.skip(".")) return bad_version(text);
    const auto minor = cursor.number();
    if (!minor || !cursor.skip(".")) return bad_version(text);
    const auto patch = cursor.number();
    if (!patch) return bad_version(text);
    out.major = *major;
    out.minor = *minor;
    out.patch = *patch;
    if (cursor.skip("-")) {
        const auto pre = cursor.identifiers(false);
        if (!pre) return bad_version(text);
        out.pre = *pre;
    }
    if (cursor.skip("+")) {
        const auto build = cursor.identifiers(true);
        if (!build) return bad_version(text);
        out.build = *build;
    }
    if (!cursor.done()) return bad_version(text);
    return out;
}

std::string Version::text() const {
    std::string out = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
    if (!pre.empty()) out.append("-").append(pre);
    if (!build.empty()) out.append("+").append(build);
    return out;
}

std::strong_ordering operator<=>(const Version& left, const Version& right) noexcept {
    if (const auto order = compare_versions(left, right); order != 0) return order;
    return left.build.compare(right.build) <=> 0;
}

std::weak_ordering precedence(const Version& left, const Version& right) noexcept {
    return compare_versions(left, right);
}

Result<Range> Range::parse(std::string_view text) {
    constexpr std::size_t comparators_max = 32;
    Range out;
    Cursor cursor(text);
    cursor.skip_blanks();
    if (cursor.wildcard()) {
        cursor.skip_blanks();
        if (!cursor.done()) return bad_range(text, "* stands alone");
        return out;
    }
    for (;;) {
        if (out.comparators_.size() == comparators_max) return bad_range(text, "more than 32 comparisons");
        auto next = read_comparator(cursor, text);
        if (!next) return std::move(next).error();
        out.comparators_.push_back(*std::move(next));
        if (cursor.done()) return out;
        if (!cursor.skip(",")) return bad_range(text, "comparisons are parted by commas");
        cursor.skip_blanks();
    }
}

bool Range::contains(const Version& version) const noexcept {
    for (const auto& comparator : comparators_) {
        if (!matches(comparator, version)) return false;
    }
    if (version.pre.empty()) return true;
    return std::any_of(comparators_.begin(), comparators_.end(),
                       [&](const Comparator& comparator) { return names_pre_release_of(comparator, version); });
}

std::string Range::text() const {
    if (comparators_.empty()) return "*";
    std::string out;
    for (const auto& comparator : comparators_) {
        if (!out.empty()) out += ", ";
        out.append(op_text(comparator.op)).append(std::to_string(comparator.major));
        if (comparator.minor) out.append(".").append(std::to_string(*comparator.minor));
        if (comparator.patch) out.append(".").append(std::to_string(*comparator.patch));
        if (comparator.op == Comparator::Op::wildcard) out += ".*";
        if (!comparator.pre.empty()) out.append("-").append(comparator.pre);
    }
    return out;
}

} // namespace symphony::manifests
