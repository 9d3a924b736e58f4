// SPDX-License-Identifier: Apache-2.0
#include "checks.hpp"

#include <symphony/manifests/config.hpp>
#include <symphony/manifests/parse.hpp>

#include <algorithm>
#include <map>
#include <tuple>

namespace symphony::composer {
namespace {

using manifests::Manifest;
using manifests::Right;

class Checker {
public:
    explicit Checker(const Composition& all) : all_(all) {}

    std::vector<Diagnostic> run() {
        host();
        for (const auto* input : all_.inputs) {
            platforms(*input);
            abi(*input);
            rights(*input);
            trust(*input);
        }
        ports();
        settings();
        std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
        return std::move(found_);
    }

private:
    void add(Place place, std::string reason, std::string message, std::string hint) {
        found_.push_back({manifests::Severity::error, std::move(reason), std::move(message), std::move(hint), all_.file, place.line, place.column});
    }

    /// Where the file asks for it; of one that came along, who of the file needs it.
    Place place(const std::string& id, std::size_t depth = 0) const {
        if (const auto* wanted = all_.distribution.find(id)) return wanted->place;
        if (depth > all_.inputs.size()) return {};
        for (const auto& package : all_.lock.packages) {
            for (const auto& need : package.dependencies) {
                if (need.substr(0, need.find(' ')) == id) return place(package.id, depth + 1);
            }
        }
        return {};
    }
    static std::string title(const Input& input) { return "plugin \"" + input.id() + "\" " + input.info.version(); }

    void host() {
        if (!all_.distribution.host.contains(all_.host)) {
            add(all_.distribution.host_place, "wrong-host", "it wants symphony " + all_.distribution.host.text() + ", and this is " + all_.host.text(), "compose with a symphony of that range, or change host");
        }
        const auto& triples = all_.distribution.triples;
        if (!triples.empty() && std::find(triples.begin(), triples.end(), all_.triple) == triples.end()) {
            add(all_.distribution.triples_place, "missing-platform", "it is not for " + all_.triple + ", whose symphony this is", "add \"" + all_.triple + "\" to triples, or compose on one of its machines");
        }
    }

    void platforms(const Input& input) {
        const auto* package = all_.lock.find(input.id());
        auto triples = all_.distribution.triples;
        if (triples.empty()) triples = {all_.triple};
        for (const auto& triple : triples) {
            const bool there = package != nullptr && std::any_of(package->artifacts.begin(), package->artifacts.end(), [&](const auto& one) { return one.triple == triple; });
            if (!there) add(place(input.id()), "missing-platform", title(input) + " has nothing for " + triple, "lock once on a machine where it is built for " + triple + ", or take the platform from triples");
        }
    }

    void abi(const Input& input) {
        const auto& needs = input.info.manifest.abi;
        const std::string offered = std::to_string(all_.abi.first) + "." + std::to_string(all_.abi.second);
        if (needs.major != all_.abi.first || needs.minor > all_.abi.second) {
            add(place(input.id()), "abi-mismatch", title(input) + " needs ABI " + std::to_string(needs.major) + "." + std::to_string(needs.minor) + ", and this symphony offers " + offered, "compose with a newer symphony, or take an older version of the plugin");
        }
        const auto& range = input.info.manifest.host;
        const manifests::Version version{all_.abi.first, all_.abi.second, 0, {}, {}};
        if (range && !range->range.contains(version)) add(place(input.id()), "abi-mismatch", title(input) + " wants symphony-core " + range->range.text() + ", and this symphony offers " + offered, "take another version of the plugin");
    }

    void rights(const Input& input) {
        for (const auto& asked : rights_of(all_, input).denied) {
            if (asked.optional) continue;
            add(place(input.id()), "denied-right", title(input) + " does not work without " + asked.right.text() + " (" + in_words(asked.right) + "), which the policy denies (" + all_.file + ":" + std::to_string(all_.distribution.policy.deny_place.line) + ")",
                "leave the plugin out, or the right out of deny_capabilities");
        }
    }

    void trust(const Input& input) {
        const auto& policy = all_.distribution.policy;
        const auto* wanted = all_.distribution.find(input.id());
        if (input.origin != Input::Origin::core && input.signer.empty() && !policy.allow_unsigned) {
            add(place(input.id()), "unsigned", title(input) + " (" + input.where + ") is signed by nobody", "take a signed package of it, or say allow_unsigned = true in [policy]");
        }
        if (wanted != nullptr && wanted->placement == Placement::in_process && (!is_trusted(all_, input) || wants_isolation(input.info.manifest.abi))) {
            add(wanted->place, "not-trusted", title(input) + " is to run in process, and " + (is_trusted(all_, input) ? "its manifest asks for isolation" : "nobody in trust vouches for it"), "leave out its placement, or add its publisher to trust");
        }
        if (policy.forbid_startup_activation && input.info.manifest.activation.startup) {
            add(place(input.id()), "startup-activation", title(input) + " begins when the host does, which the policy forbids", "leave it out, or forbid_startup_activation");
        }
    }

