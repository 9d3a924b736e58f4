// SPDX-License-Identifier: Apache-2.0
// Replays a fuzz target's corpus, and every cut and single-byte change of it, as an ordinary test.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

TEST(SYMPHONY_FUZZ_NAME, SurvivesItsCorpusAndNeighbours) {
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(SYMPHONY_FUZZ_CORPUS)) {
        SCOPED_TRACE(entry.path().filename().string());
        std::ifstream file(entry.path(), std::ios::binary);
        std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
        std::vector<std::uint8_t> bytes(text.begin(), text.end());
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        ++inputs;
        if (bytes.size() > 2048) continue;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
            LLVMFuzzerTestOneInput(cut.data(), cut.size());
            for (const std::uint8_t flip : std::initializer_list<std::uint8_t>{0x01, 0x80, 0xFF}) {
                auto changed = bytes;
                changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
                LLVMFuzzerTestOneInput(changed.data(), changed.size());
            }
        }
    }
    EXPECT_GT(inputs, 0u);
}
