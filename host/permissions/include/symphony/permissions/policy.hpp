// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/extensions.hpp>
#include <symphony/permissions/subject.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::permissions {

enum class Preset : std::uint8_t { strict, balanced, permissive };
std::string_view name_of(Preset preset) noexcept;

using manifests::Extensions;

/// One `[[allow]]` or `[[deny]]` of a policy file.
struct Rule {
    bool allow = false;
    bool locked = false;              ///< a deny that no user's allow takes back
    std::string publisher, plugin;    ///< a name, or a pattern with stars; empty: any
    std::vector<Right> rights;        ///< never empty
    std::string reason;               ///< for people
    std::string file;
    std::uint32_t line = 0;
    bool administrators = false;      ///< of their file
    std::string id() const { return file + ":" + std::to_string(line); } ///< "/etc/symphony/policy.toml:7"
};

/// What rules and preset say about one right, before grants.
struct Verdict {
    enum class Kind : std::uint8_t { denied, allowed, open } kind = Kind::open;
    const Rule* by = nullptr; ///< the rule that says so; null: the preset, or a file that cannot be read
};

/// The administrators' file and the user's file, read once. A file that is not there says nothing; a file that is there and
/// cannot be understood denies everything that a grant would be needed for, counts as preset strict, keeps the strictest grade
/// that can be read in it (at least the default; G4 when it is the administrators' and none can be read), locks and lets no other plugins be used when it is the
/// administrators', lets only trusted plugins run in process, and is a warning. Immutable. [any]
class Policy {
public:
    struct File {
        std::filesystem::path path;
        bool administrators = false; ///< may lock
    };
    /// In the order of authority.
    static Policy load(const std::vector<File>& files);
    /// The machine's /etc/symphony/policy.toml, policy.toml of the distribution's folder, which counts as administrators', and of the user's folder; both may be empty.
    static Policy load_default(const std::filesystem::path& config_dir, const std::filesystem::path& distribution_dir = {});
    /// Without files: for tests and safe mode.
    explicit Policy(Preset preset = Preset::balanced) : preset_(preset) {}

    Preset preset() const noexcept { return preset_; }
    bool preset_locked() const noexcept { return preset_locked_; }
    /// 0 to 4 for G0 to G4, when a file says so.
    std::optional<int> minimum_grade() const noexcept { return minimum_grade_; }
    /// How much of the audit log is kept; `audit_mib`, in bytes.
    std::int64_t audit_bytes_max() const noexcept { return std::int64_t{audit_mib_} << 20; }
    /// Whether only trusted plugins may run in the host's process, whatever is typed: `in_process = "trusted"`.
    bool only_trusted_in_process() const noexcept { return !in_process_rule_.empty(); }
    /// The file that says so; empty: none.
    const std::string& in_process_rule() const noexcept { return in_process_rule_; }
    /// And it is the administrators', locked: what a user trusts does not count.
    bool in_process_locked() const noexcept { return in_process_locked_; }
    /// Which plugins may be used besides those that the host came with. The strictest file counts.
    const manifests::ExtensionRule& extensions() const noexcept { return extensions_; }
    const std::vector<Rule>& rules() const noexcept { return rules_; }
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

    /// Deny wins over allow, allow over the preset. A part that is denied denies the whole: ask for what is needed.
    Verdict judge(const Subject& subject, const Right& right) const;
    /// The rule's id, or "preset:balanced".
    std::string rule_id(const Verdict& verdict) const;
    /// The sentence for people.
    std::string why(const Verdict& verdict, const Subject& subject, const Right& right) const;
    /// Whether a user may change what a verdict says, and how; empty when only an administrator may.
    std::string hint(const Verdict& verdict) const;

private:
    struct Reader;
    Preset preset_ = Preset::balanced;
    bool preset_locked_ = false;
    bool in_process_locked_ = false;
    bool broken_ = false;
    manifests::ExtensionRule extensions_;
    std::string broken_file_, user_file_, in_process_rule_;
    std::optional<int> minimum_grade_;
    int audit_mib_ = 128;
    std::vector<Rule> rules_;
    std::vector<std::string> warnings_;
};

} // namespace symphony::permissions
