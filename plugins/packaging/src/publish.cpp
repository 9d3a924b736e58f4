// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/publish.hpp>

#include "words.hpp"

#include <symphony/manifests/rights.hpp>
#include <symphony/nearest.hpp>
#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <chrono>
#include <map>

namespace symphony::packaging {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t small_bytes_max = 16 * 1024 * 1024;
constexpr std::chrono::seconds lock_wait_max{10};

/// Signs with those of the keys that the role has. @return "missing-key" when they are fewer than it needs.
Status sign_with(const Disk& disk, const fs::path& folder, const KeyRole& role, std::string_view what, const std::string& bytes, const std::vector<const SecretKey*>& keys,
                 const std::function<std::string(const KeyId&)>& path_of) {
    std::uint64_t count = 0;
    for (const auto* key : keys) {
        const auto own = key->public_key();
        if (std::find(role.keys.begin(), role.keys.end(), own) == role.keys.end()) continue;
        const auto signature = SYMPHONY_TRY(key->sign(bytes, what));
        SYMPHONY_TRY(disk.replace_file(folder / path_of(own.id()), signature.text()));
        ++count;
    }
    if (count >= role.threshold) return {};
    return Error(Code::invalid_argument, "missing-key", std::string(what) + " needs " + std::to_string(role.threshold) + " of its keys, " + std::to_string(count) + " were given",
                 "give the secret keys whose public keys are in root.toml");
}

std::string claim_of(std::string_view kind, std::string_view registry, std::uint64_t number) {
    return "registry:" + std::string(registry) + "\t" + std::string(kind) + ":" + std::to_string(number);
}

template <class Entries>
void put_entry(Entries& entries, const std::string& name, const std::string& value) {
    const auto at = std::find_if(entries.begin(), entries.end(), [&](const auto& one) { return one.first == name; });
    if (at != entries.end()) at->second = value;
    else entries.emplace_back(name, value);
    std::sort(entries.begin(), entries.end());
}

} // namespace

// ---- making and reading

Status RegistryFolder::create(const fs::path& folder, const RegistryConfig& config, const RegistryRoot& root, const std::vector<const SecretKey*>& root_keys,
                              const Signing& signing, const Disk& disk) {
    if (read_file(folder / "snapshot.toml", small_bytes_max)) return Error(Code::conflict, "exists", folder.string() + " is a registry already");
    SYMPHONY_TRY(disk.make_folders(folder / "root"));
    RegistryFolder made(folder, disk);
    made.config_ = config;
    made.root_ = root;
    const auto config_text = print(config);
    SYMPHONY_TRY(disk.replace_file(folder / "config.toml", config_text));
    const auto root_text = print(root);
    SYMPHONY_TRY(sign_with(disk, folder, root.root, claim_of("root", root.registry, root.version), root_text, root_keys,
                           [&](const KeyId& key) { return root_signature_path(root.version, key); }));
    SYMPHONY_TRY(disk.replace_file(folder / root_path(root.version), root_text));
    SYMPHONY_TRY(disk.replace_file(folder / "root.toml", root_text));
    made.snapshot_ = {root.registry, 0, root.version, signing.expires, sha256_of(config_text), {}, {}};
    return made.commit({}, signing);
}

Result<RegistryFolder> RegistryFolder::open(const fs::path& folder, const Disk& disk) {
    RegistryFolder opened(folder, disk);
    SYMPHONY_TRY(opened.read());
    return opened;
}

Status RegistryFolder::read() {
    auto snapshot = read_file(folder_ / "snapshot.toml", small_bytes_max);
    if (!snapshot && snapshot.error().code() == Code::not_found) {
        return Error(Code::not_found, "no-registry", folder_.string() + " is no registry: it has no snapshot.toml", "make one first, or name another folder");
    }
    if (!snapshot) return std::move(snapshot).error();
    snapshot_ = SYMPHONY_TRY(parse_snapshot(*snapshot, (folder_ / "snapshot.toml").string()));
    root_ = SYMPHONY_TRY(parse_root(SYMPHONY_TRY(read_file(folder_ / "root.toml", small_bytes_max)), (folder_ / "root.toml").string()));
    config_ = SYMPHONY_TRY(parse_config(SYMPHONY_TRY(read_file(folder_ / "config.toml", small_bytes_max)), (folder_ / "config.toml").string()));
    return {};
}

