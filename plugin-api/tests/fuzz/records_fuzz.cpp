// SPDX-License-Identifier: Apache-2.0
// The first byte chooses a record, the rest is decoded: an error, or a record whose own bytes read back equal.
#include "tests/records.hpp"

#include <cmath>
#include <cstdlib>

namespace {

template <class Record>
void decode(symphony::Bytes bytes) {
    using namespace symphony;
    const auto record = decode_record<Record>(bytes);
    if (!record) return;
    WireWriter first;
    Wire<Record>::write(first, *record);
    WireReader reader(first.buffers(), first.buffer_count(), WireKeep::own);
    Record back{};
    Wire<Record>::read(reader, back);
    reader.finish();
    if (!reader.ok()) std::abort();
    WireWriter second;
    Wire<Record>::write(second, back);
    // Bytes and not ==: a NaN is not equal to itself.
    if (text_of(first.bytes()) != text_of(second.bytes())) std::abort();
}

using Decode = void (*)(symphony::Bytes);
#define SYMPHONY_DECODE(Record) &decode<Record>,
constexpr Decode decoders[] = {SYMPHONY_FOR_EACH_RECORD(SYMPHONY_DECODE)};
#undef SYMPHONY_DECODE

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    decoders[data[0] % std::size(decoders)]({data + 1, size - 1});
    return 0;
}
