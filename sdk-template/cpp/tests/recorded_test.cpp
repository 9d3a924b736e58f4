// SPDX-License-Identifier: Apache-2.0
// What the plugin answered once, it answers still. The calls and answers are in word_mask.calls, which people read and version control compares.
// When another answer is meant: SYMPHONY_RECORD=1 build/tests/word-mask-tests, and look at what has changed.
#include "plugin.cpp" // the wiring, too

#include <symphony/testing/recording.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace {

using symphony::testing::FakeHost;
using symphony::testing::Recording;

const std::filesystem::path file = std::filesystem::path(__FILE__).parent_path() / "word_mask.calls";

symphony::Value input(std::string_view text, std::vector<std::string_view> words) {
    symphony::ValueBuilder value;
    value.map().add("text", text).key("words").list();
    for (const std::string_view word : words) value.text(word);
    return value.end().end().build();
}

/// The questions; each is asked once.
void record() {
    Recording recording;
    FakeHost host;
    ASSERT_TRUE(host.add("word-mask", symphony_plugin_v1()));
    ASSERT_TRUE(symphony::testing::add_recorder(host, "recorded", "operator/1", "word-mask", recording));
    const auto client = symphony::ports::OperatorClient::acquire(host.host(), "recorded");
    static_cast<void>(client->apply("mask", input("call ann or bob", {"ann", "bob"})));
    static_cast<void>(client->apply("mask", input("", {})));
    static_cast<void>(client->apply("mask", symphony::ValueBuilder().map().add("text", "no words").end().build()));
    static_cast<void>(client->apply("unmask", input("a", {"a"})));
    ASSERT_TRUE(recording.save(file));
}

TEST(WordMask, AnswersAsItWasRecorded) {
    if (std::getenv("SYMPHONY_RECORD") != nullptr) record();
    const auto recording = Recording::load(file);
    ASSERT_TRUE(recording) << recording.error().message();
    ASSERT_FALSE(recording->calls.empty());
    FakeHost host;
    ASSERT_TRUE(host.add("word-mask", symphony_plugin_v1()));
    EXPECT_EQ(symphony::testing::differences(host, "word-mask", *recording), std::vector<std::string>());
}

} // namespace
