// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/signature.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// A key that the user knows.
struct Publisher {
    PublicKey key;
    std::string name;                 ///< what the user calls it; may be empty
    std::vector<std::string> plugins; ///< ids whose packages this key signs, and no other: pinned at first use; sorted
    bool revoked = false;
    std::string why;                  ///< it was revoked; for people
    friend bool operator==(const Publisher&, const Publisher&) = default;
};

/// The publishers.toml of the user's configuration: which keys are trusted, for which plugins they are pinned, which are revoked.
class Publishers {
public:
    /// @return `data_corrupt`, reason "bad-publishers", with the line where it is known: then nothing is trusted.
    static Result<Publishers> parse(std::string_view text);
    /// Of a file that is not there: none. @return As `parse`, `io`.
    static Result<Publishers> load(const std::filesystem::path& file);
    Status save(const std::filesystem::path& file, const Disk& disk = {}) const;
    std::string text() const;

    const std::vector<Publisher>& all() const noexcept { return all_; }
    const Publisher* find(const PublicKey& key) const noexcept;
    const Publisher* pinned(std::string_view plugin) const noexcept;

    /// The key that has to have signed this plugin's package: the pinned one; else `offered`, which the user named just now; else a known one with that number.
    /// @return `refused`: "publisher-changed", "unknown-publisher", "revoked-key", "wrong-key"; each with the command that says otherwise.
    Result<PublicKey> key_for(const std::string& plugin, const KeyId& signed_by, const std::optional<PublicKey>& offered) const;

    /// Trusts a key. @return `refused`, reason "revoked-key".
    Status trust(const PublicKey& key, std::string_view name = {});
    /// Pins the plugin to the key, which is trusted by that, and to no other any more. @return `refused`, reason "revoked-key".
    Status pin(const std::string& plugin, const PublicKey& key);
    /// Forgets which key signs the plugin; the key stays trusted. @return Whether there was one.
    bool unpin(std::string_view plugin);
    void revoke(const PublicKey& key, std::string_view why);

private:
    Publisher& entry(const PublicKey& key);
    std::vector<Publisher> all_; // sorted by key
};

} // namespace symphony::packaging
