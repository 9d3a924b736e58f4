// SPDX-License-Identifier: Apache-2.0
#include "port_records.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <cmath>

namespace symphony::store {
namespace {

constexpr std::size_t name_bytes_max = 1024, tag_bytes_max = 255, type_bytes_max = 255, message_bytes_max = 64 * 1024;
constexpr std::size_t maker_bytes_max = 256, tags_max = 64, inputs_max = 1024;

std::string hex_or_nothing(const std::optional<ContentId>& id) { return id ? id->hex() : std::string(); }

std::vector<std::string> hexes(const std::vector<ContentId>& ids) {
    std::vector<std::string> out;
    out.reserve(ids.size());
    for (const ContentId& id : ids) out.push_back(id.hex());
    return out;
}

ports::ArtifactMadeBy to_port(const MadeBy& maker) { return {maker.run, maker.node, maker.plugin_digest}; }

/// U+0000 to U+001F, U+007F, and U+0080 to U+009F, on which terminals act.
bool has_control(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7F) return true;
        if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
    }
    return false;
}

Status check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        return Error(Code::invalid_argument, "bad-text", std::string(what) + ": " + std::to_string(text.size()) + " bytes, at most " + std::to_string(bytes_max));
    }
    if (!is_valid_utf8(text)) return Error(Code::invalid_argument, "bad-text", std::string(what) + " is no UTF-8");
    return {};
}

Error too_many(std::string_view what, std::size_t found, std::size_t most) {
    return {Code::invalid_argument, "too-many", std::to_string(found) + " " + std::string(what) + " in one call, at most " + std::to_string(most)};
}

} // namespace

Status check_artifact_name(std::string_view name) {
    if (name.empty() || name.size() > name_bytes_max) {
        return Error(Code::invalid_argument, "bad-name", "a name has 1 to 1024 bytes, and this one has " + std::to_string(name.size()));
    }
    if (!is_valid_utf8(name) || has_control(name)) return Error(Code::invalid_argument, "bad-name", "a name is UTF-8 without control characters");
    return {};
}

Status check_artifact_tag(std::string_view tag) {
    if (tag.empty() || tag.size() > tag_bytes_max) {
        return Error(Code::invalid_argument, "bad-tag", "a tag has 1 to 255 bytes, and this one has " + std::to_string(tag.size()));
    }
    if (!is_valid_utf8(tag) || has_control(tag)) return Error(Code::invalid_argument, "bad-tag", "a tag is UTF-8 without control characters");
    return {};
}

ports::ArtifactOrigin to_port(const Origin& origin) { return {hexes(origin.inputs), to_port(origin.made_by), origin.made_ms}; }

ports::ArtifactInfo to_port(const ArtifactInfo& info) {
    ports::ArtifactInfo out;
    out.id = info.id.hex();
    out.size = info.size;
    out.media_type = info.media_type;
    out.type = info.type;
    out.name = info.name;
    out.version = info.version;
    out.parent = hex_or_nothing(info.parent);
    out.message = info.message;
    out.tags = info.tags;
    out.origins = to_port_list<ports::ArtifactOrigin>(info.origins);
    out.quality = info.quality;
    out.created_unix_ms = info.created_ms;
    out.changed_unix_ms = info.changed_ms;
    out.pinned = info.pinned;
    out.held = info.held;
    out.hold_reason = info.hold_reason;
    out.lease_until_unix_ms = info.lease_until_ms;
    out.chunks = info.chunks;
    return out;
}

ports::ArtifactVersion to_port(const Version& version) {
    return {version.name, version.version, version.id.hex(), hex_or_nothing(version.parent), version.message,
            version.created_ms, version.size, version.actor, to_port(version.made_by)};
}

ports::LineageNode to_port(const LineageNode& node) {
    return {node.id.hex(), node.depth, node.present, node.name, node.version, to_port_list<ports::ArtifactOrigin>(node.origins)};
}

ports::ArtifactChange to_port(const Change& change) {
    return {change.sequence, change.time_ms, change.action, change.actor, hex_or_nothing(change.id), change.name, change.version, change.detail};
}

ports::ArtifactDifference to_port(const ContentId& a, const ContentId& b, const Difference& found) {
    return {a.hex(), b.hex(), found.size_a, found.size_b, found.shared, found.first_differs, found.same};
}

ports::CollectReport to_port(const CollectReport& report) {
    return {report.artifacts_dropped, report.condemned, report.resurrected, report.waiting, report.blobs_deleted, report.packs_deleted,
            report.packs_rewritten, report.freed_bytes, report.trash_emptied_bytes, hexes(report.dropped)};
}

ports::StoreFinding to_port(const Finding& finding) {
    return {std::string(name_of(finding.damage)), finding.where, finding.text, finding.hint, finding.artifacts};
}