    void ports() {
        std::map<std::string, std::vector<std::pair<const Input*, bool>>> providers; // and whether it wants to be alone
        for (const auto* input : all_.inputs) {
            for (const auto& provide : input->info.manifest.provides) providers[provide.port].emplace_back(input, provide.exclusive);
        }
        for (const auto& [port, who] : providers) {
            const auto alone = std::find_if(who.begin(), who.end(), [](const auto& one) { return one.second; });
            if (alone == who.end()) continue;
            for (const auto& other : who) {
                if (other.first == alone->first) continue;
                add(place(other.first->id()), "exclusive-port", "plugins \"" + alone->first->id() + "\" and \"" + other.first->id() + "\" both provide " + port + ", which the former has for itself", "leave one of them out");
            }
        }
        for (const auto* input : all_.inputs) {
            for (const auto& need : input->info.manifest.needs) {
                const auto found = providers.find(need.port);
                const bool met = found != providers.end() && std::any_of(found->second.begin(), found->second.end(), [&](const auto& one) { return need.provider.empty() || one.first->id() == need.provider; });
                if (met || need.optional) continue;
                add(place(input->id()), "unmet-port", title(*input) + " needs the port " + need.port + (need.provider.empty() ? "" : " of " + need.provider) + ", which no plugin here provides", "add a plugin that provides " + need.port + (need.provider.empty() ? "" : ": \"" + need.provider + "\""));
            }
        }
    }

    void settings() {
        std::map<std::string, std::vector<manifests::Setting>> by_plugin;
        for (const auto& preset : all_.distribution.presets) {
            if (all_.find(preset.plugin) == nullptr) {
                std::vector<std::string_view> known;
                for (const auto* input : all_.inputs) known.emplace_back(input->id());
                const auto near = manifests::nearest(preset.plugin, known);
                add(preset.place, "unknown-plugin", "settings for plugin \"" + preset.plugin + "\", which is not in the distribution", near.empty() ? "add it to [plugins], or take its settings out" : "did you mean \"" + std::string(near) + "\"?");
                continue;
            }
            by_plugin[preset.plugin].push_back({preset.key, preset.value, all_.file, preset.place, false});
        }
        for (const auto& [plugin, given] : by_plugin) {
            const auto effective = manifests::check_config(manifests::config_keys(all_.find(plugin)->info.manifest), given);
            for (const auto& one : effective.diagnostics) {
                if (one.severity != manifests::Severity::error || one.line == 0) continue; // what is missing is the user's to say
                add({one.line, one.column}, one.reason, "plugin \"" + plugin + "\": " + one.message, one.hint.empty() ? "symphony show " + plugin + " lists its settings with their types" : one.hint);
            }
            secrets(plugin, given);
        }
    }

    /// A distribution is handed around.
    void secrets(const std::string& plugin, const std::vector<manifests::Setting>& given) {
        const auto keys = manifests::config_keys(all_.find(plugin)->info.manifest);
        for (const auto& setting : given) {
            const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return one.name == setting.key; });
            if (key != keys.end() && key->secret) add(setting.place, "secret-setting", "plugin \"" + plugin + "\": " + setting.key + " is a secret, and everybody who has the distribution would have it", "let users set it themselves");
        }
    }

    const Composition& all_;
    std::vector<Diagnostic> found_;
};

} // namespace

const Input* Composition::find(std::string_view id) const noexcept {
    const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const Input* one) { return one->id() == id; });
    return found == inputs.end() ? nullptr : *found;
}

bool is_trusted(const Composition& all, const Input& input) {
    const auto& policy = all.distribution.policy;
    if (input.origin == Input::Origin::core && policy.trust_core) return true;
    if (input.origin == Input::Origin::local && policy.trust_local) return true;
    return std::any_of(policy.publishers.begin(), policy.publishers.end(), [&](const auto& key) { return key.text() == input.signer; });
}

std::string_view place_of(const Composition& all, const Input& input) {
    const auto* wanted = all.distribution.find(input.id());
    const bool isolated = !is_trusted(all, input) || wants_isolation(input.info.manifest.abi) || (wanted != nullptr && wanted->placement == Placement::isolated);
    return isolated ? "isolated" : "in-process";
}

Granted rights_of(const Composition& all, const Input& input) {
    Granted out;
    const auto& denied = all.distribution.policy.denied;
    for (auto& asked : manifests::asked_of(input.info.manifest)) {
        const bool no = std::any_of(denied.begin(), denied.end(), [&](const Right& one) { return one.overlaps(asked.right); });
        (no ? out.denied : out.allowed).push_back(std::move(asked));
    }
    return out;
}

std::vector<Diagnostic> check(const Composition& all) { return Checker(all).run(); }

} // namespace symphony::composer
