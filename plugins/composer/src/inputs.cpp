// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <set>

namespace symphony::composer {
namespace fs = std::filesystem;
using manifests::Manifest;
using packaging::Lock;
using packaging::PackageTable;
namespace {

constexpr std::uint64_t signature_bytes_max = 64 * 1024;

class MemorySink final : public packaging::PackageSink {
public:
    explicit MemorySink(std::map<std::string, std::string>& files) : files_(files) {}
    Status begin(const packaging::PackageInfo&) override { return {}; }
    Status file(const packaging::FileEntry& entry) override {
        at_ = &files_[entry.path];
        at_->reserve(entry.size_bytes);
        return {};
    }
    Status write(std::string_view bytes) override {
        at_->append(bytes);
        return {};
    }
    Status file_end() override { return {}; }

private:
    std::map<std::string, std::string>& files_;
    std::string* at_ = nullptr;
};

Diagnostic finding(const Error& error, const std::string& file, Place place) {
    return {manifests::Severity::error, std::string(error.reason()), error.message(), error.hint(), file, place.line, place.column};
}

} // namespace

std::string_view name_of(Input::Origin origin) noexcept {
    switch (origin) {
    case Input::Origin::core: return "core";
    case Input::Origin::local: return "local";
    case Input::Origin::registry: break;
    }
    return "registry";
}

Result<Input> read_input(std::string_view package, Input::Origin origin, std::string where, const packaging::Progress& progress) {
    Input out;
    out.origin = origin;
    out.where = std::move(where);
    MemorySink sink(out.files);
    out.info = SYMPHONY_TRY(packaging::read_package(package, &sink, progress));
    out.size_bytes = package.size();
    out.sha256 = packaging::sha256_of(package);
    return out;
}

void Inputs::read_core() {
    for (const auto* folder : {"plugins", "lib/symphony/plugins"}) {
        std::error_code error;
        for (fs::directory_iterator item(around_.prefix / folder, error), end; !error && item != end; item.increment(error)) {
            const auto text = packaging::read_file(item->path() / "manifest.toml", manifests::manifest_bytes_max);
            if (!text) continue;
            auto parsed = manifests::parse(*text, "manifest.toml", manifests::Strictness::load);
            if (!parsed.manifest) continue;
            const std::string id = parsed.manifest->id();
            const auto* wanted = distribution_.find(id);
            if (wanted != nullptr && (!wanted->path.empty() || !wanted->range.contains(parsed.manifest->extension.version))) continue;
            core_.try_emplace(id, Core{item->path(), *std::move(parsed.manifest)});
        }
    }
}

/// The signature beside a package file, checked with a key that the distribution or the user trusts.
Result<std::optional<packaging::PublicKey>> Inputs::signer_of(const fs::path& file, const std::string& bytes, const packaging::PackageInfo& info) const {
    const auto text = packaging::read_file(file.string() + ".minisig", signature_bytes_max);
    if (!text && text.error().code() == Code::not_found) return std::optional<packaging::PublicKey>();
    if (!text) return text.error();
    const auto signature = SYMPHONY_TRY(packaging::Signature::parse(*text));
    const auto& known = distribution_.policy.publishers;
    const auto named = std::find_if(known.begin(), known.end(), [&](const auto& key) { return key.id() == signature.key_id; });
    const auto offered = named == known.end() ? std::nullopt : std::optional(*named);
    const auto key = SYMPHONY_TRY(around_.publishers->key_for(info.id(), signature.key_id, offered));
    SYMPHONY_TRY(verify(key, signature, bytes));
    SYMPHONY_TRY(SYMPHONY_TRY(packaging::PackageClaim::parse(signature.trusted_comment)).matches(info.claim()));
    return std::optional(key);
}

Status Inputs::read_local(const WantedPlugin& plugin) {
    const fs::path path = (around_.base / plugin.path).lexically_normal();
    std::error_code error;
    const auto state = fs::status(path, error);
    if (state.type() == fs::file_type::not_found) return Error(Code::not_found, "no-such-package", "plugin \"" + plugin.id + "\": there is no file or folder \"" + plugin.path + "\"", "paths begin at the folder of the file; name a .sympkg file or the folder of a built plugin");
    std::string bytes;
    const bool folder = state.type() == fs::file_type::directory;
    if (folder) {
        auto packed = packaging::pack(path, around_.triple);
        if (!packed) return std::move(packed).error().in("plugin \"" + plugin.id + "\"");
        bytes = std::move(packed->bytes);
    } else {
        const auto real = fs::canonical(path, error);
        bytes = SYMPHONY_TRY(packaging::read_file(error ? path : real, packaging::package_bytes_max));
    }
    auto input = read_input(bytes, Input::Origin::local, plugin.path, around_.progress);
    if (!input) return std::move(input).error().in("plugin \"" + plugin.id + "\"");
    if (input->id() != plugin.id) return Error(Code::conflict, "wrong-plugin", "\"" + plugin.path + "\" is plugin \"" + input->id() + "\", and not \"" + plugin.id + "\"", "name it by the id of its manifest");
    if (!plugin.range.contains(input->version())) return Error(Code::conflict, "wrong-version", "\"" + plugin.path + "\" has version " + input->info.version() + ", and " + plugin.range.text() + " is asked for", "change the range, or the path");
    if (!folder) {
        const auto key = signer_of(path, bytes, input->info);
        if (!key) return Error(key.error()).in("plugin \"" + plugin.id + "\"");
        if (*key) input->signer = (*key)->text();
    }
    inputs_.insert_or_assign(plugin.id, *std::move(input));
    return {};
}

Status Inputs::add_release(const Manifest& manifest) {
    PackageTable::ReleaseText release;
    release.id = manifest.id();
    release.version = manifest.extension.version.text();
    // Hosts, ports and platforms are checked for all plugins at once (checks.cpp), so that each that does not fit has its line.
    for (const auto& need : manifest.dependencies) release.needs.push_back({need.id, need.range.text(), need.optional});
    for (const auto& provide : manifest.provides) release.offers.push_back({provide.port, false});
    return table_.add(release);
}

/// Whether a plugin, or what a plugin of here needs, is neither here nor the core's.
bool Inputs::needs_registries() const {
    std::vector<std::string> open;
    std::set<std::string> seen;
    for (const auto& plugin : distribution_.plugins) open.push_back(plugin.id);
    while (!open.empty()) {
        const std::string id = std::move(open.back());
        open.pop_back();
        if (!seen.insert(id).second) continue;
        const auto local = inputs_.find(id);
        const auto core = core_.find(id);
        if (local == inputs_.end() && core == core_.end()) return true;
        const auto& manifest = local != inputs_.end() ? local->second.info.manifest : core->second.manifest;
        for (const auto& need : manifest.dependencies) {
            if (!need.optional) open.push_back(need.id);
        }
    }
    return false;
}

Status Inputs::open(std::vector<Diagnostic>& findings, const std::string& file) {
    read_core();
    for (const auto& plugin : distribution_.plugins) {
        if (plugin.path.empty()) continue;
        if (const auto read = read_local(plugin); !read) {
            if (read.error().code() == Code::cancelled) return read;
            findings.push_back(finding(read.error(), file, plugin.place));
        }
    }
    if (!findings.empty()) return {};
    for (const auto& [id, input] : inputs_) SYMPHONY_TRY(add_release(input.info.manifest));
    for (const auto& [id, core] : core_) SYMPHONY_TRY(add_release(core.manifest));
    if (!needs_registries()) return {};
    auto registries = SYMPHONY_TRY(around_.registries());
    // Without any, whoever is not here has no source, which the plan explains.
    if (!registries.empty()) far_ = std::make_unique<packaging::RegistrySource>(std::move(registries), packaging::RegistrySource::Options{distribution_.triples, around_.publishers, true});
    return {};
}

Result<const packaging::Package*> Inputs::find(std::string_view id) {
    const auto here = SYMPHONY_TRY(table_.find(id));
    if (here != nullptr || !far_) return here;
    return far_->find(id);
}

std::vector<std::string> Inputs::offering(std::string_view port) {
    auto out = table_.offering(port);
    if (!far_) return out;
    const auto more = far_->offering(port);
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

std::string Inputs::similar(std::string_view id) {
    auto here = table_.similar(id);
    return here.empty() && far_ ? far_->similar(id) : here;
}

std::vector<packaging::Lock::Registry> Inputs::registries() const { return far_ ? far_->registries() : std::vector<packaging::Lock::Registry>(); }

std::vector<packaging::Wanted> Inputs::wanted(const std::string& file) const {
    std::vector<packaging::Wanted> out;
    for (const auto& plugin : distribution_.plugins) out.push_back({plugin.id, plugin.range, file + ":" + std::to_string(plugin.place.line)});
    return out;
}

Result<Input*> Inputs::read_core_package(const std::string& id) {
    const auto& core = core_.at(id);
    auto packed = packaging::pack(core.folder, around_.triple);
    if (!packed) return std::move(packed).error().in("plugin \"" + id + "\"");
    auto input = read_input(packed->bytes, Input::Origin::core, "symphony", around_.progress);
    if (!input) return std::move(input).error().in("plugin \"" + id + "\"");
    return &inputs_.insert_or_assign(id, *std::move(input)).first->second;
}

Result<packaging::Lock::Package> Inputs::describe(std::string_view id, const manifests::Version& version) {
    const std::string name(id);
    auto found = inputs_.find(name);
    if (found == inputs_.end() && core_.contains(name)) {
        SYMPHONY_TRY(read_core_package(name));
        found = inputs_.find(name);
    }
    if (found == inputs_.end() || found->second.origin == Input::Origin::registry) {
        if (far_) return far_->describe(id, version);
        return Error(Code::not_found, "unknown-plugin", "plugin \"" + name + "\" is neither here nor in a registry");
    }
    const auto& input = found->second;
    Lock::Package out;
    out.id = name;
    out.version = input.version();
    out.manifest = packaging::sha256_of(input.info.manifest_text);
    out.signer = input.signer;
    out.rights = manifests::RightSet::requested(input.info.manifest);
    for (const auto& triple : input.info.triples) out.artifacts.push_back({triple, input.size_bytes, input.sha256, input.info.digest});
    return out;
}

/// From the registry that the lock names, in exactly the bytes of the lock.
Result<Input*> Inputs::fetch(const Lock::Package& package) {
    const auto title = package.id + " " + package.version.text();
    if (!far_) return Error(Code::not_found, "no-registry", title + " is from registry " + package.registry + ", and no registry is configured", "symphony packages registry add NAME ADDRESS --root-key KEY");
    const auto line = SYMPHONY_TRY(far_->line(package.id, package.version));
    auto* registry = SYMPHONY_TRY(far_->registry_of(package.id));
    const auto artifact = std::find_if(line.artifacts.begin(), line.artifacts.end(), [&](const auto& one) { return one.triple == around_.triple; });
    if (registry == nullptr || artifact == line.artifacts.end()) return Error(Code::not_found, "missing-platform", title + " has no package for " + around_.triple, "ask its publisher for one");
    const std::string name = around_.name_of_registry(*registry);
    const auto bytes = SYMPHONY_TRY(registry->package(line, *artifact));
    auto input = read_input(bytes, Input::Origin::registry, name, around_.progress);
    if (!input) return std::move(input).error().in(title + " of registry " + name);
    if (input->id() != package.id || input->info.digest != artifact->files) {
        return Error(Code::data_corrupt, "wrong-package", "registry " + name + " has another package under the name " + package.id, "tell who runs the registry");
    }
    if (!line.signer.empty()) {
        const auto signature = SYMPHONY_TRY(packaging::Signature::parse(SYMPHONY_TRY(registry->package_signature(line, *artifact))));
        const auto offered = SYMPHONY_TRY(packaging::PublicKey::parse(line.signer));
        const bool pinned = around_.publishers->pinned(package.id) != nullptr;
        const auto key = SYMPHONY_TRY(around_.publishers->key_for(package.id, signature.key_id, pinned ? std::nullopt : std::optional(offered)));
        SYMPHONY_TRY(verify(key, signature, bytes));
        SYMPHONY_TRY(SYMPHONY_TRY(packaging::PackageClaim::parse(signature.trusted_comment)).matches(input->info.claim()));
        input->signer = key.text();
    }
    return &inputs_.insert_or_assign(package.id, *std::move(input)).first->second;
}

Result<const Input*> Inputs::take(const Lock::Package& package) {
    auto found = inputs_.find(package.id);
    Input* input = found == inputs_.end() ? nullptr : &found->second;
    if (input == nullptr) input = SYMPHONY_TRY(core_.contains(package.id) ? read_core_package(package.id) : fetch(package));
    const auto locked = std::find_if(package.artifacts.begin(), package.artifacts.end(), [&](const auto& one) { return one.triple == around_.triple; });
    const auto title = "plugin \"" + package.id + "\" " + package.version.text();
    if (locked == package.artifacts.end()) return static_cast<const Input*>(input); // the checks say so
    if (locked->files != input->info.digest) {
        return Error(Code::refused, "digest-changed", title + ": the lock has the files " + locked->files + ", " + input->where + " has now " + input->info.digest,
                     input->origin == Input::Origin::registry ? "a version never changes: ask its publisher" : "symphony compose lock takes what is there now");
    }
    return static_cast<const Input*>(input);
}

} // namespace symphony::composer