Result<WriteLock> RegistryFolder::lock() const { return WriteLock::take(folder_ / ".lock", lock_wait_max); }

Result<ShardList> RegistryFolder::shard(std::string_view name) const {
    const auto* sha256 = snapshot_.find_shard(name);
    if (sha256 == nullptr) return ShardList();
    const auto path = shard_path(name, *sha256);
    return parse_shard(SYMPHONY_TRY(read_file(folder_ / path, small_bytes_max)), path);
}

/// Of the snapshot: what a crash left behind the length is cut off.
Result<std::string> RegistryFolder::index_bytes(std::string_view id) const {
    const auto list = SYMPHONY_TRY(shard(shard_of(id)));
    const auto* entry = list.find(id);
    if (entry == nullptr) return std::string();
    auto bytes = SYMPHONY_TRY(read_file(folder_ / index_path(id), index_file_bytes_max));
    if (bytes.size() > entry->size_bytes) bytes.resize(static_cast<std::size_t>(entry->size_bytes));
    if (sha256_of(bytes) != entry->sha256) {
        return Error(Code::data_corrupt, "digest-mismatch", (folder_ / index_path(id)).string() + " is not what the snapshot says it is", "take it from a copy of the registry");
    }
    return bytes;
}

Result<std::vector<IndexLine>> RegistryFolder::versions(std::string_view id) const {
    return read_index_file(SYMPHONY_TRY(index_bytes(id)), id, index_path(id));
}

// ---- the gate

Status RegistryFolder::check_name(std::string_view id, const PublicKey& signer) const {
    const auto glance = glance_of(id);
    for (const auto& [name, sha256] : snapshot_.shards) {
        const auto list = SYMPHONY_TRY(shard(name));
        for (const auto& entry : list.entries) {
            const auto other = glance_of(entry.id);
            const bool same_length_ends = glance.size() >= 8 && edit_distance(glance, other, 1) <= 1;
            if (glance != other && !same_length_ends) continue;
            const auto lines = SYMPHONY_TRY(versions(entry.id));
            if (!lines.empty() && lines.back().signer == signer.text()) continue; // one's own names may look alike
            return Error(Code::refused, "confusing-name", in_quotes(id) + " is easily taken for " + in_quotes(entry.id) + ", which somebody else publishes",
                         "choose another id; who runs the registry may allow it after looking at both");
        }
    }
    return {};
}

Status RegistryFolder::gate(const Submission& submission, const PackageInfo& info, const std::vector<IndexLine>& before) const {
    const auto title = info.id() + " " + info.version();
    const auto key = text_of(submission.signer.id());
    SYMPHONY_TRY(verify(submission.signer, SYMPHONY_TRY(Signature::parse(submission.signature)), submission.package));
    const auto claim = SYMPHONY_TRY(PackageClaim::parse(SYMPHONY_TRY(Signature::parse(submission.signature)).trusted_comment));
    SYMPHONY_TRY(claim.matches(info.claim()));
    if (const auto* revoked = root_.find_revoked(submission.signer)) return Error(Code::refused, "revoked-key", "the key " + key + " was revoked: " + revoked->why);
    if (!root_.may_publish(submission.signer, info.id())) {
        return Error(Code::refused, "not-your-name", "the key " + key + " may not publish " + info.id(), "who runs the registry adds the key to [[publisher]] of root.toml");
    }
    if (!before.empty()) {
        const auto last = PublicKey::parse(before.back().signer);
        if (!last || (submission.signer != *last && submission.signer != root_.successor_of(*last))) {
            return Error(Code::refused, "other-publisher", info.id() + " is published by " + (last ? text_of(last->id()) : "nobody") + " and not by " + key,
                         "sign with that key; for a new one who runs the registry adds a [[successor]] to root.toml");
        }
    } else if (!submission.confusing_name_is_fine) {
        SYMPHONY_TRY(check_name(info.id(), submission.signer));
    }
    if (info.manifest.extension.license.empty() || info.files.find("LICENSE") == nullptr) {
        return Error(Code::refused, "no-license", title + " has no licence", "write [extension] license = \"...\" and put a file LICENSE beside the manifest");
    }
    if (info.files.find("sbom.cdx.json") == nullptr) return Error(Code::refused, "no-sbom", title + " has no sbom.cdx.json", "symphony pack makes one");
    return {};
}

