// SPDX-License-Identifier: Apache-2.0
#include "reports.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>

namespace symphony::composer {
namespace {

using manifests::Data;
using packaging::Lock;

const Lock::Host* host_of(const Composition& all) {
    const auto found = std::find_if(all.lock.hosts.begin(), all.lock.hosts.end(), [&](const auto& one) { return one.triple == all.triple; });
    return found == all.lock.hosts.end() ? nullptr : &*found;
}

std::string title_of(const Distribution& distribution) { return distribution.name + " " + distribution.version.text(); }

/// All that plugins may reach, none of it covered by another.
manifests::RightSet reach_of(const Composition& all) {
    std::vector<manifests::Right> rights;
    for (const auto* input : all.inputs) {
        for (const auto& asked : rights_of(all, *input).allowed) rights.push_back(asked.right);
    }
    return manifests::RightSet(std::move(rights));
}

Data right_data(const manifests::Right& right) { return Data::Map{{"right", right.text()}, {"meaning", in_words(right)}, {"risk", name_of(risk_of(right))}}; }

Data asked_data(const std::vector<manifests::Asked>& asked) {
    Data::List out;
    for (const auto& one : asked) {
        Data::Map entry{{"right", one.right.text()}, {"meaning", in_words(one.right)}, {"risk", name_of(risk_of(one.right))}, {"optional", one.optional}};
        if (one.written != nullptr && !one.written->reason.empty()) entry.emplace_back("reason", one.written->reason);
        out.emplace_back(std::move(entry));
    }
    return out;
}

Data hashes_of(const std::string& sha256) { return Data::List{Data(Data::Map{{"alg", "SHA-256"}, {"content", sha256}})}; }
Data licence_of(const std::string& expression) { return Data::List{Data(Data::Map{{"expression", expression}})}; }

Data property(const std::string& name, std::string value) { return Data::Map{{"name", name}, {"value", std::move(value)}}; }

Data plugin_component(const Composition& all, const Input& input) {
    const auto& extension = input.info.manifest.extension;
    Data::Map out{{"type", "library"}, {"bom-ref", "plugin:" + input.id()}};
    if (!extension.author.empty()) out.emplace_back("author", extension.author);
    out.emplace_back("name", input.id());
    out.emplace_back("version", input.info.version());
    if (!extension.description.empty()) out.emplace_back("description", extension.description);
    out.emplace_back("hashes", hashes_of(input.sha256));
    if (!extension.license.empty()) out.emplace_back("licenses", licence_of(extension.license));
    Data::List properties{property("symphony:origin", std::string(name_of(input.origin))), property("symphony:placement", std::string(place_of(all, input))), property("symphony:files", input.info.digest)};
    if (!input.signer.empty()) properties.push_back(property("symphony:signer", input.signer));
    out.emplace_back("properties", std::move(properties));
    return out;
}

Data library_component(const Lock::Host::Library& library, bool bundled) {
    Data::Map out{{"type", "library"}, {"bom-ref", "library:" + library.name}, {"name", library.name}};
    if (!library.version.empty()) out.emplace_back("version", library.version);
    if (bundled) out.emplace_back("hashes", hashes_of(library.sha256));
    if (!library.package.empty()) out.emplace_back("purl", "pkg:deb/debian/" + library.package + (library.version.empty() ? "" : "@" + library.version));
    out.emplace_back("properties", Data::List{property("symphony:bundled", bundled ? "true" : "false")});
    return out;
}

} // namespace

Data capabilities_data(const Composition& all) {
    Data::List reach, denied, plugins;
    const auto everything = reach_of(all);
    for (const auto& right : everything.rights()) reach.push_back(right_data(right));
    for (const auto& right : all.distribution.policy.denied) denied.push_back(right_data(right));
    for (const auto* input : all.inputs) {
        const auto rights = rights_of(all, *input);
        plugins.emplace_back(Data::Map{{"id", input->id()}, {"version", input->info.version()}, {"origin", name_of(input->origin)}, {"where", input->where}, {"signer", input->signer.empty() ? Data() : Data(input->signer)},
                                       {"placement", place_of(all, *input)}, {"rights", asked_data(rights.allowed)}, {"denied", asked_data(rights.denied)}});
    }
    return Data::Map{{"distribution", all.distribution.name}, {"version", all.distribution.version.text()}, {"reach", std::move(reach)}, {"denied", std::move(denied)},
                     {"extensions", name_of(all.distribution.policy.extensions)}, {"plugins", std::move(plugins)}};
}

std::string capabilities_text(const Composition& all) {
    std::string out = title_of(all.distribution) + ": this distribution can reach\n";
    const auto reach = reach_of(all);
    for (const auto& right : reach.rights()) {
        out += "  " + in_words(right) + " (" + right.text() + "), " + std::string(name_of(risk_of(right))) + " risk:";
        for (const auto* input : all.inputs) {
            const auto allowed = rights_of(all, *input).allowed;
            if (std::any_of(allowed.begin(), allowed.end(), [&](const auto& asked) { return right.covers(asked.right); })) out += " " + input->info.manifest.name();
        }
        out += "\n";
    }
    if (reach.empty()) out += "  nothing\n";
    if (!all.distribution.policy.denied.empty()) out += "and never\n";
    for (const auto& right : all.distribution.policy.denied) out += "  " + in_words(right) + " (" + right.text() + ")\n";
    const auto extensions = all.distribution.policy.extensions;
    out += extensions == Extensions::none ? "No other plugins can be installed into it.\n" : extensions == Extensions::any ? "Users may install other plugins, which may reach more.\n" : "Users may install other plugins that are signed, which may reach more.\n";
    return out + "A plugin that runs in the host's process is held to this by policy, an isolated one by the sandbox. What is not typed or trusted is asked for when it is used.\n";
}

std::string sbom_of(const Composition& all) {
    const std::string ref = "distribution:" + title_of(all.distribution);
    Data::Map component{{"type", "application"}, {"bom-ref", ref}, {"name", all.distribution.name}, {"version", all.distribution.version.text()}};
    if (!all.distribution.description.empty()) component.emplace_back("description", all.distribution.description);
    if (!all.distribution.license.empty()) component.emplace_back("licenses", licence_of(all.distribution.license));
    Data::List components, graph, top;
    if (const auto* host = host_of(all)) {
        for (const auto& file : host->files) {
            components.emplace_back(Data::Map{{"type", "application"}, {"bom-ref", "host:" + file.path}, {"name", file.path}, {"version", host->version}, {"hashes", hashes_of(file.sha256)}});
            top.emplace_back("host:" + file.path);
        }
        for (const auto& library : host->libraries) components.push_back(library_component(library, all.distribution.libraries == Libraries::bundled));
    }
    for (const auto* input : all.inputs) {
        components.push_back(plugin_component(all, *input));
        top.emplace_back("plugin:" + input->id());
        Data::List needs;
        for (const auto& need : all.lock.find(input->id())->dependencies) needs.emplace_back("plugin:" + need.substr(0, need.find(' ')));
        graph.emplace_back(Data::Map{{"ref", "plugin:" + input->id()}, {"dependsOn", std::move(needs)}});
    }
    graph.emplace_back(Data::Map{{"ref", ref}, {"dependsOn", std::move(top)}});
    const Data metadata(Data::Map{{"component", std::move(component)}});
    return to_pretty_json(Data::Map{{"bomFormat", "CycloneDX"}, {"specVersion", "1.5"}, {"version", 1}, {"metadata", metadata}, {"components", std::move(components)}, {"dependencies", std::move(graph)}}) + "\n";
}

std::string provenance_of(const Composition& all, const std::string& content, std::string_view distribution) {
    const auto digest = [](const std::string& sha256) { return Data(Data::Map{{"sha256", sha256}}); };
    Data::List resolved;
    if (const auto* host = host_of(all)) {
        for (const auto& file : host->files) resolved.emplace_back(Data::Map{{"name", file.path}, {"digest", digest(file.sha256)}});
        const auto bundled = all.distribution.libraries == Libraries::bundled ? host->libraries : std::vector<Lock::Host::Library>();
        for (const auto& library : bundled) resolved.emplace_back(Data::Map{{"name", library.name}, {"digest", digest(library.sha256)}});
    }
    for (const auto* input : all.inputs) resolved.emplace_back(Data::Map{{"name", input->info.file_name()}, {"digest", digest(input->sha256)}, {"annotations", Data(Data::Map{{"from", input->where}})}});
    const Data parameters(Data::Map{{"distribution", packaging::sha256_of(distribution)}, {"lock", packaging::sha256_of(print(all.lock))}, {"triple", all.triple}});
    const Data definition(Data::Map{{"buildType", "symphony-compose/1"}, {"externalParameters", parameters}, {"resolvedDependencies", std::move(resolved)}});
    const Data details(Data::Map{{"builder", Data(Data::Map{{"id", "symphony " + all.host.text()}})}});
    const Data subject(Data::List{Data(Data::Map{{"name", title_of(all.distribution) + " " + all.triple}, {"digest", digest(content)}})});
    return to_pretty_json(Data::Map{{"_type", "https://in-toto.io/Statement/v1"}, {"subject", subject}, {"predicateType", "https://slsa.dev/provenance/v1"},
                                    {"predicate", Data(Data::Map{{"buildDefinition", definition}, {"runDetails", details}})}}) + "\n";
}

} // namespace symphony::composer
