// SPDX-License-Identifier: Apache-2.0
#include "known.hpp"

#include <algorithm>

namespace symphony::packages {
namespace {

/// Why the user does not want what its signer signed.
std::string refused_by(const packaging::Publishers& publishers, const packaging::Registry& registry, const packaging::IndexLine& line) {
    const auto key = packaging::PublicKey::parse(line.signer);
    const auto* publisher = key ? publishers.find(*key) : nullptr;
    if (publisher != nullptr && publisher->revoked) return "is signed by a key that you revoked";
    const auto* pinned = publishers.pinned(line.id);
    if (pinned == nullptr || pinned->key.text() == line.signer || registry.root().successor_of(pinned->key).text() == line.signer) return {};
    return "is not signed by the publisher that you know";
}

Result<KnownPlugin> read(const CommandLine& line, packaging::Registry& registry, const std::string& name, const packaging::Publishers& publishers, const std::string& id) {
    KnownPlugin out{id, name, {}};
    auto lines = registry.versions(id);
    if (!lines) return of_registry(name, std::move(lines).error());
    for (auto& one : *lines) {
        KnownVersion known;
        known.version = SYMPHONY_TRY(manifests::Version::parse(one.version));
        packaging::IndexView view;
        view.id = one.id;
        view.version = one.version;
        view.signer = one.signer;
        known.barred = registry.barred(view);
        if (known.barred.empty()) known.barred = refused_by(publishers, registry, one);
        known.runs_here = std::any_of(one.artifacts.begin(), one.artifacts.end(), [&](const auto& artifact) { return artifact.triple == line.about().triple; });
        known.line = std::move(one);
        out.versions.push_back(std::move(known));
    }
    std::stable_sort(out.versions.begin(), out.versions.end(), [](const auto& a, const auto& b) { return precedence(a.version, b.version) > 0; });
    return out;
}

} // namespace

const KnownVersion* KnownPlugin::newest(const manifests::Range& range) const {
    const auto found = std::find_if(versions.begin(), versions.end(), [&](const auto& one) { return one.usable() && range.contains(one.version); });
    return found == versions.end() ? nullptr : &*found;
}

const KnownVersion* KnownPlugin::find(std::string_view version) const {
    const auto found = std::find_if(versions.begin(), versions.end(), [&](const auto& one) { return one.line.version == version; });
    return found == versions.end() ? nullptr : &*found;
}

std::vector<packaging::Advisory> advisories_of(packaging::Registry& registry, const packaging::IndexLine& line) {
    std::vector<packaging::Advisory> out;
    for (const auto& id : line.advisories) {
        auto advisory = registry.advisory(id);
        out.push_back(advisory ? *std::move(advisory) : packaging::Advisory{id, {}, {}, {}, {}});
    }
    return out;
}

std::string in_words(const packaging::Advisory& advisory) {
    return advisory.id + (advisory.severity.empty() ? "" : ", " + shown(advisory.severity)) + (advisory.title.empty() ? "" : ": " + shown(advisory.title)) +
           (advisory.url.empty() ? "" : " (" + shown(advisory.url) + ")");
}

Result<std::optional<KnownPlugin>> known_as(const CommandLine& line, const Registries& registries, const packaging::Publishers& publishers, const std::string& typed) {
    constexpr std::size_t looked_at_max = 100;
    std::vector<std::pair<std::string, packaging::Registry*>> named;
    for (auto* registry : registries.all()) {
        // A far registry is not read whole for one id.
        if (typed.find('.') != std::string::npos) {
            const auto file = registry->index_file(typed);
            if (!file && file.error().reason() != "unknown-plugin") return of_registry(registries.name_of(*registry), file.error());
            if (!file) continue;
            auto found = SYMPHONY_TRY(read(line, *registry, registries.name_of(*registry), publishers, typed));
            return std::optional(std::move(found));
        }
        const auto progress = line.progress("reading the index of " + registries.name_of(*registry));
        auto index = registry->index([&](std::size_t done, std::size_t total) { return progress(done, total); });
        if (!index) return of_registry(registries.name_of(*registry), std::move(index).error());
        if (index->find(typed)) {
            auto found = SYMPHONY_TRY(read(line, *registry, registries.name_of(*registry), publishers, typed));
            return std::optional(std::move(found));
        }
        for (const auto& hit : index->search(typed, looked_at_max)) {
            const bool new_id = std::none_of(named.begin(), named.end(), [&](const auto& one) { return one.first == hit.summary.id; });
            if (hit.summary.id.ends_with("." + typed) && new_id) named.emplace_back(std::string(hit.summary.id), registry);
        }
    }
    if (named.empty()) return std::optional<KnownPlugin>();
    if (named.size() > 1) return Error(Code::conflict, "ambiguous-plugin", "\"" + shown(typed) + "\" is the name of several plugins: " + named[0].first + ", " + named[1].first, "use the id");
    auto found = SYMPHONY_TRY(read(line, *named[0].second, registries.name_of(*named[0].second), publishers, named[0].first));
    return std::optional(std::move(found));
}

} // namespace symphony::packages
