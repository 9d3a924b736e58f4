// SPDX-License-Identifier: Apache-2.0
#include "bundle.hpp"

#include "codec.hpp"
#include "store_impl.hpp"

#include <algorithm>

namespace symphony::store {

std::vector<std::uint8_t> BundleArtifact::encode() const {
    ByteWriter out;
    out.digest(id);
    ArtifactRecord bare = record;
    bare.parts = record.size == 0 ? std::vector<Part>() : std::vector<Part>{{id, record.size}};
    bare.lists = false;
    bare.chunks = 0;
    out.raw(bare.encode());
    return out.take();
}
std::optional<BundleArtifact> BundleArtifact::decode(Bytes bytes) {
    ByteReader in(bytes);
    BundleArtifact out;
    out.id = in.digest();
    auto record = ArtifactRecord::decode(in.raw(in.left()));
    if (!record) return std::nullopt;
    out.record = *std::move(record);
    return out;
}
std::vector<std::uint8_t> BundleVersion::encode() const {
    ByteWriter out;
    out.text(name);
    out.raw(record.encode());
    return out.take();
}
std::optional<BundleVersion> BundleVersion::decode(Bytes bytes) {
    ByteReader in(bytes);
    BundleVersion out;
    out.name = in.text(name_bytes_max);
    auto record = VersionRecord::decode(in.raw(in.left()));
    if (!record) return std::nullopt;
    out.record = *std::move(record);
    return out;
}

std::uint64_t PartHead::sum_of(Bytes payload) const {
    ByteWriter head;
    head.u8(static_cast<std::uint8_t>(type));
    head.u32(size);
    return checksum(payload, checksum(head.bytes()));
}
std::vector<std::uint8_t> encode_part(PartType type, Bytes payload) {
    const PartHead head{type, static_cast<std::uint32_t>(payload.size()), 0};
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(type));
    out.u32(head.size);
    out.u64(head.sum_of(payload));
    out.raw(payload);
    return out.take();
}
std::optional<PartHead> PartHead::decode(Bytes bytes) {
    ByteReader in(bytes);
    const std::uint8_t type = in.u8();
    PartHead head{static_cast<PartType>(type), in.u32(), 0};
    head.sum = in.u64();
    // Records of artifacts may name many inputs; nothing else is larger than a piece of data.
    if (!in.good() || type < 1 || type > 5 || head.size > blob_bytes_max) return std::nullopt;
    return head;
}

namespace {

/// Where an imported or pulled artifact goes: what is known of it here stays, what is new is added.
class Receiver {
public:
    explicit Receiver(StoreImpl& store) : store_(store), engine_(store.engine()) {}

    Result<bool> has(const ContentId& id) {
        auto reader = SYMPHONY_TRY(engine_.read());
        return SYMPHONY_TRY(reader->artifact(id)).has_value();
    }

    static PutOptions options_of(const ArtifactRecord& record) {
        PutOptions options;
        options.media_type = record.media_type;
        options.type = record.type;
        options.tags = record.tags;
        return options;
    }

    Status merge(const ContentId& id, const ArtifactRecord& from) {
        return store_.change_artifact(id, Action::update, "received", [&](ArtifactRecord& record) -> Result<bool> {
            const ArtifactRecord before = record;
            std::set<std::string> tags(record.tags.begin(), record.tags.end());
            tags.insert(from.tags.begin(), from.tags.end());
            if (tags.size() <= tags_max) record.tags.assign(tags.begin(), tags.end());
            for (const Origin& origin : from.origins) {
                if (record.origins.size() < origins_max && std::find(record.origins.begin(), record.origins.end(), origin) == record.origins.end()) record.origins.push_back(origin);
            }
            if (record.quality < 0) record.quality = from.quality;
            if (record.media_type.empty()) record.media_type = from.media_type;
            if (record.type.empty()) record.type = from.type;
            if (from.created_ms != 0) record.created_ms = std::min(record.created_ms, from.created_ms);
            return record.encode() != before.encode();
        });
    }

