// SPDX-License-Identifier: Apache-2.0
// symphony packages doctor: what is wrong with an installation, and the command that mends it. It changes nothing and asks no server.
#include "candidate.hpp"
#include "commands.hpp"
#include "dependencies.hpp"
#include "findings.hpp"
#include "known.hpp"

#include <symphony/packaging/registries.hpp>

#include <algorithm>

namespace symphony::packages {
namespace {

using packaging::Installed;
using packaging::Profile;
using packaging::Publishers;

class Doctor {
public:
    explicit Doctor(const CommandLine& line) : line_(line), findings_(line), generations_(line.generations()), store_(line.store()) {}

    Result<std::int32_t> run() {
        if (auto publishers = Publishers::load(line_.publishers_file())) publishers_ = *std::move(publishers);
        else findings_.fail("packages", publishers.error(), "mend the file, or move it away and trust the keys again: symphony packages trust KEY --plugin ID");
        const bool readable = read_profile();
        if (readable) {
            for (const auto& package : profile_.packages) SYMPHONY_TRY(look_at(package));
            look_at_generation();
            look_at_needs();
        }
        look_at_registries();
        if (readable && number_ == 0) findings_.ok("packages", "nothing was installed yet");
        else if (readable && !findings_.broken()) findings_.ok("packages", std::to_string(profile_.packages.size()) + (profile_.packages.size() == 1 ? " plugin" : " plugins") + " installed as generation " + std::to_string(number_) + ", whole");
        line_.answer(to_json(Data::Map{{"ok", !findings_.broken()}, {"findings", findings_.data()}}));
        return findings_.broken() ? 1 : 0;
    }

private:
    static std::string subject(const Installed& package) { return "package " + package.id; }

    /// The newest generation that can be read and is in the store.
    std::string way_back() const {
        const auto numbers = generations_.numbers();
        if (numbers) {
            for (auto number = numbers->rbegin(); number != numbers->rend(); ++number) {
                const auto profile = *number == number_ ? Result<Profile>(Error(Code::not_found, "")) : generations_.read(*number);
                if (!profile) continue;
                const bool whole = std::all_of(profile->packages.begin(), profile->packages.end(), [this](const Installed& one) { return store_.contains(one.digest); });
                if (whole) return "symphony rollback --to " + std::to_string(*number);
            }
        }
        return "move " + line_.folder().string() + " away and install again";
    }

    bool read_profile() {
        const auto number = generations_.current();
        if (number) number_ = *number;
        auto profile = number ? generations_.read(*number) : Result<Profile>(number.error());
        if (!profile) {
            findings_.fail("packages", profile.error().message() + " [" + std::string(profile.error().reason()) + "]", way_back());
            return false;
        }
        profile_ = *std::move(profile);
        return true;
    }

    Status look_at(const Installed& package) {
        if (!store_.contains(package.digest)) {
            findings_.fail(subject(package), "its package is missing in the store [not-in-store]", remedy(package));
            return {};
        }
        const auto info = store_.read(package.digest);
        const auto damages = store_.verify(package.digest, line_.progress("verifying " + package.id));
        if (!damages && damages.error().code() == Code::cancelled) return damages.error();
        if (!info || !damages) {
            findings_.fail(subject(package), (info ? damages.error() : info.error()).message(), remedy(package));
            return {};
        }
        for (const auto& damage : *damages) {
            findings_.fail(subject(package), (store_.path_of(package.digest) / damage.path).string() + " is " + words_of(damage.reason) + " [" + damage.reason + "]", remedy(package));
        }
        if (const auto fits = check_fits(line_, *info); !fits) findings_.fail(subject(package), fits.error().message() + " [" + std::string(fits.error().reason()) + "]", "symphony update " + package.id);
        const auto key = packaging::PublicKey::parse(package.publisher);
        const auto* publisher = key ? publishers_.find(*key) : publishers_.pinned(package.id);
        if (publisher != nullptr && publisher->revoked) {
            findings_.warn(subject(package), "the key that signed it, " + publisher->key.text() + ", was revoked" + (publisher->why.empty() ? "" : ": " + shown(publisher->why)) + "; it runs isolated [revoked-key]", "symphony remove " + package.id);
        }
        return {};
    }

    static std::string words_of(const std::string& reason) {
        return reason == "missing" ? "missing" : reason == "altered" ? "not as it was packed" : reason == "mode" ? "of another mode than it was packed with" : "a file that nobody packed";
    }

    void look_at_generation() {
        const auto wrong = generations_.check(number_, store_);
        if (!wrong) return findings_.fail("packages", wrong.error(), way_back());
        // What is missing in the store was told already, and is no mistake of the generation.
        for (const auto& sentence : *wrong) findings_.fail("packages", sentence, "symphony rollback goes back; installing anything makes the links anew");
    }

    void look_at_needs() {
        for (const auto& unmet : unmet_in(line_, profile_, from_store(store_))) {
            findings_.fail("package " + unmet.plugin, "needs " + unmet.needs + " " + unmet.range + (unmet.found.empty() ? ", which is not there" : ", and " + unmet.found + " is there") + " [unmet-dependency]", "symphony install " + unmet.needs);
        }
        for (const auto& id : orphans_in(profile_, from_store(store_))) {
            findings_.warn("package " + id, "came along for others, and nothing needs it any more [orphan]", "symphony remove " + id);
        }
    }

