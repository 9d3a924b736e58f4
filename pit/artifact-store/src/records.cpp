// SPDX-License-Identifier: Apache-2.0
#include "records.hpp"

#include "codec.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

namespace symphony::store {
namespace {

constexpr std::uint8_t batch_version = 1;
constexpr std::size_t records_max = 65'536;
constexpr std::array<std::string_view, 20> action_names{"",      "put",     "update", "version", "tag",     "quality", "pin",   "unpin",  "hold", "unhold",
                                                        "refer", "unrefer", "lease",  "renew",   "release", "remove",  "collect", "quota", "key",  "lost"};

void put_id(ByteWriter& out, const std::optional<ContentId>& id) {
    out.u8(id ? 1 : 0);
    if (id) out.digest(*id);
}
std::optional<ContentId> get_id(ByteReader& in) { return in.u8() == 1 ? std::optional(in.digest()) : std::nullopt; }

void put_made_by(ByteWriter& out, const MadeBy& made_by) {
    out.text(made_by.run);
    out.text(made_by.node);
    out.text(made_by.plugin_digest);
}
MadeBy get_made_by(ByteReader& in) {
    MadeBy made_by;
    made_by.run = in.text(256);
    made_by.node = in.text(256);
    made_by.plugin_digest = in.text(256);
    return made_by;
}

bool has_control(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Error bad(std::string_view reason, std::string message, std::string hint = {}) { return Error(Code::invalid_argument, reason, std::move(message), std::move(hint)); }

} // namespace

std::string_view name_of(Action action) noexcept { return action_names[std::min<std::size_t>(static_cast<std::size_t>(action), action_names.size() - 1)]; }

std::vector<std::uint8_t> Batch::encode() const {
    ByteWriter out;
    out.u8(batch_version);
    out.u32(collections);
    out.u32(static_cast<std::uint32_t>(records.size()));
    for (const Record& record : records) {
        out.u8(static_cast<std::uint8_t>(record.kind));
        out.u8(static_cast<std::uint8_t>(record.action));
        out.u8(record.gone ? 1 : 0);
        out.u64(record.sequence);
        out.u64(record.time_ms);
        out.text(text_of(record.key));
        out.text(record.actor);
        out.text(record.detail);
        out.text(text_of(record.value));
    }
    return out.take();
}

std::optional<Batch> Batch::decode(Bytes bytes) {
    ByteReader in(bytes);
    Batch batch;
    if (in.u8() != batch_version) return std::nullopt;
    batch.collections = in.u32();
    const std::uint32_t count = in.count(35);
    if (count > records_max) return std::nullopt;
    batch.records.reserve(count);
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        Record record;
        const std::uint8_t kind = in.u8(), action = in.u8(), gone = in.u8();
        if (kind < 1 || kind > 6 || action < 1 || action >= action_names.size() || gone > 1) return std::nullopt;
        record.kind = static_cast<Kind>(kind);
        record.action = static_cast<Action>(action);
        record.gone = gone == 1;
        record.sequence = in.u64();
        record.time_ms = in.u64();
        const std::string key = in.text(name_bytes_max + 4);
        record.key.assign(key.begin(), key.end());
        record.actor = in.text(word_bytes_max);
        record.detail = in.text(message_bytes_max);
        const std::uint32_t size = in.u32();
        const Bytes value = in.raw(size);
        record.value.assign(value.begin(), value.end());
        batch.records.push_back(std::move(record));
    }
    if (!in.ended()) return std::nullopt;
    return batch;
}

std::vector<std::uint8_t> encode_list(std::span<const Part> parts) {
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(parts.size()));
    for (const Part& part : parts) {
        out.digest(part.blob);
        out.u64(part.size);
    }
    return out.take();
}

std::optional<std::vector<Part>> decode_list(Bytes bytes) {
    ByteReader in(bytes);
    const std::uint32_t count = in.count(40);
    if (count > lists_max) return std::nullopt;
    std::vector<Part> parts(count);
    for (Part& part : parts) {
        part.blob = in.digest();
        part.size = in.u64();
    }
    if (!in.ended()) return std::nullopt;
    return parts;
}

