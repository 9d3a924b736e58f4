// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/plan.hpp>

#include <algorithm>

namespace symphony::packaging {
namespace {

using manifests::Version;

const Release* find_release(const Package* package, const Version& version) {
    if (package == nullptr) return nullptr;
    const auto found = std::find_if(package->releases.begin(), package->releases.end(),
                                    [&](const Release& one) { return precedence(one.version, version) == 0; });
    return found == package->releases.end() ? nullptr : &*found;
}

/// The first wish that the lock does not fulfil, in words; or that something else changed.
std::string what_changed(const LockInputs& asked, const Lock& lock, const std::vector<Lock::Registry>& registries) {
    for (const auto& one : asked.wanted) {
        const auto* package = lock.find(one.id);
        if (package == nullptr) return one.id + " is wanted and not in it";
        if (!one.range.contains(package->version)) return one.id + " " + one.range.text() + " is wanted, it has " + package->version.text();
    }
    const auto abi = std::to_string(asked.host.major) + "." + std::to_string(asked.host.minor);
    if (lock.host_abi != abi) return "it was made for a host of ABI " + lock.host_abi + ", this one offers " + abi;
    for (const auto& one : registries) {
        const auto same = std::find_if(lock.registries.begin(), lock.registries.end(), [&](const auto& other) { return other.name == one.name; });
        if (same == lock.registries.end()) return "registry " + one.name + " is new";
    }
    return "something that it has is no longer wanted, or a range or platform was changed";
}

Error out_of_date(const LockInputs& asked, const Lock* lock, const std::vector<Lock::Registry>& registries) {
    if (lock == nullptr) {
        return {Code::refused, "no-lock", "there is no lock, and with --locked none is made", "run it once without --locked and keep the lock"};
    }
    return {Code::refused, "lock-out-of-date", "the lock does not answer to what is wanted: " + what_changed(asked, *lock, registries),
            "run it without --locked to bring the lock up to date, and look at what changes"};
}

/// That the source still has what is locked, with the same manifest, and that it may be used.
Status check_locked(Source& source, const Lock& lock) {
    for (const auto& package : lock.packages) {
        const auto title = package.id + " " + package.version.text();
        const auto* release = find_release(SYMPHONY_TRY(source.find(package.id)), package.version);
        if (release == nullptr) {
            return Error(Code::refused, "locked-version-gone", title + " is in the lock, and no registry has it any more",
                         "update " + package.id + ", or use --offline while its package is in the store");
        }
        if (!release->barred.empty()) {
            return Error(Code::refused, "locked-version-barred", title + " " + std::string(release->barred), "update " + package.id);
        }
        const auto now = SYMPHONY_TRY(source.describe(package.id, package.version));
        if (now.manifest != package.manifest) {
            return Error(Code::refused, "digest-changed", title + ": the lock has the manifest " + package.manifest + ", the registry now " + now.manifest,
                         "a version never changes: ask its publisher, and use another version until it is explained");
        }
    }
    return {};
}

std::vector<std::string> dependencies_of(const Release& release, const std::vector<Chosen>& chosen) {
    std::vector<std::string> out;
    const auto add = [&](std::string_view id) {
        const auto found = std::find_if(chosen.begin(), chosen.end(), [&](const Chosen& one) { return one.id == id; });
        if (found != chosen.end()) out.push_back(found->id + " " + found->version.text());
    };
    for (const auto& need : release.needs) add(need.id);
    for (const auto& use : release.uses) add(use.provider);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

Result<Lock> lock_of(Source& source, const LockInputs& asked, const Solution& solution) {
    Lock lock;
    lock.registries = source.registries();
    lock.inputs = digest_of_inputs(asked, lock.registries);
    lock.host_abi = std::to_string(asked.host.major) + "." + std::to_string(asked.host.minor);
    for (const auto& one : solution.chosen) {
        auto package = SYMPHONY_TRY(source.describe(one.id, one.version));
        const auto* release = find_release(SYMPHONY_TRY(source.find(one.id)), one.version);
        if (release != nullptr) package.dependencies = dependencies_of(*release, solution.chosen);
        lock.packages.push_back(std::move(package));
    }
    sort(lock);
    return lock;
}

ResolveRequest request_of(const LockInputs& asked, const Lock* lock, const LockMode& mode) {
    ResolveRequest request;
    request.wanted = asked.wanted;
    request.host = asked.host;
    request.ports = asked.ports;
    request.minimal = mode.minimal;
    if (lock == nullptr || mode.minimal) return request;
    for (const auto& package : lock->packages) {
        const bool listed = std::find(mode.update_ids.begin(), mode.update_ids.end(), package.id) != mode.update_ids.end();
        const bool stays = !mode.update || (!mode.update_ids.empty() && !listed);
        (stays ? request.prefer : request.keep).push_back({package.id, package.version});
    }
    return request;
}

} // namespace

Result<Planned> make_plan(Source& source, const LockInputs& asked, const Lock* lock, const LockMode& mode, std::function<bool()> cancelled) {
    const auto registries = source.registries();
    const bool answers = lock != nullptr && lock->inputs == digest_of_inputs(asked, registries);
    if (mode.locked && !answers) return out_of_date(asked, lock, registries);
    if (answers && (mode.locked || (!mode.update && !mode.minimal))) {
        if (!mode.offline) SYMPHONY_TRY(check_locked(source, *lock));
        return Planned(Plan{*lock, false, {}});
    }
    auto request = request_of(asked, lock, mode);
    request.cancelled = std::move(cancelled);
    auto resolution = SYMPHONY_TRY(resolve(source, request));
    if (auto* conflict = std::get_if<Conflict>(&resolution)) return Planned(std::move(*conflict));
    Plan plan;
    plan.lock = SYMPHONY_TRY(lock_of(source, asked, std::get<Solution>(resolution)));
    if (lock != nullptr) SYMPHONY_TRY(keep_platforms(plan.lock, *lock));
    plan.changes = changes_between(lock, plan.lock);
    plan.changed = lock == nullptr || print(*lock) != print(plan.lock);
    return Planned(std::move(plan));
}

std::vector<PlanChange> changes_between(const Lock* from, const Lock& to) {
    std::vector<PlanChange> out;
    for (const auto& package : to.packages) {
        const auto* before = from != nullptr ? from->find(package.id) : nullptr;
        PlanChange change;
        change.id = package.id;
        change.to = package.version.text();
        change.rights = manifests::diff(before != nullptr ? before->rights : manifests::RightSet(), package.rights);
        if (before != nullptr) {
            change.from = before->version.text();
            const auto order = package.version <=> before->version;
            if (order == 0 && before->manifest == package.manifest && change.rights.empty()) continue;
            change.kind = order > 0 ? PlanChange::Kind::upgraded : order < 0 ? PlanChange::Kind::downgraded : PlanChange::Kind::rebuilt;
        }
        out.push_back(std::move(change));
    }
    for (const auto& package : from != nullptr ? from->packages : std::vector<Lock::Package>()) {
        if (to.find(package.id) != nullptr) continue;
        out.push_back({PlanChange::Kind::removed, package.id, package.version.text(), {}, manifests::diff(package.rights, manifests::RightSet())});
    }
    std::sort(out.begin(), out.end(), [](const PlanChange& a, const PlanChange& b) { return a.id < b.id; });
    return out;
}

} // namespace symphony::packaging
