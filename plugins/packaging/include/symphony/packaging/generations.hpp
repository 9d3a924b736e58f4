// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/store.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// One package of a generation.
struct Installed {
    std::string id;
    std::string version;   ///< SemVer
    std::string digest;    ///< its place in the store
    std::string asked;     ///< the range that a person asked for; empty: it is there because others need it
    std::string publisher; ///< the public key that signed it; empty: nobody did
    std::string source;    ///< the file or folder that it came from
    std::string registry;  ///< or the registry, by name
    friend bool operator==(const Installed&, const Installed&) = default;
};

/// What is installed at one time: the content of profile.toml.
struct Profile {
    std::string action;           ///< what made it, for people: "install org.example.greet 1.0.0"
    std::uint64_t previous = 0;   ///< the generation that was current before; 0: none
    std::vector<Installed> packages; ///< sorted by id, one for each

    /// Reads what text() wrote. @return `data_corrupt`, reason "bad-profile", with the line where it is known.
    static Result<Profile> parse(std::string_view text);
    std::string text() const;
    const Installed* find(std::string_view id) const noexcept;
    /// Puts a package in, in the place of the one with its id.
    void put(Installed package);
    bool remove(std::string_view id);
    friend bool operator==(const Profile&, const Profile&) = default;
};

/// The generations of what is installed, in the packages' folder: `generations/N/` with profile.toml, plugins.lock (the libraries that a publisher signed),
/// symphony.lock (lock.hpp) and plugins/ID, links into the store; and `current`, a link to one of them. A generation is complete when it has its number and is never changed; the
/// switch is one rename. Whoever writes holds the WriteLock; readers need none. Const methods from any thread.
class Generations {
public:
    explicit Generations(std::filesystem::path folder, Disk disk = {}) : folder_(std::move(folder)), disk_(std::move(disk)) {}

    std::filesystem::path path_of(std::uint64_t number) const { return folder_ / "generations" / std::to_string(number); }
    /// 0 when nothing was ever installed. @return `data_corrupt`, reason "bad-current", when the link leads elsewhere.
    Result<std::uint64_t> current() const;
    /// Ascending.
    Result<std::vector<std::uint64_t>> numbers() const;
    /// Of number 0 an empty profile. @return `not_found` "no-generation", `data_corrupt` "bad-profile".
    Result<Profile> read(std::uint64_t number) const;
    /// Its symphony.lock. @return `not_found`, "no-lock", of a generation that has none; as parse_lock.
    Result<Lock> lock(std::uint64_t number) const;
    /// Milliseconds since 1970 at which it was made; 0 when unknown.
    std::uint64_t made_ms(std::uint64_t number) const;
    /// What is not as it was made, one sentence each.
    Result<std::vector<std::string>> check(std::uint64_t number, const Store& store) const;

    /// Makes the next generation, which is not current yet. All of its packages are in the store. @param lock  The text of symphony.lock. @return Its number.
    Result<std::uint64_t> add(const Profile& profile, const Store& store, std::string_view lock) const;
    /// Makes a generation current: from then on hosts that start use it. @return `not_found` "no-generation".
    Status switch_to(std::uint64_t number) const;
    /// Whether a running host uses it (it holds a shared lock on the generation's folder).
    bool in_use(std::uint64_t number) const;
    Status remove(std::uint64_t number) const;
    Status sweep() const;

private:
    std::filesystem::path folder_;
    Disk disk_;
};

/// The text of plugins.lock: the libraries of the packages that are signed, with their publishers. @return As `Store::read`.
Result<std::string> trust_of(const Profile& profile, const Store& store);

struct Collected {
    std::vector<std::uint64_t> generations; ///< removed
    std::vector<std::string> packages;      ///< digests that were removed from the store
    std::vector<std::uint64_t> in_use;      ///< kept for a running host alone
    std::uint64_t bytes = 0;                ///< that the removed packages had
};

/// Removes all but the newest `keep` generations, the current one and those that running hosts use, and the packages that no generation has then.
/// @param really  Else it only says what would go.
/// @return As the parts; when the profile of a generation that stays cannot be read, no package is removed.
Result<Collected> collect(const Generations& generations, const Store& store, std::size_t keep, bool really = true);

} // namespace symphony::packaging
