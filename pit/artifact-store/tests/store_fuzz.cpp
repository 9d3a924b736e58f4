// SPDX-License-Identifier: Apache-2.0
#include "decoders.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    symphony::store::fuzz::decode_any({data, size});
    return 0;
}