    void look_at_registries() {
        const auto list = packaging::RegistryList::load(registries_file(line_));
        if (!list) return findings_.fail("registries", list.error(), "mend the file, or move it away and add the registries again: symphony packages registry add");
        if (list->all.empty()) return;
        for (const auto& entry : list->all) {
            auto one = open_registries(line_, true, entry.name, true);
            if (one) {
                look_at_registry(entry.name, *one);
            } else if (one.error().reason() == "offline-missing") {
                findings_.warn("registry " + entry.name, "nothing of it was fetched yet", "symphony search WORD fetches it");
            } else {
                findings_.fail("registry " + entry.name, one.error(), "symphony packages registry remove " + entry.name);
            }
        }
    }

    void look_at_registry(const std::string& name, const Registries& registries) {
        const auto& registry = *registries.all().front();
        if (registry.is_stale()) findings_.warn("registry " + name, "its snapshot " + std::to_string(registry.snapshot().number) + " was good until " + packaging::time_text(registry.snapshot().expires) + " [expired-snapshot]", "symphony update asks for a newer one; when there is none, ask who runs the registry");
        for (const auto& package : profile_.packages) {
            if (package.registry != name) continue;
            const auto known = known_as(line_, registries, publishers_, package.id);
            if (!known) findings_.warn(subject(package), "what registry " + name + " says of it cannot be read: " + known.error().message() + " [" + std::string(known.error().reason()) + "]", "symphony update --dry-run fetches it");
            else if (!*known) findings_.warn(subject(package), "registry " + name + " has it no more [unknown-plugin]", "ask who runs the registry; symphony remove " + package.id);
            else look_at_known(package, **known, *registries.all().front());
        }
    }

    /// The newest version that the package may be updated to.
    static const KnownVersion* newest_for(const Installed& package, const KnownPlugin& known) {
        return known.newest(manifests::Range::parse(package.asked.empty() ? "*" : package.asked).value_or({}));
    }

    static std::string instead_of(const Installed& package, const KnownVersion& here, const KnownVersion* newest) {
        if (newest == nullptr) return "symphony remove " + package.id + "; there is no other version yet";
        if (precedence(newest->version, here.version) > 0) return "symphony update " + package.id;
        return "symphony install " + package.id + "@=" + newest->line.version + " --allow-downgrade, or wait for a newer one";
    }

    /// An update mends it when it brings a version that is free of it.
    void tell_advisories(const Installed& package, const KnownVersion& here, const KnownVersion* newest, packaging::Registry& registry) {
        for (const auto& advisory : advisories_of(registry, here.line)) {
            const bool helps = newest != nullptr && precedence(newest->version, here.version) > 0 && std::find(newest->line.advisories.begin(), newest->line.advisories.end(), advisory.id) == newest->line.advisories.end();
            findings_.warn(subject(package), package.version + " has a known defect: " + in_words(advisory) + " [advisory]",
                           helps ? "symphony update " + package.id + " brings " + newest->line.version + ", which has it not" : "symphony remove " + package.id + "; no update is free of it yet");
        }
    }

    void look_at_known(const Installed& package, const KnownPlugin& known, packaging::Registry& registry) {
        const auto* newest = newest_for(package, known);
        if (const auto* here = known.find(package.version)) {
            const auto key = packaging::PublicKey::parse(here->line.signer);
            const auto* signer = key ? publishers_.find(*key) : nullptr;
            const bool told = signer != nullptr && signer->revoked;
            if (!here->barred.empty() && !told) findings_.warn(subject(package), package.version + " " + here->barred + " [barred]", "symphony update " + package.id + "; symphony remove " + package.id);
            if (here->line.yanked) findings_.warn(subject(package), package.version + " was taken back by its publisher [yanked]", instead_of(package, *here, newest));
            tell_advisories(package, *here, newest, registry);
        }
        const auto version = manifests::Version::parse(package.version);
        const auto info = store_.read(package.digest);
        if (newest == nullptr || !version || !info || precedence(newest->version, *version) <= 0) return;
        const auto before = manifests::RightSet::requested(info->manifest);
        std::string more;
        for (const auto& text : newest->line.rights) {
            const auto right = manifests::Right::parse(text);
            if (right && !before.covers(*right)) more += (more.empty() ? "" : ", ") + text;
        }
        if (!more.empty()) findings_.warn(subject(package), newest->line.version + " is there and asks for more: " + shown(more) + " [consent-needed]", "symphony update " + package.id + " shows it; --agree agrees");
        else findings_.ok(subject(package), newest->line.version + " is there: symphony update " + package.id);
    }

    const CommandLine& line_;
    Findings findings_;
    const packaging::Generations generations_;
    const packaging::Store store_;
    Publishers publishers_;
    std::uint64_t number_ = 0;
    Profile profile_;
};

} // namespace

Result<std::int32_t> command_doctor(CommandLine& line) { return Doctor(line).run(); }

} // namespace symphony::packages
