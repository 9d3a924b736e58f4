// SPDX-License-Identifier: Apache-2.0
#include "instrument.hpp"
#include "pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace tess {
namespace {

using symphony::Buffer;
using symphony::Code;
using symphony::Error;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;
using test::sample;
using test::TemporaryFolder;
using test::TestWatch;

Result<Buffer> fetch_nothing(ValueView) { return Error(Code::not_granted, "nothing is granted here"); }

Value page_input(const std::string& name, const std::string& language = "eng") {
    return ValueBuilder().map().key("image").map().add("path", name).key("bytes").bytes(sample(name)).end().add("language", language).end().build();
}

Value recognised(TextReader& reader, const std::string& name) {
    TestWatch watch;
    auto page = reader.infer("recognise", page_input(name), fetch_nothing, watch);
    EXPECT_TRUE(page) << page.error().message();
    return page ? *std::move(page) : Value();
}

std::string one_line(ValueView text) {
    std::string out(text.as_text());
    std::replace(out.begin(), out.end(), '\n', ' ');
    return out;
}

/// Recognition varies a little with the version of the model: phrases, not the whole page.
void expect_text(const Value& page, std::initializer_list<std::string_view> phrases, double confidence_min) {
    const std::string text = one_line(page["text"]);
    std::size_t at = 0;
    for (const std::string_view phrase : phrases) {
        const std::size_t found = text.find(phrase, at);
        EXPECT_NE(found, std::string::npos) << phrase << " is not there, or not in this order:\n" << text;
        if (found != std::string::npos) at = found;
    }
    EXPECT_GE(page["confidence"].as_double(), confidence_min);
    EXPECT_LE(page["confidence"].as_double(), 100);
}

void expect_error(TextReader& reader, const Value& input, std::string_view reason, std::string_view in_message = {}) {
    SCOPED_TRACE(reason);
    TestWatch watch;
    const auto page = reader.infer("recognise", input, fetch_nothing, watch);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().reason(), reason) << page.error().message();
    EXPECT_NE(page.error().message().find(in_message), std::string::npos) << page.error().message();
}

TEST(Recognise, ReadsACleanPage) {
    TextReader reader({});
    const Value page = recognised(reader, "clean-page.png");
    expect_text(page, {"The Life of One Call", "It never names a library", "with one plain sentence", "When something breaks"}, 85);
    EXPECT_EQ(page["path"].as_text(), "clean-page.png");
    EXPECT_EQ(page["width"].as_uint(), 1300u);
}

TEST(Recognise, ReadsTheLeftColumnBeforeTheRight) {
    TextReader reader({});
    expect_text(recognised(reader, "two-columns.png"), {"An instrument wraps a model", "An operator transforms values", "A conductor decides", "A workflow is a graph", "Below the stage"}, 85);
}

TEST(Recognise, ReadsNumbersInTables) {
    TextReader reader({});
    const Value page = recognised(reader, "measurements.png");
    expect_text(page, {"Budget of a Host"}, 70);
    const std::string text = one_line(page["text"]);
    for (const char* number : {"10000", "50000", "nanoseconds", "5000 lines"}) EXPECT_NE(text.find(number), std::string::npos) << number;
}

TEST(Recognise, ReadsACrookedNoisyPageWithLessConfidence) {
    TextReader reader({});
    const Value page = recognised(reader, "scanned-letter.png");
    expect_text(page, {"of the plugins", "last week the host refused one of my plugins", "after five crashes"}, 50);
    EXPECT_LT(page["confidence"].as_double(), recognised(reader, "clean-page.png")["confidence"].as_double());
}

TEST(Recognise, PlacesEveryWordOnThePage) {
    TextReader reader({});
    const Value page = recognised(reader, "clean-page.png");
    ASSERT_GT(page["words"].size(), 100u);
    ASSERT_GT(page["lines"].size(), 10u);
    EXPECT_LT(page["lines"].size(), page["words"].size());
    for (const ValueView word : page["words"].items()) {
        EXPECT_FALSE(word["text"].as_text().empty());
        const ValueView box = word["box"];
        EXPECT_GE(box["left"].as_int(), 0);
        EXPECT_GT(box["width"].as_int(), 0);
        EXPECT_LE(box["left"].as_int() + box["width"].as_int(), page["width"].as_int());
        EXPECT_LE(box["top"].as_int() + box["height"].as_int(), page["height"].as_int());
        EXPECT_GE(word["confidence"].as_double(), 0);
    }
}