Result<IndexLine> RegistryFolder::line_for(const Submission& submission, const PackageInfo& info, const std::vector<IndexLine>& before) const {
    auto line = index_line_of(info, sha256_of(submission.package), submission.package.size(), submission.signer.text());
    const IndexLine* previous = nullptr;
    for (const auto& other : before) {
        const auto order = precedence(SYMPHONY_TRY(manifests::Version::parse(other.version)), info.manifest.extension.version);
        if (order < 0) previous = &other;
        if (order != 0) continue;
        // The same version for another platform; all but its artefacts is as it was.
        auto same = line;
        same.artifacts = other.artifacts;
        same.rights_added = other.rights_added;
        same.yanked = other.yanked;
        same.advisories = other.advisories;
        bool fits = same == other;
        for (const auto& artifact : line.artifacts) {
            const auto there = std::find_if(other.artifacts.begin(), other.artifacts.end(), [&](const auto& one) { return one.triple == artifact.triple; });
            if (there == other.artifacts.end()) same.artifacts.push_back(artifact);
            else fits = fits && *there == artifact;
        }
        if (!fits) {
            return Error(Code::refused, "version-exists", info.id() + " " + other.version + " is there with other content", "a version never changes: publish a new one");
        }
        return same;
    }
    if (previous != nullptr) {
        const auto rights_of = [](const std::vector<std::string>& texts) {
            std::vector<manifests::Right> rights;
            for (const auto& text : texts) {
                if (auto right = manifests::Right::parse(text)) rights.push_back(*std::move(right));
            }
            return manifests::RightSet(std::move(rights));
        };
        const auto change = manifests::diff(rights_of(previous->rights), rights_of(line.rights));
        for (const auto& right : change.added) line.rights_added.push_back(right.text());
        for (const auto& [from, to] : change.broadened) line.rights_added.push_back(to.text());
    }
    return line;
}

Status RegistryFolder::store_package(const Submission& submission, const IndexLine& line, const PackageInfo& info) const {
    for (const auto& triple : info.triples) {
        const auto path = folder_ / package_path(line.id, line.version, triple);
        SYMPHONY_TRY(disk_.make_folders(path.parent_path()));
        SYMPHONY_TRY(disk_.replace_file(path, submission.package));
        SYMPHONY_TRY(disk_.replace_file(path.string() + ".minisig", submission.signature));
    }
    return {};
}

Result<RegistryFolder::Published> RegistryFolder::outcome_of(const Submission& submission, const PackageInfo& info) const {
    const auto before = SYMPHONY_TRY(versions(info.id()));
    SYMPHONY_TRY(gate(submission, info, before));
    Published done{SYMPHONY_TRY(line_for(submission, info, before)), false, before.empty() ? std::string() : before.back().version, snapshot_.number};
    done.was_there = std::find(before.begin(), before.end(), done.line) != before.end();
    return done;
}

Result<RegistryFolder::Judged> RegistryFolder::judge(Submission submission) const {
    Judged out(std::move(submission));
    out.info_ = SYMPHONY_TRY(read_package(out.submission_.package));
    out.done_ = SYMPHONY_TRY(outcome_of(out.submission_, out.info_));
    out.root_ = root_;
    out.snapshot_ = snapshot_;
    return out;
}

Result<RegistryFolder::Published> RegistryFolder::take_in(const Submission& submission, const PackageInfo& info, Published done, const Signing& signing) {
    if (done.was_there) return done;
    SYMPHONY_TRY(store_package(submission, done.line, info));
    const auto bytes = SYMPHONY_TRY(index_bytes(info.id())) + print(done.line);
    SYMPHONY_TRY(commit({{{info.id(), bytes}}, {}}, signing));
    done.snapshot = snapshot_.number;
    return done;
}

