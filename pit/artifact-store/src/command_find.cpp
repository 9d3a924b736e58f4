// SPDX-License-Identifier: Apache-2.0
// `artifact find`: ranked hits with the part of the text that was found.
#include "commands.hpp"
#include "json_text.hpp"
#include "port_records.hpp"
#include "records_json.hpp"
#include "words.hpp"

#include <algorithm>

namespace symphony::store {
namespace {

constexpr std::uint32_t excerpt_bytes = 240;

/// The words of the command line are one query; each was typed as one argument and is one item of it.
std::string query_of(const std::vector<std::string>& words) {
    std::string query;
    for (const std::string& word : words) query += (query.empty() ? "" : " ") + word;
    return query;
}

/// On one line, the highlights bold; positions are in bytes of the raw excerpt.
std::string excerpt_line(const CommandLine& line, const ports::ArtifactHit& hit) {
    std::string out;
    std::size_t at = 0;
    const auto plain = [](std::string_view text) {
        std::string flat(text);
        std::replace_if(flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
        return shown(flat);
    };
    const std::string_view excerpt = hit.excerpt;
    for (std::size_t i = 0; i + 1 < hit.highlights.size(); i += 2) {
        const std::size_t begin = hit.highlights[i], length = hit.highlights[i + 1];
        if (begin < at || begin > excerpt.size() || length > excerpt.size() - begin) break;
        out += plain(excerpt.substr(at, begin - at)) + line.bold(plain(excerpt.substr(begin, length)));
        at = begin + length;
    }
    out += plain(excerpt.substr(std::min(at, excerpt.size())));
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

Status tell_json(CommandLine& line, const ports::ArtifactHits& found, const std::vector<ArtifactInfo>& infos) {
    ValueBuilder out;
    out.map().add("total", found.total).add("partial", found.partial).add("note", found.note).key("hits").list(found.hits.size());
    for (std::size_t i = 0; i < found.hits.size(); ++i) {
        const auto& hit = found.hits[i];
        out.map().add("score", hit.score).add("indexed", hit.indexed).add("excerpt", hit.excerpt).key("highlights").list();
        for (const std::uint32_t number : hit.highlights) out.unsigned_integer(number);
        out.end().key("artifact");
        put_json(out, infos[i]);
        out.end();
    }
    out.end().key("facets").list();
    for (const auto& facet : found.facets) out.map().add("field", facet.field).add("value", facet.value).add("count", facet.count).end();
    return line.json_out(out.end().end().build());
}

void tell(const CommandLine& line, const ports::ArtifactHits& found) {
    for (const auto& hit : found.hits) {
        const auto& info = hit.artifact;
        const std::string name = info.name.empty() ? "(no name)" : shown(info.name) + "@" + std::to_string(info.version);
        std::string facts = short_id(info.id) + "  " + line.bold(name) + "  " + size_words(info.size);
        if (!info.media_type.empty()) facts += "  " + shown(info.media_type);
        for (const std::string& tag : info.tags) facts += "  #" + shown(tag);
        line.out(facts);
        if (!hit.excerpt.empty()) line.out("    " + excerpt_line(line, hit));
    }
    std::string field;
    for (const auto& facet : found.facets) {
        if (facet.field != field) line.out((field.empty() ? "\n" : "") + facet.field + ":");
        field = facet.field;
        line.out("  " + std::to_string(facet.count) + "  " + shown(facet.value));
    }
    const std::string at_least = found.partial ? "at least " : "";
    if (found.total > found.hits.size()) line.err(std::to_string(found.hits.size()) + " of " + at_least + std::to_string(found.total) + "; --limit and --offset show more");
}

} // namespace

Result<std::int32_t> command_find(CommandLine& line) {
    ports::ArtifactQuery query;
    query.text = query_of(line.texts("query"));
    query.limit = static_cast<std::uint32_t>(SYMPHONY_TRY(line.number("limit", 20, 1, 1000)));
    query.offset = static_cast<std::uint32_t>(SYMPHONY_TRY(line.number("offset", 0, 0, 9000)));
    query.facets = line.on("facets") ? 10 : 0;
    query.excerpt_bytes = excerpt_bytes;
    query.newest_first = line.on("newest");
    const auto store = SYMPHONY_TRY(line.reading());
    Feeder feeder(line.session());
    FeedBudget budget;
    budget.time = std::chrono::milliseconds(0); // a person waits, sees how far it is, and may stop it
    budget.progress = [&](std::uint64_t fed, std::uint64_t total) {
        return line.progress(fed, total, "indexing what is new");
    };
    if (line.on("reindex")) SYMPHONY_TRY(feeder.rebuild(*store, budget, &line.call()));
    auto found = feeder.find(*store, query, budget, &line.call());
    if (!found && found.error().reason() == "bad-query" && found.error().hint().empty()) {
        return std::move(found).error().with_hint("put marks between quotation marks: symphony artifact find '\"http://x\"'; symphony artifact find --help has the grammar");
    }
    if (!found) return std::move(found).error();
    if (line.json()) {
        std::vector<ArtifactInfo> infos;
        for (const auto& hit : found->hits) infos.push_back(SYMPHONY_TRY(store->info(*ContentId::parse(hit.artifact.id))));
        SYMPHONY_TRY(tell_json(line, *found, infos));
    } else {
        tell(line, *found);
    }
    if (!found->note.empty()) line.note(shown(found->note));
    if (found->hits.empty() && !line.json()) line.err("nothing was found");
    return found->hits.empty() ? work_failed : done;
}

} // namespace symphony::store
