// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/signature.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::packaging {

// The files that a registry consists of, as data. docs/registry.md describes them. Pure: text to data, data to canonical text. [any]
// Errors of all readers: `data_corrupt` with "bad-syntax", "missing-key", "unknown-key", "wrong-type", "bad-value" or "duplicate-entry", with file and
// line; `unsupported`, "registry-too-new"; `exhausted`, "too-large".

/// Seconds since 1970-01-01T00:00:00Z; the clock is the caller's.
using UnixTime = std::int64_t;
/// "2026-12-01T00:00:00Z". @return `invalid_argument`, "bad-time".
Result<UnixTime> parse_time(std::string_view text);
std::string time_text(UnixTime time);

/// `config.toml`: what the registry is called.
struct RegistryConfig {
    std::string name;  ///< like an id; fixed for ever
    std::string title; ///< for people
    friend bool operator==(const RegistryConfig&, const RegistryConfig&) = default;
};
Result<RegistryConfig> parse_config(std::string_view text, std::string_view file);
std::string print(const RegistryConfig& config);

/// Keys of which a number must have signed.
struct KeyRole {
    std::uint64_t threshold = 1;
    std::vector<PublicKey> keys;
    friend bool operator==(const KeyRole&, const KeyRole&) = default;
};

/// `root.toml`: the only thing that is trusted for long. It says which keys sign the rest.
struct RegistryRoot {
    struct Publisher {
        PublicKey key;
        std::string name;
        std::vector<std::string> ids; ///< "org.example.greet", or "org.example.*" for all beneath
        friend bool operator==(const Publisher&, const Publisher&) = default;
    };
    struct Revoked {
        PublicKey key;
        std::string why;
        friend bool operator==(const Revoked&, const Revoked&) = default;
    };
    /// The publisher changed the key: who has pinned `of` takes `key`.
    struct Successor {
        PublicKey of, key;
        friend bool operator==(const Successor&, const Successor&) = default;
    };

    std::string registry; ///< its name
    std::uint64_t version = 1;
    UnixTime expires = 0;
    KeyRole root, snapshot;
    std::vector<Publisher> publishers; ///< of ids that are in nobody's list, anybody may be the first
    std::vector<Revoked> revoked;
    std::vector<Successor> successors;

    const Revoked* find_revoked(const PublicKey& key) const noexcept;
    /// The key that took its place, through any number of changes; itself when none did.
    PublicKey successor_of(const PublicKey& key) const;
    /// Whether the key may publish the id, as far as lists of publishers tell.
    bool may_publish(const PublicKey& key, std::string_view id) const noexcept;
    friend bool operator==(const RegistryRoot&, const RegistryRoot&) = default;
};
Result<RegistryRoot> parse_root(std::string_view text, std::string_view file);
std::string print(const RegistryRoot& root);

/// `snapshot.toml`: what the registry has, all of it, at one time.
struct RegistrySnapshot {
    std::string registry;
    std::uint64_t number = 0;
    std::uint64_t root = 1; ///< the version of root.toml that it was made under
    UnixTime expires = 0;
    std::string config; ///< SHA-256 of config.toml
    std::vector<std::pair<std::string, std::string>> shards;     ///< "ab" to SHA-256 of its list; sorted
    std::vector<std::pair<std::string, std::string>> advisories; ///< id to SHA-256 of the file; sorted

    const std::string* find_shard(std::string_view shard) const noexcept;
    friend bool operator==(const RegistrySnapshot&, const RegistrySnapshot&) = default;
};
Result<RegistrySnapshot> parse_snapshot(std::string_view text, std::string_view file);
std::string print(const RegistrySnapshot& snapshot);

/// The list of a shard: every index file with the length and digest that it has in this snapshot. A file may since have grown; what is behind
/// the length is of a later snapshot.
struct ShardList {
    struct Entry {
        std::string id;
        std::uint64_t size_bytes = 0;
        std::string sha256;
        friend bool operator==(const Entry&, const Entry&) = default;
    };
    std::vector<Entry> entries; ///< sorted by id

    const Entry* find(std::string_view id) const noexcept;
    friend bool operator==(const ShardList&, const ShardList&) = default;
};
/// `SHA256 SIZE ID` on each line, sorted by id. @return `data_corrupt`, "bad-shard".
Result<ShardList> parse_shard(std::string_view text, std::string_view file);
std::string print(const ShardList& list);

struct Advisory {
    std::string id; ///< "SYM-2026-0001"
    std::string title;
    std::string severity; ///< "low", "medium", "high" or "critical"
    std::string text;
    std::string url; ///< may be empty
    friend bool operator==(const Advisory&, const Advisory&) = default;
};
Result<Advisory> parse_advisory(std::string_view text, std::string_view file);
std::string print(const Advisory& advisory);

// Where things are in a registry.

/// The four hexadecimal digits that an id is filed under: the first of its SHA-256.
std::string filed_under(std::string_view id);
std::string shard_of(std::string_view id);                                     ///< "ab"
std::string index_path(std::string_view id);                                   ///< "index/ab/cd/ID.jsonl"
std::string shard_path(std::string_view shard, std::string_view sha256);       ///< "index/ab/SHA256.list"
std::string package_path(std::string_view id, std::string_view version, std::string_view triple); ///< "packages/ID/ID-VERSION-TRIPLE.sympkg"
std::string root_path(std::uint64_t version);                                  ///< "root/3.toml"
std::string root_signature_path(std::uint64_t version, const KeyId& key);      ///< "root/3.KEYID.minisig"
std::string snapshot_signature_path(std::uint64_t number, const KeyId& key);   ///< "snapshot.4182.KEYID.minisig"
std::string advisory_path(std::string_view id);                                ///< "advisories/SYM-2026-0001.toml"

} // namespace symphony::packaging
