// SPDX-License-Identifier: Apache-2.0
#include "trust.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>
#include <symphony/permissions/subject.hpp>

#include <fstream>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <sstream>

namespace symphony::host {
namespace {

constexpr std::uintmax_t file_bytes_max = 16 * 1024 * 1024;

} // namespace

using Library = std::pair<std::string, std::string>; // plugin, digest

struct Trust::Known {
    std::set<Library> trusted, isolated;
    std::map<Library, std::string> publishers;
    std::vector<std::string> warnings;

    void read(const File& file);
};

struct Trust::Shared {
    const std::vector<File> files;
    mutable std::shared_mutex mutex;
    Known known;
};

Trust Trust::load(std::vector<File> files) {
    Trust out;
    out.shared_ = std::make_shared<Shared>(std::move(files));
    out.reload();
    return out;
}

void Trust::reload() const {
    if (!shared_) return;
    Known fresh;
    for (const auto& file : shared_->files) fresh.read(file);
    const std::lock_guard lock(shared_->mutex);
    shared_->known = std::move(fresh);
}

std::vector<std::string> Trust::warnings() const {
    if (!shared_) return {};
    const std::shared_lock lock(shared_->mutex);
    return shared_->known.warnings;
}

void Trust::Known::read(const File& file) {
    std::error_code failed;
    if (file.path.empty() || !std::filesystem::exists(file.path, failed)) return;
    const auto warn = [&](const std::string& what) { warnings.push_back(file.path.string() + ": " + what + "; it is not trusted"); };
    std::ifstream stream(file.path, std::ios::binary);
    if (!stream || std::filesystem::file_size(file.path, failed) > file_bytes_max || failed) return warn("cannot be read");
    std::ostringstream content; // an iterator would throw when reading fails
    content << stream.rdbuf();
    const std::string text = content.str();
    if (manifests::toml_trouble(text, file.path.string(), file_bytes_max)) return warn("is no TOML");
    try {
        const toml::table table = toml::parse(text);
        const auto entries = [&](std::string_view kind, std::string_view third, auto take) {
            const toml::array* list = table[kind].as_array();
            for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
                const toml::table* one = list->get(i)->as_table();
                const auto member = [&](std::string_view key) { return one != nullptr ? (*one)[key].value_or(std::string()) : std::string(); };
                Library library(member("plugin"), member("sha256"));
                const std::string last = third.empty() ? "" : member(third);
                if (library.first.empty() || library.second.size() != 64) warn("entry " + std::to_string(i + 1) + " of " + std::string(kind) + " has no plugin or no sha256 of 64 digits");
                else if (!third.empty() && last.empty()) warn("entry " + std::to_string(i + 1) + " of " + std::string(kind) + " has no " + std::string(third));
                else take(std::move(library), last, *one);
            }
        };
        if (file.may_trust) {
            entries("trusted", "", [this](Library library, const std::string&, const toml::table& entry) {
                if (entry["isolated"].value_or(false)) isolated.insert(library);
                trusted.insert(std::move(library));
            });
        }
        entries("signed", "publisher", [this](Library library, const std::string& publisher, const toml::table&) { publishers.emplace(std::move(library), publisher); });
    } catch (const std::exception& broken) {
        warn(broken.what());
    }
}

bool Trust::trusts(std::string_view plugin, std::string_view sha256) const {
    if (!shared_) return false;
    const std::shared_lock lock(shared_->mutex);
    return shared_->known.trusted.contains(Library(plugin, sha256));
}

bool Trust::isolates(std::string_view plugin, std::string_view sha256) const {
    if (!shared_) return false;
    const std::shared_lock lock(shared_->mutex);
    return shared_->known.isolated.contains(Library(plugin, sha256));
}

void Trust::identify(permissions::Subject& subject) const {
    subject.trusted = trusts(subject.plugin, subject.digest);
    if (!shared_) return;
    const std::shared_lock lock(shared_->mutex);
    const auto found = shared_->known.publishers.find(Library(subject.plugin, subject.digest));
    if (found != shared_->known.publishers.end()) subject.publisher = found->second;
}

namespace {

bool named(const manifests::Manifest& manifest, const std::set<std::string, std::less<>>& names) {
    return names.contains(manifest.id()) || names.contains(manifest.name());
}

} // namespace

Status PlacementPolicy::check(const manifests::Manifest& manifest, std::string_view sha256) const {
    if (only_trusted.empty() || !named(manifest, in_process) || trust.trusts(manifest.id(), sha256)) return {};
    if (wants_isolation(manifest.abi) || trust.isolates(manifest.id(), sha256) || isolate_all || named(manifest, isolate)) return {};
    return Error(Code::refused, "in-process-forbidden",
                 "plugin \"" + manifest.name() + "\": may not run in the host's process: only plugins that are trusted may (in_process in " + only_trusted + ")",
                 "leave out --in-process " + manifest.name() + ": it then runs isolated");
}

Placement PlacementPolicy::decide(const manifests::Manifest& manifest, std::string_view sha256, std::string_view crashed) const {
    if (wants_isolation(manifest.abi)) return {true, "its manifest asks for it"};
    if (trust.isolates(manifest.id(), sha256)) return {true, "this distribution has it isolated"};
    if (isolate_all) return {true, "--isolate-all"};
    if (named(manifest, isolate)) return {true, "--isolate " + manifest.name()};
    const bool trusted = trust.trusts(manifest.id(), sha256);
    if ((in_process_all || named(manifest, in_process)) && !trusted && !only_trusted.empty()) return {true, "only trusted plugins run in process: in_process in " + only_trusted};
    if (named(manifest, in_process)) return {false, "--in-process " + manifest.name()};
    if (in_process_all) return {false, "--in-process all"};
    if (!crashed.empty()) return {true, "it took a host process down " + std::string(crashed), trusted};
    if (trusted) return {false, "its library is one that this distribution or its user trusts"};
    return {true, "nobody vouches for its library"};
}

} // namespace symphony::host
