// SPDX-License-Identifier: Apache-2.0
// `artifact log`, `show` and `list`: what is there.
#include "commands.hpp"
#include "json_text.hpp"
#include "quality.hpp"
#include "records_json.hpp"
#include "words.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace symphony::store {
namespace {

std::string score_words(double score) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.2f", score);
    return text.data();
}

std::string named(const std::string& name, std::uint32_t version) { return name.empty() ? std::string("-") : shown(name) + "@" + std::to_string(version); }

/// The first line of a message, not too long for a table.
std::string subject(const std::string& message) { return shown(message.substr(0, message.find('\n')), 72); }

/// The newest changes, newest first. The feed runs forward, so the end of it is looked for.
Result<std::vector<Change>> newest_changes(Store& store, std::uint64_t limit) {
    const std::uint64_t last = SYMPHONY_TRY(store.last_sequence());
    std::vector<Change> out;
    // Numbers may have gaps; a few times as many numbers hold as many changes, or else the rest is read too.
    for (std::uint64_t span = limit * 2;; span *= 4) {
        const std::uint64_t from = last > span ? last - span : 0;
        out.clear();
        for (std::uint64_t at = from;;) {
            const auto page = SYMPHONY_TRY(store.changes(at, 1000));
            if (page.empty()) break;
            out.insert(out.end(), page.begin(), page.end());
            at = page.back().sequence;
        }
        if (out.size() >= limit || from == 0) break;
    }
    std::reverse(out.begin(), out.end());
    if (out.size() > limit) out.resize(limit);
    return out;
}

Result<std::int32_t> log_of_store(CommandLine& line, Store& store, std::uint64_t limit) {
    const auto changes = SYMPHONY_TRY(newest_changes(store, limit));
    if (line.json()) {
        ValueBuilder out;
        out.map();
        put_json_list(out, "changes", changes);
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    std::vector<std::vector<std::string>> rows{{"WHEN", "WHAT", "BY", "ID", "NAME", ""}};
    for (const Change& change : changes) {
        rows.push_back({time_words(change.time_ms), change.action, shown(change.actor, 40), change.id ? short_id(change.id->hex()) : "-",
                        named(change.name, change.version), shown(change.detail, 72)});
    }
    line.write(ports::CommandStream::out, table(rows));
    return done;
}

void show_origins(const CommandLine& line, const ArtifactInfo& info) {
    for (const Origin& origin : info.origins) {
        std::string text = "made       " + time_words(origin.made_ms);
        if (!origin.made_by.node.empty()) text += ", node " + shown(origin.made_by.node);
        if (!origin.made_by.run.empty()) text += ", run " + shown(origin.made_by.run);
        line.out(text);
        if (!origin.made_by.plugin_digest.empty()) line.out("  by       " + shown(origin.made_by.plugin_digest));
        for (const ContentId& input : origin.inputs) line.out("  from     " + input.hex());
    }
}

void show_quality(const CommandLine& line, const ports::QualityReport& report) {
    line.out("quality    " + line.bold(score_words(report.score)) + (report.scorer == "built-in" ? "" : " by " + shown(report.scorer)));
    for (const auto& part : report.parts) {
        std::string reasons;
        for (const std::string& reason : part.reasons) reasons += (reasons.empty() ? "" : "; ") + shown(reason);
        line.out("  " + score_words(part.score) + " x " + score_words(part.weight) + "  " + shown(part.name) + ": " + reasons);
    }
}

void show_info(const CommandLine& line, const ArtifactInfo& info) {
    const auto row = [&](std::string label, const std::string& text) {
        if (text.empty()) return;
        label.resize(11, ' ');
        line.out(label + text);
    };
    row("id", line.bold(info.id.hex()));
    if (!info.name.empty()) row("name", line.bold(named(info.name, info.version)));
    row("size", size_words(info.size) + " (" + std::to_string(info.size) + " bytes, " + count_words(info.chunks, "chunk") + ")");
    row("media type", shown(info.media_type));
    row("type", shown(info.type));
    row("message", shown(info.message));
    std::string tags;
    for (const std::string& tag : info.tags) tags += (tags.empty() ? "" : ", ") + shown(tag);
    row("tags", tags);
    row("created", time_words(info.created_ms));
    if (info.changed_ms > info.created_ms) row("changed", time_words(info.changed_ms));
    if (info.parent) row("parent", info.parent->hex());
    if (info.pinned) row("pinned", "yes");
    if (info.held) row("held", info.hold_reason.empty() ? "yes" : shown(info.hold_reason));
    if (info.lease_until_ms != 0) row("lease", "until " + time_words(info.lease_until_ms));
}

Result<Filter> filter_of(const CommandLine& line) {
    Filter filter;
    filter.name_prefix = line.text("name");
    filter.tag = line.text("tag");
    filter.media_type = line.text("media-type");
    filter.type = line.text("type");
    filter.run = line.text("run");
    filter.created_from_ms = SYMPHONY_TRY(line.moment("since", 0));
    filter.created_to_ms = SYMPHONY_TRY(line.moment("until", ~std::uint64_t{0}));
    return filter;
}

Result<std::int32_t> list_names(CommandLine& line, Store& store, std::uint64_t limit) {
    std::vector<Version> items;
    std::string after;
    do {
        auto page = SYMPHONY_TRY(store.names(line.text("name"), after, static_cast<std::uint32_t>(std::min<std::uint64_t>(1000, limit - items.size()))));
        items.insert(items.end(), page.items.begin(), page.items.end());
        after = std::move(page.next);
    } while (!after.empty() && items.size() < limit);
    if (line.json()) {
        ValueBuilder out;
        out.map();
        put_json_list(out, "names", items);
        SYMPHONY_TRY(line.json_out(out.add("more", !after.empty()).end().build()));
        return done;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "SIZE", "CREATED", "NAME"}};
    for (const Version& item : items) rows.push_back({short_id(item.id.hex()), size_words(item.size), time_words(item.created_ms), named(item.name, item.version)});
    line.write(ports::CommandStream::out, table(rows, "lr"));
    if (!after.empty()) line.err("there are more; --limit shows them");
    return done;
}

} // namespace

