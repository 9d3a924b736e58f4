// SPDX-License-Identifier: Apache-2.0
#include "resolve.hpp"

#include "dependencies.hpp"
#include "known.hpp"
#include "locked.hpp"
#include "registries.hpp"

#include <symphony/packaging/registry_source.hpp>
#include <symphony/packaging/resolver.hpp>

#include <algorithm>
#include <set>

namespace symphony::packages {
namespace {

using manifests::Range;
using manifests::Version;
using packaging::Installed;
using packaging::PackageTable;

/// Packages that are here and stay as they are, before those of the registries.
class Here final : public packaging::Provider {
public:
    Here(PackageTable& table, std::set<std::string> ids, packaging::Provider& elsewhere) : table_(table), ids_(std::move(ids)), elsewhere_(elsewhere) {}

    Result<const packaging::Package*> find(std::string_view id) override { return of(id).find(id); }
    std::vector<std::string> offering(std::string_view port) override { return elsewhere_.offering(port); }
    std::string similar(std::string_view id) override { return elsewhere_.similar(id); }
    bool has(const std::string& id) const { return ids_.contains(id); }

private:
    packaging::Provider& of(std::string_view id) { return ids_.contains(std::string(id)) ? static_cast<packaging::Provider&>(table_) : elsewhere_; }

    PackageTable& table_;
    const std::set<std::string> ids_;
    packaging::Provider& elsewhere_;
};

PackageTable::ReleaseText release_of(const manifests::Manifest& manifest) {
    PackageTable::ReleaseText out;
    out.id = manifest.id();
    out.version = manifest.extension.version.text();
    if (manifest.host) out.needs.push_back({std::string(packaging::host_id), manifest.host->range.text(), false});
    for (const auto& need : manifest.dependencies) out.needs.push_back({need.id, need.range.text(), need.optional});
    for (const auto& provide : manifest.provides) out.offers.push_back({provide.port, provide.exclusive});
    return out;
}

class Resolving {
public:
    Resolving(const CommandLine& line, const packaging::Profile& profile, const packaging::Store& store, const packaging::Publishers& publishers, const Question& question)
        : line_(line), profile_(profile), store_(store), publishers_(publishers), question_(question) {}

    /// Again without what the answer takes the place of, which nobody knows before its manifest was read.
    Result<Answer> run() {
        for (const auto* file : question_.files) replaced_.insert(file->info.manifest.extension.replaces.begin(), file->info.manifest.extension.replaces.end());
        constexpr int rounds_max = 8;
        for (int round = 0;; ++round) {
            auto answer = SYMPHONY_TRY(resolve_once());
            const auto before = replaced_.size();
            for (const auto& candidate : answer.candidates) replaced_.insert(candidate.info.manifest.extension.replaces.begin(), candidate.info.manifest.extension.replaces.end());
            if (replaced_.size() == before || round == rounds_max) return answer;
        }
    }

private:
    Result<Answer> resolve_once() {
        answer_ = {};
        request_ = {};
        table_ = {};
        ids_.clear();
        ids_here_.clear();
        auto opened = open_registries(line_, question_.offline);
        if (!opened && opened.error().reason() == "no-registry" && question_.lock != nullptr && !question_.lock->registries.empty()) return unknown_registry(question_.lock->registries.front());
        if (!opened) return std::move(opened).error();
        const auto& registries = *opened;
        if (question_.lock != nullptr) SYMPHONY_TRY(registries.check_has(*question_.lock));
        packaging::RegistrySource source(registries.all(), {{line_.about().triple}, &publishers_, true});
        SYMPHONY_TRY(collect_here());
        Here here(table_, ids_, source);
        auto resolution = SYMPHONY_TRY(packaging::resolve(here, request_));
        if (const auto* conflict = std::get_if<packaging::Conflict>(&resolution)) {
            line_.err(to_text(*conflict));
            return Error(Code::conflict, "conflict", "the plugins do not fit together", hint_of(*conflict));
        }
        std::set<std::string> chosen;
        for (const auto& one : std::get<packaging::Solution>(resolution).chosen) {
            chosen.insert(one.id);
            if (here.has(one.id)) continue;
            answer_.chosen.emplace_back(one.id, one.version.text());
            answer_.lock.packages.push_back(SYMPHONY_TRY(source.describe(one.id, one.version)));
            SYMPHONY_TRY(take(one, source, registries));
        }
        answer_.lock.registries = registries.for_lock();
        for (const auto& package : profile_.packages) {
            if (package.asked.empty() && !package.registry.empty() && !chosen.contains(package.id) && !replaced_.contains(package.id)) answer_.orphans.push_back(package.id);
        }
        return std::move(answer_);
    }