Result<RegistryFolder::Published> RegistryFolder::publish(const Judged& judged, const Signing& signing) {
    const auto held = SYMPHONY_TRY(lock());
    SYMPHONY_TRY(read());
    // The snapshot has the digests of all that the verdict came from, and nobody changes anything under the lock.
    const bool same = root_ == judged.root_ && snapshot_ == judged.snapshot_;
    auto done = same ? judged.done_ : SYMPHONY_TRY(outcome_of(judged.submission_, judged.info_));
    return take_in(judged.submission_, judged.info_, std::move(done), signing);
}

Result<RegistryFolder::Published> RegistryFolder::publish(const Submission& submission, const Signing& signing) {
    const auto held = SYMPHONY_TRY(lock());
    SYMPHONY_TRY(read());
    const auto info = SYMPHONY_TRY(read_package(submission.package));
    auto done = SYMPHONY_TRY(outcome_of(submission, info));
    return take_in(submission, info, std::move(done), signing);
}

// ---- other changes

Status RegistryFolder::yank(std::string_view id, std::string_view version, bool yanked, const Signing& signing) {
    const auto held = SYMPHONY_TRY(lock());
    SYMPHONY_TRY(read());
    for (auto line : SYMPHONY_TRY(versions(id))) {
        if (line.version != version) continue;
        if (line.yanked == yanked) return {};
        line.yanked = yanked;
        const auto bytes = SYMPHONY_TRY(index_bytes(id)) + print(line);
        return commit({{{std::string(id), bytes}}, {}}, signing);
    }
    return Error(Code::not_found, "unknown-version", "the registry has no " + std::string(id) + " " + std::string(version));
}

Status RegistryFolder::advise(const Advisory& advisory, const std::vector<std::pair<std::string, std::string>>& affected, const Signing& signing) {
    const auto held = SYMPHONY_TRY(lock());
    SYMPHONY_TRY(read());
    const auto text = print(advisory);
    SYMPHONY_TRY(parse_advisory(text, advisory_path(advisory.id)));
    std::map<std::string, std::string> files;
    for (const auto& [id, version] : affected) {
        bool found = false;
        for (auto line : SYMPHONY_TRY(versions(id))) {
            if (line.version != version) continue;
            found = true;
            if (std::find(line.advisories.begin(), line.advisories.end(), advisory.id) != line.advisories.end()) continue;
            line.advisories.push_back(advisory.id);
            auto& bytes = files[id];
            if (bytes.empty()) bytes = SYMPHONY_TRY(index_bytes(id));
            bytes += print(line);
        }
        if (!found) return Error(Code::not_found, "unknown-version", "the registry has no " + id + " " + version);
    }
    SYMPHONY_TRY(disk_.make_folders(folder_ / "advisories"));
    SYMPHONY_TRY(disk_.replace_file(folder_ / advisory_path(advisory.id), text));
    return commit({{files.begin(), files.end()}, {{advisory.id, sha256_of(text)}}}, signing);
}

Status RegistryFolder::rotate(const RegistryRoot& root, const std::vector<const SecretKey*>& root_keys, const Signing& signing) {
    const auto held = SYMPHONY_TRY(lock());
    SYMPHONY_TRY(read());
    if (root.version != root_.version + 1 || root.registry != root_.registry) {
        return Error(Code::invalid_argument, "bad-root", "the next root of " + root_.registry + " has version " + std::to_string(root_.version + 1) + ", this one is version " +
                                                             std::to_string(root.version) + " of " + root.registry);
    }
    const auto text = print(root);
    SYMPHONY_TRY(parse_root(text, "root.toml"));
    const auto path_of = [&](const KeyId& key) { return root_signature_path(root.version, key); };
    const auto claim = claim_of("root", root.registry, root.version);
    SYMPHONY_TRY(sign_with(disk_, folder_, root_.root, claim, text, root_keys, path_of));
    SYMPHONY_TRY(sign_with(disk_, folder_, root.root, claim, text, root_keys, path_of));
    // First a snapshot that readers at either root accept, if keys of both were given; then the root.
    also_signs_ = root_.snapshot.keys;
    root_ = root;
    SYMPHONY_TRY(commit({}, signing));
    SYMPHONY_TRY(disk_.replace_file(folder_ / root_path(root.version), text));
    return disk_.replace_file(folder_ / "root.toml", text);
}

