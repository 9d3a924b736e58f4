// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/semver.hpp>

#include <gtest/gtest.h>

namespace symphony::manifests {
namespace {

Version version(std::string_view text) {
    auto found = Version::parse(text);
    EXPECT_TRUE(found) << text;
    return found ? *found : Version();
}

Range range(std::string_view text) {
    auto found = Range::parse(text);
    EXPECT_TRUE(found) << text;
    return found ? *found : Range();
}

void expect_matches(std::string_view wanted, std::initializer_list<std::string_view> inside,
                    std::initializer_list<std::string_view> outside) {
    SCOPED_TRACE(wanted);
    const auto asked = range(wanted);
    for (const auto text : inside) EXPECT_TRUE(asked.contains(version(text))) << text;
    for (const auto text : outside) EXPECT_FALSE(asked.contains(version(text))) << text;
}

TEST(Version, ReadsEveryValidFormOfSemverOrg) {
    for (const auto* text : {
             "0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.1.2+meta-valid", "1.0.0-alpha",
             "1.0.0-beta", "1.0.0-alpha.beta", "1.0.0-alpha.beta.1", "1.0.0-alpha.1", "1.0.0-alpha0.valid",
             "1.0.0-alpha.0valid", "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay", "1.0.0-rc.1+build.1",
             "2.0.0-rc.1+build.123", "1.2.3-beta", "10.2.3-DEV-SNAPSHOT", "1.2.3-SNAPSHOT-123", "1.0.0", "2.0.0", "1.1.7",
             "2.0.0+build.1848", "2.0.1-alpha.1227", "1.0.0-alpha+beta", "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
             "1.2.3----R-S.12.9.1--.12+meta", "1.2.3----RC-SNAPSHOT.12.9.1--.12", "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
             "1.0.0-0A.is.legal", "18446744073709551615.0.0", "1.0.0-99999999999999999999999", "1.0.0+001"}) {
        SCOPED_TRACE(text);
        const auto found = Version::parse(text);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->text(), text);
    }
}

TEST(Version, RefusesEveryInvalidFormOfSemverOrg) {
    for (const auto* text : {
             "", "1", "1.2", "1.2.3-0123", "1.2.3-0123.0123", "1.1.2+.123", "+invalid", "-invalid", "-invalid+invalid",
             "-invalid.01", "alpha", "alpha.beta", "alpha.beta.1", "alpha.1", "alpha+beta", "alpha_beta", "alpha.", "alpha..",
             "beta", "1.0.0-alpha_beta", "-alpha.", "1.0.0-alpha..", "1.0.0-alpha..1", "1.0.0-alpha...1", "1.0.0-alpha....1",
             "1.0.0-alpha.....1", "1.0.0-alpha......1", "1.0.0-alpha.......1", "01.1.1", "1.01.1", "1.1.01", "1.2.3.DEV",
             "1.2-SNAPSHOT", "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788", "1.2-RC-SNAPSHOT", "-1.0.3-gamma+b7718",
             "+justmeta", "9.8.7+meta+meta", "9.8.7-whatever+meta+meta",
             "99999999999999999999999.999999999999999999.99999999999999999----RC-SNAPSHOT.12.09.1--------------------------------..12",
             "v1.2.3", " 1.2.3", "1.2.3 ", "1.2.3-", "1.2.3+", "18446744073709551616.0.0", "1.2.3-é", "1..2", "1.2."}) {
        SCOPED_TRACE(text);
        const auto found = Version::parse(text);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().reason(), "bad-version");
    }
}

TEST(Version, OrdersByPrecedence) {
    const char* const rising[] = {
        "0.0.0", "0.0.1", "0.1.0", "1.0.0-0", "1.0.0-2", "1.0.0-11", "1.0.0-99999999999999999999", "1.0.0--", "1.0.0-A",
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.1.0", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0", "1.0.1-rc", "1.0.1", "1.2.0", "1.10.0", "2.0.0", "2.1.0", "2.1.1", "18446744073709551615.0.0"};
    for (std::size_t i = 0; i < std::size(rising); ++i) {
        for (std::size_t j = 0; j < std::size(rising); ++j) {
            EXPECT_EQ(precedence(version(rising[i]), version(rising[j])), i <=> j) << rising[i] << " and " << rising[j];
        }
    }
}

