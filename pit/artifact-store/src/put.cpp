// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include <algorithm>
#include <unordered_set>

namespace symphony::store {
namespace {

std::uint64_t milliseconds(std::chrono::milliseconds time) noexcept { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())); }

Record artifact_record(const ContentId& id, const ArtifactRecord& record, Action action, const PutOptions& options) {
    Record out;
    out.kind = Kind::artifact;
    out.key.assign(id.bytes.begin(), id.bytes.end());
    out.action = action;
    out.actor = options.actor;
    out.value = record.encode();
    return out;
}

/// Takes over what a put says; true when that changes something.
bool merge(ArtifactRecord& record, const PutOptions& options, const Transaction& transaction, std::uint64_t lease_ms) {
    bool changed = false;
    const auto take = [&](std::string& to, const std::string& from) {
        if (from.empty() || to == from) return;
        to = from;
        changed = true;
    };
    take(record.media_type, options.media_type);
    take(record.type, options.type);
    for (const std::string& tag : options.tags) {
        const auto at = std::lower_bound(record.tags.begin(), record.tags.end(), tag);
        if (at != record.tags.end() && *at == tag) continue;
        record.tags.insert(at, tag);
        changed = true;
    }
    Origin origin{options.inputs, options.made_by, transaction.now_ms()};
    std::sort(origin.inputs.begin(), origin.inputs.end());
    origin.inputs.erase(std::unique(origin.inputs.begin(), origin.inputs.end()), origin.inputs.end());
    const bool known = std::any_of(record.origins.begin(), record.origins.end(), [&](const Origin& other) { return other.inputs == origin.inputs && other.made_by == origin.made_by; });
    if (!known && (!origin.inputs.empty() || origin.made_by != MadeBy())) {
        if (record.origins.size() == origins_max) record.origins.erase(record.origins.begin());
        record.origins.push_back(std::move(origin));
        changed = true;
    }
    const std::uint64_t until_ms = transaction.lease_ms() + lease_ms;
    if (until_ms > record.lease_until_ms) {
        // Seconds do not count: the same bytes put in a loop would write a record each time.
        if (record.lease_until_ms < until_ms - lease_ms / 2) changed = changed || lease_ms > 0;
        if (changed) record.lease_until_ms = until_ms;
    }
    return changed;
}

/// The next version of a name, unless its newest is this content already.
Result<std::optional<VersionRow>> next_version(Transaction& transaction, const ContentId& id, const PutOptions& options) {
    if (options.name.empty()) return std::optional<VersionRow>();
    const auto newest = SYMPHONY_TRY(transaction.index().newest(options.name));
    const std::uint32_t now = newest ? newest->version : 0;
    if (options.after_version && *options.after_version != now) {
        return Error(Code::conflict, "newer-version", "\"" + options.name + "\": its newest version is " + std::to_string(now) + ", not " + std::to_string(*options.after_version),
                     "get the newest version, bring the change there, and put again");
    }
    if (newest && newest->record.id == id) return std::optional<VersionRow>();
    VersionRow row;
    row.name = options.name;
    row.version = now + 1;
    row.record.id = id;
    if (newest) row.record.parent = newest->record.id;
    row.record.message = options.message;
    row.record.created_ms = transaction.now_ms();
    row.record.actor = options.actor;
    row.record.made_by = options.made_by;
    return std::optional(std::move(row));
}

Status check_quota(Transaction& transaction, Engine& engine, const Content& content) {
    Index& index = transaction.index();
    const auto [bytes_max, artifacts_max] = SYMPHONY_TRY(index.quota());
    std::uint64_t coming = 0;
    for (const NewBlob& blob : content.blobs) coming += blob.packed.size();
    const std::uint64_t used = engine.live_bytes() + transaction.added_bytes();
    if (bytes_max != 0 && used + coming > bytes_max) {
        return Error(Code::exhausted, "store-full", "the store holds " + std::to_string(used) + " of " + std::to_string(bytes_max) + " bytes, " + std::to_string(coming) + " more do not fit",
                     "remove what is no longer needed and run `symphony artifact gc`, or raise the quota");
    }
    if (artifacts_max == 0) return {};
    auto row = index.database().prepare("SELECT COUNT(*) FROM artifacts");
    const std::uint64_t count = row.step() ? row.unsigned_number(0) : 0;
    SYMPHONY_TRY(row.done());
    if (count < artifacts_max) return {};
    return Error(Code::exhausted, "store-full", "the store holds " + std::to_string(count) + " artifacts, its quota",
                 "remove what is no longer needed and run `symphony artifact gc`, or raise the quota");
}

