// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"
#include "store_impl.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <unordered_map>
#include <unordered_set>

/// Names, versions, tags, lineage, holds, references, leases: everything that is said about contents.
namespace symphony::store {
namespace {

constexpr std::size_t prefix_digits_min = 4;
constexpr std::chrono::milliseconds lease_max = std::chrono::hours(24 * 30);

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool is_prefix(std::string_view text) noexcept {
    return text.size() >= prefix_digits_min && text.size() < 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

/// id and record of a row with columns token, record.
std::optional<std::pair<ContentId, ArtifactRecord>> read_artifact(const Veil& veil, Bytes token, Bytes sealed) {
    const auto value = veil.open(token, sealed);
    if (!value || value->size() < 32) return std::nullopt;
    auto record = ArtifactRecord::decode(Bytes(*value).subspan(32));
    if (!record) return std::nullopt;
    ContentId id;
    std::copy_n(value->begin(), 32, id.bytes.begin());
    return std::pair(id, *std::move(record));
}

Result<std::optional<ContentId>> id_with_prefix(Index& index, std::string_view prefix) {
    std::optional<ContentId> found;
    std::string lower(prefix);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    const auto take = [&](const ContentId& id) { return !found ? (found = id, true) : *found == id; };
    const Error ambiguous(Code::conflict, "ambiguous-prefix", "\"" + lower + "\": several ids begin so", "give more digits");
    if (!index.veil().hides()) {
        // Tokens are the ids: a range of them. The last half digit is compared afterwards.
        std::vector<std::uint8_t> from(lower.size() / 2);
        static_cast<void>(bytes_of_hex(std::string_view(lower).substr(0, from.size() * 2), from));
        auto row = index.database().prepare("SELECT token FROM artifacts WHERE token >= ? ORDER BY token");
        row.bind(from);
        while (row.step()) {
            const auto id = row.fixed<Digest>(0);
            if (!id || hex_of(id->bytes).compare(0, from.size() * 2, lower, 0, from.size() * 2) != 0) break;
            if (hex_of(id->bytes).starts_with(lower) && !take(*id)) return ambiguous;
        }
        SYMPHONY_TRY(row.done());
        return found;
    }
    // Tokens tell nothing: every row is opened.
    auto row = index.database().prepare("SELECT token, record FROM artifacts");
    while (row.step()) {
        const auto one = read_artifact(index.veil(), row.bytes(0), row.bytes(1));
        if (!one) return index_corrupt("the row of an artifact is damaged");
        if (one->first.hex().starts_with(lower) && !take(one->first)) return ambiguous;
    }
    SYMPHONY_TRY(row.done());
    return found;
}

Version version_of(const VersionRow& row, std::uint64_t size) {
    return {row.name, row.version, row.record.id, row.record.parent, row.record.message, row.record.created_ms, size, row.record.actor, row.record.made_by};
}

Result<std::uint64_t> size_of(Index& index, const ContentId& id) {
    const auto token = index.veil().token(id);
    auto row = index.database().prepare("SELECT size FROM artifacts WHERE token = ?");
    const std::uint64_t size = row.bind(token).step() ? row.unsigned_number(0) : 0;
    SYMPHONY_TRY(row.done());
    return size;
}

bool matches(const ArtifactRecord& record, const Filter& filter) {
    if (!filter.tag.empty() && !std::binary_search(record.tags.begin(), record.tags.end(), filter.tag)) return false;
    if (!filter.type.empty() && record.type != filter.type) return false;
    if (!filter.media_type.empty()) {
        const bool family = filter.media_type.ends_with('/');
        if (family ? !record.media_type.starts_with(filter.media_type) : record.media_type != filter.media_type) return false;
    }
    if (filter.run.empty()) return true;
    return std::any_of(record.origins.begin(), record.origins.end(), [&](const Origin& origin) { return origin.made_by.run == filter.run; });
}

Result<ArtifactInfo> known_info(Index& index, const ContentId& id, const std::optional<VersionRow>& version) {
    const auto row = SYMPHONY_TRY(index.artifact(id));
    if (!row) return unknown_artifact(id.hex());
    return info_of(id, row->record, version ? &*version : nullptr);
}

Record record_of(Kind kind, std::vector<std::uint8_t> key, Action action, std::vector<std::uint8_t> value) {
    Record record;
    record.kind = kind;
    record.key = std::move(key);
    record.action = action;
    record.gone = value.empty();
    record.value = std::move(value);
    return record;
}

} // namespace

std::string spoken_name(Index& index, const ContentId& id) {
    const auto version = index.newest_name_of(id);
    return version && *version ? (*version)->name + "@" + std::to_string((*version)->version) : id.hex();
}

Result<ArtifactInfo> StoreImpl::info(const ContentId& id) {
    auto reader = SYMPHONY_TRY(engine_->read());
    return known_info(*reader, id, SYMPHONY_TRY(reader->newest_name_of(id)));
}

Result<ArtifactInfo> StoreImpl::info(std::string_view text) {
    auto reader = SYMPHONY_TRY(engine_->read());
    if (const auto id = Digest::parse(text)) {
        auto known = known_info(*reader, *id, SYMPHONY_TRY(reader->newest_name_of(*id)));
        if (known || known.error().code() != Code::not_found) return known;
    }
    if (const auto newest = SYMPHONY_TRY(reader->newest(text))) return known_info(*reader, newest->record.id, newest);
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        const auto version = number_of<std::uint32_t>(text.substr(at + 1));
        const auto row = version ? SYMPHONY_TRY(reader->version(text.substr(0, at), *version)) : std::optional<VersionRow>();
        if (row) return known_info(*reader, row->record.id, row);
    }
    if (is_prefix(text)) {
        const auto id = SYMPHONY_TRY(id_with_prefix(*reader, text));
        if (id) return known_info(*reader, *id, SYMPHONY_TRY(reader->newest_name_of(*id)));
    }
    return unknown_artifact(std::string(text.substr(0, 200)));
}

Result<std::vector<Version>> StoreImpl::history(std::string_view name, std::uint32_t limit, std::uint32_t before) {
    auto reader = SYMPHONY_TRY(engine_->read());
    const auto token = reader->veil().token("name", name);
    std::vector<VersionRow> rows;
    {
        auto row = reader->database().prepare("SELECT name, version, record, seq FROM versions WHERE name = ? AND version < ? ORDER BY version DESC LIMIT ?");
        row.bind(token).bind(before == 0 ? std::int64_t{1} << 33 : std::int64_t{before}).bind(limit);
        while (row.step()) rows.push_back(SYMPHONY_TRY(reader->read_version(row)));
        SYMPHONY_TRY(row.done());
    }
    std::vector<Version> out;
    for (const VersionRow& row : rows) out.push_back(version_of(row, SYMPHONY_TRY(size_of(*reader, row.record.id))));
    return out;
}

Result<Page<Version>> StoreImpl::names(std::string_view prefix, std::string_view after, std::uint32_t limit) {
    auto reader = SYMPHONY_TRY(engine_->read());
    limit = std::clamp<std::uint32_t>(limit, 1, 10'000);
    std::map<std::string, VersionRow> rows; // the first limit + 1 in order
    {
        const bool ordered = !reader->veil().hides();
        const std::string from(std::max(prefix, after));
        auto row = ordered ? reader->database().prepare("SELECT name, MAX(version), record, seq FROM versions WHERE name >= ? GROUP BY name ORDER BY name")
                           : reader->database().prepare("SELECT name, MAX(version), record, seq FROM versions WHERE name >= ? GROUP BY name");
        row.bind(ordered ? bytes_of(from) : Bytes());
        while (row.step()) {
            VersionRow one = SYMPHONY_TRY(reader->read_version(row));
            if (ordered && one.name.compare(0, prefix.size(), prefix) > 0) break;
            if (!one.name.starts_with(prefix) || one.name <= after) continue;
            std::string name = one.name;
            rows.emplace(std::move(name), std::move(one));
            if (rows.size() <= limit + 1) continue;
            if (ordered) break;
            rows.erase(std::prev(rows.end()));
        }
        SYMPHONY_TRY(row.done());
    }
    Page<Version> page;
    for (const auto& [name, row] : rows) {
        if (page.items.size() == limit) {
            page.next = page.items.back().name;
            break;
        }
        page.items.push_back(version_of(row, SYMPHONY_TRY(size_of(*reader, row.record.id))));
    }
    return page;
}

Result<Page<ArtifactInfo>> StoreImpl::list(const Filter& filter, std::string_view after, std::uint32_t limit) {
    auto reader = SYMPHONY_TRY(engine_->read());
    limit = std::clamp<std::uint32_t>(limit, 1, 10'000);
    std::int64_t time = std::int64_t{1} << 62, number = 0;
    if (!after.empty()) {
        const auto colon = after.find(':');
        const auto t = number_of<std::int64_t>(after.substr(0, colon));
        const auto n = colon == std::string_view::npos ? std::nullopt : number_of<std::int64_t>(after.substr(colon + 1));
        if (!t || !n) return Error(Code::invalid_argument, "bad-cursor", "\"" + std::string(after.substr(0, 100)) + "\" is no place in this list", "give back what `next` said");
        time = *t;
        number = *n;
    }
    // Few have a tag: those are taken first and sorted by the index on time anyway.
    const auto tag = reader->veil().token("tag", filter.tag);
    std::vector<std::tuple<ContentId, ArtifactRecord, std::int64_t, std::int64_t>> rows;
    {
        auto row = filter.tag.empty()
                       ? reader->database().prepare("SELECT token, record, created, id FROM artifacts WHERE (created, id) < (?, ?) AND created BETWEEN ? AND ? ORDER BY created DESC, id DESC")
                       : reader->database().prepare("SELECT token, record, created, id FROM artifacts WHERE (created, id) < (?, ?) AND created BETWEEN ? AND ? AND token IN "
                                                    "(SELECT artifact FROM tags WHERE tag = ?) ORDER BY created DESC, id DESC");
        row.bind(time).bind(number);
        row.bind(static_cast<std::int64_t>(std::min<std::uint64_t>(filter.created_from_ms, 1ull << 62)));
        row.bind(static_cast<std::int64_t>(std::min<std::uint64_t>(filter.created_to_ms, 1ull << 62)));
        if (!filter.tag.empty()) row.bind(tag);
        while (rows.size() <= limit && row.step()) {
            auto one = read_artifact(reader->veil(), row.bytes(0), row.bytes(1));
            if (!one) return index_corrupt("the row of an artifact is damaged");
            if (!matches(one->second, filter)) continue;
            if (!filter.name_prefix.empty()) {
                const auto names_of = SYMPHONY_TRY(reader->versions_of(one->first));
                if (std::none_of(names_of.begin(), names_of.end(), [&](const VersionRow& v) { return v.name.starts_with(filter.name_prefix); })) continue;
            }
            rows.emplace_back(one->first, std::move(one->second), row.number(2), row.number(3));
        }
        SYMPHONY_TRY(row.done());
    }
    Page<ArtifactInfo> page;
    for (const auto& [id, record, created, row] : rows) {
        if (page.items.size() == limit) break;
        const auto version = SYMPHONY_TRY(reader->newest_name_of(id));
        page.items.push_back(info_of(id, record, version ? &*version : nullptr));
        if (rows.size() > limit) page.next = std::to_string(created) + ":" + std::to_string(row);
    }
    return page;
}

Result<std::vector<LineageNode>> StoreImpl::lineage(const ContentId& id, Direction direction, std::uint32_t depth, std::uint32_t limit) {
    auto reader = SYMPHONY_TRY(engine_->read());
    limit = std::clamp<std::uint32_t>(limit, 1, 100'000);
    std::vector<LineageNode> nodes;
    std::unordered_set<Digest, DigestHash> seen{id};
    std::deque<std::pair<ContentId, std::uint32_t>> waiting{{id, 0}};
    while (!waiting.empty() && nodes.size() < limit) {
        const auto [now, at_depth] = waiting.front();
        waiting.pop_front();
        const auto row = SYMPHONY_TRY(reader->artifact(now));
        if (!row && at_depth == 0) return unknown_artifact(id.hex());
        LineageNode node;
        node.id = now;
        node.depth = at_depth;
        node.present = row.has_value();
        if (const auto version = SYMPHONY_TRY(reader->newest_name_of(now))) {
            node.name = version->name;
            node.version = version->version;
        }
        if (row) node.origins = row->record.origins;
        nodes.push_back(node);
        if (at_depth == depth) continue;
        std::vector<ContentId> next;
        if (direction == Direction::inputs) {
            for (const Origin& origin : node.origins) next.insert(next.end(), origin.inputs.begin(), origin.inputs.end());
        } else {
            const auto token = reader->veil().token(now);
            auto outputs = reader->database().prepare("SELECT a.token, a.record FROM lineage l JOIN artifacts a ON a.token = l.output WHERE l.input = ? ORDER BY a.id");
            outputs.bind(token);
            while (next.size() < limit && outputs.step()) {
                const auto one = read_artifact(reader->veil(), outputs.bytes(0), outputs.bytes(1));
                if (!one) return index_corrupt("the row of an artifact is damaged");
                next.push_back(one->first);
            }
            SYMPHONY_TRY(outputs.done());
        }
        for (const ContentId& one : next) {
            if (seen.size() < 4ull * limit && seen.insert(one).second) waiting.emplace_back(one, at_depth + 1);
        }
    }
    return nodes;
}

Result<Difference> StoreImpl::diff(const ContentId& a, const ContentId& b) {
    auto reader = SYMPHONY_TRY(engine_->read());
    const auto first = SYMPHONY_TRY(reader->artifact(a));
    if (!first) return unknown_artifact(a.hex());
    const auto second = SYMPHONY_TRY(reader->artifact(b));
    if (!second) return unknown_artifact(b.hex());
    Difference out;
    out.size_a = first->record.size;
    out.size_b = second->record.size;
    out.same = a == b;
    std::unordered_set<Digest, DigestHash> chunks;
    std::vector<Part> ordered;
    SYMPHONY_TRY(for_each_chunk(*engine_, *reader, first->record, [&](const Part& part) -> Result<bool> {
        chunks.insert(part.blob);
        ordered.push_back(part);
        return true;
    }));
    std::size_t at = 0;
    bool equal = true;
    SYMPHONY_TRY(for_each_chunk(*engine_, *reader, second->record, [&](const Part& part) -> Result<bool> {
        if (chunks.contains(part.blob)) out.shared += part.size;
        equal = equal && at < ordered.size() && ordered[at] == part;
        if (equal) out.first_differs += part.size;
        ++at;
        return true;
    }));
    return out;
}

Status StoreImpl::change_artifact(const ContentId& id, Action action, std::string detail, const std::function<Result<bool>(ArtifactRecord&)>& change) {
    return engine_->commit([&](Transaction& transaction) -> Status {
        auto row = SYMPHONY_TRY(transaction.index().artifact(id));
        if (!row) return unknown_artifact(id.hex());
        if (!SYMPHONY_TRY(change(row->record))) return {};
        row->record.changed_ms = transaction.now_ms();
        Record record = record_of(Kind::artifact, {id.bytes.begin(), id.bytes.end()}, action, row->record.encode());
        record.detail = detail;
        return transaction.add(std::move(record));
    });
}

Status StoreImpl::tag(const ContentId& id, std::span<const std::string> add, std::span<const std::string> remove) {
    if (add.size() > tags_max || remove.size() > tags_max) return Error(Code::invalid_argument, "too-many", "at most 1000 tags at a time");
    std::string detail;
    for (const std::string& tag : add) {
        SYMPHONY_TRY(check_word("tag", tag, false));
        if (detail.size() < 1000) detail += (detail.empty() ? "+" : " +") + tag;
    }
    for (const std::string& tag : remove) {
        if (detail.size() < 1000) detail += (detail.empty() ? "-" : " -") + tag.substr(0, word_bytes_max);
    }
    return change_artifact(id, Action::tag, std::move(detail), [&](ArtifactRecord& record) -> Result<bool> {
        std::set<std::string> tags(record.tags.begin(), record.tags.end());
        for (const std::string& tag : remove) tags.erase(tag);
        tags.insert(add.begin(), add.end());
        if (tags.size() > tags_max) return Error(Code::exhausted, "too-many", "an artifact has at most 1000 tags", "remove some");
        std::vector<std::string> fresh(tags.begin(), tags.end());
        const bool changed = fresh != record.tags;
        record.tags = std::move(fresh);
        return changed;
    });
}

Status StoreImpl::set_quality(const ContentId& id, double quality) {
    if (std::isnan(quality) || quality > 1) return Error(Code::invalid_argument, "bad-quality", "a quality is 0 to 1, or negative for none");
    const double clean = quality < 0 ? -1 : quality;
    return change_artifact(id, Action::quality, std::to_string(clean), [&](ArtifactRecord& record) -> Result<bool> {
        const bool changed = std::abs(record.quality - clean) > 0;
        record.quality = clean;
        return changed;
    });
}

Status StoreImpl::set_pinned(const ContentId& id, bool pinned) {
    return change_artifact(id, pinned ? Action::pin : Action::unpin, "", [&](ArtifactRecord& record) -> Result<bool> { return std::exchange(record.pinned, pinned) != pinned; });
}

Status StoreImpl::set_hold(const ContentId& id, bool held, std::string_view reason) {
    if (reason.size() > 4096) return Error(Code::invalid_argument, "bad-reason", "the reason of a hold has at most 4096 bytes");
    return change_artifact(id, held ? Action::hold : Action::unhold, std::string(reason), [&](ArtifactRecord& record) -> Result<bool> {
        const bool changed = record.held != held || (held && record.hold_reason != reason);
        record.held = held;
        record.hold_reason = held ? std::string(reason) : std::string();
        return changed;
    });
}

Status StoreImpl::refer(std::string_view holder, const ContentId& id, bool soft) {
    SYMPHONY_TRY(check_word("holder", holder, false));
    return engine_->commit([&](Transaction& transaction) -> Status {
        if (!SYMPHONY_TRY(transaction.index().artifact(id))) return unknown_artifact(id.hex());
        Record record = record_of(Kind::reference, reference_key(id, holder), Action::refer, {static_cast<std::uint8_t>(soft ? 1 : 0)});
        record.detail = std::string(holder);
        return transaction.add(std::move(record));
    });
}

Status StoreImpl::unrefer(std::string_view holder, const ContentId& id) {
    SYMPHONY_TRY(check_word("holder", holder, false));
    return engine_->commit([&](Transaction& transaction) -> Status {
        Record record = record_of(Kind::reference, reference_key(id, holder), Action::unrefer, {});
        record.detail = std::string(holder);
        if (SYMPHONY_TRY(transaction.index().sequence_of(record)) == 0) return Error(Code::not_found, "unknown-reference", "\"" + std::string(holder) + "\" does not refer to " + id.hex());
        return transaction.add(std::move(record));
    });
}

namespace {

Status check_lease_time(std::chrono::milliseconds time) {
    if (time.count() > 0 && time <= lease_max) return {};
    return Error(Code::invalid_argument, "bad-lease", "a lease lasts from 1 ms to 30 days");
}

Result<LeaseRecord> read_lease(Index& index, LeaseId lease, Bytes* token_out, std::vector<std::uint8_t>& token) {
    auto row = index.database().prepare("SELECT l.artifact, l.until_ms, l.length_ms, a.record FROM leases l LEFT JOIN artifacts a ON a.token = l.artifact WHERE l.id = ?");
    if (!row.bind(lease).step()) {
        SYMPHONY_TRY(row.done());
        return Error(Code::not_found, "unknown-lease", "lease " + std::to_string(lease) + " has ended or never was", "take a new one");
    }
    LeaseRecord record;
    token.assign(row.bytes(0).begin(), row.bytes(0).end());
    record.until_ms = row.unsigned_number(1);
    record.length_ms = row.unsigned_number(2);
    const auto artifact = read_artifact(index.veil(), token, row.bytes(3));
    if (artifact) record.id = artifact->first;
    if (token_out != nullptr) *token_out = token;
    return record;
}

} // namespace

Result<LeaseId> StoreImpl::lease(const ContentId& id, std::chrono::milliseconds time) {
    SYMPHONY_TRY(check_lease_time(time));
    std::array<std::uint8_t, 8> random{};
    fill_random(random);
    const LeaseId lease = ByteReader(random).u64() >> 2 | 1;
    SYMPHONY_TRY(engine_->commit([&](Transaction& transaction) -> Status {
        if (!SYMPHONY_TRY(transaction.index().artifact(id))) return unknown_artifact(id.hex());
        const auto length = static_cast<std::uint64_t>(time.count());
        return transaction.add(record_of(Kind::lease, lease_key(lease), Action::lease, LeaseRecord{id, transaction.lease_ms() + length, length}.encode()));
    }));
    return lease;
}

Status StoreImpl::renew(LeaseId lease, std::chrono::milliseconds time) {
    SYMPHONY_TRY(check_lease_time(time));
    return engine_->commit([&](Transaction& transaction) -> Status {
        std::vector<std::uint8_t> token;
        LeaseRecord record = SYMPHONY_TRY(read_lease(transaction.index(), lease, nullptr, token));
        if (!SYMPHONY_TRY(transaction.index().artifact(record.id))) return unknown_artifact(record.id.hex());
        record.length_ms = static_cast<std::uint64_t>(time.count());
        record.until_ms = std::max(record.until_ms, transaction.lease_ms() + record.length_ms);
        return transaction.add(record_of(Kind::lease, lease_key(lease), Action::renew, record.encode()));
    });
}

Status StoreImpl::release(LeaseId lease) {
    return engine_->commit([&](Transaction& transaction) -> Status {
        std::vector<std::uint8_t> token;
        static_cast<void>(SYMPHONY_TRY(read_lease(transaction.index(), lease, nullptr, token)));
        return transaction.add(record_of(Kind::lease, lease_key(lease), Action::release, {}));
    });
}

Status StoreImpl::remove(const ContentId& id) {
    return engine_->commit([&](Transaction& transaction) -> Status {
        Index& index = transaction.index();
        const auto row = SYMPHONY_TRY(index.artifact(id));
        if (!row) return unknown_artifact(id.hex());
        const auto held = [&](const std::string& why) {
            return Error(Code::conflict, "held", "artifact " + spoken_name(index, id) + ": " + why, "end that first, then remove it");
        };
        if (row->record.held) return held("a legal hold keeps it: " + row->record.hold_reason);
        if (row->record.pinned) return held("it is pinned");
        const auto token = index.veil().token(id);
        std::vector<std::vector<std::uint8_t>> leases;
        {
            auto refs = index.database().prepare("SELECT COUNT(*) FROM refs WHERE artifact = ? AND soft = 0");
            if (refs.bind(token).step() && refs.number(0) > 0) return held(std::to_string(refs.number(0)) + " references keep it");
            SYMPHONY_TRY(refs.done());
            auto lease = index.database().prepare("SELECT id, until_ms FROM leases WHERE artifact = ?");
            lease.bind(token);
            while (lease.step()) {
                if (lease.unsigned_number(1) > transaction.lease_ms()) return held("a lease keeps it");
                leases.push_back(lease_key(lease.unsigned_number(0)));
            }
            SYMPHONY_TRY(lease.done());
        }
        for (const VersionRow& version : SYMPHONY_TRY(index.versions_of(id))) {
            Record gone = record_of(Kind::version, version_key(version.name, version.version), Action::remove, {});
            SYMPHONY_TRY(transaction.add(std::move(gone)));
        }
        for (auto& key : leases) SYMPHONY_TRY(transaction.add(record_of(Kind::lease, std::move(key), Action::release, {})));
        return transaction.add(record_of(Kind::artifact, {id.bytes.begin(), id.bytes.end()}, Action::remove, {}));
    });
}

Result<std::vector<Change>> StoreImpl::changes(std::uint64_t after, std::uint32_t limit) {
    auto reader = SYMPHONY_TRY(engine_->read());
    std::vector<Change> out;
    auto row = reader->database().prepare("SELECT seq, time, action, kind, record FROM changes WHERE seq > ? ORDER BY seq LIMIT ?");
    row.bind(static_cast<std::int64_t>(std::min<std::uint64_t>(after, 1ull << 62))).bind(std::min<std::uint32_t>(limit, 10'000));
    while (row.step()) out.push_back(SYMPHONY_TRY(reader->read_change(row)));
    SYMPHONY_TRY(row.done());
    return out;
}

namespace {

Result<std::uint64_t> number_of(Database& database, const char* sql) {
    auto row = database.prepare(sql);
    const std::uint64_t value = row.step() ? row.unsigned_number(0) : 0;
    SYMPHONY_TRY(row.done());
    return value;
}

constexpr const char* newest_sequence = "SELECT MAX(seq) FROM changes";

} // namespace

Result<std::uint64_t> StoreImpl::last_sequence() {
    auto reader = SYMPHONY_TRY(engine_->read());
    return number_of(reader->database(), newest_sequence);
}

Result<Stats> StoreImpl::stats() {
    auto reader = SYMPHONY_TRY(engine_->read());
    const auto number = [&](const char* sql) { return number_of(reader->database(), sql); };
    Stats out;
    out.artifacts = SYMPHONY_TRY(number("SELECT COUNT(*) FROM artifacts"));
    out.versions = SYMPHONY_TRY(number("SELECT COUNT(*) FROM versions"));
    out.names = SYMPHONY_TRY(number("SELECT COUNT(*) FROM (SELECT DISTINCT name FROM versions)"));
    out.tags = SYMPHONY_TRY(number("SELECT COUNT(*) FROM (SELECT DISTINCT tag FROM tags)"));
    out.content_bytes = SYMPHONY_TRY(number("SELECT SUM(size) FROM artifacts"));
    out.unique_bytes = SYMPHONY_TRY(number("SELECT SUM(raw) FROM blobs WHERE type = 1"));
    out.stored_bytes = SYMPHONY_TRY(number("SELECT SUM(live) FROM packs"));
    out.packs = SYMPHONY_TRY(number("SELECT COUNT(*) FROM packs"));
    out.open_packs = SYMPHONY_TRY(number("SELECT COUNT(*) FROM packs WHERE state = 0"));
    out.pack_bytes = SYMPHONY_TRY(number("SELECT SUM(MAX(bytes, committed)) FROM packs"));
    out.dead_bytes = SYMPHONY_TRY(number("SELECT SUM(stored) FROM blobs WHERE refs = 0"));
    out.leases = SYMPHONY_TRY(number("SELECT COUNT(*) FROM leases"));
    out.references = SYMPHONY_TRY(number("SELECT COUNT(*) FROM refs"));
    out.condemned = SYMPHONY_TRY(number("SELECT COUNT(*) FROM condemned"));
    out.last_sequence = SYMPHONY_TRY(number(newest_sequence));
    out.quota_bytes = SYMPHONY_TRY(reader->value("quota-bytes"));
    out.quota_artifacts = SYMPHONY_TRY(reader->value("quota-artifacts"));
    for (const Entry& entry : SYMPHONY_TRY(engine_->folder().list("index"))) out.index_bytes += entry.size;
    for (const Entry& entry : SYMPHONY_TRY(engine_->folder().list("trash"))) out.trash_bytes += entry.size;
    return out;
}

Status StoreImpl::set_quota(Quota quota) {
    return engine_->commit([&](Transaction& transaction) -> Status {
        ByteWriter value;
        value.u64(quota.bytes);
        value.u64(quota.artifacts);
        Record record = record_of(Kind::quota, {}, Action::quota, value.take());
        record.detail = std::to_string(quota.bytes) + " bytes, " + std::to_string(quota.artifacts) + " artifacts";
        return transaction.add(std::move(record));
    });
}

} // namespace symphony::store
