// SPDX-License-Identifier: Apache-2.0
#include "languages.hpp"
#include "pages.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tess {
namespace {

namespace fs = std::filesystem;

class LanguagesTest : public testing::Test {
protected:
    LanguagesTest() {
        fs::create_directories(folder_ / "script");
        for (const char* name : {"eng.traineddata", "deu.traineddata", "osd.traineddata", "pdf.ttf", "script/Latin.traineddata"}) {
            std::ofstream(folder_ / name) << "12345";
        }
    }

    void expect_unknown(const std::string& language, const std::string& hint) {
        SCOPED_TRACE(language);
        const auto bytes = Languages(folder_).file_bytes(language);
        ASSERT_FALSE(bytes);
        EXPECT_EQ(bytes.error().reason(), "unknown-model");
        EXPECT_EQ(bytes.error().code(), symphony::Code::not_found);
        EXPECT_NE(bytes.error().message().find(folder_.string()), std::string::npos) << bytes.error().message();
        EXPECT_NE(bytes.error().hint().find(hint), std::string::npos) << bytes.error().hint();
    }

    const test::TemporaryFolder temporary_;
    const fs::path folder_ = temporary_.path();
};

TEST_F(LanguagesTest, ListsModelsThatReadLetters) {
    std::string names;
    for (const auto& [name, bytes] : Languages(folder_).installed()) names += name + " ";
    EXPECT_EQ(names, "deu eng script/Latin ");
}

TEST_F(LanguagesTest, AddsUpCombinations) {
    EXPECT_EQ(*Languages(folder_).file_bytes("eng"), 5u);
    EXPECT_EQ(*Languages(folder_).file_bytes("eng+deu"), 10u);
}

TEST_F(LanguagesTest, NamesThePackageOfAMissingLanguage) {
    expect_unknown("fra", "apt-get install tesseract-ocr-fra");
    expect_unknown("chi_sim", "apt-get install tesseract-ocr-chi-sim");
    expect_unknown("eng+fra", "apt-get install tesseract-ocr-fra");
    expect_unknown("osd", "choose a language");
}

TEST_F(LanguagesTest, NeverLeavesItsFolder) {
    expect_unknown("../eng", "named like");
    expect_unknown("", "named like");
    expect_unknown("eng+", "named like");
    expect_unknown("/etc/passwd", "");
    expect_unknown(std::string("en\ng"), "named like");
}

TEST_F(LanguagesTest, AFolderThatIsNotThereHasNoModels) {
    EXPECT_TRUE(Languages(folder_ / "missing").installed().empty());
    const auto bytes = Languages(folder_ / "missing").file_bytes("eng");
    ASSERT_FALSE(bytes);
    EXPECT_NE(bytes.error().message().find("no models there"), std::string::npos);
}

} // namespace
} // namespace tess
