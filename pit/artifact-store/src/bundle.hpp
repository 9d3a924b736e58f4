// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "records.hpp"

/// The one-file form of artifacts, for pipes and letters: a sequence of parts, each with its checksum, and a SHA-256 over all
/// at the end. A bundle is not encrypted, whatever the store it came from.
namespace symphony::store {

constexpr std::string_view bundle_magic = "SYMBNDL1";
constexpr std::size_t bundle_part_bytes_max = 1 << 20;

enum class PartType : std::uint8_t {
    artifact = 1, ///< BundleArtifact; its content follows
    data = 2,     ///< at most 1 MiB of the content
    end = 3,      ///< of the content: nothing
    version = 4,  ///< BundleVersion
    close = 5,    ///< SHA-256 of every byte before this part
};

struct BundleArtifact {
    ContentId id;
    ArtifactRecord record; ///< without parts
    std::vector<std::uint8_t> encode() const;
    static std::optional<BundleArtifact> decode(Bytes bytes);
};
struct BundleVersion {
    std::string name;
    VersionRecord record;
    std::vector<std::uint8_t> encode() const;
    static std::optional<BundleVersion> decode(Bytes bytes);
};

/// type (1) || size (4) || checksum of both and the payload (8)
constexpr std::size_t part_head_bytes = 13;
std::vector<std::uint8_t> encode_part(PartType type, Bytes payload);
struct PartHead {
    PartType type;
    std::uint32_t size = 0;
    std::uint64_t sum = 0;
    static std::optional<PartHead> decode(Bytes bytes);
    std::uint64_t sum_of(Bytes payload) const;
};

} // namespace symphony::store
