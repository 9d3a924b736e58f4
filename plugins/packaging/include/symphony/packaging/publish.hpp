// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/package.hpp>
#include <symphony/packaging/registry_files.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::packaging {

/// A registry as who runs it sees it: a folder, which a web server may hand out as it is. What is replaced is written beside and renamed; the
/// rename of snapshot.toml is the moment at which a change is there, and a crash before it leaves the registry as it was. For one process at a
/// time, which the functions see to.
class RegistryFolder {
public:
    /// What signs a snapshot, and for how long.
    struct Signing {
        std::vector<const SecretKey*> keys; ///< at least as many as the root's threshold for snapshots asks for
        UnixTime now = 0;
        UnixTime expires = 0;
    };

    /// Makes an empty registry in a folder that is empty or not there.
    /// @param root_keys  Sign the root: as many of `root.root.keys` as its threshold asks for.
    /// @return `conflict`, "exists"; `invalid_argument`, "missing-key" when keys are too few.
    static Status create(const std::filesystem::path& folder, const RegistryConfig& config, const RegistryRoot& root,
                         const std::vector<const SecretKey*>& root_keys, const Signing& signing, const Disk& disk = {});
    /// @return `not_found`, "no-registry".
    static Result<RegistryFolder> open(const std::filesystem::path& folder, const Disk& disk = {});

    const RegistryRoot& root() const noexcept { return root_; }
    const RegistrySnapshot& snapshot() const noexcept { return snapshot_; }
    const RegistryConfig& config() const noexcept { return config_; }
    /// All versions of an id; none when it is new.
    Result<std::vector<IndexLine>> versions(std::string_view id) const;

    struct Submission {
        std::string package;   ///< the bytes of a .sympkg
        std::string signature; ///< the text of its .minisig
        PublicKey signer;
        bool confusing_name_is_fine = false; ///< a person looked at the name
    };
    struct Published {
        IndexLine line;
        bool was_there = false;   ///< with the same bytes: nothing was done
        std::string previous;     ///< the highest version before; empty: the id is new
        std::uint64_t snapshot = 0;
    };
    /// A submission that passes, and the state of the registry for which that was found out.
    class Judged {
    public:
        /// What publishing it would do.
        const Published& outcome() const noexcept { return done_; }
        const Submission& submission() const noexcept { return submission_; }

    private:
        friend class RegistryFolder;
        explicit Judged(Submission submission) : submission_(std::move(submission)) {}
        Submission submission_;
        PackageInfo info_;
        Published done_;
        RegistryRoot root_;
        RegistrySnapshot snapshot_;
    };
    /// What publish() would do with it now, and nothing is written. @return As publish().
    Result<Judged> judge(Submission submission) const;
    /// Takes in what was judged. If somebody changed the registry in between, it is judged again, and refused if it does not pass any more. @return As the other.
    Result<Published> publish(const Judged& judged, const Signing& signing);
    /// Takes a package in, if it passes: verified and signed for what it is, by who may publish the id; a name that is not confused with another
    /// publisher's; a version that is not there with other bytes; LICENSE and SBOM. What it may more than the version before is recorded.
    /// @return `refused`: "not-your-name", "other-publisher", "revoked-key", "confusing-name", "version-exists", "no-license", "no-sbom"; errors of
    ///   verify(), PackageClaim and read_package(); `invalid_argument`, "missing-key".
    Result<Published> publish(const Submission& submission, const Signing& signing);
    /// Takes a version back, or gives it again: locks that have it keep it, nobody else gets it. @return `not_found`, "unknown-version".
    Status yank(std::string_view id, std::string_view version, bool yanked, const Signing& signing);
    /// Adds or changes an advisory, and names it in the lines of versions (id, version).
    Status advise(const Advisory& advisory, const std::vector<std::pair<std::string, std::string>>& versions, const Signing& signing);
    /// A new root, signed by enough keys of the present one and of its own; then the snapshot again.
    Status rotate(const RegistryRoot& root, const std::vector<const SecretKey*>& root_keys, const Signing& signing);
    /// The same content under a new number with a new time to live.
    Status sign_again(const Signing& signing);

private:
    struct Edits {
        std::vector<std::pair<std::string, std::string>> files;      ///< id, all bytes of its index file
        std::vector<std::pair<std::string, std::string>> advisories; ///< id, SHA-256
    };

    RegistryFolder(std::filesystem::path folder, const Disk& disk) : folder_(std::move(folder)), disk_(disk) {}
    Status read();
    Result<WriteLock> lock() const;
    Result<std::string> index_bytes(std::string_view id) const;
    Result<ShardList> shard(std::string_view name) const;
    Status gate(const Submission& submission, const PackageInfo& info, const std::vector<IndexLine>& before) const;
    Status check_name(std::string_view id, const PublicKey& signer) const;
    Result<IndexLine> line_for(const Submission& submission, const PackageInfo& info, const std::vector<IndexLine>& before) const;
    Result<Published> outcome_of(const Submission& submission, const PackageInfo& info) const;
    Result<Published> take_in(const Submission& submission, const PackageInfo& info, Published done, const Signing& signing);
    Status store_package(const Submission& submission, const IndexLine& line, const PackageInfo& info) const;
    Status commit(const Edits& edits, const Signing& signing);
    Status write_snapshot(const RegistrySnapshot& snapshot, const Signing& signing) const;
    void tidy(const RegistrySnapshot& before) const;

    std::filesystem::path folder_;
    Disk disk_;
    RegistryConfig config_;
    RegistryRoot root_;
    RegistrySnapshot snapshot_;
    std::vector<PublicKey> also_signs_; ///< keys of the root before
};

/// What the index says of a package. @param sha256, size_bytes  Of the package file.
IndexLine index_line_of(const PackageInfo& info, std::string_view sha256, std::uint64_t size_bytes, std::string_view signer);
/// A name as a hurried reader sees it: without dashes and dots, and with one form for letters that look alike.
std::string glance_of(std::string_view id);

} // namespace symphony::packaging