TEST(Recognise, TakesPlainBytesAndFetchesNamedFiles) {
    TextReader reader({});
    TestWatch watch;
    const Value plain = ValueBuilder().map().key("image").bytes(sample("scanned-letter.png")).end().build();
    EXPECT_TRUE(reader.infer("recognise", plain, fetch_nothing, watch));

    std::string asked;
    const Value named = ValueBuilder().map().key("image").map().add("path", "a/b.png").end().end().build();
    const auto fetch = [&](ValueView image) -> Result<Buffer> {
        asked = image["path"].as_text();
        return Buffer::from(sample("scanned-letter.png"));
    };
    const auto page = reader.infer("recognise", named, fetch, watch);
    ASSERT_TRUE(page) << page.error().message();
    EXPECT_EQ(asked, "a/b.png");
    EXPECT_EQ((*page)["path"].as_text(), "a/b.png");
    EXPECT_EQ(reader.infer("recognise", named, fetch_nothing, watch).error().code(), Code::not_granted);
}

TEST(Recognise, FindsNothingOnAnEmptyPage) {
    TextReader reader({});
    for (const int side : {1, 2, 3, 10, 300}) {
        SCOPED_TRACE(side);
        std::string pgm = "P5\n" + std::to_string(side) + " " + std::to_string(side) + "\n255\n";
        pgm.append(static_cast<std::size_t>(side * side), '\xFF');
        TestWatch watch;
        const auto page = reader.infer("recognise", ValueBuilder().map().key("image").bytes(symphony::bytes_of(pgm)).end().build(), fetch_nothing, watch);
        ASSERT_TRUE(page) << page.error().message();
        EXPECT_EQ((*page)["text"].as_text(), "");
        EXPECT_EQ((*page)["confidence"].as_double(), 0);
        EXPECT_EQ((*page)["words"].size(), 0u);
    }
}

TEST(Recognise, RefusesWrongInputsByName) {
    TextReader reader({});
    const auto with_image = [](auto&& more) {
        ValueBuilder input;
        input.map().key("image").bytes(sample("scanned-letter.png"));
        more(input);
        return input.end().build();
    };
    expect_error(reader, ValueBuilder().map().end().build(), "missing-input", "image");
    expect_error(reader, ValueBuilder().map().add("image", "a.png").end().build(), "wrong-kind", "image");
    expect_error(reader, with_image([](auto& to) { to.add("langauge", "eng"); }), "unknown-input", "langauge");
    expect_error(reader, with_image([](auto& to) { to.add("page_segmentation", 0); }), "out-of-range");
    expect_error(reader, with_image([](auto& to) { to.add("page_segmentation", 2); }), "out-of-range", "gives no text");
    expect_error(reader, with_image([](auto& to) { to.add("language", "xxx"); }), "unknown-model", "xxx");
    TestWatch watch;
    EXPECT_EQ(reader.infer("draw", Value(), fetch_nothing, watch).error().reason(), "unknown-operation");
}

TEST(Recognise, NamesTheBrokenFile) {
    TextReader reader({});
    const Value input = ValueBuilder().map().key("image").map().add("path", "pages/7.png").key("bytes").bytes(symphony::bytes_of("no image")).end().end().build();
    expect_error(reader, input, "not-an-image", "pages/7.png: ");
}

TEST(Recognise, PrintsNothing) {
    TextReader reader({});
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    recognised(reader, "measurements.png");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(Recognise, StopsWhenCancelled) {
    TextReader reader({});
    recognised(reader, "clean-page.png");
    TestWatch watch;
    watch.cancel_after = 5;
    const auto page = reader.infer("recognise", page_input("clean-page.png"), fetch_nothing, watch);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code(), Code::cancelled);
    EXPECT_LT(watch.asked, 20) << "asked on after the answer";
    expect_text(recognised(reader, "clean-page.png"), {"The Life of One Call", "could not be done"}, 85);
    EXPECT_EQ(reader.engines().loads(), 1u);
}

TEST(Recognise, HonoursADeadlineThatHasPassed) {
    TextReader reader({});
    TestWatch watch;
    watch.deadline = 1;
    const auto page = reader.infer("recognise", page_input("clean-page.png"), fetch_nothing, watch);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code(), Code::deadline);
}

TEST(Recognise, TellsItsProgress) {
    TextReader reader({});
    TestWatch watch;
    ASSERT_TRUE(reader.infer("recognise", page_input("clean-page.png"), fetch_nothing, watch));
    ASSERT_GT(watch.progressed.size(), 3u);
    EXPECT_TRUE(std::is_sorted(watch.progressed.begin(), watch.progressed.end()));
    EXPECT_LE(watch.progressed.back(), 1000u);
}