Status RegistryFolder::sign_again(const Signing& signing) {
    const auto held = SYMPHONY_TRY(lock());
    SYMPHONY_TRY(read());
    return commit({}, signing);
}

// ---- the switch

Status RegistryFolder::commit(const Edits& edits, const Signing& signing) {
    auto next = snapshot_;
    ++next.number;
    next.root = root_.version;
    next.expires = signing.expires;
    std::map<std::string, ShardList> lists;
    for (const auto& [id, bytes] : edits.files) {
        const auto path = folder_ / index_path(id);
        SYMPHONY_TRY(disk_.make_folders(path.parent_path()));
        SYMPHONY_TRY(disk_.replace_file(path, bytes));
        const auto name = shard_of(id);
        if (!lists.contains(name)) lists.emplace(name, SYMPHONY_TRY(shard(name)));
        auto& entries = lists.at(name).entries;
        const auto at = std::lower_bound(entries.begin(), entries.end(), id, [](const auto& entry, const std::string& other) { return entry.id < other; });
        const ShardList::Entry entry{id, bytes.size(), sha256_of(bytes)};
        if (at != entries.end() && at->id == id) *at = entry;
        else entries.insert(at, entry);
    }
    for (const auto& [name, list] : lists) {
        const auto text = print(list);
        const auto sha256 = sha256_of(text);
        SYMPHONY_TRY(disk_.replace_file(folder_ / shard_path(name, sha256), text));
        put_entry(next.shards, name, sha256);
    }
    for (const auto& [id, sha256] : edits.advisories) put_entry(next.advisories, id, sha256);
    SYMPHONY_TRY(write_snapshot(next, signing));
    tidy(snapshot_);
    snapshot_ = std::move(next);
    return {};
}

Status RegistryFolder::write_snapshot(const RegistrySnapshot& snapshot, const Signing& signing) const {
    if (snapshot.expires <= signing.now) return Error(Code::invalid_argument, "bad-time", "a snapshot that ends at " + time_text(snapshot.expires) + " is over already");
    const auto text = print(snapshot);
    // Signatures have the number in their name: those of the snapshot before stay beside them until it is replaced.
    const auto claim = claim_of("snapshot", snapshot.registry, snapshot.number);
    const auto path_of = [&](const KeyId& key) { return snapshot_signature_path(snapshot.number, key); };
    SYMPHONY_TRY(sign_with(disk_, folder_, root_.snapshot, claim, text, signing.keys, path_of));
    SYMPHONY_TRY(sign_with(disk_, folder_, KeyRole{0, also_signs_}, claim, text, signing.keys, path_of));
    return disk_.replace_file(folder_ / "snapshot.toml", text);
}

/// Removes what only snapshots before `before` need: a reader may still be at that one. What cannot be removed costs room and nothing else.
void RegistryFolder::tidy(const RegistrySnapshot& before) const {
    std::error_code ignored;
    const auto current = read_file(folder_ / "snapshot.toml", small_bytes_max);
    const auto now = current ? parse_snapshot(*current, "snapshot.toml") : Result<RegistrySnapshot>(Error(Code::io, "io"));
    if (!now) return;
    for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with("snapshot.") || !name.ends_with(".minisig")) continue;
        const auto number = name.substr(9, name.find('.', 9) - 9);
        if (number != std::to_string(before.number) && number != std::to_string(now->number)) static_cast<void>(disk_.remove(entry.path()));
    }
    for (const auto& [shard_name, sha256] : now->shards) {
        const auto* old = before.find_shard(shard_name);
        if (old != nullptr && *old == sha256) continue; // untouched
        for (const auto& entry : fs::directory_iterator(folder_ / "index" / shard_name, ignored)) {
            const auto name = entry.path().filename().string();
            if (!name.ends_with(".list") || name == sha256 + ".list" || (old != nullptr && name == *old + ".list")) continue;
            static_cast<void>(disk_.remove(entry.path()));
        }
    }
}

} // namespace symphony::packaging