    /// What is asked for, and what is there: installed from files, coming along as files, part of the distribution.
    Status collect_here() {
        request_.host = line_.host_version();
        request_.minimal = question_.minimal;
        request_.cancelled = [this] { return line_.cancelled(); };
        std::set<std::string> from_registries;
        for (const auto& ask : question_.asks) {
            auto range = Range::parse(ask.range.empty() ? "*" : ask.range);
            if (!range) return std::move(range).error().in(ask.id + "@" + ask.range);
            request_.wanted.push_back({ask.id, *range, {}});
            from_registries.insert(ask.id);
        }
        for (const auto* file : question_.files) SYMPHONY_TRY(stays(file->info.manifest));
        if (question_.lock != nullptr) {
            for (const auto& package : question_.lock->packages) request_.prefer.push_back({package.id, package.version});
        }
        for (const auto& package : profile_.packages) SYMPHONY_TRY(collect_installed(package, from_registries));
        for (const auto& present : present_anyway(line_.about())) {
            request_.ports.insert(request_.ports.end(), present.ports.begin(), present.ports.end());
            if (from_registries.contains(present.id) || ids_.contains(present.id)) continue;
            if (table_.add({present.id, present.version.text(), {}, {}, {}, {}, false})) ids_here_.insert(present.id);
        }
        ids_.insert(ids_here_.begin(), ids_here_.end());
        return {};
    }

    Status collect_installed(const Installed& package, std::set<std::string>& from_registries) {
        if (ids_.contains(package.id) || replaced_.contains(package.id)) return {}; // a file, or another plugin, takes its place
        const bool asked_now = from_registries.contains(package.id);
        if (package.registry.empty() && !asked_now) {
            const auto info = store_.read(package.digest);
            return info ? stays(info->manifest) : Status();
        }
        from_registries.insert(package.id);
        if (!package.asked.empty() && !asked_now) request_.wanted.push_back({package.id, Range::parse(package.asked).value_or({}), {}});
        const bool renewed = question_.renew_all || std::find(question_.renewed.begin(), question_.renewed.end(), package.id) != question_.renewed.end();
        const bool locked = question_.lock != nullptr && question_.lock->find(package.id) != nullptr;
        if (!locked) (renewed ? request_.keep : request_.prefer).push_back({package.id, Version::parse(package.version).value_or({})});
        return {};
    }

    /// A package that is there as this one version.
    Status stays(const manifests::Manifest& manifest) {
        SYMPHONY_TRY(table_.add(release_of(manifest)));
        ids_.insert(manifest.id());
        const auto exactly = SYMPHONY_TRY(Range::parse("=" + manifest.extension.version.text()));
        request_.wanted.push_back({manifest.id(), exactly, {}});
        return {};
    }

    /// The range that the profile will have for it.
    std::string asked_for(const std::string& id) const {
        for (const auto& ask : question_.asks) {
            if (ask.id == id) return ask.range.empty() ? "*" : ask.range;
        }
        const auto* installed = profile_.find(id);
        return installed == nullptr ? std::string() : installed->asked;
    }

    /// Of what was asked for by name: whoever does that may want it mended.
    bool is_damaged(const Installed& package) const {
        if (std::none_of(question_.asks.begin(), question_.asks.end(), [&](const Ask& ask) { return ask.id == package.id; })) return false;
        const auto damages = store_.verify(package.digest);
        return !damages || !damages->empty();
    }

