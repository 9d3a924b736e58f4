// SPDX-License-Identifier: Apache-2.0
#include "locked.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <set>

namespace symphony::packages {

using packaging::Lock;

namespace {

Error changed(const Candidate& candidate, const std::string& what, const std::string& locked, const std::string& found) {
    return {Code::refused, "digest-changed", candidate.info.id() + " " + candidate.info.version() + ": the lock has the " + what + " " + locked + ", and this one has " + found,
            "a version never changes: ask its publisher, and use another version until it is explained"};
}

const Lock::Artifact* artifact_for(const Lock::Package& package, const std::string& triple) {
    const auto found = std::find_if(package.artifacts.begin(), package.artifacts.end(), [&](const auto& one) { return one.triple == triple; });
    return found == package.artifacts.end() ? nullptr : &*found;
}

Error out_of_date(const std::string& what) {
    return {Code::refused, "lock-out-of-date", "the lock does not answer to what is wanted: " + what, "run it once without --locked, and look at what changes"};
}

} // namespace

bool is_lock(const std::string& typed) { return typed.ends_with(".lock"); }

Result<Lock> lock_file_of(const CommandLine& line, const std::string& typed) {
    const auto text = packaging::read_file(line.path(typed), packaging::lock_bytes_max);
    if (!text && text.error().code() == Code::not_found) {
        return Error(Code::not_found, "no-such-lock", "there is no file \"" + shown(typed) + "\"", "symphony packages lock --output FILE writes the lock of what is installed");
    }
    if (!text) return std::move(text).error();
    return packaging::parse_lock(*text, shown(typed));
}

std::vector<packaging::Wanted> wanted_of(const Lock& lock) {
    const bool says = std::any_of(lock.packages.begin(), lock.packages.end(), [](const auto& one) { return !one.asked.empty(); });
    std::set<std::string> needed;
    for (const auto& one : lock.packages) {
        for (const auto& dependency : one.dependencies) needed.insert(dependency.substr(0, dependency.find(' ')));
    }
    std::vector<packaging::Wanted> out;
    for (const auto& one : lock.packages) {
        if (says ? one.asked.empty() : needed.contains(one.id)) continue;
        out.push_back({one.id, manifests::Range::parse(says ? one.asked : one.version.text()).value_or({}), {}});
    }
    return out;
}

std::optional<Candidate> held(const CommandLine& line, const packaging::Store& store, const std::string& digest, const std::string& signer) {
    if (!store.contains(digest)) return std::nullopt;
    const auto generations = line.generations();
    const auto numbers = generations.numbers();
    if (!numbers) return std::nullopt;
    for (auto number = numbers->rbegin(); number != numbers->rend(); ++number) {
        const auto profile = generations.read(*number);
        if (!profile) continue;
        const auto known = std::find_if(profile->packages.begin(), profile->packages.end(), [&](const auto& one) { return one.digest == digest && one.publisher == signer; });
        if (known == profile->packages.end()) continue;
        auto info = store.read(digest);
        const auto damages = store.verify(digest);
        if (!info || !damages || !damages->empty()) return std::nullopt;
        Candidate out;
        out.typed = known->id;
        out.source = known->source;
        out.registry = known->registry;
        out.info = *std::move(info);
        out.held = true;
        if (!signer.empty()) {
            const auto key = packaging::PublicKey::parse(signer);
            if (!key) return std::nullopt;
            out.offered = *key;
        }
        return out;
    }
    return std::nullopt;
}

Status check_against(const Lock& lock, const Candidate& candidate, const std::optional<packaging::PublicKey>& signer, const std::string& triple) {
    const auto* package = lock.find(candidate.info.id());
    if (package == nullptr || package->version != candidate.info.manifest.extension.version) return {};
    const auto* manifest = candidate.info.files.find("manifest.toml");
    const std::string found = manifest == nullptr ? std::string() : manifest->sha256;
    if (found != package->manifest) return changed(candidate, "manifest", package->manifest, found);
    if (const auto* artifact = artifact_for(*package, triple); artifact != nullptr && artifact->files != candidate.info.digest) {
        return changed(candidate, "package", artifact->files, candidate.info.digest);
    }
    const std::string key = signer ? signer->text() : std::string();
    if (key != package->signer) {
        return Error(Code::refused, "publisher-changed", candidate.info.id() + " " + candidate.info.version() + ": the lock says that " + (package->signer.empty() ? "nobody" : package->signer) + " signed it, and it was " + (key.empty() ? "nobody" : key),
                     "ask who made the lock, and the plugin's publisher");
    }
    if (!package->rights.covers(manifests::RightSet::requested(candidate.info.manifest, false))) {
        return Error(Code::refused, "rights-not-in-lock", candidate.info.id() + " " + candidate.info.version() + " asks for more than the lock grants", "somebody edited the lock: take it again from who made it");
    }
    return {};
}

Status check_locked(const Lock* lock, const std::vector<std::pair<std::string, std::string>>& after, const std::vector<std::string>& removed) {
    if (lock == nullptr) return Error(Code::refused, "no-lock", "nothing is installed, so there is no lock to keep to", "name a lock as well, symphony install symphony.lock; or run it once without --locked");
    for (const auto& [id, version] : after) {
        const auto* package = lock->find(id);
        if (package == nullptr) return out_of_date(id + " " + version + " is not in it");
        if (package->version.text() != version) return out_of_date("it has " + id + " " + package->version.text() + ", and " + version + " would be installed");
    }
    for (const auto& id : removed) {
        if (lock->find(id) != nullptr) return out_of_date("it has " + id + ", which nothing needs");
    }
    return {};
}

Lock::Package entry_of(const Candidate& candidate, const std::string& triple) {
    Lock::Package out;
    out.id = candidate.info.id();
    out.version = candidate.info.manifest.extension.version;
    if (const auto* manifest = candidate.info.files.find("manifest.toml")) out.manifest = manifest->sha256;
    if (!candidate.held) out.artifacts.push_back({triple, candidate.bytes.size(), packaging::sha256_of(candidate.bytes), candidate.info.digest});
    return out;
}

Data data_of(const Lock& lock) {
    Data::List registries, packages;
    for (const auto& one : lock.registries) {
        registries.push_back(Data(Data::Map{{"name", one.name}, {"root_key", one.root_key}, {"snapshot", static_cast<std::int64_t>(one.snapshot)}, {"address", one.address.empty() ? Data() : Data(one.address)}}));
    }
    for (const auto& one : lock.packages) {
        Data::List rights, dependencies, artifacts;
        for (const auto& right : one.rights.rights()) rights.emplace_back(right.text());
        for (const auto& dependency : one.dependencies) dependencies.emplace_back(dependency);
        for (const auto& artifact : one.artifacts) {
            artifacts.push_back(Data(Data::Map{{"triple", artifact.triple}, {"size", static_cast<std::int64_t>(artifact.size_bytes)}, {"sha256", artifact.sha256}, {"files", artifact.files}}));
        }
        packages.push_back(Data(Data::Map{{"id", one.id}, {"version", one.version.text()}, {"asked", one.asked.empty() ? Data() : Data(one.asked)}, {"registry", one.registry.empty() ? Data() : Data(one.registry)},
                                          {"manifest", one.manifest}, {"signer", one.signer.empty() ? Data() : Data(one.signer)}, {"rights", rights}, {"dependencies", dependencies}, {"artifacts", artifacts}}));
    }
    return Data::Map{{"inputs", lock.inputs}, {"host_abi", lock.host_abi}, {"registries", registries}, {"packages", packages}};
}

} // namespace symphony::packages
