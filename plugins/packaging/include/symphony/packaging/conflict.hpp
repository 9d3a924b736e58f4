// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// Why packages do not fit together: facts from outside, what follows from them, and which edit would help. The text is made from it.
struct Conflict {
    enum class Kind : std::uint8_t {
        wanted,         ///< somebody wants `id` in `range`
        needs,          ///< `id` in `versions` needs `other` in `range`
        allows,         ///< `id` in `versions` takes `other`, if it is there, in `range` only
        host,           ///< `id` in `versions` needs a host in `range`; `other_versions` is what this one offers
        barred,         ///< `id` in `versions` cannot be had: `note`
        yanked,         ///< `id` in `versions` was yanked
        exclusive_port, ///< `id` in `versions` and `other` in `other_versions` both offer the port `note`, which one of them has for itself
        missing_port,   ///< `id` in `versions` uses the port `note`, which nobody in the answer offers
    };
    struct Fact {
        Kind kind = Kind::wanted;
        std::string id;
        std::string versions;  ///< "1.0.0", "1.0.0 to 1.4.2", "every version"; of wanted: empty
        std::string other;
        std::string range;     ///< as it is written: "^1.2"
        std::string other_versions;
        /// Of wanted and needs: which versions there are, when none is in the range ("there are 1.0.0 to 2.3.0"), "nobody has it" when there are none; else empty.
        std::string note;
        std::string place; ///< "profile.toml:4"; may be empty
        friend bool operator==(const Fact&, const Fact&) = default;
    };
    /// `id` is not in `versions`, or (if `chosen`) must be one of them.
    struct Claim {
        std::string id, versions;
        bool must = false;
        friend bool operator==(const Claim&, const Claim&) = default;
    };
    /// What follows from facts and from earlier steps: one of the claims holds. The last step has no claims: it cannot be.
    struct Step {
        std::vector<std::uint32_t> facts; ///< numbers in `facts`
        std::vector<std::uint32_t> steps; ///< numbers of earlier steps
        std::vector<Claim> claims;
        friend bool operator==(const Step&, const Step&) = default;
    };
    /// An edit that was tried and makes it fit.
    struct Proposal {
        enum class Kind : std::uint8_t { change_range, leave_out, update_host, add, spelling } kind = Kind::change_range;
        std::string id;
        std::string from, to; ///< ranges
        std::string place;
        std::string outcome;  ///< the version that is then chosen; may be empty
        bool others_remain = false; ///< resolves this conflict, but something else does not fit then either
        friend bool operator==(const Proposal&, const Proposal&) = default;
    };

    std::vector<Fact> facts; ///< no one of them can be left out, if `minimal`
    std::vector<Step> steps; ///< each after those that it uses
    std::vector<Proposal> proposals; ///< the smallest edit first
    bool minimal = true; ///< false: the time for leaving out facts was over

    friend bool operator==(const Conflict&, const Conflict&) = default;
};

std::string_view name_of(Conflict::Kind kind) noexcept;
std::string_view name_of(Conflict::Proposal::Kind kind) noexcept;
/// A sentence without a full stop: "report 3.0.0 needs json ^1.5".
std::string to_text(const Conflict::Fact& fact);
/// "change report = \"^3\" to \"^2.4\"", with the place behind it.
std::string to_text(const Conflict::Proposal& proposal);
/// Some lines for people, without the proposals: facts in the order in which they are used, and what follows.
std::string to_text(const Conflict& conflict);
/// The best proposal as a hint, or what can be done anyway. One line.
std::string hint_of(const Conflict& conflict);
/// The same for scripts (`--json`).
manifests::Data to_data(const Conflict& conflict);

} // namespace symphony::packaging