    /// @return Whether the version is new here.
    Result<bool> add_version(const std::string& name, const VersionRecord& from) {
        SYMPHONY_TRY(check_name(name));
        bool added = false;
        SYMPHONY_TRY(engine_.commit([&](Transaction& transaction) -> Status {
            added = false;
            Index& index = transaction.index();
            if (!SYMPHONY_TRY(index.artifact(from.id))) return unknown_artifact(from.id.hex());
            for (const VersionRow& known : SYMPHONY_TRY(index.versions_of(from.id))) {
                if (known.name == name && known.record.created_ms == from.created_ms) return {};
            }
            const auto newest = SYMPHONY_TRY(index.newest(name));
            if (newest && newest->record.id == from.id) return {};
            VersionRecord fresh = from;
            fresh.parent = newest ? std::optional(newest->record.id) : std::nullopt;
            Record record;
            record.kind = Kind::version;
            record.key = version_key(name, newest ? newest->version + 1 : 1);
            record.action = Action::version;
            record.value = fresh.encode();
            added = true;
            return transaction.add(std::move(record));
        }));
        return added;
    }

private:
    StoreImpl& store_;
    Engine& engine_;
};

class Exporter {
public:
    Exporter(StoreImpl& store, const Sink& sink, const ProgressFn& progress) : store_(store), sink_(sink), progress_(progress) {}

    Result<TransferReport> run(std::span<const ContentId> ids) {
        SYMPHONY_TRY(write(bytes_of(bundle_magic)));
        if (ids.empty()) {
            std::int64_t after = 0;
            for (;;) {
                const auto page = SYMPHONY_TRY(next_page(after));
                if (page.empty()) break;
                for (const ContentId& id : page) SYMPHONY_TRY(artifact(id));
            }
        }
        for (const ContentId& id : ids) SYMPHONY_TRY(artifact(id));
        // In the order in which they were made, so that parents come first.
        SYMPHONY_TRY(versions(ids));
        const Digest all = hash_.finish();
        SYMPHONY_TRY(sink_(encode_part(PartType::close, all.bytes)));
        return report_;
    }

private:
    Status write(Bytes bytes) {
        hash_.add(bytes);
        return sink_(bytes);
    }

    Result<std::vector<ContentId>> next_page(std::int64_t& after) {
        auto reader = SYMPHONY_TRY(store_.engine().read());
        std::vector<ContentId> ids;
        auto row = reader->database().prepare("SELECT id, token, record FROM artifacts WHERE id > ? ORDER BY id LIMIT 500");
        row.bind(after);
        while (row.step()) {
            after = row.number(0);
            const auto value = reader->veil().open(row.bytes(1), row.bytes(2));
            if (!value || value->size() < 32) return index_corrupt("the row of an artifact is damaged");
            std::copy_n(value->begin(), 32, ids.emplace_back().bytes.begin());
        }
        SYMPHONY_TRY(row.done());
        return ids;
    }

    Status artifact(const ContentId& id) {
        std::optional<ArtifactRow> row;
        {
            auto reader = SYMPHONY_TRY(store_.engine().read());
            row = SYMPHONY_TRY(reader->artifact(id));
        }
        if (!row) return unknown_artifact(id.hex());
        SYMPHONY_TRY(write(encode_part(PartType::artifact, BundleArtifact{id, row->record}.encode())));
        const auto stream = SYMPHONY_TRY(store_.open_get(id));
        std::vector<std::uint8_t> piece(bundle_part_bytes_max);
        for (;;) {
            const std::size_t got = SYMPHONY_TRY(stream->read(piece));
            if (got == 0) break;
            SYMPHONY_TRY(write(encode_part(PartType::data, Bytes(piece).first(got))));
            report_.bytes += got;
            if (progress_ && !progress_({"artifacts", report_.bytes, 0})) return Error(Code::cancelled, "the export was cancelled; its bundle is not whole");
        }
        ++report_.artifacts;
        return write(encode_part(PartType::end, {}));
    }

