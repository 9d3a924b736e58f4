// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/rights.hpp>
#include <symphony/packaging/resolver.hpp>
#include <symphony/packaging/store.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

struct Profile;

/// `symphony.lock`: exactly which plugins a profile or a distribution uses, on all platforms. docs/lock.md describes the file.
struct Lock {
    struct Registry {
        std::string name;
        std::string root_key; ///< "RW..."
        std::uint64_t snapshot = 0;
        std::string address{}; ///< "https://..."; empty: whoever uses the lock has to know
        friend bool operator==(const Registry&, const Registry&) = default;
    };
    /// The package file for one platform.
    struct Artifact {
        std::string triple;
        std::uint64_t size_bytes = 0;
        std::string sha256; ///< of the file
        std::string files;  ///< SHA-256 of FILES in it: by this the store knows it
        friend bool operator==(const Artifact&, const Artifact&) = default;
    };
    struct Package {
        std::string id;
        manifests::Version version;
        std::string registry; ///< a name of `registries`, or empty: a file or folder
        std::string manifest; ///< SHA-256 of the manifest
        std::string signer;   ///< "RW...", or empty: unsigned
        manifests::RightSet rights; ///< that were granted
        std::vector<std::string> dependencies; ///< "ID VERSION" of packages in the lock
        std::vector<Artifact> artifacts;
        std::string asked{}; ///< the range that a person asked for; empty: others need it, or nobody wrote it down
        friend bool operator==(const Package&, const Package&) = default;
    };

    /// Of a distribution: the programs of the host for one platform, and what they and the plugins need of the machine that they were taken from.
    struct Host {
        struct File {
            std::string path; ///< "bin/symphony"
            std::uint64_t size_bytes = 0;
            std::string sha256;
            friend bool operator==(const File&, const File&) = default;
        };
        struct Library {
            std::string name; ///< as programs ask for it: "libcrypto.so.3"
            std::uint64_t size_bytes = 0;
            std::string sha256;
            std::string package, version; ///< of the system that brought it: "libssl3", "3.0.17-1~deb12u2"; may be empty
            friend bool operator==(const Library&, const Library&) = default;
        };
        std::string triple;
        std::string version; ///< of symphony
        std::vector<File> files;
        std::vector<Library> libraries;
        friend bool operator==(const Host&, const Host&) = default;
    };

    std::string distribution; ///< "NAME VERSION" of the distribution that it is the lock of; empty: it is a profile's
    std::string policy;       ///< of a distribution: SHA-256 of its policy and settings
    std::vector<Host> hosts;  ///< of a distribution

    std::string inputs;   ///< SHA-256 of what was asked for: digest_of_inputs()
    std::string host_abi; ///< "1.0"
    std::vector<Registry> registries;
    std::vector<Package> packages;

    const Package* find(std::string_view id) const noexcept;
    friend bool operator==(const Lock&, const Lock&) = default;
};

inline constexpr std::size_t lock_bytes_max = 64 * 1024 * 1024;

/// Sorts everything, so that equal locks have equal bytes.
void sort(Lock& lock);
/// The file: canonical order, LF, no times. Whatever the order in `lock`, equal content gives equal bytes.
std::string print(const Lock& lock);
/// Reads it; in any order, nothing unknown, nothing twice, no dependency on what is not there. The answer is sorted.
/// @param file  For messages.
/// @return `data_corrupt`: "bad-syntax", "conflict-markers", "missing-key", "unknown-key", "wrong-type", "bad-value", "bad-version", "bad-right",
///   "duplicate-entry", "dangling-entry", "rights-mismatch"; `unsupported`, "lock-too-new"; `exhausted`, "too-large".
Result<Lock> parse_lock(std::string_view text, std::string_view file);

/// What a lock answers to. A lock whose `inputs` is another one answers to something else.
struct LockInputs {
    std::vector<Wanted> wanted;
    std::vector<std::string> triples; ///< platforms that must be there
    manifests::Version host{1, 0, 0, {}, {}};
    std::vector<std::string> ports; ///< offered by who is there anyway
};
/// SHA-256 of the canonical text of what is asked for and the registries' names; their keys and snapshots are no part of it, nor are places and order.
std::string digest_of_inputs(const LockInputs& asked, const std::vector<Lock::Registry>& registries);

/// The lock of what is installed. Versions, rights, signers and dependencies are those of the packages in the store; their package files and registries are
/// what `known` has of the same version and manifest. No port and platform is part of its inputs, so that it means the same on every machine.
/// @param host  The ABI that the host offers. @return As `Store::read`.
Result<Lock> lock_of(const Profile& profile, const Store& store, const Lock& known, const manifests::Version& host);

/// Puts the platforms that `known` has into `lock`, for packages of the same version and manifest: no platform is ever lost by locking again.
/// @return `refused`, "digest-changed", when the same platform of the same version has other bytes.
Status keep_platforms(Lock& lock, const Lock& known);

} // namespace symphony::packaging
