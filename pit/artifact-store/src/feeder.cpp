// SPDX-License-Identifier: Apache-2.0
#include "feeder.hpp"

#include "media_type.hpp"
#include "plain_query.hpp"
#include "port_records.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <set>

namespace symphony::store {
namespace {

constexpr std::uint32_t page_size = 500;            // changes that are read at a time
constexpr std::uint64_t unseen_max = 5000;          // changes behind the watermark that are looked at by name
constexpr std::uint32_t plain_artifacts_max = 50'000; // that are looked at when there is no index
constexpr std::size_t batch_bytes_max = 4u << 20;   // of documents in one call
constexpr std::uint32_t lineage_depth_max = 16, lineage_nodes_max = 256;

bool changes_documents(std::string_view action) {
    return action == "put" || action == "version" || action == "tag" || action == "remove" || action == "collect";
}

CallOptions<> options_of(const Call* parent) {
    CallOptions<> options;
    options.parent = parent;
    return options;
}

std::uint32_t limit_of(const ports::ArtifactQuery& query) { return query.limit == 0 ? 20 : std::min<std::uint32_t>(query.limit, 1000); }

Result<std::vector<std::string>> inputs_of(Store& store, const ContentId& id) {
    std::vector<std::string> out;
    for (const LineageNode& node : SYMPHONY_TRY(store.lineage(id, Direction::inputs, lineage_depth_max, lineage_nodes_max))) {
        if (node.depth > 0) out.push_back(node.id.hex());
    }
    return out;
}

Result<bool> is_hit(Store& store, const PlainQuery& query, const ArtifactInfo& info) {
    const std::string id = info.id.hex();
    const bool made = std::any_of(info.origins.begin(), info.origins.end(), [](const Origin& origin) { return !origin.inputs.empty(); });
    const std::vector<std::string> inputs = made ? SYMPHONY_TRY(inputs_of(store, info.id)) : std::vector<std::string>();
    return query.matches({id, info.name, info.media_type, info.tags, inputs, info.created_ms});
}

} // namespace

Result<ports::Document> document_of(Store& store, const ArtifactInfo& info) {
    ports::Document out;
    out.id = info.id.hex();
    out.name = info.name;
    out.type = info.media_type;
    out.tags = info.tags;
    out.inputs = SYMPHONY_TRY(inputs_of(store, info.id));
    out.date_unix_ms = info.created_ms;
    if (info.size == 0 || (!is_text_type(info.media_type) && !info.media_type.empty())) return out;
    const Buffer text = SYMPHONY_TRY(store.get(info.id, 0, std::min<std::uint64_t>(info.size, Feeder::text_bytes_max)));
    if (!looks_like_text(text)) return out;
    out.text = text.text().substr(0, valid_utf8_prefix(text.text()));
    return out;
}

std::string Feeder::feed_of(const Description& what) const { return "artifact-store:" + what.repository + ":1"; }

Feeder::Index Feeder::open(Store& store, bool take, const Call* parent) {
    Index out;
    const Description what = store.description();
    if (what.suite != Suite::none && !session_.settings().index_encrypted) {
        out.note = "the store is encrypted, so no index holds its content: names, tags, types and dates were searched "
                   "(index_encrypted = true allows an index, which is not encrypted)";
        return out;
    }
    auto client = ports::SearchClient::acquire(session_.host(), session_.settings().search_provider);
    if (!client) {
        out.note = "no plugin searches texts (" + client.error().message() + "): names, tags, types and dates were searched";
        return out;
    }
    auto status = client->status(options_of(parent));
    if (!status && status.error().reason() == "index-damaged") {
        session_.host().warn("the search index is damaged and is made anew: " + status.error().message());
        if (auto cleared = client->clear(options_of(parent)); cleared) status = client->status(options_of(parent));
    }
    if (!status) {
        out.note = "the search index cannot be used (" + status.error().message() + "): names, tags, types and dates were searched";
        return out;
    }
    const bool mine = status->feed == feed_of(what);
    const bool fresh = status->feed.empty() && status->documents == 0;
    // An index that is ahead of its store was made of a store that has been put back to an older state.
    const auto last = store.last_sequence();
    const bool ahead = mine && last && status->watermark > *last;
    if (!mine && !fresh && !take && !session_.place().own()) {
        out.note = "the search index belongs to another store: names, tags, types and dates were searched (--reindex makes it this one's)";
        return out;
    }
    if (take || ahead || (!mine && !fresh)) {
        if (auto cleared = client->clear(options_of(parent)); !cleared) {
            out.note = "the search index cannot be emptied (" + cleared.error().message() + "): names, tags, types and dates were searched";
            return out;
        }
        status->watermark = 0;
        status->documents = 0;
    }
    out.watermark = mine && !take && !ahead ? status->watermark : 0;
    out.documents = status->documents;
    out.client = *std::move(client);
    return out;
}

/// @return The watermark that was reached.
Result<std::uint64_t> Feeder::feed_from(Store& store, const ports::SearchClient& client, std::uint64_t watermark, const FeedBudget& budget,
                                        const Call* parent) {
    const auto begin = std::chrono::steady_clock::now();
    const std::string feed = feed_of(store.description());
    const std::uint64_t total = SYMPHONY_TRY(store.last_sequence());
    const std::uint64_t first = watermark;
    for (;;) {
        const auto changes = SYMPHONY_TRY(store.changes(watermark, page_size));
        if (changes.empty()) return watermark;
        std::set<ContentId> ids;
        for (const Change& change : changes) {
            if (change.id && changes_documents(change.action)) ids.insert(*change.id);
        }
        std::vector<ports::Document> documents;
        std::vector<std::string> gone;
        std::size_t bytes = 0;
        for (const ContentId& id : ids) {
            const auto info = store.info(id);
            if (!info && info.error().code() == Code::not_found) {
                gone.push_back(id.hex());
                continue;
            }
            if (!info) return info.error();
            auto document = document_of(store, *info);
            if (!document && document.error().code() == Code::not_found) continue; // removed meanwhile; a later change says so
            if (!document) {
                // A damaged content is found by its name all the same.
                session_.host().warn("not indexed: " + id.hex() + ": " + document.error().message());
                ports::Document bare;
                bare.id = id.hex();
                bare.name = info->name;
                bare.type = info->media_type;
                bare.tags = info->tags;
                bare.date_unix_ms = info->created_ms;
                document = std::move(bare);
            }
            bytes += document->text.size() + 256;
            documents.push_back(*std::move(document));
            if (bytes >= batch_bytes_max) {
                SYMPHONY_TRY(client.index(documents, options_of(parent)));
                documents.clear();
                bytes = 0;
            }
        }
        if (!documents.empty()) SYMPHONY_TRY(client.index(documents, options_of(parent)));
        if (!gone.empty()) SYMPHONY_TRY(client.remove(gone, options_of(parent)));
        watermark = changes.back().sequence;
        SYMPHONY_TRY(client.commit(feed, watermark, options_of(parent)));
        if (budget.progress && !budget.progress(watermark - first, total > first ? total - first : 0)) return watermark;
        if (budget.time.count() != 0 && std::chrono::steady_clock::now() - begin > budget.time) return watermark;
    }
}

Result<std::uint64_t> Feeder::feed(Store& store, const FeedBudget& budget, const Call* parent) {
    const std::lock_guard lock(feeding_);
    const Index index = open(store, false, parent);
    if (!index.client) return std::uint64_t{0};
    const std::uint64_t reached = SYMPHONY_TRY(feed_from(store, *index.client, index.watermark, budget, parent));
    const std::uint64_t last = SYMPHONY_TRY(store.last_sequence());
    return last > reached ? last - reached : std::uint64_t{0};
}

Result<std::uint64_t> Feeder::rebuild(Store& store, const FeedBudget& budget, const Call* parent) {
    const std::lock_guard lock(feeding_);
    const Index index = open(store, true, parent);
    if (!index.client) return Error(Code::unsupported, "no-index", index.note);
    return feed_from(store, *index.client, 0, budget, parent);
}

Feeder::State Feeder::state(Store& store, const Call* parent) {
    const std::lock_guard lock(feeding_);
    const Description what = store.description();
    if (what.suite != Suite::none && !session_.settings().index_encrypted) return {"content is not indexed, because the store is encrypted (index_encrypted)", 0};
    auto client = ports::SearchClient::acquire(session_.host(), session_.settings().search_provider);
    if (!client) return {"no plugin searches texts; names and tags are found", 0};
    const auto status = client->status(options_of(parent));
    if (!status) return {"the index cannot be used: " + status.error().message(), 0};
    if (status->feed != feed_of(what)) return {status->feed.empty() ? "the index is empty" : "the index belongs to another store", 0};
    const std::uint64_t last = store.last_sequence().value_or(0);
    return {std::to_string(status->documents) + " documents are indexed", last > status->watermark ? last - status->watermark : 0};
}

/// What the index has not seen, by name and tag, in front of what it found.
Result<void> Feeder::add_unseen(Store& store, const ports::ArtifactQuery& query, std::uint64_t after, ports::ArtifactHits& to) const {
    const std::uint64_t last = SYMPHONY_TRY(store.last_sequence());
    const std::uint64_t from = std::max(after, last > unseen_max ? last - unseen_max : 0);
    const PlainQuery plain_query = SYMPHONY_TRY(PlainQuery::parse(query.text));
    std::set<std::string> known;
    for (const auto& hit : to.hits) known.insert(hit.artifact.id);
    std::vector<ports::ArtifactHit> found;
    for (std::uint64_t at = from;;) {
        const auto changes = SYMPHONY_TRY(store.changes(at, page_size));
        if (changes.empty()) break;
        at = changes.back().sequence;
        for (const Change& change : changes) {
            if (!change.id || !changes_documents(change.action) || known.contains(change.id->hex())) continue;
            const auto info = store.info(*change.id);
            if (!info || !SYMPHONY_TRY(is_hit(store, plain_query, *info))) continue;
            known.insert(change.id->hex());
            ports::ArtifactHit hit;
            hit.artifact = to_port(*info);
            found.push_back(std::move(hit));
        }
    }
    to.total += found.size();
    to.hits.insert(to.hits.begin(), std::make_move_iterator(found.rbegin()), std::make_move_iterator(found.rend()));
    if (to.hits.size() > limit_of(query)) to.hits.resize(limit_of(query));
    to.partial = to.partial || from > after;
    return {};
}

Result<ports::ArtifactHits> Feeder::ask(Store& store, const Index& index, const ports::ArtifactQuery& query, std::uint64_t behind, const Call* parent) {
    const ports::Query asked{query.text, query.offset, limit_of(query), query.facets, query.excerpt_bytes, query.newest_first};
    const auto found = SYMPHONY_TRY(index.client->search(asked, options_of(parent)));
    ports::ArtifactHits out;
    out.total = found.total;
    out.partial = found.partial;
    for (const auto& facet : found.facets) out.facets.push_back({facet.field, facet.value, facet.count});
    for (const auto& hit : found.hits) {
        const auto id = ContentId::parse(hit.id);
        const auto info = id ? store.info(*id) : Result<ArtifactInfo>(Error(Code::not_found, "no id"));
        if (!info && info.error().code() != Code::not_found) return info.error();
        if (!info) { // removed since it was indexed
            if (out.total > 0) --out.total;
            continue;
        }
        out.hits.push_back({to_port(*info), hit.score, hit.excerpt, hit.highlights, true});
    }
    if (behind > 0) {
        SYMPHONY_TRY(add_unseen(store, query, index.watermark, out));
        out.note = std::to_string(behind) + " changes are not indexed yet: of them, names, tags, types and dates were searched";
    }
    return out;
}

/// Without an index: everything is looked at, newest first.
Result<ports::ArtifactHits> Feeder::plain(Store& store, const ports::ArtifactQuery& query, std::string note) const {
    const PlainQuery plain_query = SYMPHONY_TRY(PlainQuery::parse(query.text));
    ports::ArtifactHits out;
    out.note = std::move(note);
    std::string after;
    std::uint32_t seen = 0;
    do {
        const auto page = SYMPHONY_TRY(store.list({}, after, 1000));
        after = page.next;
        for (const ArtifactInfo& info : page.items) {
            if (++seen > plain_artifacts_max) {
                out.partial = true;
                return out;
            }
            if (!SYMPHONY_TRY(is_hit(store, plain_query, info))) continue;
            ++out.total;
            if (out.total <= query.offset || out.hits.size() >= limit_of(query)) continue;
            ports::ArtifactHit hit;
            hit.artifact = to_port(info);
            out.hits.push_back(std::move(hit));
        }
    } while (!after.empty());
    return out;
}

Result<ports::ArtifactHits> Feeder::find(Store& store, const ports::ArtifactQuery& query, const FeedBudget& budget, const Call* parent) {
    Index index;
    std::uint64_t behind = 0;
    {
        const std::lock_guard lock(feeding_);
        index = open(store, false, parent);
        if (index.client) {
            auto reached = feed_from(store, *index.client, index.watermark, budget, parent);
            if (!reached && reached.error().code() == Code::cancelled) return std::move(reached).error();
            if (!reached) {
                index.client.reset();
                index.note = "the search index cannot be fed (" + reached.error().message() + "): names, tags, types and dates were searched";
            } else {
                index.watermark = *reached;
                const std::uint64_t last = SYMPHONY_TRY(store.last_sequence());
                behind = last > *reached ? last - *reached : 0;
            }
        }
    }
    if (!index.client) return plain(store, query, std::move(index.note));
    return ask(store, index, query, behind, parent);
}

} // namespace symphony::store
