// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/compact_index.hpp>
#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/fetch.hpp>
#include <symphony/packaging/fetched_files.hpp>
#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/registry_files.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

struct RegistryOptions {
    std::vector<PublicKey> root_keys; ///< that the user was given; one of them must have signed the first root that is seen
    std::filesystem::path state;      ///< folder of what was trusted last; losing it forgets what may not come back
    std::filesystem::path cache;      ///< folder that may be deleted at any time
    bool offline = false;             ///< only what is there; a folder is always there
    bool stale_is_fine = false;       ///< for who only looks: a snapshot whose time is over is read too, and told by is_stale()
    UnixTime now = 0;
    Disk disk;
};

/// A registry as its reader sees it: everything that it returns was signed, or has a digest that was. One thread at a time.
class Registry {
public:
    /// Reads root and snapshot and compares them with what was trusted before. @param fetch  Outlives the registry.
    /// @return `refused`: "no-root-key" (nothing is known of it and no key was given), "wrong-registry", "not-enough-signatures", "expired-root",
    ///   "expired-snapshot" (somebody may hold back what is new), "rollback" (an older snapshot than before), "snapshot-changed" (two of one number),
    ///   "digest-mismatch"; `not_found`, "offline-missing"; errors of the readers and of `fetch`.
    static Result<Registry> open(Fetch& fetch, RegistryOptions options);

    const RegistryRoot& root() const noexcept { return root_; }
    const RegistrySnapshot& snapshot() const noexcept { return snapshot_; }
    const RegistryConfig& config() const noexcept { return config_; }
    const std::string& name() const noexcept { return root_.registry; }
    /// The first key of the root: for locks.
    std::string root_key() const { return root_.root.keys.front().text(); }
    const std::string& snapshot_sha256() const noexcept { return snapshot_sha256_; }
    /// Whether the snapshot's time is over. Only who is offline, since that it may be old is what offline means, or who asked for it gets such a one.
    bool is_stale() const noexcept { return snapshot_.expires <= options_.now; }

    /// The index file of an id as the snapshot has it. @return `not_found`, "unknown-plugin"; "digest-mismatch", "offline-missing".
    Result<std::string> index_file(std::string_view id);
    Result<std::vector<IndexLine>> versions(std::string_view id);
    /// All ids, sorted. Reads the lists of all shards.
    Result<std::vector<std::string>> ids();
    /// What the cache has of this snapshot, or made anew from all index files and put there. Offline it may be of an older snapshot.
    /// @param progress  Told how many of how many ids were read; false stops with `cancelled`. May be empty.
    Result<CompactIndex> index(const std::function<bool(std::size_t done, std::size_t total)>& progress = {});
    /// The same when the cache has it; never made.
    std::optional<CompactIndex> kept_index() const { return kept_index(false); }
    /// Whether reading it costs next to nothing.
    bool is_local() const noexcept { return fetch_->is_local(); }
    /// The package file for a platform, of the size and digest that its line names, from the cache or the registry. @return "digest-mismatch",
    /// "offline-missing" and others.
    Result<std::string> package(const IndexLine& line, const IndexLine::Artifact& artifact);
    /// The publisher's signature beside it (.minisig); offline the one that was fetched last.
    Result<std::string> package_signature(const IndexLine& line, const IndexLine::Artifact& artifact);
    Result<Advisory> advisory(std::string_view id);
    /// Why the version is not to be used: its key was revoked, or may not publish the id. Empty: nothing is wrong.
    std::string barred(const IndexView& line) const;

private:
    static constexpr std::uint64_t blobs_bytes_max = 512u << 20, packages_bytes_max = 1u << 30;

    Registry(Fetch& fetch, RegistryOptions options)
        : fetch_(&fetch), options_(std::move(options)), blobs_(options_.cache / "blobs", blobs_bytes_max, options_.disk),
          packages_(options_.cache / "packages", packages_bytes_max, options_.disk) {}

    std::optional<CompactIndex> kept_index(bool of_any_snapshot) const;
    Result<CompactIndex> make_index(const std::function<bool(std::size_t done, std::size_t total)>& progress);
    Status load_trusted();
    Status first_root();
    Status rotate_root();
    Status accept_root(RegistryRoot root, const std::string& text);
    Status refresh_snapshot();
    Status check_times() const;
    Result<const ShardList*> shard(std::string_view name);
    /// Bytes with this digest, from the cache or the registry. @param size  How many of the file's first bytes, if not all.
    Result<std::string> verified(const std::string& path, const std::string& sha256, std::uint64_t bytes_max, std::optional<std::uint64_t> size = {});
    bool reads_nothing() const noexcept { return options_.offline && !fetch_->is_local(); }
    std::filesystem::path state_file(std::string_view name) const { return options_.state / name; }

    Fetch* fetch_;
    RegistryOptions options_;
    FetchedFiles blobs_, packages_; // not of a folder, which is as near
    RegistryRoot root_;
    bool has_root_ = false;
    RegistrySnapshot snapshot_;
    std::string snapshot_sha256_;
    bool has_snapshot_ = false;
    RegistryConfig config_;
    std::map<std::string, ShardList, std::less<>> shards_;
};

} // namespace symphony::packaging
