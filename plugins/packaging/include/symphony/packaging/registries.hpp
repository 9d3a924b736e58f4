// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/signature.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// Where a user's plugins come from: the registries.toml of the user's configuration, in the order in which they are asked.
struct RegistryList {
    struct Entry {
        std::string name;                 ///< "main"; lower-case letters, digits and dashes
        std::string address;              ///< an absolute folder, or "https://..."
        std::vector<PublicKey> root_keys; ///< that the user was given for it; at least one
        friend bool operator==(const Entry&, const Entry&) = default;
    };
    std::vector<Entry> all;

    /// @return `data_corrupt`, reason "bad-registries", with the line where it is known.
    static Result<RegistryList> parse(std::string_view text);
    /// Of a file that is not there: none. @return As `parse`, `io`.
    static Result<RegistryList> load(const std::filesystem::path& file);
    Status save(const std::filesystem::path& file, const Disk& disk = {}) const;
    std::string text() const;
    const Entry* find(std::string_view name) const noexcept;
    /// Whether a name may be given to a registry.
    static bool is_name(std::string_view name) noexcept;

    friend bool operator==(const RegistryList&, const RegistryList&) = default;
};

} // namespace symphony::packaging
