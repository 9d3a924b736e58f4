// SPDX-License-Identifier: Apache-2.0
// symphony install, symphony update: everything is judged before anything is written.
#include "candidate.hpp"
#include "commands.hpp"
#include "dependencies.hpp"
#include "known.hpp"
#include "locked.hpp"
#include "resolve.hpp"

#include <algorithm>

namespace symphony::packages {
namespace {

using packaging::Change;
using packaging::Installed;
using packaging::Profile;
using packaging::PublicKey;
using packaging::Publishers;
using packaging::Store;

/// What a candidate changes.
struct Step {
    Candidate candidate;
    std::optional<PublicKey> key;
    std::optional<Installed> before;
    RightsChange rights;
    bool same = false; ///< it is installed as it is

    Installed after() const {
        return {candidate.info.id(), candidate.info.version(), candidate.info.digest, before && !before->asked.empty() && same ? before->asked : candidate.asked, key ? key->text() : "", candidate.source, candidate.registry};
    }
};

class Installer {
public:
    Installer(const CommandLine& line, bool update) : line_(line), update_(update) {}

    Result<std::int32_t> run() {
        SYMPHONY_TRY(check_open(line_));
        if (!line_.text("trust-key").empty()) offered_ = SYMPHONY_TRY(line_.key(line_.text("trust-key")));
        SYMPHONY_TRY(read_words());
        if (line_.on("dry-run")) {
            const auto generations = line_.generations();
            const auto profile = SYMPHONY_TRY(generations.read(SYMPHONY_TRY(generations.current())));
            const auto lock = generations.lock(SYMPHONY_TRY(generations.current()));
            SYMPHONY_TRY(judge_all(profile, line_.store(), lock ? *lock : packaging::Lock()));
            report(0);
            return 0;
        }
        auto change = SYMPHONY_TRY(line_.begin());
        SYMPHONY_TRY(judge_all(change.profile(), change.store(), change.lock()));
        report(SYMPHONY_TRY(write(change)));
        return 0;
    }

private:
    /// Files are read at once, ids wait until what is installed is known.
    Status read_words() {
        for (const auto& typed : line_.texts("what")) {
            if (is_lock(typed)) SYMPHONY_TRY(read_lock(typed));
            else if (is_path(line_, typed)) candidates_.push_back(SYMPHONY_TRY(candidate_of(line_, typed)));
            else question_.asks.push_back(SYMPHONY_TRY(ask_of(typed)));
        }
        std::vector<std::string> ids;
        for (const auto& candidate : candidates_) ids.push_back(candidate.info.id());
        for (const auto& ask : question_.asks) ids.push_back(ask.id);
        std::sort(ids.begin(), ids.end());
        const auto twice = std::adjacent_find(ids.begin(), ids.end());
        if (twice != ids.end()) return usage("plugin \"" + *twice + "\" is named twice", "name one version of it");
        question_.offline = line_.on("offline") || line_.on("frozen");
        locked_ = line_.on("locked") || line_.on("frozen");
        question_.minimal = line_.on("minimal");
        if (locked_ && question_.minimal) return usage("--minimal looks for other versions than the lock has", "leave out one of them");
        question_.renew_all = update_ && ids.empty();
        return {};
    }

    Status read_lock(const std::string& typed) {
        if (update_) return usage("a lock says which versions there are", "symphony install " + shown(typed));
        if (lock_) return usage("two locks", "name one");
        lock_ = SYMPHONY_TRY(lock_file_of(line_, typed));
        question_.lock = &*lock_;
        return {};
    }