    Status versions(std::span<const ContentId> ids) {
        const std::set<ContentId> chosen(ids.begin(), ids.end());
        std::uint64_t after = 0;
        for (;;) {
            std::vector<VersionRow> page;
            {
                auto reader = SYMPHONY_TRY(store_.engine().read());
                auto row = reader->database().prepare("SELECT name, version, record, seq FROM versions WHERE seq > ? ORDER BY seq LIMIT 500");
                row.bind(after);
                while (row.step()) page.push_back(SYMPHONY_TRY(reader->read_version(row)));
                SYMPHONY_TRY(row.done());
            }
            if (page.empty()) return {};
            after = page.back().sequence;
            for (const VersionRow& version : page) {
                if (!chosen.empty() && !chosen.contains(version.record.id)) continue;
                SYMPHONY_TRY(write(encode_part(PartType::version, BundleVersion{version.name, version.record}.encode())));
                ++report_.versions_new;
            }
        }
    }

    StoreImpl& store_;
    const Sink& sink_;
    const ProgressFn& progress_;
    Sha256 hash_;
    TransferReport report_;
};

class Importer {
public:
    Importer(StoreImpl& store, const Source& source, const ProgressFn& progress) : store_(store), source_(source), progress_(progress), receiver_(store) {}

    Result<TransferReport> run() {
        const auto magic = SYMPHONY_TRY(take(bundle_magic.size()));
        if (text_of(magic) != bundle_magic) return Error(Code::invalid_argument, "not-a-bundle", "the input does not begin as a bundle", "make one with `symphony artifact export`");
        hash_.add(magic);
        for (;;) {
            const auto head_bytes = SYMPHONY_TRY(take(part_head_bytes));
            const auto head = PartHead::decode(head_bytes);
            if (!head) return damaged("a part is no part");
            const auto payload = SYMPHONY_TRY(take(head->size));
            if (head->sum_of(payload) != head->sum) return damaged("a part's checksum does not fit");
            if (head->type == PartType::close) {
                if (stream_ || skipping_ || !same_bytes(payload, hash_.finish().bytes)) return damage_error(Damage::tampered, "bundle: its parts are whole, and together they are not what was exported");
                return report_;
            }
            hash_.add(head_bytes);
            hash_.add(payload);
            SYMPHONY_TRY(part(head->type, payload));
        }
    }

private:
    Error damaged(const std::string& what) const {
        return damage_error(Damage::bit_rot, "bundle: at " + std::to_string(offset_) + ": " + what).with_hint("fetch the bundle again; what came before this place is in the store");
    }

    Result<std::vector<std::uint8_t>> take(std::size_t size) {
        std::vector<std::uint8_t> out(size);
        std::size_t got = 0;
        while (got < size) {
            const std::size_t more = SYMPHONY_TRY(source_(std::span(out).subspan(got)));
            if (more == 0) {
                return damage_error(Damage::torn, "bundle: ends at " + std::to_string(offset_ + got) + " within a part").with_hint("fetch the bundle again; what came before this place is in the store");
            }
            got += std::min(more, size - got);
        }
        offset_ += size;
        return out;
    }

    Status part(PartType type, Bytes payload) {
        switch (type) {
        case PartType::artifact: return begin(payload);
        case PartType::data:
            if (!stream_ && !skipping_) return damaged("data of no artifact");
            report_.bytes += stream_ ? payload.size() : 0;
            if (progress_ && !progress_({"artifacts", offset_, 0})) return Error(Code::cancelled, "the import was cancelled; what came before is in the store");
            return stream_ ? stream_->append(payload) : Status();
        case PartType::end: return end();
        case PartType::version: {
            const auto version = BundleVersion::decode(payload);
            if (!version || stream_ || skipping_) return damaged("a version is none");
            report_.versions_new += SYMPHONY_TRY(receiver_.add_version(version->name, version->record)) ? 1 : 0;
            return {};
        }
        case PartType::close: return {};
        }
        return {};
    }

    Status begin(Bytes payload) {
        auto artifact = BundleArtifact::decode(payload);
        if (!artifact || stream_ || skipping_) return damaged("an artifact is none");
        current_ = *std::move(artifact);
        ++report_.artifacts;
        skipping_ = SYMPHONY_TRY(receiver_.has(current_.id));
        if (!skipping_) stream_ = SYMPHONY_TRY(store_.begin_put(Receiver::options_of(current_.record)));
        return {};
    }

