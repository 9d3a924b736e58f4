// SPDX-License-Identifier: Apache-2.0
// Any text: what can be read as a recording is written as a text that reads as the same.
#include <symphony/testing/recording.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using symphony::testing::Recording;
    const auto recording = Recording::parse({reinterpret_cast<const char*>(data), size});
    if (!recording) {
        if (recording.error().message().empty() || recording.error().hint().empty()) std::abort();
        return 0;
    }
    const auto again = Recording::parse(recording->text());
    if (!again || *again != *recording) std::abort();
    return 0;
}