    /// What the lock asks for beside what was typed, and its packages that no registry has.
    Status ask_lock(const Store& store) {
        const auto came = [this](const std::string& id) {
            return std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& one) { return one.info.id() == id; }) ||
                   std::any_of(question_.asks.begin(), question_.asks.end(), [&](const Ask& one) { return one.id == id; });
        };
        const auto wanted = wanted_of(*lock_);
        const auto range_of = [&](const std::string& id) {
            const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const auto& one) { return one.id == id; });
            return found == wanted.end() ? std::string() : found->range.text();
        };
        for (auto& candidate : candidates_) {
            if (lock_->find(candidate.info.id()) != nullptr) candidate.asked = range_of(candidate.info.id());
        }
        for (const auto& package : lock_->packages) {
            if (came(package.id)) continue;
            const auto artifact = std::find_if(package.artifacts.begin(), package.artifacts.end(), [this](const auto& one) { return one.triple == line_.about().triple; });
            auto stored = artifact == package.artifacts.end() ? std::nullopt : held(line_, store, artifact->files, package.signer);
            if (package.registry.empty() || (stored && question_.offline)) {
                if (!stored) {
                    return Error(Code::not_found, "not-in-a-registry", package.id + " " + package.version.text() + " of the lock was installed from a file or folder, and is not here",
                                 "name its package as well: symphony install symphony.lock " + package.id + "-" + package.version.text() + "-" + line_.about().triple + ".sympkg");
                }
                stored->asked = range_of(package.id);
                candidates_.push_back(*std::move(stored));
            } else if (const auto range = range_of(package.id); !range.empty()) {
                question_.asks.push_back({package.id, range});
            } else {
                needs_registry_ = true;
            }
        }
        return {};
    }

    Status judge_all(const Profile& profile, const Store& store, const packaging::Lock& installed) {
        publishers_ = SYMPHONY_TRY(Publishers::load(line_.publishers_file())); // under the lock, which who changes them holds as well
        if (lock_) SYMPHONY_TRY(ask_lock(store));
        if (!question_.asks.empty() || question_.renew_all || needs_registry_) SYMPHONY_TRY(ask_registries(profile, store));
        SYMPHONY_TRY(keep_platforms(answer_.lock, installed));
        if (lock_) SYMPHONY_TRY(keep_platforms(answer_.lock, *lock_));
        if (locked_) SYMPHONY_TRY(check_unchanged(profile, installed));
        Profile after = profile;
        for (auto& candidate : candidates_) {
            steps_.push_back(SYMPHONY_TRY(judge(std::move(candidate), profile, store)));
            if (lock_) SYMPHONY_TRY(check_against(*lock_, steps_.back().candidate, steps_.back().key, line_.about().triple));
            if (!steps_.back().same) after.put(steps_.back().after());
        }
        for (const auto& id : answer_.orphans) after.remove(id);
        const ManifestOf manifest_of = [&](const Installed& package) -> std::optional<manifests::Manifest> {
            for (const auto& step : steps_) {
                if (step.candidate.info.digest == package.digest) return step.candidate.info.manifest;
            }
            return from_store(store)(package);
        };
        SYMPHONY_TRY(replace_others(after, manifest_of));
        return check_dependencies(line_, after, manifest_of);
    }

    /// Takes out what a new plugin says that it takes the place of; the other way round nothing is installed.
    Status replace_others(Profile& after, const ManifestOf& manifest_of) {
        const auto packages = after.packages;
        for (const auto& package : packages) {
            const auto manifest = manifest_of(package);
            if (!manifest) continue;
            for (const auto& id : manifest->extension.replaces) {
                const auto* other = after.find(id);
                if (other == nullptr) continue;
                const auto is_new = [this](const std::string& one) { return std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) { return step.candidate.info.id() == one && !step.same; }); };
                if (!is_new(package.id) || is_new(id)) {
                    return Error(Code::conflict, "replaced", "plugin \"" + package.id + "\" takes the place of " + id + ": they do not go together", "install one of them; symphony remove " + package.id + " takes the other one away");
                }
                if (other->publisher != package.publisher) {
                    return Error(Code::refused, "replaces-another", "plugin \"" + package.id + "\" wants to take the place of " + id + ", which another publisher made", "when that is what you want: symphony remove " + id + ", and again");
                }
                if (!line_.json()) line_.err(id + " " + other->version + " goes: " + package.id + " takes its place");
                replaced_.push_back(*other);
                if (package.asked.empty() && !other->asked.empty()) answer_.asked[package.id] = "*"; // somebody asked for what it does
                after.remove(id);
            }
        }
        return {};
    }

    /// With --locked. What is installed stays as it is beside a lock that came as a file.
    Status check_unchanged(const Profile& profile, const packaging::Lock& installed) const {
        std::vector<std::pair<std::string, std::string>> after;
        const auto add = [&](const std::string& id, const std::string& version) {
            const auto* before = profile.find(id);
            const bool other = lock_ && lock_->find(id) == nullptr && before != nullptr && before->version == version;
            if (!other) after.emplace_back(id, version);
        };
        for (const auto& [id, version] : answer_.chosen) add(id, version);
        for (const auto& candidate : candidates_) add(candidate.info.id(), candidate.info.version());
        return check_locked(lock_ ? &*lock_ : profile.packages.empty() ? nullptr : &installed, after, answer_.orphans);
    }

    Status ask_registries(const Profile& profile, const Store& store) {
        for (auto& ask : question_.asks) {
            const auto installed = installed_as(profile, ask.id);
            if (!installed && (update_ || installed.error().reason() == "ambiguous-plugin")) return installed.error();
            if (installed) ask.id = installed->id;
            if (!update_) continue;
            if (installed->registry.empty()) {
                return Error(Code::conflict, "not-from-a-registry", "plugin \"" + ask.id + "\" was installed from " + shown(installed->source), "name its new package: symphony update FILE; to take it from a registry: symphony install " + ask.id);
            }
            if (ask.range.empty()) ask.range = installed->asked.empty() ? "*" : installed->asked;
            question_.renewed.push_back(ask.id);
        }
        for (const auto& candidate : candidates_) question_.files.push_back(&candidate);
        answer_ = SYMPHONY_TRY(resolve_from_registries(line_, profile, store, publishers_, question_));
        for (const auto& [what, advisory] : answer_.advisories) {
            if (!line_.json()) line_.err("warning: " + what + " has a known defect: " + in_words(advisory));
        }
        candidates_.insert(candidates_.end(), std::make_move_iterator(answer_.candidates.begin()), std::make_move_iterator(answer_.candidates.end()));
        return {};
    }

    Result<Step> judge(Candidate candidate, const Profile& profile, const Store& store) const {
        SYMPHONY_TRY(check_fits(line_, candidate.info));
        Step step;
        step.key = SYMPHONY_TRY(signer_of(candidate, publishers_, offered_, line_.on("allow-unsigned")));
        SYMPHONY_TRY(check_welcome(line_, candidate.info, step.key ? step.key->text() : ""));
        if (const auto* before = profile.find(candidate.info.id())) step.before = *before;
        if (!step.before && update_ && candidate.registry.empty()) {
            return Error(Code::not_found, "not-installed", "plugin \"" + candidate.info.id() + "\" is not installed", "symphony install " + shown(candidate.typed));
        }
        step.candidate = std::move(candidate);
        const auto& info = step.candidate.info;
        step.same = step.before && step.before->digest == info.digest && step.before->publisher == (step.key ? step.key->text() : "");
        if (step.before) SYMPHONY_TRY(check_newer(step));
        const auto old = step.before ? store.read(step.before->digest) : Result<packaging::PackageInfo>(Error(Code::not_found, ""));
        step.rights = RightsChange::of(old ? &old->manifest : nullptr, info.manifest, !step.before);
        tell(step);
        SYMPHONY_TRY(check_consent(step));
        return step;
    }

    Status check_newer(const Step& step) const {
        if (lock_ && lock_->find(step.candidate.info.id()) != nullptr) return {};
        if (!step.candidate.registry.empty() && !step.candidate.asked.empty()) return {}; // the range says what is meant
        const auto& version = step.candidate.info.manifest.extension.version;
        const auto before = manifests::Version::parse(step.before->version);
        if (line_.on("allow-downgrade") || !before || precedence(version, *before) >= 0) return {};
        return Error(Code::refused, "older-version", "plugin \"" + step.before->id + "\" is installed in version " + before->text() + ", and " + version.text() + " is older",
                     "symphony rollback goes back to what was installed before; --allow-downgrade installs it");
    }

    Status check_consent(const Step& step) const {
        if (step.same) return {};
        const std::string again = std::string("symphony ") + (update_ ? "update " : "install ") + (question_.renew_all ? "" : shown(step.candidate.typed));
        const std::string name = "plugin \"" + step.candidate.info.id() + "\" " + step.candidate.info.version();
        if (step.rights.first && step.rights.risky && !line_.on("yes")) {
            return Error(Code::refused, "consent-needed", name + " asks for rights of high risk", "read above what it asks for; " + again + " --yes agrees to it, and grants nothing yet");
        }
        if (!step.rights.first && step.rights.widens && !line_.on("agree")) {
            return Error(Code::refused, "consent-needed", name + " asks for more than " + step.before->version + " does, which stays installed", "read above what is new; " + again + " --agree agrees to it");
        }
        return {};
    }

    /// Before anything is decided, so that whoever is refused knows about what.
    void tell(const Step& step) const {
        if (line_.json()) return;
        const auto& info = step.candidate.info;
        std::string head = info.id() + " " + (step.before ? step.before->version + " -> " : std::string()) + info.version();
        if (step.same) head = info.id() + " " + info.version() + " is installed already";
        head += step.key ? ", signed with " + step.key->text() : ", which nobody signed";
        line_.err(head);
        if (!step.before) {
            for (const auto& present : present_anyway(line_.about())) {
                if (present.id == info.id()) line_.err("  takes the place of " + present.version.text() + ", which this distribution brought, where it is newer");
            }
        }
        for (const auto& text : step.rights.lines()) line_.err(shown(text));
    }

    Result<std::uint64_t> write(Change& change) {
        bool changed = false;
        std::string action = update_ ? "update" : "install";
        tell_lock(change.lock());
        for (auto& step : steps_) {
            if (!step.candidate.held) SYMPHONY_TRY(change.store().add(step.candidate.bytes, line_.progress("installing " + step.candidate.info.id()))); // mends what is damaged, too
            step.candidate.bytes.clear();
            if (step.same) continue;
            changed = true;
            change.profile().put(step.after());
            action += " " + step.candidate.info.id() + " " + step.candidate.info.version();
        }
        if (locked_ && !lock_) answer_.asked.clear();
        for (const auto& [id, range] : answer_.asked) {
            auto package = *change.profile().find(id);
            package.asked = range;
            change.profile().put(std::move(package));
            changed = true;
        }
        for (const auto& id : answer_.orphans) changed = change.profile().remove(id) || changed;
        for (const auto& one : replaced_) changed = change.profile().remove(one.id) || changed;
        if (!changed) return change.current();
        // First the pin: a crash between leaves a key without a plugin, and never a plugin whose key anybody may replace.
        for (const auto& step : steps_) {
            if (step.key) SYMPHONY_TRY(publishers_.pin(step.candidate.info.id(), *step.key));
        }
        SYMPHONY_TRY(publishers_.save(line_.publishers_file()));
        return change.commit(action);
    }

    /// What the next lock has to know: where packages are from, and their files for all platforms.
    void tell_lock(packaging::Lock& lock) const {
        const auto put = [](auto& list, auto entry, auto&& key) {
            std::erase_if(list, [&](const auto& one) { return key(one) == key(entry); });
            list.push_back(std::move(entry));
        };
        const auto name = [](const packaging::Lock::Registry& one) { return one.name; };
        const auto id = [](const packaging::Lock::Package& one) { return one.id; };
        if (lock_) {
            for (const auto& registry : lock_->registries) put(lock.registries, registry, name);
        }
        for (const auto& registry : answer_.lock.registries) put(lock.registries, registry, name);
        for (const auto& step : steps_) {
            auto entry = entry_of(step.candidate, line_.about().triple);
            const auto* before = lock_ ? lock_->find(entry.id) : nullptr;
            if (before == nullptr) before = lock.find(entry.id);
            if (before != nullptr && before->version == entry.version && before->manifest == entry.manifest) {
                entry.registry = before->registry;
                for (const auto& artifact : before->artifacts) {
                    if (entry.artifacts.empty() || artifact.triple != entry.artifacts.front().triple) entry.artifacts.push_back(artifact);
                }
            }
            put(lock.packages, std::move(entry), id);
        }
        for (const auto& package : answer_.lock.packages) put(lock.packages, package, id);
    }

    void report(std::uint64_t generation) const {
        Data::List list;
        for (const auto& step : steps_) {
            const auto& info = step.candidate.info;
            list.push_back(Data(Data::Map{{"id", info.id()}, {"version", info.version()}, {"before", step.before ? Data(step.before->version) : Data()}, {"digest", info.digest},
                                          {"publisher", step.key ? Data(step.key->text()) : Data()}, {"changed", !step.same}, {"rights", step.rights.data()}}));
        }
        Data::List orphans, replaced, advisories;
        for (const auto& [what, advisory] : answer_.advisories) {
            advisories.push_back(Data(Data::Map{{"id", advisory.id}, {"of", what}, {"severity", advisory.severity}, {"title", advisory.title}, {"url", advisory.url}}));
        }
        for (const auto& id : answer_.orphans) orphans.emplace_back(id);
        for (const auto& one : replaced_) replaced.emplace_back(one.id);
        line_.answer(to_json(Data::Map{{"generation", generation == 0 ? Data() : Data(static_cast<std::int64_t>(generation))}, {"dry_run", generation == 0}, {"plugins", list}, {"orphans", orphans}, {"replaced", replaced}, {"advisories", advisories}}));
        for (const auto& id : answer_.orphans) line_.err(id + " goes: nothing needs it any more");
        const bool any = !answer_.orphans.empty() || !answer_.asked.empty() || std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return !step.same; });
        if (generation == 0) line_.out("nothing was changed: --dry-run");
        else if (!any) line_.out("nothing to do");
        else line_.out("installed as generation " + std::to_string(generation) + "; symphony rollback goes back");
    }

    const CommandLine& line_;
    const bool update_;
    bool locked_ = false;         ///< nothing may change beside the lock
    bool needs_registry_ = false; ///< the lock has something that others need, and that is not here
    std::optional<packaging::Lock> lock_; ///< of a file
    std::optional<PublicKey> offered_;
    Publishers publishers_;
    std::vector<Candidate> candidates_;
    Question question_;
    Answer answer_;
    std::vector<Step> steps_;
    std::vector<Installed> replaced_;
};

} // namespace

Result<std::int32_t> command_install(CommandLine& line) { return Installer(line, false).run(); }
Result<std::int32_t> command_update(CommandLine& line) { return Installer(line, true).run(); }

} // namespace symphony::packages
