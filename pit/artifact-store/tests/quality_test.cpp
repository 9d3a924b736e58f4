// SPDX-License-Identifier: Apache-2.0
#include "quality.hpp"

#include <gmock/gmock.h>

namespace symphony::store {
namespace {

QualityFacts facts_of(std::string_view content, std::string media_type) {
    QualityFacts facts;
    facts.beginning = Buffer::copy(content);
    facts.info.size = content.size();
    facts.info.media_type = std::move(media_type);
    return facts;
}

double part(const ports::QualityReport& report, std::string_view name) {
    for (const auto& one : report.parts) {
        if (one.name == name) return one.score;
    }
    ADD_FAILURE() << "no part " << name;
    return -1;
}

TEST(Quality, LooksWhetherTheContentIsWhatItSays) {
    const auto structure = [](std::string_view content, std::string type) { return part(built_in_score(facts_of(content, std::move(type))), "structure"); };
    EXPECT_EQ(structure("{\"a\": 1}", "application/json"), 1);
    EXPECT_EQ(structure("{\"a\": ", "application/json"), 0.1);
    EXPECT_EQ(structure("words\n", "text/plain"), 1);
    EXPECT_EQ(structure(" \n\n", "text/plain"), 0.2);
    EXPECT_EQ(structure("\xFF\xFE\xFD\xFC.....", "text/plain"), 0.1);
    EXPECT_EQ(structure("%PDF-1.7 ...", "application/pdf"), 1);
    EXPECT_EQ(structure("%PDF-1.7 ...", "image/png"), 0.2);
    EXPECT_EQ(structure("", "text/plain"), 0);
    EXPECT_EQ(structure("....", ""), 0.4);
}

TEST(Quality, CountsWhatIsKnown) {
    QualityFacts facts = facts_of("words", "text/plain");
    EXPECT_DOUBLE_EQ(part(built_in_score(facts), "completeness"), 0.2);
    facts.info.name = "a";
    facts.info.version = 1;
    facts.info.message = "first";
    facts.info.type = "report";
    facts.info.tags = {"x"};
    facts.info.origins = {{{ContentId{}}, {}, 1}};
    EXPECT_DOUBLE_EQ(part(built_in_score(facts), "completeness"), 1.0);
}

TEST(Quality, GrowsWithUseAndNeverBeyondOne) {
    QualityFacts facts = facts_of("words", "text/plain");
    double before = part(built_in_score(facts), "use");
    EXPECT_EQ(before, 0);
    for (const std::uint64_t outputs : {1u, 2u, 10u, 64u}) {
        facts.outputs = outputs;
        const double now = part(built_in_score(facts), "use");
        EXPECT_GT(now, before);
        EXPECT_LT(now, 1);
        before = now;
    }
    facts.later_versions = 1;
    EXPECT_LT(part(built_in_score(facts), "use"), before);
}

TEST(Quality, IsTheWeightedMeanOfItsPartsAndSaysWhy) {
    QualityFacts facts = facts_of("words", "text/plain");
    facts.outputs = 1;
    const auto report = built_in_score(facts);
    EXPECT_DOUBLE_EQ(report.score, 1 * 0.40 + 0.2 * 0.35 + 0.5 * 0.25);
    EXPECT_EQ(report.scorer, "built-in");
    for (const auto& one : report.parts) EXPECT_THAT(one.reasons, testing::Not(testing::IsEmpty())) << one.name;
}

} // namespace
} // namespace symphony::store
