// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle.hpp"
#include "header.hpp"
#include "pack.hpp"
#include "records.hpp"

#include <cstdlib>

namespace symphony::store::fuzz {

/// Whatever a decoder takes, its encoder gives back byte for byte; and nothing may crash.
template <class T>
void same_again(const std::optional<T>& value, Bytes bytes) {
    if (value && text_of(value->encode()) != text_of(bytes)) std::abort();
}

/// The first byte chooses the decoder.
inline void decode_any(Bytes bytes) {
    if (bytes.empty()) return;
    const Bytes rest = bytes.subspan(1);
    switch (bytes[0] % 10) {
    case 0: {
        const auto frame = Frame::decode(rest.first(std::min(rest.size(), frame_bytes)));
        if (frame) {
            const auto again = frame->encode();
            if (text_of(again) != text_of(rest.first(frame_bytes))) std::abort();
        }
        break;
    }
    case 1: same_again(Footer::decode(rest, 1 << 30), rest); break;
    case 2: {
        const auto batch = Batch::decode(rest);
        same_again(batch, rest);
        break;
    }
    case 3: {
        const auto record = ArtifactRecord::decode(rest);
        if (record && !ArtifactRecord::decode(record->encode())) std::abort();
        break;
    }
    case 4: same_again(VersionRecord::decode(rest), rest); break;
    case 5: same_again(LeaseRecord::decode(rest), rest); break;
    case 6: {
        const auto parts = decode_list(rest);
        if (parts && text_of(encode_list(*parts)) != text_of(rest)) std::abort();
        break;
    }
    case 7: static_cast<void>(Header::parse(text_of(rest))); break;
    case 8: static_cast<void>(PartHead::decode(rest)); break;
    default: {
        const auto artifact = BundleArtifact::decode(rest);
        const auto version = BundleVersion::decode(rest);
        if (artifact && !BundleArtifact::decode(artifact->encode())) std::abort();
        same_again(version, rest);
        break;
    }
    }
}

} // namespace symphony::store::fuzz
