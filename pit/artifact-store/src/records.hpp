// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

/// What is known about artifacts, as records in the packs. Each record is the whole state of one key at one sequence number,
/// or says that the key is gone: the newest of a key counts, so records can be applied in any order and more than once.
namespace symphony::store {

enum class Kind : std::uint8_t {
    artifact = 1,  ///< key: id (32)
    version = 2,   ///< key: version (4, big-endian) || name
    reference = 3, ///< key: artifact (32) || holder
    lease = 4,     ///< key: lease id (8, big-endian)
    quota = 5,     ///< key: empty
    note = 6,      ///< only for the audit trail; key: empty
};

enum class Action : std::uint8_t {
    put = 1, update, version, tag, quality, pin, unpin, hold, unhold, refer, unrefer, lease, renew, release, remove, collect, quota, key, lost,
};
std::string_view name_of(Action action) noexcept;

constexpr std::size_t name_bytes_max = 1024;
constexpr std::size_t message_bytes_max = 64 * 1024;
constexpr std::size_t word_bytes_max = 255; ///< tags, types, holders, actors
constexpr std::size_t tags_max = 1000;
constexpr std::size_t inputs_max = 10'000;
constexpr std::size_t origins_max = 16;

struct Record {
    Kind kind = Kind::note;
    std::vector<std::uint8_t> key;
    std::uint64_t sequence = 0;
    std::uint64_t time_ms = 0;
    Action action = Action::put;
    bool gone = false;
    std::string actor;
    std::string detail;
    std::vector<std::uint8_t> value; ///< empty when gone
    friend bool operator==(const Record&, const Record&) = default;
};

/// The content of one meta blob.
struct Batch {
    std::uint32_t collections = 0; ///< see Footer::collections
    std::vector<Record> records;

    std::vector<std::uint8_t> encode() const;
    static std::optional<Batch> decode(Bytes bytes);
};

/// A part of a content: a chunk, or a list of chunks.
struct Part {
    Digest blob;
    std::uint64_t size = 0; ///< bytes of the content that it stands for
    friend bool operator==(const Part&, const Part&) = default;
};
constexpr std::size_t parts_direct_max = 64;
constexpr std::size_t list_parts_max = 4096;
constexpr std::size_t lists_max = 100'000;

/// The content of a list blob: the next chunks of a large content.
std::vector<std::uint8_t> encode_list(std::span<const Part> parts);
std::optional<std::vector<Part>> decode_list(Bytes bytes);

struct ArtifactRecord {
    std::uint64_t size = 0;
    std::uint64_t chunks = 0;
    bool lists = false;          ///< `parts` are lists of chunks
    std::vector<Part> parts;
    std::string media_type, type;
    std::vector<std::string> tags;
    std::vector<Origin> origins;
    double quality = -1;
    std::uint64_t created_ms = 0, changed_ms = 0;
    bool pinned = false, held = false;
    std::string hold_reason;
    std::uint64_t lease_until_ms = 0; ///< of puts; leases have records of their own

    std::vector<std::uint8_t> encode() const;
    static std::optional<ArtifactRecord> decode(Bytes bytes);
};

struct VersionRecord {
    ContentId id;
    std::optional<ContentId> parent;
    std::string message;
    std::uint64_t created_ms = 0;
    std::string actor;
    MadeBy made_by;

    std::vector<std::uint8_t> encode() const;
    static std::optional<VersionRecord> decode(Bytes bytes);
};

struct LeaseRecord {
    ContentId id;
    std::uint64_t until_ms = 0;
    std::uint64_t length_ms = 0;
    std::vector<std::uint8_t> encode() const;
    static std::optional<LeaseRecord> decode(Bytes bytes);
};

struct NoteValue {
    std::optional<ContentId> id;
    std::string name;
    std::uint32_t version = 0;
    std::vector<std::uint8_t> encode() const;
    static std::optional<NoteValue> decode(Bytes bytes);
};

std::vector<std::uint8_t> version_key(std::string_view name, std::uint32_t version);
std::optional<std::pair<std::string, std::uint32_t>> read_version_key(Bytes key);
std::vector<std::uint8_t> reference_key(const ContentId& id, std::string_view holder);
std::vector<std::uint8_t> lease_key(LeaseId lease);

/// Checks what people and plugins give. `invalid_argument` / "bad-name", "bad-tag", "bad-text", "too-many".
Status check_name(std::string_view name);
Status check_word(std::string_view what, std::string_view word, bool may_be_empty);
Status check_options(const PutOptions& options);

} // namespace symphony::store
