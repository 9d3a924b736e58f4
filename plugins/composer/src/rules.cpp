// SPDX-License-Identifier: Apache-2.0
#include "rules.hpp"

#include <symphony/packaging/digest.hpp>

namespace symphony::composer {
namespace {

using manifests::Data;

std::string quoted_toml(std::string_view text) { return to_toml(Data(text)); }

Data list_of(const std::vector<std::string>& texts) {
    Data::List out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

std::string policy_of(const Distribution& distribution) {
    const auto& policy = distribution.policy;
    const std::string title = distribution.name + " " + distribution.version.text();
    std::string out = "# What users of " + title + " may. Written by symphony compose.\n";
    out += "extensions = " + quoted_toml(name_of(policy.extensions)) + "\n";
    std::vector<std::string> keys;
    for (const auto& key : policy.publishers) keys.push_back(key.text());
    if (!keys.empty()) out += "publishers = " + to_toml(list_of(keys)) + "\n";
    if (!policy.minimum_grade.empty()) out += "minimum_grade = " + quoted_toml(policy.minimum_grade) + "\n";
    if (policy.only_trusted_in_process) out += "in_process = \"trusted\"\n";
    if (!policy.minimum_grade.empty() || policy.only_trusted_in_process) out += "locked = true\n";
    if (policy.denied.empty()) return out;
    std::vector<std::string> rights;
    for (const auto& right : policy.denied) rights.push_back(right.text());
    return out + "\n[[deny]]\nrights = " + to_toml(list_of(rights)) + "\nlocked = true\nreason = " + quoted_toml("the distribution " + title + " denies it to every plugin") + "\n";
}

std::string settings_of(const Distribution& distribution, bool locked) {
    std::string out = "# Settings of " + distribution.name + " " + distribution.version.text() + (locked ? ", which users cannot change" : ", which users may change") + ". Written by symphony compose.\n";
    std::string_view plugin;
    for (const auto& preset : distribution.presets) {
        if (preset.locked != locked) continue;
        if (preset.plugin != plugin) out += "\n[plugins." + quoted_toml(preset.plugin) + "]\n";
        plugin = preset.plugin;
        auto value = preset.value;
        manifests::sort_keys(value);
        out += quoted_toml(preset.key) + " = " + to_toml(value) + "\n";
    }
    return out;
}

std::string placement_of(const Distribution& distribution) {
    std::string out = std::string(distribution.policy.trust_core ? "core\n" : "") + (distribution.policy.trust_local ? "local\n" : "");
    for (const auto& plugin : distribution.plugins) out += plugin.id + " " + std::string(name_of(plugin.placement)) + "\n";
    return out;
}

} // namespace

std::string Rules::digest() const { return packaging::sha256_of(packaging::sha256_of(policy) + packaging::sha256_of(defaults) + packaging::sha256_of(locked) + packaging::sha256_of(placement)); }

Rules rules_of(const Distribution& distribution) { return {policy_of(distribution), settings_of(distribution, false), settings_of(distribution, true), placement_of(distribution)}; }

std::string trust_of(const Composition& all) {
    std::string out = "# Which libraries this distribution vouches for. Written by symphony compose.\n";
    for (const auto* input : all.inputs) {
        const auto* artifact = input->info.manifest.find_artifact(all.triple);
        if (artifact == nullptr) continue;
        const std::string library = "plugin = " + quoted_toml(input->id()) + "\nsha256 = " + quoted_toml(artifact->sha256) + "\n";
        if (is_trusted(all, *input)) {
            const auto* wanted = all.distribution.find(input->id());
            out += "\n[[trusted]]\n" + library + (wanted != nullptr && wanted->placement == Placement::isolated ? "isolated = true\n" : "");
        }
        if (!input->signer.empty()) out += "\n[[signed]]\n" + library + "publisher = " + quoted_toml(input->signer) + "\n";
    }
    return out;
}

} // namespace symphony::composer
