// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/generations.hpp>
#include <symphony/packaging/lock.hpp>

#include <algorithm>
#include <set>

namespace symphony::packaging {
namespace {

std::vector<std::string> dependencies_in(const Profile& profile, const manifests::Manifest& manifest) {
    std::set<std::string> out;
    const auto add = [&](const std::string& id) {
        if (const auto* found = profile.find(id)) out.insert(found->id + " " + found->version);
    };
    for (const auto& need : manifest.dependencies) add(need.id);
    for (const auto& need : manifest.needs) add(need.provider);
    return {out.begin(), out.end()};
}

} // namespace

Result<Lock> lock_of(const Profile& profile, const Store& store, const Lock& known, const manifests::Version& host) {
    Lock lock;
    LockInputs asked;
    asked.host = host;
    for (const auto& installed : profile.packages) {
        const auto info = SYMPHONY_TRY(store.read(installed.digest));
        Lock::Package package;
        package.id = installed.id;
        package.version = info.manifest.extension.version;
        package.asked = installed.asked;
        const auto* manifest = info.files.find("manifest.toml");
        package.manifest = manifest == nullptr ? std::string() : manifest->sha256;
        package.signer = installed.publisher;
        package.rights = manifests::RightSet::requested(info.manifest);
        package.dependencies = dependencies_in(profile, info.manifest);
        const auto* before = known.find(installed.id);
        if (before != nullptr && before->version == package.version && before->manifest == package.manifest) {
            if (!installed.registry.empty()) package.registry = before->registry;
            package.artifacts = before->artifacts;
        }
        if (!installed.asked.empty()) {
            auto range = SYMPHONY_TRY(manifests::Range::parse(installed.asked));
            asked.wanted.push_back({installed.id, std::move(range), {}});
        }
        lock.packages.push_back(std::move(package));
    }
    for (const auto& registry : known.registries) {
        if (std::any_of(lock.packages.begin(), lock.packages.end(), [&](const auto& one) { return one.registry == registry.name; })) lock.registries.push_back(registry);
    }
    lock.inputs = digest_of_inputs(asked, lock.registries);
    lock.host_abi = std::to_string(host.major) + "." + std::to_string(host.minor);
    sort(lock);
    return lock;
}

} // namespace symphony::packaging
