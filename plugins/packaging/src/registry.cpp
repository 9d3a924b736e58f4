// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/registry.hpp>

#include "words.hpp"

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/package.hpp>

#include <algorithm>

namespace symphony::packaging {
namespace {

constexpr std::uint64_t small_bytes_max = 16 * 1024 * 1024; // root, snapshot, lists
constexpr std::uint64_t signature_bytes_max = 16 * 1024;
constexpr std::uint64_t rotations_max = 1000; // in one go

/// That enough of the role's keys signed these bytes.
/// @param path_of  Where the signature of a key is. @param revoked  Keys that count no more.
Status check_signatures(Fetch& fetch, const KeyRole& role, std::string_view what, std::string_view bytes, const RegistryRoot& root,
                        const std::function<std::string(const KeyId&)>& path_of) {
    std::uint64_t good = 0;
    std::string why;
    for (const auto& key : role.keys) {
        if (root.find_revoked(key) != nullptr) {
            why += "; " + text_of(key.id()) + " was revoked";
            continue;
        }
        auto text = fetch.get(path_of(key.id()), signature_bytes_max);
        if (!text && text.error().code() != Code::not_found) return std::move(text).error();
        auto signature = text ? Signature::parse(*text) : Result<Signature>(Error(Code::not_found, "missing", "did not sign"));
        const auto status = signature ? verify(key, *signature, bytes) : Status(signature.error());
        if (status) ++good;
        else why += "; " + text_of(key.id()) + ": " + std::string(status.error().reason() == "missing" ? "did not sign" : status.error().message());
        if (good >= role.threshold) return {};
    }
    return Error(Code::refused, "not-enough-signatures",
                 fetch.where() + ": " + std::string(what) + " is signed by " + std::to_string(good) + " of the " + std::to_string(role.threshold) + " keys that are needed" + why,
                 "do not use it; tell who runs the registry");
}

Error missing_offline(const std::string& path) {
    return {Code::not_found, "offline-missing", path + " of the registry was never fetched, and nothing may be fetched now", "run it once without --offline"};
}

} // namespace

Result<Registry> Registry::open(Fetch& fetch, RegistryOptions options) {
    Registry registry(fetch, std::move(options));
    SYMPHONY_TRY(registry.load_trusted());
    if (registry.reads_nothing()) {
        if (!registry.has_root_ || !registry.has_snapshot_) return missing_offline("snapshot.toml");
    } else {
        if (!registry.has_root_) SYMPHONY_TRY(registry.first_root());
        SYMPHONY_TRY(registry.rotate_root());
        SYMPHONY_TRY(registry.refresh_snapshot());
    }
    SYMPHONY_TRY(registry.check_times());
    const auto config = SYMPHONY_TRY(registry.verified("config.toml", registry.snapshot_.config, small_bytes_max));
    registry.config_ = SYMPHONY_TRY(parse_config(config, "config.toml"));
    return registry;
}

/// What this user trusted last. It is the user's own file: nobody signs it.
Status Registry::load_trusted() {
    const auto read = [&](std::string_view name) -> Result<std::string> {
        auto bytes = read_file(state_file(name), small_bytes_max);
        if (!bytes && bytes.error().code() == Code::not_found) return std::string();
        return bytes;
    };
    const auto root = SYMPHONY_TRY(read("root.toml"));
    if (!root.empty()) {
        root_ = SYMPHONY_TRY(parse_root(root, state_file("root.toml").string()));
        has_root_ = true;
    }
    const auto snapshot = SYMPHONY_TRY(read("snapshot.toml"));
    if (!snapshot.empty()) {
        snapshot_ = SYMPHONY_TRY(parse_snapshot(snapshot, state_file("snapshot.toml").string()));
        snapshot_sha256_ = sha256_of(snapshot);
        has_snapshot_ = true;
    }
    return {};
}

Status Registry::accept_root(RegistryRoot root, const std::string& text) {
    SYMPHONY_TRY(options_.disk.make_folders(options_.state));
    SYMPHONY_TRY(options_.disk.replace_file(state_file("root.toml"), text));
    root_ = std::move(root);
    has_root_ = true;
    return {};
}

/// Trust on first use, anchored in a key that the user was given by another way.
Status Registry::first_root() {
    if (options_.root_keys.empty()) {
        return Error(Code::refused, "no-root-key", fetch_->where() + ": nothing is known of this registry, and no key of its root was given",
                     "ask who runs it for the public key (RW...) and add it to the configuration of the registry");
    }
    auto found = fetch_->get("root.toml", small_bytes_max);
    if (!found && found.error().code() == Code::not_found) {
        return Error(Code::not_found, "no-such-registry", fetch_->where() + " has no root.toml, so it is no registry", "see whether the address is right: it is the folder with config.toml, root.toml and snapshot.toml");
    }
    const auto text = SYMPHONY_TRY(std::move(found));
    auto root = SYMPHONY_TRY(parse_root(text, "root.toml"));
    // The given keys alone are one role, of which one is enough; and the root's own threshold holds too.
    KeyRole given{1, {}};
    for (const auto& key : options_.root_keys) {
        if (std::find(root.root.keys.begin(), root.root.keys.end(), key) != root.root.keys.end()) given.keys.push_back(key);
    }
    const auto path_of = [&](const KeyId& key) { return root_signature_path(root.version, key); };
    SYMPHONY_TRY(check_signatures(*fetch_, given, "root.toml", text, root, path_of));
    SYMPHONY_TRY(check_signatures(*fetch_, root.root, "root.toml", text, root, path_of));
    return accept_root(std::move(root), text);
}

/// One version after the other, each signed by enough keys of the one before and of its own (as TUF does it).
Status Registry::rotate_root() {
    for (std::uint64_t step = 0; step < rotations_max; ++step) {
        const auto next = root_.version + 1;
        const auto path = root_path(next);
        auto text = fetch_->get(path, small_bytes_max);
        if (!text && text.error().code() == Code::not_found) return {};
        if (!text) return std::move(text).error();
        auto root = SYMPHONY_TRY(parse_root(*text, path));
        if (root.version != next || root.registry != root_.registry) {
            return Error(Code::refused, "wrong-registry", fetch_->where() + "/" + path + " is version " + std::to_string(root.version) + " of registry " + in_quotes(root.registry) +
                                                              ", expected version " + std::to_string(next) + " of " + in_quotes(root_.registry));
        }
        const auto path_of = [&](const KeyId& key) { return root_signature_path(next, key); };
        SYMPHONY_TRY(check_signatures(*fetch_, root_.root, path, *text, root_, path_of));
        SYMPHONY_TRY(check_signatures(*fetch_, root.root, path, *text, root, path_of));
        SYMPHONY_TRY(accept_root(std::move(root), *text));
    }
    return Error(Code::exhausted, "too-many-roots", fetch_->where() + ": more than " + std::to_string(rotations_max) + " new roots at once");
}

Status Registry::refresh_snapshot() {
    const auto text = SYMPHONY_TRY(fetch_->get("snapshot.toml", small_bytes_max));
    const auto sha256 = sha256_of(text);
    if (has_snapshot_ && sha256 == snapshot_sha256_ && snapshot_.root == root_.version) return {};
    auto snapshot = SYMPHONY_TRY(parse_snapshot(text, "snapshot.toml"));
    if (snapshot.registry != root_.registry) {
        return Error(Code::refused, "wrong-registry", fetch_->where() + ": snapshot.toml is of registry " + in_quotes(snapshot.registry) + ", the root of " + in_quotes(root_.registry));
    }
    const auto path_of = [&](const KeyId& key) { return snapshot_signature_path(snapshot.number, key); };
    SYMPHONY_TRY(check_signatures(*fetch_, root_.snapshot, "snapshot.toml", text, root_, path_of));
    if (has_snapshot_ && snapshot.number < snapshot_.number) {
        return Error(Code::refused, "rollback", fetch_->where() + " gives snapshot " + std::to_string(snapshot.number) + ", and had given " + std::to_string(snapshot_.number) + " before",
                     "somebody puts old versions in front of you, or the registry was restored from a copy: ask who runs it");
    }
    if (has_snapshot_ && snapshot.number == snapshot_.number && sha256 != snapshot_sha256_) {
        return Error(Code::refused, "snapshot-changed", fetch_->where() + " gives another snapshot " + std::to_string(snapshot.number) + " than before",
                     "one number, two contents: do not use it, ask who runs the registry");
    }
    if (snapshot.expires > options_.now) { // one that is too old is no reason to forget the one before
        SYMPHONY_TRY(options_.disk.make_folders(options_.state));
        SYMPHONY_TRY(options_.disk.replace_file(state_file("snapshot.toml"), text));
    }
    snapshot_ = std::move(snapshot);
    snapshot_sha256_ = sha256;
    has_snapshot_ = true;
    shards_.clear();
    return {};
}

Status Registry::check_times() const {
    if (root_.expires <= options_.now) {
        return Error(Code::refused, "expired-root", fetch_->where() + ": its root was good until " + time_text(root_.expires),
                     "see whether this machine's clock is right; else who runs the registry has to sign a new root");
    }
    if (is_stale() && !reads_nothing() && !options_.stale_is_fine) {
        return Error(Code::refused, "expired-snapshot", fetch_->where() + ": its snapshot " + std::to_string(snapshot_.number) + " was good until " + time_text(snapshot_.expires),
                     "somebody may hold back newer versions, or nobody signs any more; see whether this machine's clock is right");
    }
    return {};
}

Result<std::string> Registry::verified(const std::string& path, const std::string& sha256, std::uint64_t bytes_max, std::optional<std::uint64_t> size) {
    if (!fetch_->is_local()) {
        auto bytes = blobs_.find(sha256, bytes_max);
        if (bytes && sha256_of(*bytes) == sha256) return bytes;
    }
    if (reads_nothing()) return missing_offline(path);
    auto bytes = SYMPHONY_TRY(fetch_->get(path, bytes_max));
    if (size && bytes.size() > *size) bytes.resize(static_cast<std::size_t>(*size));
    if (sha256_of(bytes) != sha256) {
        return Error(Code::refused, "digest-mismatch", fetch_->where() + "/" + path + " is not what the snapshot " + std::to_string(snapshot_.number) + " says it is",
                     "files of different snapshots are mixed, or one was altered: try again, then ask who runs the registry");
    }
    if (!fetch_->is_local()) blobs_.keep(sha256, bytes);
    return bytes;
}

Result<const ShardList*> Registry::shard(std::string_view name) {
    if (const auto found = shards_.find(name); found != shards_.end()) return &found->second;
    ShardList list;
    if (const auto* sha256 = snapshot_.find_shard(name)) {
        const auto path = shard_path(name, *sha256);
        list = SYMPHONY_TRY(parse_shard(SYMPHONY_TRY(verified(path, *sha256, small_bytes_max)), path));
        const bool stray = std::any_of(list.entries.begin(), list.entries.end(), [&](const auto& entry) { return shard_of(entry.id) != name; });
        if (stray) return Error(Code::data_corrupt, "bad-shard", path + ": has an id that belongs into another shard", "tell who runs the registry");
    }
    return &shards_.emplace(std::string(name), std::move(list)).first->second;
}

Result<std::string> Registry::index_file(std::string_view id) {
    const auto* list = is_id(id) ? SYMPHONY_TRY(shard(shard_of(id))) : nullptr;
    const auto* entry = list != nullptr ? list->find(id) : nullptr;
    if (entry == nullptr) return Error(Code::not_found, "unknown-plugin", "registry " + name() + " has no plugin " + in_quotes(id), "symphony search WORD finds plugins");
    return verified(index_path(id), entry->sha256, index_file_bytes_max, entry->size_bytes);
}

Result<std::vector<IndexLine>> Registry::versions(std::string_view id) {
    return read_index_file(SYMPHONY_TRY(index_file(id)), id, index_path(id));
}

Result<std::vector<std::string>> Registry::ids() {
    std::vector<std::string> out;
    for (const auto& [name, sha256] : snapshot_.shards) {
        for (const auto& entry : SYMPHONY_TRY(shard(name))->entries) out.push_back(entry.id);
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::optional<CompactIndex> Registry::kept_index(bool of_any_snapshot) const {
    auto bytes = read_file(options_.cache / "index.bin", CompactIndex::bytes_max);
    if (!bytes) return std::nullopt;
    auto index = CompactIndex::open(*std::move(bytes));
    // One that is damaged or of another snapshot is none.
    if (!index || (!of_any_snapshot && index->snapshot() != snapshot_sha256_)) return std::nullopt;
    return *std::move(index);
}

Result<CompactIndex> Registry::index(const std::function<bool(std::size_t done, std::size_t total)>& progress) {
    if (auto kept = kept_index()) return *std::move(kept);
    auto made = make_index(progress);
    if (made || !reads_nothing() || made.error().reason() != "offline-missing") return made;
    auto older = kept_index(true); // what is new in this snapshot was not fetched
    return older ? Result<CompactIndex>(*std::move(older)) : std::move(made);
}

Result<CompactIndex> Registry::make_index(const std::function<bool(std::size_t done, std::size_t total)>& progress) {
    const auto all = SYMPHONY_TRY(ids());
    CompactIndex::Builder builder;
    std::size_t done = 0;
    for (const auto& id : all) {
        if (progress && !progress(done++, all.size())) return Error(Code::cancelled, "cancelled", "reading the index was cancelled");
        SYMPHONY_TRY(builder.add(id, SYMPHONY_TRY(versions(id))));
    }
    auto bytes = SYMPHONY_TRY(builder.finish(snapshot_sha256_));
    if (options_.disk.make_folders(options_.cache)) static_cast<void>(options_.disk.replace_file(options_.cache / "index.bin", bytes));
    return CompactIndex::open(std::move(bytes));
}

Result<std::string> Registry::package(const IndexLine& line, const IndexLine::Artifact& artifact) {
    if (artifact.size_bytes > package_bytes_max) return Error(Code::exhausted, "too-large", line.id + " " + line.version + ": its package is too large");
    const auto path = package_path(line.id, line.version, artifact.triple);
    const auto is_it = [&](const std::string& bytes) { return bytes.size() == artifact.size_bytes && sha256_of(bytes) == artifact.sha256; };
    if (!fetch_->is_local()) {
        auto bytes = packages_.find(artifact.sha256, artifact.size_bytes);
        if (bytes && is_it(*bytes)) return bytes;
    }
    if (reads_nothing()) return missing_offline(path);
    auto bytes = SYMPHONY_TRY(fetch_->get(path, artifact.size_bytes));
    if (!is_it(bytes)) {
        return Error(Code::refused, "digest-mismatch", fetch_->where() + "/" + path + " is not the package that the index names", "do not use it; tell who runs the registry");
    }
    if (!fetch_->is_local()) packages_.keep(artifact.sha256, bytes);
    return bytes;
}

Result<std::string> Registry::package_signature(const IndexLine& line, const IndexLine::Artifact& artifact) {
    constexpr std::string_view ending = ".minisig";
    const auto path = package_path(line.id, line.version, artifact.triple).append(ending);
    const auto name = std::string(artifact.sha256).append(ending);
    if (reads_nothing()) {
        auto kept = packages_.find(name, signature_bytes_max);
        return kept ? std::move(kept) : missing_offline(path);
    }
    auto text = SYMPHONY_TRY(fetch_->get(path, signature_bytes_max));
    if (!fetch_->is_local()) packages_.keep(name, text);
    return text;
}

Result<Advisory> Registry::advisory(std::string_view id) {
    const auto found = std::find_if(snapshot_.advisories.begin(), snapshot_.advisories.end(), [&](const auto& entry) { return entry.first == id; });
    if (found == snapshot_.advisories.end()) return Error(Code::not_found, "unknown-advisory", "registry " + name() + " has no advisory " + in_quotes(id));
    const auto path = advisory_path(id);
    return parse_advisory(SYMPHONY_TRY(verified(path, found->second, small_bytes_max)), path);
}

std::string Registry::barred(const IndexView& line) const {
    if (line.signer.empty()) return {};
    const auto key = PublicKey::parse(line.signer);
    if (!key) return "has a key that is none";
    if (const auto* revoked = root_.find_revoked(*key)) return "is signed by the key " + text_of(key->id()) + ", which was revoked: " + revoked->why;
    if (!root_.may_publish(*key, line.id)) return "is signed by the key " + text_of(key->id()) + ", which may not publish it";
    return {};
}

} // namespace symphony::packaging