TEST(Version, IgnoresBuildMetadataInPrecedenceAndKeepsItForSorting) {
    EXPECT_EQ(precedence(version("1.0.0+a"), version("1.0.0+b")), std::weak_ordering::equivalent);
    EXPECT_LT(version("1.0.0+a"), version("1.0.0+b"));
    EXPECT_NE(version("1.0.0+a"), version("1.0.0"));
}

TEST(Range, CaretKeepsTheLeftmostNumberThatIsNotZero) {
    expect_matches("^1.2.3", {"1.2.3", "1.2.4", "1.9.0"}, {"1.2.2", "2.0.0", "0.9.9", "1.3.0-rc"});
    expect_matches("^0.2.3", {"0.2.3", "0.2.9"}, {"0.2.2", "0.3.0", "1.2.3"});
    expect_matches("^0.0.3", {"0.0.3"}, {"0.0.2", "0.0.4", "0.1.3"});
    expect_matches("^0.0", {"0.0.0", "0.0.7"}, {"0.1.0"});
    expect_matches("^0", {"0.0.0", "0.9.9"}, {"1.0.0"});
    expect_matches("^1.2", {"1.2.0", "1.3.0"}, {"1.1.9", "2.0.0"});
    expect_matches("^1", {"1.0.0", "1.99.0"}, {"0.9.0", "2.0.0"});
    expect_matches("1.2.3", {"1.2.3", "1.9.0"}, {"2.0.0"});
}

TEST(Range, TildeKeepsWhatIsWritten) {
    expect_matches("~1.2.3", {"1.2.3", "1.2.9"}, {"1.2.2", "1.3.0", "2.2.3"});
    expect_matches("~1.2", {"1.2.0", "1.2.9"}, {"1.1.0", "1.3.0"});
    expect_matches("~1", {"1.0.0", "1.9.0"}, {"2.0.0"});
}

TEST(Range, ComparesAsFarAsItIsWritten) {
    expect_matches("=1.2.3", {"1.2.3", "1.2.3+build"}, {"1.2.4", "1.2.3-rc"});
    expect_matches("=1.2", {"1.2.0", "1.2.9"}, {"1.3.0"});
    expect_matches(">1.2.3", {"1.2.4", "2.0.0"}, {"1.2.3"});
    expect_matches(">1.2", {"1.3.0"}, {"1.2.9"});
    expect_matches(">1", {"2.0.0"}, {"1.9.9"});
    expect_matches(">=1.2", {"1.2.0", "2.0.0"}, {"1.1.9"});
    expect_matches("<1.2", {"1.1.9"}, {"1.2.0"});
    expect_matches("<=1.2", {"1.2.9", "0.1.0"}, {"1.3.0"});
    expect_matches("<=1", {"1.9.9"}, {"2.0.0"});
}

TEST(Range, TakesWildcardsAndCommas) {
    expect_matches("*", {"0.0.0", "9.9.9"}, {"1.0.0-rc"});
    expect_matches("1.*", {"1.0.0", "1.9.9"}, {"2.0.0"});
    expect_matches("1.2.*", {"1.2.9"}, {"1.3.0"});
    expect_matches("1.*.*", {"1.5.0"}, {"2.0.0"});
    expect_matches(">=1.0, <3.0", {"1.0.0", "2.9.9"}, {"0.9.9", "3.0.0"});
    expect_matches(">= 1.2 , < 1.5", {"1.2.0", "1.4.9"}, {"1.5.0"});
    expect_matches(">2, <1", {}, {"0.1.0", "1.5.0", "3.0.0"});
}

TEST(Range, TakesAPreReleaseOnlyWhereOneOfTheSameNumbersIsNamed) {
    expect_matches("^1.2.3-beta.2", {"1.2.3-beta.2", "1.2.3-beta.10", "1.2.3-rc", "1.2.3", "1.3.0"},
                   {"1.2.3-beta.1", "1.2.4-beta.3", "1.3.0-rc", "2.0.0-a"});
    expect_matches("~1.2.3-beta", {"1.2.3-beta", "1.2.3-rc", "1.2.9"}, {"1.2.3-alpha", "1.2.4-rc", "1.3.0"});
    expect_matches(">=1.0.0-rc.1, <2.0.0", {"1.0.0-rc.1", "1.0.0-rc.2", "1.9.0"}, {"1.1.0-rc.1", "2.0.0-rc.1"});
    expect_matches("=1.0.0-a", {"1.0.0-a", "1.0.0-a+x"}, {"1.0.0", "1.0.0-b"});
    expect_matches(">1.0.0-a", {"1.0.0-b", "1.0.0", "1.0.1"}, {"1.0.0-a", "1.0.1-b"});
    expect_matches("<1.0.0-b", {"1.0.0-a", "0.9.0"}, {"1.0.0-b", "1.0.0"});
}

