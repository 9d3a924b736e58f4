// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/permissions/audit.hpp>
#include <symphony/permissions/policy.hpp>
#include <symphony/permissions/prompt.hpp>
#include <symphony/permissions/store.hpp>
#include <symphony/permissions/subject.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::permissions {

/// Whether a subject may, and why. Texts for people are made only where there is something to say.
struct Decision {
    bool allowed = false;
    bool needs_prompt = false;  ///< only a grant is missing: a person could be asked
    bool asked_enough = false;  ///< but said no often enough, and is asked no more
    std::string rule;           ///< "grant:17", "preset:balanced", "manifest", "/etc/symphony/policy.toml:7"
    std::string why;            ///< a sentence; empty when check() allowed it
    std::string hint;           ///< the command that would change it; empty when check() allowed it
    /// `not_granted`, reason "not-granted". Only when not allowed.
    Error error() const { return Error(Code::not_granted, "not-granted", why, hint); }
};

/// What a manifest's set is, compared with what was agreed to.
struct ConsentState {
    /// fresh: this plugin was never agreed to. agreed: equal or narrower. widened: hold it back, run the old version.
    enum class Kind : std::uint8_t { fresh, agreed, widened } kind = Kind::fresh;
    manifests::RightsDiff diff;   ///< from what was agreed to what is asked now
    std::string old_publisher;    ///< when another one had been agreed to
    std::string text;             ///< of widened: what is new, in plain words
    /// `refused`, reason "consent-needed", with the command that agrees. Only of widened.
    Error error(const Subject& subject) const;
};

/// Who may do what: requested by the manifest, granted by a person or a rule, and not denied by policy. In-process checks
/// are policy for honest code; only isolation is enforcement. Checks read a snapshot without locks; all else may block. [any]
class Permissions {
public:
    struct Options {
        std::filesystem::path state_dir;     ///< empty: grants last for this run, nothing is logged
        Policy policy;
        Prompt* prompt = nullptr;            ///< outlives this; null: headless, who has no grant is denied at once
        bool keep_audit = true;
        bool watch = true;                   ///< a thread that sees other processes' grants and times that pass
        std::function<std::int64_t()> now_ms; ///< empty: the clock
    };
    explicit Permissions(Options options);
    Permissions(const Permissions&) = delete;
    Permissions& operator=(const Permissions&) = delete;
    ~Permissions();

    /// Of store, policy and audit: each is said once.
    std::vector<std::string> warnings() const;

    /// Decides and records. Never asks, never waits for the disk unless it uses up a grant of scope once or run.
    /// @param layer  Who asks, for the record.
    Decision check(const Subject& subject, const Right& right, std::string_view layer = "L6 broker");
    /// The same, and asks a person when only a grant is missing. What services and brokers call before they act.
    /// @param made  Receives the decision when given: holds() asks for its rule.
    /// @return `not_granted` with reason "not-granted" and the command that grants it.
    Status require(const Subject& subject, const Right& right, std::string_view layer = "L6 broker", Decision* made = nullptr);
    /// Whether what was allowed by `rule` still is: asked by whoever holds something open, from on_change(). Uses nothing up
    /// and leaves no trace; what was allowed for one time holds until policy denies it.
    bool holds(const Subject& subject, const Right& right, std::string_view rule) const;
    /// Whether the grant that such a rule names still is.
    bool has_grant(const Subject& subject, std::string_view rule) const;
    /// Whether a person granted exactly this address, with no pattern that happens to cover it: only then one of the machine or its neighbourhood is meant.
    bool has_grant_of_address(const Subject& subject, const Right& address) const;
    /// Decides, leaves no trace and uses nothing up. Locks nothing, waits for nothing.
    bool allows(const Subject& subject, const Right& right) const;
    /// The same with `why` and `hint` in every case.
    Decision explain(const Subject& subject, const Right& right) const;
    /// Whether anything of this kind was asked for and is not denied as a whole: then the service is offered.
    bool offers(const Subject& subject, manifests::RightKind kind) const;

    /// Called when grants changed, here or in another process, or ended by time: whoever holds something open asks holds()
    /// and closes it when not. On the watching thread, or on the thread that granted or revoked. @return For remove.
    std::uint64_t on_change(std::function<void()> changed);
    /// Waits for a callback that is running, unless called from it.
    void remove_on_change(std::uint64_t id);

    /// @return `invalid_argument` (reason "not-requested") when the manifest does not ask for it.
    Status grant(const Subject& subject, const Right& right, Scope scope, std::int64_t expires_ms = 0, std::string_view origin = "command");
    /// @param right  Null: everything of the plugin, consent too. @return How many grants.
    Result<int> revoke(const Subject& subject, const Right* right);

    /// What would happen if it were loaded: for lists, and for choosing between versions. Rights granted one by one count.
    ConsentState consent_state(const Subject& subject) const;
    /// To be asked when a plugin is loaded: a fresh one is agreed to by its first use, a narrower set is remembered, so that
    /// the way back needs consent. @return The error of a widened one.
    Status admit(const Subject& subject);
    /// Agrees to all that the manifest asks for. Grants are still needed.
    Status agree(const Subject& subject, std::string_view origin);

    const Policy& policy() const noexcept;
    /// Whether what is granted outlives this run.
    bool persistent() const noexcept;
    Audit* audit() noexcept; ///< null when it is not kept
    /// Looks at the store and the clock now, as the watching thread does when something happened.
    void refresh();
    /// What is in the store now, with this run's grants.
    Result<Contents> contents() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace symphony::permissions
