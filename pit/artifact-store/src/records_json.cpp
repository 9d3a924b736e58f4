// SPDX-License-Identifier: Apache-2.0
#include "records_json.hpp"

#include "words.hpp"

namespace symphony::store {
namespace {

void put_time(ValueBuilder& to, const std::string& name, std::uint64_t unix_ms) {
    to.add(name + "_unix_ms", unix_ms).add(name, time_stamp(unix_ms));
}

void put_maker(ValueBuilder& to, const MadeBy& maker) {
    to.key("made_by").map().add("run", maker.run).add("node", maker.node).add("plugin_digest", maker.plugin_digest).end();
}

void put_origins(ValueBuilder& to, const std::vector<Origin>& origins) {
    to.key("origins").list(origins.size());
    for (const Origin& origin : origins) {
        to.map().key("inputs").list(origin.inputs.size());
        for (const ContentId& input : origin.inputs) to.text(input.hex());
        to.end();
        put_maker(to, origin.made_by);
        put_time(to, "made", origin.made_ms);
        to.end();
    }
    to.end();
}

} // namespace

void put_json_texts(ValueBuilder& to, std::string_view key, const std::vector<std::string>& texts) {
    to.key(key).list(texts.size());
    for (const std::string& text : texts) to.text(text);
    to.end();
}

void put_json(ValueBuilder& to, const ArtifactInfo& info) {
    to.map().add("id", info.id.hex()).add("size", info.size).add("media_type", info.media_type).add("type", info.type);
    to.add("name", info.name).add("version", info.version).add("parent", info.parent ? info.parent->hex() : std::string()).add("message", info.message);
    put_json_texts(to, "tags", info.tags);
    put_origins(to, info.origins);
    if (info.quality >= 0) to.add("quality", info.quality);
    put_time(to, "created", info.created_ms);
    put_time(to, "changed", info.changed_ms);
    to.add("pinned", info.pinned).add("held", info.held).add("hold_reason", info.hold_reason).add("chunks", info.chunks);
    put_time(to, "lease_until", info.lease_until_ms);
    to.end();
}

void put_json(ValueBuilder& to, const Version& version) {
    to.map().add("name", version.name).add("version", version.version).add("id", version.id.hex());
    to.add("parent", version.parent ? version.parent->hex() : std::string()).add("message", version.message).add("size", version.size).add("actor", version.actor);
    put_maker(to, version.made_by);
    put_time(to, "created", version.created_ms);
    to.end();
}

void put_json(ValueBuilder& to, const Change& change) {
    to.map().add("sequence", change.sequence).add("action", change.action).add("actor", change.actor).add("id", change.id ? change.id->hex() : std::string());
    to.add("name", change.name).add("version", change.version).add("detail", change.detail);
    put_time(to, "time", change.time_ms);
    to.end();
}

void put_json(ValueBuilder& to, const LineageNode& node) {
    to.map().add("id", node.id.hex()).add("depth", node.depth).add("present", node.present).add("name", node.name).add("version", node.version);
    put_origins(to, node.origins);
    to.end();
}

void put_json(ValueBuilder& to, const Finding& finding) {
    to.map().add("damage", name_of(finding.damage)).add("where", finding.where).add("text", finding.text).add("hint", finding.hint);
    put_json_texts(to, "artifacts", finding.artifacts);
    to.end();
}

void put_json(ValueBuilder& to, const ports::QualityReport& report) {
    to.map().add("score", report.score).add("scorer", report.scorer).key("parts").list();
    for (const auto& part : report.parts) {
        to.map().add("name", part.name).add("score", part.score).add("weight", part.weight);
        put_json_texts(to, "reasons", part.reasons);
        to.end();
    }
    to.end().end();
}

void put_json(ValueBuilder& to, const Error& error) {
    to.map().add("code", name_of(error.code())).add("reason", error.reason()).add("message", error.message()).add("hint", error.hint()).end();
}

} // namespace symphony::store
