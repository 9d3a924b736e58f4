// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/lock.hpp>

#include "words.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <set>

namespace symphony::packaging {
namespace {

std::string abi_text(const manifests::Version& host) { return std::to_string(host.major) + "." + std::to_string(host.minor); }

Error changed(const Lock::Package& package, const std::string& what, const std::string& before, const std::string& now) {
    return {Code::refused, "digest-changed", package.id + " " + package.version.text() + what + ": the lock has " + before + ", the registry now " + now,
            "a version never changes: ask its publisher, and use another version until it is explained"};
}

} // namespace

const Lock::Package* Lock::find(std::string_view id) const noexcept {
    const auto found = std::find_if(packages.begin(), packages.end(), [&](const Package& one) { return one.id == id; });
    return found == packages.end() ? nullptr : &*found;
}

void sort(Lock& lock) {
    std::sort(lock.registries.begin(), lock.registries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::sort(lock.hosts.begin(), lock.hosts.end(), [](const auto& a, const auto& b) { return a.triple < b.triple; });
    for (auto& host : lock.hosts) {
        std::sort(host.files.begin(), host.files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
        std::sort(host.libraries.begin(), host.libraries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    }
    std::sort(lock.packages.begin(), lock.packages.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (auto& package : lock.packages) {
        std::sort(package.dependencies.begin(), package.dependencies.end());
        std::sort(package.artifacts.begin(), package.artifacts.end(), [](const auto& a, const auto& b) { return a.triple < b.triple; });
    }
}

std::string digest_of_inputs(const LockInputs& asked, const std::vector<Lock::Registry>& registries) {
    // Line by line; no text in it has a line end or begins another kind of line.
    std::set<std::string> lines;
    for (const auto& one : asked.wanted) lines.insert("want " + one.id + " " + one.range.text());
    for (const auto& triple : asked.triples) lines.insert("triple " + triple);
    for (const auto& port : asked.ports) lines.insert("port " + port);
    for (const auto& one : registries) lines.insert("registry " + one.name); // not its key: a new root is no other wish
    std::string text = "symphony-lock-inputs 1\nhost " + abi_text(asked.host) + "\n";
    for (const auto& line : lines) text += line + "\n";
    return sha256_of(text);
}

Status keep_platforms(Lock& lock, const Lock& known) {
    for (auto& package : lock.packages) {
        const auto* before = known.find(package.id);
        if (before == nullptr || before->version != package.version) continue;
        if (before->manifest != package.manifest) {
            if (before->registry.empty() || package.registry.empty()) continue; // a folder or file of somebody who works on it
            return changed(package, "", before->manifest, package.manifest);
        }
        for (const auto& artifact : before->artifacts) {
            const auto same = std::find_if(package.artifacts.begin(), package.artifacts.end(), [&](const auto& one) { return one.triple == artifact.triple; });
            if (same == package.artifacts.end()) {
                package.artifacts.push_back(artifact);
            } else if (*same != artifact) {
                return changed(package, " for " + artifact.triple, artifact.sha256, same->sha256);
            }
        }
    }
    sort(lock);
    return {};
}

} // namespace symphony::packaging