Result<std::int32_t> command_log(CommandLine& line) {
    const std::uint64_t limit = SYMPHONY_TRY(line.number("limit", 50, 1, 10'000));
    const auto store = SYMPHONY_TRY(line.reading());
    if (!line.given("name")) return log_of_store(line, *store, limit);
    std::string name = line.text("name");
    auto found = store->history(name, static_cast<std::uint32_t>(limit));
    if (!found || found->empty()) { // an id, or NAME@VERSION: of its name
        const ArtifactInfo info = SYMPHONY_TRY(store->info(name));
        if (info.name.empty()) return Error(Code::not_found, "no-versions", info.id.hex() + " has no name, and so no versions", "give it one: symphony artifact put FILE --name NAME");
        name = info.name;
        found = store->history(name, static_cast<std::uint32_t>(limit));
    }
    const auto versions = SYMPHONY_TRY(std::move(found));
    if (line.json()) {
        ValueBuilder out;
        out.map().add("name", name);
        put_json_list(out, "versions", versions);
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    std::vector<std::vector<std::string>> rows{{"VERSION", "ID", "SIZE", "CREATED", "BY", "MESSAGE"}};
    for (const Version& version : versions) {
        rows.push_back({std::to_string(version.version), short_id(version.id.hex()), size_words(version.size), time_words(version.created_ms), shown(version.actor, 40), subject(version.message)});
    }
    line.write(ports::CommandStream::out, table(rows, "rlr"));
    return done;
}

Result<std::int32_t> command_show(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.reading());
    const ArtifactInfo info = SYMPHONY_TRY(store->info(line.text("id")));
    const auto quality = Quality(line.session()).assess(*store, info, &line.call());
    if (line.json()) {
        ValueBuilder out;
        out.map().key("artifact");
        put_json(out, info);
        out.key("quality");
        if (quality) put_json(out, *quality);
        else out.null();
        SYMPHONY_TRY(line.json_out(out.end().build()));
    } else {
        show_info(line, info);
        show_origins(line, info);
        if (quality) show_quality(line, *quality);
    }
    if (!quality) { // a content that cannot be read has no score, and its record is told all the same
        line.problem(Error(quality.error()).in("the quality of " + short_id(info.id.hex())));
        return work_failed;
    }
    return done;
}

Result<std::int32_t> command_list(CommandLine& line) {
    const std::uint64_t limit = SYMPHONY_TRY(line.number("limit", 100, 1, 1'000'000));
    const Filter filter = SYMPHONY_TRY(filter_of(line));
    const auto store = SYMPHONY_TRY(line.reading());
    if (line.on("names")) return list_names(line, *store, limit);
    std::vector<ArtifactInfo> items;
    std::string after;
    do {
        auto page = SYMPHONY_TRY(store->list(filter, after, static_cast<std::uint32_t>(std::min<std::uint64_t>(1000, limit - items.size()))));
        items.insert(items.end(), page.items.begin(), page.items.end());
        after = std::move(page.next);
    } while (!after.empty() && items.size() < limit && !line.cancelled());
    if (line.json()) {
        ValueBuilder out;
        out.map();
        put_json_list(out, "artifacts", items);
        SYMPHONY_TRY(line.json_out(out.add("more", !after.empty()).end().build()));
        return done;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "SIZE", "CREATED", "MEDIA TYPE", "NAME", "TAGS"}};
    for (const ArtifactInfo& info : items) {
        std::string tags;
        for (const std::string& tag : info.tags) tags += (tags.empty() ? "" : ",") + shown(tag);
        rows.push_back({short_id(info.id.hex()), size_words(info.size), time_words(info.created_ms), shown(info.media_type, 40), named(info.name, info.version), tags});
    }
    line.write(ports::CommandStream::out, table(rows, "lr"));
    if (!after.empty()) line.err("there are more; --limit shows them");
    return done;
}

} // namespace symphony::store