/// Whether every blob that the record names is there: a record that came back after damage may name lost ones.
Result<bool> all_present(Index& index, const ArtifactRecord& record) {
    for (const Part& part : record.parts) {
        if (!SYMPHONY_TRY(index.blob(part.blob))) return false;
    }
    return true;
}

} // namespace

Content StoreImpl::prepare(Bytes bytes) const {
    Content content;
    content.id = sha256(bytes);
    content.size = bytes.size();
    std::unordered_set<Digest, DigestHash> seen;
    while (!bytes.empty()) {
        const std::size_t size = content.size < whole_below ? bytes.size() : engine_->chunker().cut(bytes);
        NewBlob blob = engine_->make_blob(BlobType::data, bytes.first(size));
        content.parts.push_back({blob.id, size});
        if (seen.insert(blob.id).second) content.blobs.push_back(std::move(blob));
        bytes = bytes.subspan(size);
    }
    content.chunks = content.parts.size();
    if (content.parts.size() > parts_direct_max) {
        const auto all = std::move(content.parts);
        content.parts.clear();
        content.lists = true;
        NewBlob list = engine_->make_blob(BlobType::list, encode_list(all));
        list.parts = all;
        content.parts.push_back({list.id, content.size});
        content.blobs.push_back(std::move(list));
    }
    return content;
}

Result<ArtifactInfo> StoreImpl::commit_content(const Content& content, const PutOptions& options) {
    ArtifactInfo info;
    SYMPHONY_TRY(engine_->commit(content_work(content, options, info)));
    return info;
}

Work StoreImpl::content_work(const Content& content, const PutOptions& options, ArtifactInfo& info) {
    const std::uint64_t lease_ms = std::max(milliseconds(options.lease), milliseconds(engine_->options().put_lease));
    return [this, &content, &options, &info, lease_ms](Transaction& transaction) -> Status {
        Index& index = transaction.index();
        auto known = SYMPHONY_TRY(index.artifact(content.id));
        auto version = SYMPHONY_TRY(next_version(transaction, content.id, options));
        ArtifactRecord record;
        bool write_record = true;
        if (known && SYMPHONY_TRY(all_present(index, known->record))) {
            record = std::move(known->record);
            write_record = merge(record, options, transaction, lease_ms);
            if (write_record) record.changed_ms = transaction.now_ms();
        } else {
            if (!known) SYMPHONY_TRY(check_quota(transaction, *engine_, content));
            if (known) record = std::move(known->record);
            else record.created_ms = transaction.now_ms();
            for (const NewBlob& blob : content.blobs) SYMPHONY_TRY(transaction.add_blob(blob));
            record.size = content.size;
            record.chunks = content.chunks;
            record.lists = content.lists;
            record.parts = content.parts;
            if (!SYMPHONY_TRY(all_present(index, record))) {
                return Error(Code::busy, "put-expired", "a chunk of the content was collected while it was being put", "put it again");
            }
            merge(record, options, transaction, lease_ms);
            record.lease_until_ms = std::max(record.lease_until_ms, transaction.lease_ms() + lease_ms);
            record.changed_ms = transaction.now_ms();
        }
        if (record.tags.size() > tags_max) return Error(Code::exhausted, "too-many", "an artifact has at most 1000 tags");
        if (write_record) SYMPHONY_TRY(transaction.add(artifact_record(content.id, record, known ? Action::update : Action::put, options)));
        if (version) {
            if (version->record.actor.empty()) version->record.actor = engine_->options().actor;
            Record made;
            made.kind = Kind::version;
            made.key = version_key(version->name, version->version);
            made.action = Action::version;
            made.actor = options.actor;
            made.value = version->record.encode();
            SYMPHONY_TRY(transaction.add(std::move(made)));
        } else if (!options.name.empty()) {
            version = SYMPHONY_TRY(index.newest(options.name));
        } else {
            version = SYMPHONY_TRY(index.newest_name_of(content.id));
        }
        info = info_of(content.id, record, version ? &*version : nullptr);
        return {};
    };
}

Result<ArtifactInfo> StoreImpl::put(Bytes bytes, const PutOptions& options) {
    SYMPHONY_TRY(engine_->refuse_reader());
    SYMPHONY_TRY(check_options(options));
    if (bytes.size() > journal_content_max) {
        for (int tries = 0;; ++tries) {
            auto stream = SYMPHONY_TRY(begin_put(options));
            auto appended = stream->append(bytes);
            auto done = appended ? stream->finish() : Result<ArtifactInfo>(std::move(appended).error());
            // The bytes are still at hand: a file that failed, or chunks that were collected meanwhile, cost only time.
            if (done || tries > 0 || (done.error().reason() != "put-expired" && done.error().code() != Code::io)) return done;
        }
    }
    const auto active = engine_->begin_put();
    Content content = prepare(bytes);
    return commit_content(content, options);
}

} // namespace symphony::store