    Status take(const packaging::Chosen& chosen, packaging::RegistrySource& source, const Registries& registries) {
        const auto line = SYMPHONY_TRY(source.line(chosen.id, chosen.version));
        auto* registry = SYMPHONY_TRY(source.registry_of(chosen.id));
        const auto artifact = std::find_if(line.artifacts.begin(), line.artifacts.end(), [this](const auto& one) { return one.triple == line_.about().triple; });
        if (registry == nullptr || artifact == line.artifacts.end()) return Error(Code::internal, "no-artifact", chosen.id + " was chosen and has no package for this machine");
        for (auto& advisory : advisories_of(*registry, line)) answer_.advisories.emplace_back(line.id + " " + line.version, std::move(advisory));
        const auto* installed = profile_.find(chosen.id);
        const std::string name = registries.name_of(*registry);
        if (installed != nullptr && installed->version == line.version && installed->digest == artifact->files && installed->publisher == line.signer && !is_damaged(*installed)) {
            if (installed->asked != asked_for(chosen.id)) answer_.asked[chosen.id] = asked_for(chosen.id);
            return {};
        }
        const auto* pinned = publishers_.pinned(chosen.id);
        const bool succeeds = pinned != nullptr && pinned->key.text() != line.signer && registry->root().successor_of(pinned->key).text() == line.signer;
        if (auto stored = held(line_, store_, artifact->files, line.signer)) {
            stored->typed = chosen.id;
            stored->registry = name;
            stored->source.clear();
            stored->asked = asked_for(chosen.id);
            stored->succeeds = succeeds;
            SYMPHONY_TRY(check_is(stored->info, line, *artifact, name));
            answer_.candidates.push_back(*std::move(stored));
            return {};
        }
        Candidate out;
        out.typed = chosen.id;
        out.registry = name;
        out.asked = asked_for(chosen.id);
        out.succeeds = succeeds;
        line_.progress("fetching " + chosen.id)(0, 1);
        auto bytes = registry->package(line, *artifact);
        if (!bytes) return of_registry(name, std::move(bytes).error());
        out.bytes = *std::move(bytes);
        auto info = packaging::read_package(out.bytes);
        if (!info) return of_registry(name, std::move(info).error().in(chosen.id));
        out.info = *std::move(info);
        SYMPHONY_TRY(check_is(out.info, line, *artifact, name));
        if (!line.signer.empty()) {
            const auto text = registry->package_signature(line, *artifact);
            if (!text) return of_registry(name, text.error());
            auto signature = packaging::Signature::parse(*text);
            if (!signature) return of_registry(name, std::move(signature).error().in(chosen.id));
            out.signature = *std::move(signature);
            out.offered = SYMPHONY_TRY(packaging::PublicKey::parse(line.signer));
        }
        answer_.candidates.push_back(std::move(out));
        return {};
    }

    /// That a package is what the index says under this name: a good signature on another version is how an old hole comes back.
    static Status check_is(const packaging::PackageInfo& info, const packaging::IndexLine& line, const packaging::IndexLine::Artifact& artifact, const std::string& registry) {
        const auto* manifest = info.files.find("manifest.toml");
        if (info.id() == line.id && info.version() == line.version && info.digest == artifact.files && manifest != nullptr && manifest->sha256 == line.manifest) return {};
        return Error(Code::data_corrupt, "wrong-package", "registry " + registry + " has " + info.id() + " " + info.version() + " under the name " + line.id + " " + line.version + ", or says something else about it",
                     "tell who runs the registry; nothing was installed");
    }

    const CommandLine& line_;
    const packaging::Profile& profile_;
    const packaging::Store& store_;
    const packaging::Publishers& publishers_;
    const Question& question_;
    packaging::ResolveRequest request_;
    PackageTable table_;
    std::set<std::string> replaced_; ///< whose place something in the answer takes
    std::set<std::string> ids_;      ///< that are here and wanted
    std::set<std::string> ids_here_; ///< the distribution's
    Answer answer_;
};

} // namespace

Result<Ask> ask_of(const std::string& typed) {
    const auto at = typed.find('@');
    Ask ask{typed.substr(0, at), at == std::string::npos ? std::string() : typed.substr(at + 1)};
    if (ask.id.empty() || (at != std::string::npos && ask.range.empty())) return usage("\"" + shown(typed) + "\" is neither a file, nor ID or ID@RANGE", "write it as org.example.greet@^1.2");
    if (const auto range = manifests::Range::parse(ask.range.empty() ? "*" : ask.range); !range) return usage(shown(typed) + ": " + range.error().message(), "write it as org.example.greet@^1.2");
    return ask;
}

Result<Answer> resolve_from_registries(const CommandLine& line, const packaging::Profile& profile, const packaging::Store& store, const packaging::Publishers& publishers, const Question& question) {
    return Resolving(line, profile, store, publishers, question).run();
}

} // namespace symphony::packages
