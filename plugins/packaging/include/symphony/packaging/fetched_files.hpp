// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/disk.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::packaging {

/// A folder of files that were fetched and may be wanted again, by names that nobody gives twice to different bytes. It may be deleted at any time, and
/// several processes may use it. What was longest not used goes when it is too full. [one thread]
class FetchedFiles {
public:
    /// @param bytes_max  Of all files together, about: what others put there meanwhile is not seen.
    FetchedFiles(std::filesystem::path folder, std::uint64_t bytes_max, Disk disk) : folder_(std::move(folder)), bytes_max_(bytes_max), disk_(std::move(disk)) {}

    /// Whoever asks compares the digest: a cache is not to be trusted. @return `not_found`, `exhausted` and others.
    Result<std::string> find(const std::string& name, std::uint64_t bytes_max) const;
    /// That it cannot be written costs time later and nothing else.
    void keep(const std::string& name, std::string_view bytes);

private:
    void make_room(const std::string& but);

    std::filesystem::path folder_;
    std::uint64_t bytes_max_;
    Disk disk_;
    std::optional<std::uint64_t> bytes_; // in the folder; nothing: not counted yet
};

} // namespace symphony::packaging