std::size_t threads_of_process() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) ++count;
    return count;
}

TEST(Recognise, StartsNoThreads) {
    TextReader reader({});
    const std::size_t before = threads_of_process();
    recognised(reader, "clean-page.png");
    EXPECT_EQ(threads_of_process(), before);
}

TEST(Engines, LoadAModelOnceAndReuseIt) {
    TextReader reader({});
    for (int i = 0; i < 3; ++i) recognised(reader, "scanned-letter.png");
    EXPECT_EQ(reader.engines().loads(), 1u);
}

TEST(Engines, NeverHoldMoreThanTheirMost) {
    TextReader reader(Settings{2, 100, {}});
    std::vector<std::thread> callers;
    for (int i = 0; i < 6; ++i) callers.emplace_back([&] { recognised(reader, "scanned-letter.png"); });
    for (auto& caller : callers) caller.join();
    EXPECT_LE(reader.engines().loads(), 2u);
    const auto models = reader.engines().models();
    const auto eng = std::find_if(models.begin(), models.end(), [](const auto& model) { return model.language == "eng"; });
    ASSERT_NE(eng, models.end());
    EXPECT_LE(eng->engines, 2u);
    EXPECT_GE(eng->engines, 1u);
}

TEST(Engines, MeasureWhatTheyHoldAndGiveItBack) {
    TextReader reader({});
    TestWatch watch;
    const auto eng = [&] {
        for (auto& model : reader.engines().models()) {
            if (model.language == "eng") return model;
        }
        return Engines::Info{};
    };
    EXPECT_EQ(eng().resident_bytes, 0u);
    ASSERT_TRUE(reader.engines().load("eng", watch));
    EXPECT_EQ(eng().engines, 1u);
    EXPECT_GT(eng().resident_bytes, 1'000'000u);
    EXPECT_LT(eng().resident_bytes, 500'000'000u);
    ASSERT_TRUE(reader.engines().load("eng", watch));
    EXPECT_EQ(reader.engines().loads(), 1u);
    {
        const auto lease = reader.engines().acquire("eng", watch);
        ASSERT_TRUE(lease);
        const auto refused = reader.engines().unload("eng");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason(), "model-in-use");
    }
    ASSERT_TRUE(reader.engines().unload("eng"));
    EXPECT_EQ(eng().resident_bytes, 0u);
    EXPECT_TRUE(reader.engines().unload("eng"));
    EXPECT_EQ(reader.engines().unload("xxx").error().reason(), "unknown-model");
    EXPECT_EQ(reader.engines().load("xxx", watch).error().reason(), "unknown-model");
}

TEST(Engines, WaitForAFreeOneUntilCancelled) {
    TextReader reader(Settings{1, 100, {}});
    TestWatch watch;
    const auto taken = reader.engines().acquire("eng", watch);
    ASSERT_TRUE(taken);
    TestWatch impatient;
    impatient.cancel_after = 2;
    const auto second = reader.engines().acquire("eng", impatient);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Code::cancelled);
}

TEST(Engines, MakeRoomForAnotherLanguage) {
    const TemporaryFolder temporary;
    const auto& folder = temporary.path();
    const auto eng = Languages::find("").folder() / "eng.traineddata";
    for (const char* name : {"eng.traineddata", "abc.traineddata"}) {
        std::filesystem::copy_file(eng, folder / name, std::filesystem::copy_options::overwrite_existing);
    }
    Engines engines(Languages(folder), 1);
    TestWatch watch;
    ASSERT_TRUE(engines.load("eng", watch));
    ASSERT_TRUE(engines.load("abc", watch));
    std::string loaded;
    for (const auto& model : engines.models()) loaded += model.engines > 0 ? model.language : "";
    EXPECT_EQ(loaded, "abc");
}

TEST(Engines, RefuseADamagedModel) {
    const TemporaryFolder temporary;
    const auto& folder = temporary.path();
    std::ofstream(folder / "bad.traineddata") << "this is no model";
    std::ofstream(folder / "nil.traineddata") << "";
    Engines engines(Languages(folder), 1);
    TestWatch watch;
    testing::internal::CaptureStderr();
    for (const char* language : {"bad", "nil"}) {
        const auto status = engines.load(language, watch);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().reason(), "model-broken");
        EXPECT_NE(status.error().message().find(language), std::string::npos);
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

} // namespace
} // namespace tess
