// SPDX-License-Identifier: Apache-2.0
#include "sbom.hpp"

#include <symphony/manifests/data.hpp>

namespace symphony::packaging {
namespace {

using manifests::Data;

Data licences_of(const std::string& expression) {
    return Data(Data::List{Data(Data::Map{{"expression", Data(expression)}})});
}

Data component_of(const manifests::Extension& extension, const std::string& ref) {
    Data::Map component{{"type", "library"}, {"bom-ref", ref}, {"name", extension.id}, {"version", extension.version.text()}};
    if (!extension.author.empty()) component.emplace_back("author", extension.author);
    if (!extension.description.empty()) component.emplace_back("description", extension.description);
    if (!extension.license.empty()) component.emplace_back("licenses", licences_of(extension.license));
    return component;
}

Data file_component(const FileEntry& file) {
    const Data hash(Data::Map{{"alg", "SHA-256"}, {"content", file.sha256}});
    return Data::Map{{"type", "file"}, {"bom-ref", "file:" + file.path}, {"name", file.path}, {"hashes", Data::List{hash}}};
}

Data dependency_component(const manifests::Dependency& dependency) {
    const Data range(Data::Map{{"name", "symphony:range"}, {"value", dependency.range.text()}});
    return Data::Map{{"type", "library"}, {"bom-ref", "plugin:" + dependency.id}, {"name", dependency.id},
                     {"scope", dependency.optional ? "optional" : "required"}, {"properties", Data::List{range}}};
}

} // namespace

std::string sbom_of(const manifests::Manifest& manifest, const std::vector<FileEntry>& files) {
    const auto& extension = manifest.extension;
    const std::string ref = "plugin:" + extension.id + "@" + extension.version.text();
    Data::List components, needs;
    for (const auto& file : files) components.push_back(file_component(file));
    for (const auto& dependency : manifest.dependencies) {
        components.push_back(dependency_component(dependency));
        needs.push_back("plugin:" + dependency.id);
    }
    const Data metadata(Data::Map{{"component", component_of(extension, ref)}});
    const Data graph(Data::Map{{"ref", ref}, {"dependsOn", needs}});
    const Data::Map bom{{"bomFormat", "CycloneDX"}, {"specVersion", "1.5"}, {"version", 1}, {"metadata", metadata}, {"components", components}, {"dependencies", Data::List{graph}}};
    return to_pretty_json(Data(bom)) + "\n";
}

} // namespace symphony::packaging