/// The tables of "Specifying Dependencies" in Cargo's book: what a requirement is short for. Compared on a grid of releases and pre-releases.
TEST(Range, IsWhatCargosBookSaysItIsShortFor) {
    const std::pair<const char*, const char*> meanings[] = {
        {"1.2.3", ">=1.2.3, <2.0.0"}, {"1.2", ">=1.2.0, <2.0.0"},   {"1", ">=1.0.0, <2.0.0"},   {"0.2.3", ">=0.2.3, <0.3.0"}, {"0.2", ">=0.2.0, <0.3.0"},
        {"0.0.3", ">=0.0.3, <0.0.4"}, {"0.0", ">=0.0.0, <0.1.0"},   {"0", ">=0.0.0, <1.0.0"},   {"~1.2.3", ">=1.2.3, <1.3.0"}, {"~1.2", ">=1.2.0, <1.3.0"},
        {"~1", ">=1.0.0, <2.0.0"},    {"*", ">=0.0.0"},             {"1.*", ">=1.0.0, <2.0.0"}, {"1.2.*", ">=1.2.0, <1.3.0"},  {"=1.2.3", ">=1.2.3, <1.2.4"},
        {"=1.2", ">=1.2.0, <1.3.0"},  {"=1", ">=1.0.0, <2.0.0"},    {">1.2", ">=1.3.0"},        {">1", ">=2.0.0"},             {"<=1.2", "<1.3.0"},
        {"<=1", "<2.0.0"},            {">=1.2", ">=1.2.0"},         {"<1.2", "<1.2.0"},         {"^1.2, <1.4.2", ">=1.2.0, <1.4.2"}};
    for (const auto& [written, meaning] : meanings) {
        SCOPED_TRACE(written);
        const auto one = range(written), other = range(meaning);
        for (int at = 0; at < 3 * 6 * 6 * 2; ++at) {
            const auto text = std::to_string(at / 72) + "." + std::to_string(at / 12 % 6) + "." + std::to_string(at / 2 % 6) + (at % 2 == 0 ? "" : "-rc.1");
            EXPECT_EQ(one.contains(version(text)), other.contains(version(text))) << text;
        }
    }
}

TEST(Range, RefusesWhatCargoRefuses) {
    for (const auto* text : {"", " ", "a", "1.2.3.4", ">", "^", "1.", "1..2", "01", "1.02", "1.*.3", "*, 1.0", "1.0, *", "1.0,",
                             ",1.0", "1.0 2.0", "1.2.3-", "1.2.3-01", "1.2.3+", "1-a", "1.2-a", "==1.0", "~>1.0", "<>1", "!1",
                             "1.0 || 2.0", "1.0 - 2.0", "**", "*.1", "99999999999999999999"}) {
        SCOPED_TRACE(text);
        const auto found = Range::parse(text);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().reason(), "bad-range");
    }
}

TEST(Range, PrintsCanonically) {
    const std::pair<const char*, const char*> texts[] = {{"1.2", "^1.2"}, {" ^1.2 ,<1.9", "^1.2, <1.9"}, {"*", "*"}, {"x", "*"},
                                                         {"1.2.X", "1.2.*"}, {"1.*.*", "1.*"}, {">1.*", ">1"}, {"=1.2.3-a+b", "=1.2.3-a"}};
    for (const auto& [written, canonical] : texts) {
        EXPECT_EQ(range(written).text(), canonical);
        EXPECT_EQ(range(canonical), range(written));
    }
}

TEST(Range, RefusesMoreThanThirtyTwoComparisons) {
    std::string text = "1";
    for (int i = 1; i < 32; ++i) text += ",1";
    EXPECT_TRUE(Range::parse(text));
    EXPECT_FALSE(Range::parse(text + ",1"));
}

} // namespace
} // namespace symphony::manifests
