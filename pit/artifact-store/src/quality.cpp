// SPDX-License-Identifier: Apache-2.0
#include "quality.hpp"

#include "json_text.hpp"
#include "media_type.hpp"

#include <symphony/ports/operator.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <cmath>

namespace symphony::store {
namespace {

constexpr double structure_weight = 0.40, completeness_weight = 0.35, use_weight = 0.25;
constexpr std::uint32_t outputs_max = 64;
constexpr std::size_t operator_text_bytes_max = 64 * 1024;
constexpr std::size_t operator_parts_max = 16, operator_reasons_max = 16;

/// Is the content what it says it is?
ports::QualityPart structure_of(const QualityFacts& facts) {
    ports::QualityPart part{"structure", 0, structure_weight, {}};
    const ArtifactInfo& info = facts.info;
    const auto say = [&](double score, std::string reason) {
        part.score = score;
        part.reasons.push_back(std::move(reason));
        return part;
    };
    if (info.size == 0) return say(0, "it is empty");
    const bool whole = facts.beginning.size() == info.size;
    const std::string_view found = media_type_by_content(facts.beginning);
    const std::string_view bare = std::string_view(info.media_type).substr(0, info.media_type.find(';'));
    if (bare == "application/json" || bare.ends_with("+json")) {
        if (!whole) return say(0.7, "JSON that is too long to be read whole");
        const auto read = value_of_json(facts.beginning.text());
        return read ? say(1, "it can be read as JSON") : say(0.1, "it is no JSON: " + read.error().message());
    }
    if (is_text_type(bare)) {
        if (!looks_like_text(facts.beginning)) return say(0.1, "it says " + info.media_type + ", and is not UTF-8");
        const std::string_view text = facts.beginning.text();
        const auto odd = static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r'; }));
        if (odd > 0) return say(0.6, "text with control characters");
        const bool blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
        return blank ? say(0.2, "text of nothing but blanks") : say(1, "well-formed text");
    }
    if (bare.empty()) return say(0.4, "nothing says what it is");
    if (!found.empty() && found == bare) return say(1, "it begins as " + info.media_type + " does");
    if (!found.empty()) return say(0.2, "it says " + info.media_type + ", and begins as " + std::string(found));
    return say(0.5, "nothing is known about the form of " + info.media_type);
}

/// Is it known what it is, whose, and where it comes from?
ports::QualityPart completeness_of(const QualityFacts& facts) {
    ports::QualityPart part{"completeness", 0, completeness_weight, {}};
    const ArtifactInfo& info = facts.info;
    const auto has_origin = [&](auto known) { return std::any_of(info.origins.begin(), info.origins.end(), known); };
    const auto look = [&](double share, bool there, const char* what) {
        if (there) part.score += share;
        part.reasons.push_back(std::string(there ? "has " : "has no ") + what);
    };
    look(0.2, !info.media_type.empty(), "media type");
    look(0.2, !info.name.empty(), "name");
    look(0.1, !info.message.empty(), "message");
    look(0.2, !info.tags.empty(), "tags");
    look(0.1, !info.type.empty(), "type");
    look(0.2, has_origin([](const Origin& origin) { return !origin.inputs.empty() || !origin.made_by.run.empty() || !origin.made_by.plugin_digest.empty(); }),
         "origin (inputs, run or plugin)");
    part.score = std::min(part.score, 1.0);
    return part;
}

/// Does anything need it? 1 - 1 / (1 + n): the first use counts most.
ports::QualityPart use_of(const QualityFacts& facts) {
    ports::QualityPart part{"use", 0, use_weight, {}};
    double uses = 0;
    const auto add = [&](double n, const std::string& reason) {
        uses += n;
        part.reasons.push_back(reason);
    };
    if (facts.outputs > 0) add(static_cast<double>(facts.outputs), std::to_string(facts.outputs) + (facts.outputs == 1 ? " artifact was" : " artifacts were") + " made from it");
    if (facts.info.pinned) add(1, "it is pinned");
    if (facts.info.held) add(1, "it is held");
    if (facts.info.origins.size() > 1) add(static_cast<double>(facts.info.origins.size() - 1), "it was made " + std::to_string(facts.info.origins.size()) + " times");
    if (facts.info.version > 1) add(0.5, "it is the successor of an older version");
    if (facts.later_versions > 0) {
        part.reasons.push_back("a newer version is there");
        uses /= 2;
    }
    part.score = 1 - 1 / (1 + uses);
    if (uses == 0) part.reasons.insert(part.reasons.begin(), "nothing uses it yet");
    return part;
}

double mean_of(const std::vector<ports::QualityPart>& parts) {
    double sum = 0, weights = 0;
    for (const auto& part : parts) {
        sum += part.score * part.weight;
        weights += part.weight;
    }
    return weights > 0 ? std::clamp(sum / weights, 0.0, 1.0) : 0;
}

Value operator_input(const QualityFacts& facts) {
    const ArtifactInfo& info = facts.info;
    ValueBuilder out;
    out.map().add("id", info.id.hex()).add("size", info.size).add("media_type", info.media_type).add("type", info.type).add("name", info.name);
    out.add("version", info.version).add("message", info.message).add("pinned", info.pinned).add("held", info.held);
    out.add("outputs", facts.outputs).add("later_versions", facts.later_versions).key("tags").list();
    for (const std::string& tag : info.tags) out.text(tag);
    out.end().key("origins").list();
    for (const Origin& origin : info.origins) {
        out.map().add("run", origin.made_by.run).add("node", origin.made_by.node).add("plugin_digest", origin.made_by.plugin_digest).key("inputs").list();
        for (const ContentId& input : origin.inputs) out.text(input.hex());
        out.end().end();
    }
    out.end();
    if (looks_like_text(facts.beginning)) out.add("text", facts.beginning.text().substr(0, valid_utf8_prefix(facts.beginning.text().substr(0, operator_text_bytes_max))));
    return out.end().build();
}

Error bad_answer(const std::string& who, const char* why) {
    return {Code::plugin_failed, "bad-score", who + ": its answer " + why, "it has to answer { score = 0 to 1, parts = list<map>? }"};
}

} // namespace

ports::QualityReport built_in_score(const QualityFacts& facts) {
    ports::QualityReport out{0, "built-in", {structure_of(facts), completeness_of(facts), use_of(facts)}};
    out.score = mean_of(out.parts);
    return out;
}

Result<ports::QualityReport> Quality::ask_operator(const QualityFacts& facts, const Call* parent) const {
    const std::string& who = session_.settings().quality_operator;
    const std::size_t dot = who.find('.');
    const std::string plugin = who.substr(0, dot);
    const std::string operation = dot == std::string::npos ? "score" : who.substr(dot + 1);
    const auto client = SYMPHONY_TRY(ports::OperatorClient::acquire(session_.host(), plugin));
    CallOptions<Value> options;
    options.parent = parent;
    const Value answer = SYMPHONY_TRY(client.apply(operation, operator_input(facts), options));
    const double score = answer["score"].as_double(-1);
    if (!answer["score"].is_number() || !(score >= 0 && score <= 1)) return bad_answer(who, "has no score from 0 to 1");
    ports::QualityReport out{score, who, {}};
    for (const ValueView part : answer["parts"].items()) {
        if (out.parts.size() >= operator_parts_max) break;
        ports::QualityPart told{std::string(part["name"].as_text()), std::clamp(part["score"].as_double(0), 0.0, 1.0), part["weight"].as_double(1), {}};
        for (const ValueView reason : part["reasons"].items()) {
            if (told.reasons.size() < operator_reasons_max) told.reasons.emplace_back(reason.as_text());
        }
        out.parts.push_back(std::move(told));
    }
    return out;
}

Result<ports::QualityReport> Quality::assess(Store& store, const ArtifactInfo& info, const Call* parent) const {
    QualityFacts facts;
    facts.info = info;
    if (info.size > 0) facts.beginning = SYMPHONY_TRY(store.get(info.id, 0, std::min<std::uint64_t>(info.size, beginning_bytes_max)));
    const auto outputs = SYMPHONY_TRY(store.lineage(info.id, Direction::outputs, 1, outputs_max));
    facts.outputs = static_cast<std::uint64_t>(std::count_if(outputs.begin(), outputs.end(), [](const LineageNode& node) { return node.depth == 1; }));
    if (!info.name.empty()) {
        const auto newest = SYMPHONY_TRY(store.history(info.name, 1));
        if (!newest.empty() && newest.front().version > info.version) facts.later_versions = newest.front().version - info.version;
    }
    if (session_.settings().quality_operator.empty()) return built_in_score(facts);
    return ask_operator(facts, parent);
}

} // namespace symphony::store
