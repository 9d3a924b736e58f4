// SPDX-License-Identifier: Apache-2.0
// The decoder of streams: however a stream is cut, the same frames come out or the same fault, and never more memory than came in.
#include <symphony/transport/frame.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace symphony;
using namespace symphony::transport;

struct Outcome {
    std::vector<std::string> frames;
    std::string fault;
    bool finished = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// @param place  Large pieces go to where they belong directly, as a carrier reads them.
Outcome decode(Bytes stream, std::size_t step, bool place) {
    Outcome out;
    Inbox inbox(1 << 16, 3, 1 << 16);
    StreamDecoder decoder;
    std::vector<std::uint8_t> rest;
    const auto feed = [&](Bytes bytes) {
        for (;;) {
            const auto result = decoder.feed(bytes, inbox);
            while (!inbox.empty()) out.frames.emplace_back(inbox.take().text());
            if (result == StreamDecoder::Result::corrupt) out.fault = decoder.fault();
            if (result != StreamDecoder::Result::full) return;
        }
    };
    while (!stream.empty() && out.fault.empty()) {
        Bytes piece = stream.first(std::min(step, stream.size()));
        stream = stream.subspan(piece.size());
        if (const auto room = decoder.place(inbox); place && !room.empty()) {
            const std::size_t size = std::min(room.size(), piece.size());
            std::copy_n(piece.begin(), size, room.begin());
            if (decoder.wrote(size, inbox) == StreamDecoder::Result::corrupt) {
                out.fault = decoder.fault();
                break;
            }
            piece = piece.subspan(size);
        }
        feed(piece);
    }
    while (!inbox.empty()) out.frames.emplace_back(inbox.take().text());
    out.finished = inbox.finished();
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const Bytes stream(data + 1, size - 1);
    const Outcome whole = decode(stream, stream.size() + 1, false);
    if (whole != decode(stream, 1 + data[0], true)) std::abort();
    if (size < 4096 && whole != decode(stream, 1, false)) std::abort();
    return 0;
}
