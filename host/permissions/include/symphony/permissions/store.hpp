// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/permissions/subject.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::permissions {

/// once: the next use, by whichever process comes first. run: the run that uses it first, to its end. until: a time.
enum class Scope : std::uint8_t { once, run, until, always };
std::string_view name_of(Scope scope) noexcept;

/// A row of the store.
struct Grant {
    std::int64_t id = 0;           ///< negative: of this run only, in no file
    std::string publisher, plugin;
    Right right;
    Scope scope = Scope::always;
    std::int64_t expires_ms = 0;   ///< of scope until: milliseconds since 1970
    std::string origin;            ///< "prompt", "command", "policy"
    std::int64_t granted_ms = 0;
    std::string set_digest;        ///< of what the manifest asked for then
    std::string run;               ///< of scope run: who uses it, empty: nobody yet
};

/// What a person has agreed to for one plugin: the whole of a manifest's set.
struct Consent {
    std::string publisher, plugin, set_digest;
    RightSet rights;
    std::int64_t agreed_ms = 0;
};

/// Everything that the store knows, at one moment.
struct Contents {
    std::vector<Grant> grants;      ///< in the order of their ids
    struct Denial {
        std::string publisher, plugin;
        Right right;
        int times = 0;
    };
    std::vector<Denial> denials;    ///< prompts that were answered with no
    std::vector<Consent> consents;  ///< at most one a plugin
};

/// permissions.sqlite in the host's state folder, shared by all of this user's processes. [any, blocks]
class Store {
public:
    using Clock = std::function<std::int64_t()>; ///< milliseconds since 1970
    /// Never fails: without a folder that can be written it keeps grants for this run only; a damaged file is moved aside
    /// and its grants are gone. Both are one warning.
    Store(std::filesystem::path state_dir, Clock clock);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store(); ///< gives back what was granted for this run

    bool persistent() const noexcept;
    std::vector<std::string> warnings() const;
    /// Of this run: what claims grants of scope run.
    const std::string& run() const noexcept;

    /// Without what has expired and what belongs to another run.
    Result<Contents> read() const;
    /// Whether anybody changed the file since read(). Cheap.
    bool changed() const;

    /// Replaces a grant of the same publisher, plugin and right. `persist` false: for this run only.
    Status grant(Grant grant, bool persist = true);
    /// @return How many were taken away. `right` null: all of the plugin's. Grants that it covers go with it.
    Result<int> revoke(std::string_view publisher, std::string_view plugin, const Right* right);
    /// @return Whether this process got it: grants of scope once go to one use, of scope run to one run.
    Result<bool> claim(const Grant& grant);
    /// A prompt was answered with no. @return How often now.
    Result<int> deny(std::string_view publisher, std::string_view plugin, const Right& right);
    Status agree(const Consent& consent);
    Status forget_consent(std::string_view plugin);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace symphony::permissions