std::vector<std::uint8_t> ArtifactRecord::encode() const {
    ByteWriter out;
    out.u8(1);
    out.u64(size);
    out.u64(chunks);
    out.u8(static_cast<std::uint8_t>((lists ? 1 : 0) | (pinned ? 2 : 0) | (held ? 4 : 0)));
    out.raw(encode_list(parts));
    out.text(media_type);
    out.text(type);
    out.u32(static_cast<std::uint32_t>(tags.size()));
    for (const std::string& tag : tags) out.text(tag);
    out.u32(static_cast<std::uint32_t>(origins.size()));
    for (const Origin& origin : origins) {
        out.u64(origin.made_ms);
        put_made_by(out, origin.made_by);
        out.u32(static_cast<std::uint32_t>(origin.inputs.size()));
        for (const ContentId& input : origin.inputs) out.digest(input);
    }
    out.f64(quality);
    out.u64(created_ms);
    out.u64(changed_ms);
    out.text(hold_reason);
    out.u64(lease_until_ms);
    return out.take();
}

std::optional<ArtifactRecord> ArtifactRecord::decode(Bytes bytes) {
    ByteReader in(bytes);
    ArtifactRecord record;
    if (in.u8() != 1) return std::nullopt;
    record.size = in.u64();
    record.chunks = in.u64();
    const std::uint8_t flags = in.u8();
    record.lists = (flags & 1) != 0;
    record.pinned = (flags & 2) != 0;
    record.held = (flags & 4) != 0;
    const std::uint32_t parts = in.count(40);
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < parts; ++i) {
        const Digest blob = in.digest();
        record.parts.push_back({blob, in.u64()});
        total += record.parts.back().size;
        if (record.parts.back().size > record.size || total > record.size) return std::nullopt;
    }
    record.media_type = in.text(word_bytes_max);
    record.type = in.text(word_bytes_max);
    const std::uint32_t tags = in.count(4);
    for (std::uint32_t i = 0; i < tags && in.good(); ++i) record.tags.push_back(in.text(word_bytes_max));
    const std::uint32_t origins = in.count(24);
    for (std::uint32_t i = 0; i < origins && in.good(); ++i) {
        Origin origin;
        origin.made_ms = in.u64();
        origin.made_by = get_made_by(in);
        const std::uint32_t inputs = in.count(32);
        for (std::uint32_t k = 0; k < inputs; ++k) origin.inputs.push_back(in.digest());
        record.origins.push_back(std::move(origin));
    }
    record.quality = in.f64();
    record.created_ms = in.u64();
    record.changed_ms = in.u64();
    record.hold_reason = in.text(message_bytes_max);
    record.lease_until_ms = in.u64();
    if (!in.ended() || total != record.size) return std::nullopt;
    return record;
}

std::vector<std::uint8_t> VersionRecord::encode() const {
    ByteWriter out;
    out.u8(1);
    out.digest(id);
    put_id(out, parent);
    out.text(message);
    out.u64(created_ms);
    out.text(actor);
    put_made_by(out, made_by);
    return out.take();
}

std::optional<VersionRecord> VersionRecord::decode(Bytes bytes) {
    ByteReader in(bytes);
    VersionRecord record;
    if (in.u8() != 1) return std::nullopt;
    record.id = in.digest();
    record.parent = get_id(in);
    record.message = in.text(message_bytes_max);
    record.created_ms = in.u64();
    record.actor = in.text(word_bytes_max);
    record.made_by = get_made_by(in);
    if (!in.ended()) return std::nullopt;
    return record;
}

