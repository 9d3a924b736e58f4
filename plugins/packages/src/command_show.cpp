// SPDX-License-Identifier: Apache-2.0
// symphony packages show: what symphony show adds about where a plugin is from, and about one that is not here.
#include "commands.hpp"
#include "dependencies.hpp"
#include "known.hpp"

#include <algorithm>

namespace symphony::packages {
namespace {

using packaging::Installed;
using packaging::Profile;
using packaging::Publishers;
using packaging::PublicKey;

constexpr std::size_t versions_shown_max = 20;

void row(const CommandLine& line, std::string key, std::string_view value) {
    if (value.empty()) return;
    key.resize(std::max<std::size_t>(key.size() + 1, 14), ' ');
    line.out(key + std::string(value));
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

Data texts_data(const std::vector<std::string>& texts) {
    Data::List out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

/// Why a plugin is here: who needs it.
std::vector<std::string> needed_by(const Profile& profile, const packaging::Store& store, const std::string& id) {
    std::vector<std::string> out;
    for (const auto& package : profile.packages) {
        const auto info = store.read(package.digest);
        if (!info) continue;
        const auto& needs = info->manifest.dependencies;
        if (std::any_of(needs.begin(), needs.end(), [&](const auto& need) { return need.id == id; })) out.push_back(package.id);
    }
    return out;
}

struct Signed {
    std::string state; ///< "signed", "unsigned", "revoked"
    std::string text;
};

Signed signature_of(const Installed& package, const Publishers& publishers) {
    const auto key = PublicKey::parse(package.publisher);
    const auto* pinned = publishers.pinned(package.id);
    const auto* known = key ? publishers.find(*key) : pinned;
    if (known != nullptr && known->revoked) return {"revoked", "its key " + known->key.text() + " was revoked" + (known->why.empty() ? "" : ": " + known->why) + "; it runs isolated"};
    if (!key) return {"unsigned", "nobody signed it; it runs isolated"};
    return {"signed", key->text() + (known != nullptr && !known->name.empty() ? " (" + known->name + ")" : "") + (pinned != nullptr && pinned->key == *key ? ", pinned" : "")};
}

/// Each version with what is to be said of it.
std::string remarks_of(const KnownVersion& one) {
    std::vector<std::string> out;
    if (!one.barred.empty()) out.push_back(one.barred);
    if (one.line.yanked) out.emplace_back("yanked");
    if (!one.runs_here) out.emplace_back("not for this machine");
    for (const auto& advisory : one.line.advisories) out.push_back(advisory);
    return joined(out);
}

Data data_of(const KnownPlugin& known) {
    Data::List versions;
    for (const auto& one : known.versions) {
        versions.push_back(Data(Data::Map{{"version", one.line.version}, {"usable", one.usable()}, {"barred", one.barred}, {"yanked", one.line.yanked}, {"advisories", texts_data(one.line.advisories)},
                                          {"signer", one.line.signer.empty() ? Data() : Data(one.line.signer)}, {"rights_added", texts_data(one.line.rights_added)}}));
    }
    return Data::Map{{"id", known.id}, {"registry", known.registry}, {"versions", versions}};
}

void tell_versions(const CommandLine& line, const KnownPlugin& known, const std::string& installed) {
    std::vector<std::string> texts;
    for (const auto& one : known.versions) {
        if (texts.size() == versions_shown_max) {
            texts.push_back(std::to_string(known.versions.size() - versions_shown_max) + " older ones");
            break;
        }
        const auto remarks = remarks_of(one);
        texts.push_back(one.line.version + (one.line.version == installed ? " (installed)" : "") + (remarks.empty() ? "" : " (" + shown(remarks) + ")"));
    }
    row(line, "versions", joined(texts) + ", in registry " + known.registry);
}

std::int32_t show_installed(const CommandLine& line, const Profile& profile, const Installed& package, const Publishers& publishers) {
    const auto store = line.store();
    const auto info = store.read(package.digest);
    const auto who = needed_by(profile, store, package.id);
    const auto signature = signature_of(package, publishers);
    row(line, "installed", package.version + (package.registry.empty() ? " from " + shown(package.source) : " from registry " + package.registry));
    const std::string needed = who.empty() ? "" : (package.asked.empty() ? "needed by " : "; needed by ") + joined(who);
    const std::string nobody = package.asked.empty() && who.empty() ? "nothing needs it any more: symphony update takes it away" : "";
    row(line, "why", (package.asked.empty() ? "" : "you asked for " + package.asked) + needed + nobody);
    row(line, "signature", signature.text);
    row(line, "license", info ? info->manifest.extension.license : "");
    row(line, "digest", package.digest);
    row(line, "store", store.path_of(package.digest).string() + (info ? "" : ": damaged, symphony verify says how"));
    Data::Map data{{"id", package.id}, {"installed", true}, {"version", package.version}, {"asked", package.asked.empty() ? Data() : Data(package.asked)}, {"needed_by", texts_data(who)},
                   {"registry", package.registry.empty() ? Data() : Data(package.registry)}, {"source", package.source.empty() ? Data() : Data(package.source)}, {"digest", package.digest},
                   {"publisher", package.publisher.empty() ? Data() : Data(package.publisher)}, {"signature", signature.state}};
    // From what was fetched before: nobody is asked because somebody looks.
    const auto registries = open_registries(line, true);
    auto known = registries ? known_as(line, *registries, publishers, package.id) : Result<std::optional<KnownPlugin>>(std::optional<KnownPlugin>());
    if (known && *known) {
        tell_versions(line, **known, package.version);
        const auto* newest = (*known)->newest(manifests::Range::parse(package.asked.empty() ? "*" : package.asked).value_or({}));
        const auto here = manifests::Version::parse(package.version);
        if (newest != nullptr && here && precedence(newest->version, *here) > 0) row(line, "update", "symphony update " + package.id + " brings " + newest->line.version);
        data.emplace_back("available", data_of(**known));
    }
    line.answer(to_json(data));
    return 0;
}

std::int32_t show_available(const CommandLine& line, const KnownPlugin& known) {
    const auto* newest = known.newest(manifests::Range::parse("*").value_or({}));
    const auto& one = newest != nullptr ? *newest : known.versions.front();
    line.out(known.id + " " + one.line.version + (newest != nullptr ? ", not installed" : ", cannot be installed: " + remarks_of(one)));
    row(line, "", shown(one.line.description));
    row(line, "name", one.line.name);
    row(line, "license", shown(one.line.license));
    row(line, "publisher", one.line.signer.empty() ? "nobody signed it; it would run isolated" : one.line.signer);
    row(line, "abi", one.line.abi + (one.line.host.empty() ? "" : ", symphony-core " + one.line.host));
    std::vector<std::string> needs, offers, rights;
    for (const auto& need : one.line.needs) needs.push_back(need.id + " " + need.range + (need.optional ? " (optional)" : ""));
    for (const auto& offer : one.line.provides) offers.push_back(offer.port);
    row(line, "needs", joined(needs));
    row(line, "provides", joined(offers));
    for (const auto& text : one.line.rights) {
        const auto right = manifests::Right::parse(text);
        const std::string words = right ? in_words(*right) + " (" + text + "), " + std::string(name_of(risk_of(*right))) + " risk" : text;
        row(line, rights.empty() ? "asks for" : "", shown(words));
        rights.push_back(text);
    }
    if (rights.empty()) row(line, "asks for", "nothing");
    tell_versions(line, known, {});
    if (newest != nullptr) row(line, "install", "symphony install " + known.id);
    auto data = data_of(known);
    Data::Map map = std::move(*data.as<Data::Map>());
    map.emplace_back("installed", false);
    map.emplace_back("version", one.line.version);
    for (const auto& [key, text] : {std::pair{"name", one.line.name}, {"description", one.line.description}, {"license", one.line.license}, {"publisher", one.line.signer}}) map.emplace_back(key, text.empty() ? Data() : Data(text));
    map.emplace_back("rights", texts_data(rights));
    map.emplace_back("needs", texts_data(needs));
    map.emplace_back("provides", texts_data(offers));
    line.answer(to_json(std::move(map)));
    return 0;
}

} // namespace

Result<std::int32_t> command_show(CommandLine& line) {
    const std::string typed = line.text("plugin");
    const auto generations = line.generations();
    const auto profile = SYMPHONY_TRY(generations.read(SYMPHONY_TRY(generations.current())));
    const auto publishers = SYMPHONY_TRY(Publishers::load(line.publishers_file()));
    if (const auto installed = installed_as(profile, typed)) return show_installed(line, profile, *installed, publishers);
    for (const auto& present : present_anyway(line.about())) { // the distribution's: all that is known of it, its host says
        if (present.id == typed || present.id.ends_with("." + typed)) return 0;
    }
    const auto registries = SYMPHONY_TRY(open_registries(line, line.on("offline")));
    const auto known = SYMPHONY_TRY(known_as(line, registries, publishers, typed));
    if (!known) return Error(Code::not_found, "unknown-plugin", "there is no plugin \"" + shown(typed) + "\" here, nor in a registry", "symphony search WORD finds plugins");
    return show_available(line, *known);
}

} // namespace symphony::packages
