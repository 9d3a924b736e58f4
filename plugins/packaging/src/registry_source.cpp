// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/registry_source.hpp>

#include "release_maker.hpp"
#include "words.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace symphony::packaging {

struct RegistrySource::One {
    One(Registry* of, const std::vector<std::string>& triples) : registry(of), maker(triples) {}
    Registry* registry;
    std::optional<CompactIndex> index;
    std::unique_ptr<CompactIndex::Reader> reader;
    ReleaseMaker maker; // without an index
    IndexReader lines;
    bool looked = false; // whether there is an index
    std::unordered_map<std::string, const Package*> known;
};

RegistrySource::RegistrySource(std::vector<Registry*> registries, Options options) : options_(std::move(options)) {
    for (auto* registry : registries) all_.push_back(std::make_unique<One>(registry, options_.triples));
}
RegistrySource::~RegistrySource() = default;

std::string RegistrySource::why_barred(const Registry& registry, const IndexView& line) const {
    auto why = registry.barred(line);
    if (!why.empty() || options_.publishers == nullptr) return why;
    const auto key = line.signer.empty() ? Result<PublicKey>(Error(Code::not_found, "unsigned")) : PublicKey::parse(line.signer);
    if (const auto* known = key ? options_.publishers->find(*key) : nullptr; known != nullptr && known->revoked) {
        return "is signed by the key " + text_of(key->id()) + ", which you revoked";
    }
    const auto* pinned = options_.publishers->pinned(line.id);
    if (pinned == nullptr) return {};
    if (!key) return "is not signed, and its publisher until now was " + text_of(pinned->key.id());
    if (*key == pinned->key || registry.root().successor_of(pinned->key) == *key) return {};
    return "is signed by the key " + text_of(key->id()) + ", and its publisher until now was " + text_of(pinned->key.id());
}

void RegistrySource::use_index(One& one, CompactIndex index) {
    one.index.emplace(std::move(index));
    const auto* registry = one.registry;
    one.reader = std::make_unique<CompactIndex::Reader>(*one.index, options_.triples, [this, registry](const IndexView& line) { return why_barred(*registry, line); });
}

void RegistrySource::look_for_index(One& one) {
    if (std::exchange(one.looked, true)) return;
    if (auto index = one.registry->kept_index()) use_index(one, *std::move(index));
}

/// For proposals, which may be missing: a far registry is not read whole for them.
bool RegistrySource::open_index(One& one) {
    look_for_index(one);
    if (!one.index && one.registry->is_local()) {
        if (auto index = one.registry->index()) use_index(one, *std::move(index));
    }
    return one.index.has_value();
}

Result<const Package*> RegistrySource::find_in(One& one, std::string_view id) {
    if (options_.compact) look_for_index(one);
    // What was made for proposals comes too late for what was answered from the files.
    if (one.reader && one.known.empty()) return one.reader->find(id);
    const auto [known, added] = one.known.try_emplace(std::string(id), nullptr);
    if (!added) return known->second;
    auto bytes = one.registry->index_file(id);
    if (!bytes && bytes.error().reason() == "unknown-plugin") return nullptr;
    if (!bytes) return std::move(bytes).error();
    auto& reader = one.lines;
    reader.begin(*bytes, index_path(id));
    std::optional<std::string> signer; // whose versions the answer is about: they are of one mind
    std::string why;
    for (;;) {
        const auto* line = SYMPHONY_TRY(reader.next());
        if (line == nullptr) break;
        if (line->id != id) return Error(Code::data_corrupt, "bad-index-line", index_path(id) + ": has a line of " + in_quotes(line->id), "tell who runs the registry");
        SYMPHONY_TRY(one.maker.abi(line->abi));
        if (!line->host.empty()) SYMPHONY_TRY(one.maker.need(host_id, line->host, false));
        for (const auto& need : line->needs) SYMPHONY_TRY(one.maker.need(need.id, need.range, need.optional));
        for (const auto& offer : line->provides) one.maker.offer(offer.port, offer.exclusive);
        for (const auto& use : line->uses) one.maker.use(use.port, use.provider);
        for (const auto& artifact : line->artifacts) one.maker.artifact(artifact.triple);
        if (signer != line->signer) {
            signer = line->signer;
            why = why_barred(*one.registry, *line);
        }
        SYMPHONY_TRY(one.maker.end(line->version, line->yanked, why));
    }
    return known->second = one.maker.package(id);
}

Result<const Package*> RegistrySource::find(std::string_view id) {
    for (auto& one : all_) {
        if (const auto* package = SYMPHONY_TRY(find_in(*one, id))) return package;
    }
    return nullptr;
}

std::vector<std::string> RegistrySource::offering(std::string_view port) {
    std::vector<std::string> out;
    for (auto& one : all_) {
        if (!open_index(*one)) continue;
        for (auto& id : one->reader->offering(port)) out.push_back(std::move(id));
    }
    return out;
}

std::string RegistrySource::similar(std::string_view id) {
    for (auto& one : all_) {
        if (!open_index(*one)) continue;
        if (auto found = one->reader->similar(id); !found.empty()) return found;
    }
    return {};
}

std::vector<Lock::Registry> RegistrySource::registries() const {
    std::vector<Lock::Registry> out;
    for (const auto& one : all_) out.push_back({one->registry->name(), one->registry->root_key(), one->registry->snapshot().number});
    return out;
}

Result<Registry*> RegistrySource::registry_of(std::string_view id) {
    for (auto& one : all_) {
        if (SYMPHONY_TRY(find_in(*one, id)) != nullptr) return one->registry;
    }
    return nullptr;
}

Result<IndexLine> RegistrySource::line(std::string_view id, const manifests::Version& version) {
    auto found = lines_.find(id);
    if (found == lines_.end()) {
        auto* registry = SYMPHONY_TRY(registry_of(id));
        if (registry == nullptr) return Error(Code::not_found, "unknown-plugin", "no registry has a plugin " + in_quotes(id), "symphony search WORD finds plugins");
        found = lines_.emplace(std::string(id), SYMPHONY_TRY(registry->versions(id))).first;
    }
    for (const auto& line : found->second) {
        if (precedence(SYMPHONY_TRY(manifests::Version::parse(line.version)), version) == 0) return line;
    }
    return Error(Code::not_found, "unknown-version", std::string(id) + " has no version " + version.text());
}

Result<Lock::Package> RegistrySource::describe(std::string_view id, const manifests::Version& version) {
    const auto from = SYMPHONY_TRY(line(id, version));
    const auto* registry = SYMPHONY_TRY(registry_of(id));
    Lock::Package out;
    out.id = from.id;
    out.version = SYMPHONY_TRY(manifests::Version::parse(from.version));
    out.registry = registry->name();
    out.manifest = from.manifest;
    out.signer = from.signer;
    std::vector<manifests::Right> rights;
    for (const auto& text : from.rights) rights.push_back(SYMPHONY_TRY(manifests::Right::parse(text)));
    out.rights = manifests::RightSet(std::move(rights));
    for (const auto& one : from.artifacts) out.artifacts.push_back({one.triple, one.size_bytes, one.sha256, one.files});
    return out;
}

} // namespace symphony::packaging
