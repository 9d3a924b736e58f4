// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/plugin.h>
#include <symphony/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace symphony::manifests {
struct Manifest;
}

namespace symphony::host {

/// A plugin library whose bytes were checked and cannot change any more: a sealed memfd.
class VerifiedImage {
public:
    /// Opens the artifact for `triple` once, beneath `folder`, and checks size, digest and identity note on the bytes
    /// that load() will map. Nothing executable is mapped here. [any, blocks]
    /// @return `refused` with reason `no-artifact`, `missing-library`, `path-escape`, `not-a-file`, `size-mismatch`,
    ///   `digest-mismatch`, those of read_elf(), `identity-mismatch`, `abi-major`, `abi-minor`, `extra-export`, `no-entry`
    static Result<VerifiedImage> open(const manifests::Manifest& manifest, const std::filesystem::path& folder,
                                      std::string_view triple, std::uint16_t host_minor = SYMPHONY_ABI_MINOR);
    VerifiedImage(VerifiedImage&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), note_(other.note_), sha256_(std::move(other.sha256_)), needed_(std::move(other.needed_)) {}
    VerifiedImage& operator=(VerifiedImage&&) = delete;
    ~VerifiedImage();

    int fd() const noexcept { return fd_; }
    const symphony_note& note() const noexcept { return note_; }
    const std::string& sha256() const noexcept { return sha256_; }
    /// Names of the libraries that the loader will look for.
    const std::vector<std::string>& needed() const noexcept { return needed_; }

private:
    friend class Library;
    VerifiedImage(int fd, const symphony_note& note, std::string sha256, std::vector<std::string> needed)
        : fd_(fd), note_(note), sha256_(std::move(sha256)), needed_(std::move(needed)) {}
    int fd_;
    symphony_note note_;
    std::string sha256_;
    std::vector<std::string> needed_;
};

/// What a descriptor says, read where it is safe to read.
struct DescriptorFacts {
    bool null = true;
    std::uint32_t struct_size = 0, magic = 0;
    std::uint16_t abi_major = 0, abi_required = 0;
    std::string id, version;
    bool has_create = false;
};
/// What mapping a library came to, here or in a runner.
struct LoadFacts {
    std::string load_error;  ///< the dynamic linker's text; "" = mapped
    bool has_entry = false;
    bool entry_threw = false;
    DescriptorFacts descriptor;
};
/// The host's checks of a mapped library, the same for both placements.
/// @return `refused` with reason `load-failed`, `no-entry`, `plugin-threw`, `null-descriptor`, `bad-magic`, `struct-size` or
///   `identity-mismatch`; `abi_mismatch` with `abi-major` or `abi-minor`
Status check_loaded(const manifests::Manifest& manifest, const LoadFacts& facts, std::uint16_t host_minor = SYMPHONY_ABI_MINOR);

/// A mapped plugin library. Stays mapped until the process ends: whoever holds a pointer into it never dangles.
class Library {
public:
    /// Maps the image, calls its entry and checks the descriptor. Runs the plugin's code. [any, blocks]
    /// @return `refused` with reason `load-failed`, `null-descriptor`, `bad-magic`, `struct-size`, `abi-major`,
    ///   `abi-minor` or `identity-mismatch`
    static Result<Library> load(VerifiedImage image, const manifests::Manifest& manifest,
                                std::uint16_t host_minor = SYMPHONY_ABI_MINOR);

    const symphony_plugin& descriptor() const noexcept { return *descriptor_; }
    const std::string& sha256() const noexcept { return sha256_; }
    /// The address range of its segments, for crash attribution.
    std::uintptr_t begin() const noexcept { return begin_; }
    std::uintptr_t end() const noexcept { return end_; }

private:
    Library() = default;
    const symphony_plugin* descriptor_ = nullptr;
    std::string sha256_;
    std::uintptr_t begin_ = 0;
    std::uintptr_t end_ = 0;
};

} // namespace symphony::host