ports::VerifyReport to_port(const VerifyReport& report) {
    return {report.good(), report.packs, report.blobs, report.bytes, report.artifacts, to_port_list<ports::StoreFinding>(report.findings), report.findings_total};
}

ports::RepairReport to_port(const RepairReport& report) {
    return {report.index_rebuilt, report.packs_salvaged, report.blobs_saved, report.blobs_lost, report.lost, to_port_list<ports::StoreFinding>(report.findings)};
}

ports::StoreStats to_port(const Stats& stats, const Description& what) {
    ports::StoreStats out;
    out.repository = what.repository;
    out.format = what.format;
    out.suite = name_of(what.suite);
    out.profile = name_of(what.profile);
    out.artifacts = stats.artifacts;
    out.versions = stats.versions;
    out.names = stats.names;
    out.tags = stats.tags;
    out.content_bytes = stats.content_bytes;
    out.unique_bytes = stats.unique_bytes;
    out.stored_bytes = stats.stored_bytes;
    out.packs = stats.packs;
    out.pack_bytes = stats.pack_bytes;
    out.open_packs = stats.open_packs;
    out.dead_bytes = stats.dead_bytes;
    out.index_bytes = stats.index_bytes;
    out.trash_bytes = stats.trash_bytes;
    out.leases = stats.leases;
    out.references = stats.references;
    out.condemned = stats.condemned;
    out.quota_bytes = stats.quota_bytes;
    out.quota_artifacts = stats.quota_artifacts;
    out.last_sequence = stats.last_sequence;
    return out;
}

Result<ContentId> resolve(Store& store, std::string_view id_or_name) {
    if (const auto id = ContentId::parse(id_or_name)) return *id;
    return SYMPHONY_TRY(store.info(id_or_name)).id;
}

Result<PutOptions> from_port(Store& store, const ports::PutOptions& options) {
    if (!options.name.empty()) SYMPHONY_TRY(check_artifact_name(options.name));
    SYMPHONY_TRY(check_text("the media type", options.media_type, type_bytes_max));
    SYMPHONY_TRY(check_text("the type", options.type, type_bytes_max));
    SYMPHONY_TRY(check_text("the message", options.message, message_bytes_max));
    for (const std::string* maker : {&options.made_by.run, &options.made_by.node, &options.made_by.plugin_digest}) {
        SYMPHONY_TRY(check_text("made_by", *maker, maker_bytes_max));
    }
    if (options.tags.size() > tags_max) return too_many("tags", options.tags.size(), tags_max);
    for (const std::string& tag : options.tags) SYMPHONY_TRY(check_artifact_tag(tag));
    if (options.inputs.size() > inputs_max) return too_many("inputs", options.inputs.size(), inputs_max);
    PutOptions out;
    out.media_type = options.media_type;
    out.type = options.type;
    out.name = options.name;
    out.message = options.message;
    out.tags = options.tags;
    for (const std::string& input : options.inputs) {
        auto id = resolve(store, input);
        if (!id) return std::move(id).error().in("input \"" + input + "\"");
        out.inputs.push_back(*id);
    }
    std::sort(out.inputs.begin(), out.inputs.end());
    out.inputs.erase(std::unique(out.inputs.begin(), out.inputs.end()), out.inputs.end());
    out.made_by = {options.made_by.run, options.made_by.node, options.made_by.plugin_digest};
    constexpr std::uint64_t lease_ms_max = 30ull * 24 * 3'600'000;
    out.lease = std::chrono::milliseconds(std::min(options.lease_ms, lease_ms_max));
    out.after_version = options.after_version;
    return out;
}

Filter from_port(const ports::ArtifactFilter& filter) {
    Filter out;
    out.name_prefix = filter.name_prefix;
    out.tag = filter.tag;
    out.media_type = filter.media_type;
    out.type = filter.type;
    out.run = filter.run;
    out.created_from_ms = filter.created_from_unix_ms;
    if (filter.created_to_unix_ms != 0) out.created_to_ms = filter.created_to_unix_ms;
    return out;
}

CollectOptions from_port(const ports::CollectOptions& options) {
    CollectOptions out;
    out.dry_run = options.dry_run;
    out.drop_soft = options.drop_soft;
    out.empty_trash = options.empty_trash;
    if (options.repack_below < 0) out.repack_below = 0;
    else if (options.repack_below > 0) out.repack_below = std::min(options.repack_below, 1.0);
    return out;
}

Result<VerifyOptions> from_port(const ports::VerifyOptions& options) {
    VerifyOptions out;
    out.depth = options.depth == ports::VerifyDepth::data ? Depth::data : Depth::quick;
    out.seed = options.seed;
    if (!std::isfinite(options.sample) || options.sample < 0 || options.sample > 1) {
        return Error(Code::invalid_argument, "bad-sample", "a sample is a share from 0 to 1");
    }
    out.sample = options.sample == 0 ? 1.0 : options.sample;
    return out;
}

} // namespace symphony::store