    Status end() {
        if (skipping_) {
            skipping_ = false;
            return receiver_.merge(current_.id, current_.record);
        }
        if (!stream_) return damaged("an end of no artifact");
        const auto stream = std::move(stream_);
        const auto info = SYMPHONY_TRY(stream->finish());
        if (info.id != current_.id) return damage_error(Damage::tampered, "bundle: the content of " + current_.id.hex() + " is " + info.id.hex());
        ++report_.artifacts_new;
        return receiver_.merge(current_.id, current_.record);
    }

    StoreImpl& store_;
    const Source& source_;
    const ProgressFn& progress_;
    Receiver receiver_;
    Sha256 hash_;
    std::uint64_t offset_ = 0;
    BundleArtifact current_;
    std::unique_ptr<PutStream> stream_;
    bool skipping_ = false;
    TransferReport report_;
};

ArtifactRecord record_of(const ArtifactInfo& info) {
    ArtifactRecord record;
    record.size = info.size;
    record.media_type = info.media_type;
    record.type = info.type;
    record.tags = info.tags;
    record.origins = info.origins;
    record.quality = info.quality;
    record.created_ms = 0; // that of a version may stand in its place
    return record;
}

} // namespace

Result<TransferReport> StoreImpl::export_bundle(std::span<const ContentId> ids, const Sink& sink, const ProgressFn& progress) {
    return Exporter(*this, sink, progress).run(ids);
}

Result<TransferReport> StoreImpl::import_bundle(const Source& source, const ProgressFn& progress) {
    SYMPHONY_TRY(engine_->refuse_reader());
    return Importer(*this, source, progress).run();
}

Result<TransferReport> StoreImpl::pull(Store& other, const ProgressFn& progress) {
    SYMPHONY_TRY(engine_->refuse_reader());
    Receiver receiver(*this);
    TransferReport report;
    std::string after;
    do {
        const auto page = SYMPHONY_TRY(other.list({}, after, 500));
        for (const ArtifactInfo& info : page.items) {
            ++report.artifacts;
            if (progress && !progress({"artifacts", report.artifacts, 0})) return Error(Code::cancelled, "the pull was cancelled; what came before is in the store");
            if (!SYMPHONY_TRY(receiver.has(info.id))) {
                const auto from = SYMPHONY_TRY(other.open_get(info.id));
                const auto to = SYMPHONY_TRY(begin_put(Receiver::options_of(record_of(info))));
                std::vector<std::uint8_t> piece(std::min<std::uint64_t>(std::max<std::uint64_t>(info.size, 1), 1 << 20));
                for (;;) {
                    const std::size_t got = SYMPHONY_TRY(from->read(piece));
                    if (got == 0) break;
                    SYMPHONY_TRY(to->append(Bytes(piece).first(got)));
                    report.bytes += got;
                }
                if (SYMPHONY_TRY(to->finish()).id != info.id) return damage_error(Damage::tampered, "artifact " + info.id.hex() + ": the other store gave another content");
                ++report.artifacts_new;
            }
            SYMPHONY_TRY(receiver.merge(info.id, record_of(info)));
        }
        after = page.next;
    } while (!after.empty());
    after.clear();
    do {
        const auto page = SYMPHONY_TRY(other.names("", after, 500));
        for (const Version& name : page.items) {
            std::vector<Version> all;
            for (std::uint32_t before = 0;;) {
                const auto some = SYMPHONY_TRY(other.history(name.name, 1000, before));
                if (some.empty()) break;
                all.insert(all.end(), some.begin(), some.end());
                before = some.back().version;
                if (before <= 1) break;
            }
            for (auto version = all.rbegin(); version != all.rend(); ++version) {
                const VersionRecord record{version->id, version->parent, version->message, version->created_ms, version->actor, version->made_by};
                report.versions_new += SYMPHONY_TRY(receiver.add_version(version->name, record)) ? 1 : 0;
            }
        }
        after = page.next;
    } while (!after.empty());
    return report;
}

} // namespace symphony::store