std::vector<std::uint8_t> LeaseRecord::encode() const {
    ByteWriter out;
    out.digest(id);
    out.u64(until_ms);
    out.u64(length_ms);
    return out.take();
}
std::optional<LeaseRecord> LeaseRecord::decode(Bytes bytes) {
    ByteReader in(bytes);
    LeaseRecord record;
    record.id = in.digest();
    record.until_ms = in.u64();
    record.length_ms = in.u64();
    if (!in.ended()) return std::nullopt;
    return record;
}

std::vector<std::uint8_t> NoteValue::encode() const {
    ByteWriter out;
    put_id(out, id);
    out.text(name);
    out.u32(version);
    return out.take();
}
std::optional<NoteValue> NoteValue::decode(Bytes bytes) {
    ByteReader in(bytes);
    NoteValue note;
    note.id = get_id(in);
    note.name = in.text(name_bytes_max);
    note.version = in.u32();
    if (!in.ended()) return std::nullopt;
    return note;
}

std::vector<std::uint8_t> version_key(std::string_view name, std::uint32_t version) {
    std::vector<std::uint8_t> key;
    key.reserve(4 + name.size());
    for (const int shift : {24, 16, 8, 0}) key.push_back(static_cast<std::uint8_t>(version >> shift));
    for (const char c : name) key.push_back(static_cast<std::uint8_t>(c));
    return key;
}
std::optional<std::pair<std::string, std::uint32_t>> read_version_key(Bytes key) {
    if (key.size() < 5) return std::nullopt;
    const std::uint32_t version = (std::uint32_t{key[0]} << 24) | (std::uint32_t{key[1]} << 16) | (std::uint32_t{key[2]} << 8) | key[3];
    return std::pair(std::string(text_of(key.subspan(4))), version);
}
std::vector<std::uint8_t> reference_key(const ContentId& id, std::string_view holder) {
    std::vector<std::uint8_t> key(id.bytes.begin(), id.bytes.end());
    key.insert(key.end(), holder.begin(), holder.end());
    return key;
}
std::vector<std::uint8_t> lease_key(LeaseId lease) {
    std::vector<std::uint8_t> key(8);
    for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<std::uint8_t>(lease >> (56 - 8 * i));
    return key;
}

Status check_name(std::string_view name) {
    if (name.empty() || name.size() > name_bytes_max) {
        return bad("bad-name", "a name has 1 to 1024 bytes, this one " + std::to_string(name.size()), "choose a shorter name");
    }
    if (!is_valid_utf8(name) || has_control(name)) return bad("bad-name", "a name is UTF-8 without control characters", "choose another name");
    return {};
}

Status check_word(std::string_view what, std::string_view word, bool may_be_empty) {
    if ((word.empty() && !may_be_empty) || word.size() > word_bytes_max || !is_valid_utf8(word) || has_control(word)) {
        return bad("bad-" + std::string(what), "a " + std::string(what) + " is " + (may_be_empty ? "at most" : "1 to") + " 255 bytes of UTF-8 without control characters");
    }
    return {};
}

Status check_options(const PutOptions& options) {
    SYMPHONY_TRY(check_word("media-type", options.media_type, true));
    SYMPHONY_TRY(check_word("type", options.type, true));
    SYMPHONY_TRY(check_word("actor", options.actor, true));
    if (!options.name.empty()) SYMPHONY_TRY(check_name(options.name));
    if (options.message.size() > message_bytes_max || !is_valid_utf8(options.message)) return bad("bad-message", "a message is at most 64 KiB of UTF-8");
    if (options.tags.size() > tags_max || options.inputs.size() > inputs_max) return bad("too-many", "at most 1000 tags and 10000 inputs at a time");
    for (const std::string& tag : options.tags) SYMPHONY_TRY(check_word("tag", tag, false));
    for (const std::string* text : {&options.made_by.run, &options.made_by.node, &options.made_by.plugin_digest}) SYMPHONY_TRY(check_word("maker", *text, true));
    if (options.lease.count() < 0 || options.lease > std::chrono::hours(24 * 30)) return bad("bad-lease", "a lease lasts 0 to 30 days");
    return {};
}

} // namespace symphony::store
