// SPDX-License-Identifier: Apache-2.0
#include "pack.hpp"

#include <symphony/sqlite_files/fd_file.hpp>

#include "codec.hpp"
#include "compress.hpp"

#include <algorithm>

namespace symphony::store {
namespace {

constexpr std::string_view head_magic = "SYMPACK1";
constexpr std::string_view frame_magic = "SYB1";
constexpr std::string_view trailer_magic = "SYMPEND1";
constexpr std::size_t head_fixed_bytes = 64;  ///< before the key areas
constexpr std::size_t area_bytes = 128;
constexpr std::size_t area_count = 2;
constexpr std::size_t wrapped_bytes = wrap_nonce_bytes + key_bytes + tag_bytes;
constexpr std::size_t begin_sync_bytes = 1 << 20; ///< less goes to the disk with the sync that follows anyway
constexpr std::size_t footer_entry_bytes = 8 + frame_bytes;

std::vector<std::uint8_t> associated_of(const PackContext& context, const PackId& id) {
    ByteWriter out;
    out.raw(bytes_of("symphony-store blob 1"));
    out.raw(context.repository);
    out.raw(id);
    return out.take();
}
std::vector<std::uint8_t> key_purpose(const PackContext& context, const PackId& id) {
    ByteWriter out;
    out.raw(bytes_of("symphony-store pack key 1"));
    out.raw(context.repository);
    out.raw(id);
    return out.take();
}

std::vector<std::uint8_t> make_area(const PackContext& context, const PackId& id, Bytes data_key) {
    ByteWriter out;
    out.u32(context.keys.epoch);
    out.raw(wrap(context.keys.master.bytes(), key_purpose(context, id), data_key));
    out.zeros(area_bytes - 8 - out.size());
    out.u64(checksum(out.bytes()));
    return out.take();
}

std::vector<std::uint8_t> make_head(const PackContext& context, const PackId& id, std::uint64_t now_ms, Bytes data_key) {
    ByteWriter out;
    out.raw(bytes_of(head_magic));
    out.u32(format_version);
    out.u8(static_cast<std::uint8_t>(context.suite));
    out.zeros(3);
    out.raw(context.repository);
    out.raw(id);
    out.u64(now_ms);
    out.u64(checksum(out.bytes()));
    // Twice, so that rot in one costs nothing, and so that one can be replaced while the other holds.
    for (std::size_t i = 0; i < area_count && context.suite != Suite::none; ++i) out.raw(make_area(context, id, data_key));
    out.zeros(pack_head_bytes - out.size());
    return out.take();
}

/// The data key by the first key area whose master key is at hand.
Result<SecretBytes> data_key_of(Bytes head, const std::string& path, const PackId& id, const PackContext& context) {
    bool any_whole = false;
    for (std::size_t i = 0; i < area_count; ++i) {
        const Bytes area = head.subspan(head_fixed_bytes + i * area_bytes, area_bytes);
        ByteReader in(area);
        const std::uint32_t epoch = in.u32();
        const Bytes wrapped = in.raw(wrapped_bytes);
        if (ByteReader(area.last(8)).u64() != checksum(area.first(area_bytes - 8)) || epoch == 0) continue;
        any_whole = true;
        const SecretBytes* master = epoch == context.keys.epoch                                              ? &context.keys.master
                                    : context.keys.previous_epoch != 0 && epoch == context.keys.previous_epoch ? &context.keys.previous
                                                                                                               : nullptr;
        if (master == nullptr) continue;
        auto key = unwrap(master->bytes(), key_purpose(context, id), wrapped);
        if (key) return std::move(*key);
    }
    return any_whole ? damage_error(Damage::tampered, path + ": its wrapped data key is not one of this store's")
                     : damage_error(Damage::bit_rot, path + ": the wrapped data key is damaged");
}

Status check_head(Bytes head, const std::string& path, const PackId& id, const PackContext& context) {
    ByteReader in(head);
    const bool magic = text_of(in.raw(8)) == head_magic;
    const std::uint32_t format = in.u32();
    const std::uint8_t suite = in.u8();
    in.raw(3);
    const Bytes repository = in.raw(16);
    const Bytes own = in.raw(16);
    in.u64();
    if (!magic || in.u64() != checksum(head.first(head_fixed_bytes - 8))) return damage_error(Damage::bit_rot, path + ": the head is damaged");
    if (format > format_version) return damage_error(Damage::wrong_version, path + ": format " + std::to_string(format));
    if (!same_bytes(repository, context.repository) || suite != static_cast<std::uint8_t>(context.suite)) {
        return damage_error(Damage::tampered, path + ": is a pack of another store");
    }
    if (!same_bytes(own, id)) return damage_error(Damage::tampered, path + ": is pack " + hex_of(own) + " under a false name");
    return {};
}

bool all_zero(Bytes bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::vector<std::uint8_t> make_trailer(Bytes head, std::uint64_t footer_offset, Bytes footer_frame, std::uint32_t records) {
    ByteWriter out;
    out.raw(bytes_of(trailer_magic));
    out.u64(footer_offset);
    out.u32(static_cast<std::uint32_t>(footer_frame.size()));
    out.u32(records);
    out.zeros(8);
    Sha256 hash;
    hash.add(head.first(head_fixed_bytes));
    hash.add(footer_frame);
    hash.add(out.bytes());
    out.digest(hash.finish());
    return out.take();
}

/// Frame and sealed bytes of one blob.
Status seal_blob(const Aead& aead, const std::vector<std::uint8_t>& associated, Frame& frame, Bytes packed, std::vector<std::uint8_t>& to) {
    frame.stored = static_cast<std::uint32_t>(packed.size() + aead.overhead());
    const std::size_t start = to.size();
    to.resize(start + frame_bytes + frame.stored);
    auto bound = associated;
    const auto open_frame = frame.encode();
    bound.insert(bound.end(), open_frame.begin(), open_frame.end() - 8);
    const std::span<std::uint8_t> sealed(to.data() + start + frame_bytes, frame.stored);
    if (auto done = aead.seal(frame.counter, bound, packed, sealed); !done) {
        to.resize(start);
        return done;
    }
    frame.sum = frame.sum_of(sealed);
    const auto head = frame.encode();
    std::copy(head.begin(), head.end(), to.begin() + static_cast<std::ptrdiff_t>(start));
    return {};
}

Result<std::pair<std::vector<std::uint8_t>, Frame>> make_footer(const Aead& aead, const std::vector<std::uint8_t>& associated, const Footer& footer,
                                                                std::uint32_t counter, std::uint32_t group) {
    const auto raw = footer.encode();
    const auto packed = compress(raw);
    Frame frame;
    frame.type = BlobType::footer;
    frame.flags = packed ? flag_zstd : std::uint8_t{0};
    frame.raw = static_cast<std::uint32_t>(raw.size());
    frame.counter = counter;
    frame.group = group;
    frame.id = sha256(raw);
    std::vector<std::uint8_t> out;
    SYMPHONY_TRY(seal_blob(aead, associated, frame, packed ? Bytes(*packed) : Bytes(raw), out));
    return std::pair(std::move(out), frame);
}

} // namespace

std::array<std::uint8_t, frame_bytes> Frame::encode() const {
    ByteWriter out;
    out.raw(bytes_of(frame_magic));
    out.u8(static_cast<std::uint8_t>(type));
    out.u8(flags);
    out.u16(0);
    out.u32(raw);
    out.u32(stored);
    out.u32(counter);
    out.u32(group);
    out.digest(id);
    out.u64(sum);
    std::array<std::uint8_t, frame_bytes> bytes{};
    std::copy(out.bytes().begin(), out.bytes().end(), bytes.begin());
    return bytes;
}

std::optional<Frame> Frame::decode(Bytes bytes) {
    ByteReader in(bytes);
    if (text_of(in.raw(4)) != frame_magic) return std::nullopt;
    Frame frame;
    const std::uint8_t type = in.u8();
    frame.type = static_cast<BlobType>(type);
    frame.flags = in.u8();
    const bool reserved = in.u16() != 0;
    frame.raw = in.u32();
    frame.stored = in.u32();
    frame.counter = in.u32();
    frame.group = in.u32();
    frame.id = in.digest();
    frame.sum = in.u64();
    if (!in.good() || reserved || type < 1 || type > 4 || (frame.flags & ~flag_zstd) != 0) return std::nullopt;
    if (frame.raw > blob_bytes_max || frame.stored > blob_bytes_max + tag_bytes) return std::nullopt;
    return frame;
}

std::uint64_t Frame::sum_of(Bytes stored_bytes) const {
    const auto head = encode();
    return checksum(stored_bytes, checksum(Bytes(head).first(frame_bytes - 8)));
}

std::vector<std::uint8_t> Footer::encode() const {
    ByteWriter out;
    out.u32(collections);
    out.u64(first_sequence);
    out.u64(last_sequence);
    out.u32(static_cast<std::uint32_t>(entries.size()));
    for (const FooterEntry& entry : entries) {
        out.u64(entry.offset);
        out.raw(entry.frame.encode());
    }
    return out.take();
}

std::optional<Footer> Footer::decode(Bytes bytes, std::uint64_t end) {
    ByteReader in(bytes);
    Footer footer;
    footer.collections = in.u32();
    footer.first_sequence = in.u64();
    footer.last_sequence = in.u64();
    const std::uint32_t count = in.count(footer_entry_bytes);
    footer.entries.reserve(count);
    std::uint64_t least = pack_head_bytes;
    for (std::uint32_t i = 0; i < count; ++i) {
        FooterEntry entry;
        entry.offset = in.u64();
        const auto frame = Frame::decode(in.raw(frame_bytes));
        if (!frame || entry.offset < least || entry.offset > end || frame->stored + frame_bytes > end - entry.offset) return std::nullopt;
        entry.frame = *frame;
        least = entry.offset + frame_bytes + frame->stored;
        footer.entries.push_back(entry);
    }
    if (!in.ended()) return std::nullopt;
    return footer;
}

std::string open_path(const PackId& id) { return "open/" + hex_of(id) + ".pack"; }
std::string sealed_path(const PackId& id) {
    const std::string hex = hex_of(id);
    return "packs/" + hex.substr(0, 2) + "/" + hex + ".pack";
}
std::string trash_path(const PackId& id, std::uint64_t now_ms) { return "trash/" + std::to_string(now_ms) + "-" + hex_of(id) + ".pack"; }

std::optional<PackId> pack_named(std::string_view file_name) {
    PackId id{};
    if (!file_name.ends_with(".pack") || !bytes_of_hex(file_name.substr(0, file_name.size() - 5), id)) return std::nullopt;
    return id;
}

PackFile::PackFile(std::unique_ptr<File> file, std::string path, const PackId& id, const PackContext& context, const SecretBytes& key)
    : file_(std::move(file)), path_(std::move(path)), id_(id), associated_(associated_of(context, id)), aead_(context.suite, key.bytes()) {}

std::string PackFile::at(std::uint64_t offset) const { return path_ + ": at " + std::to_string(offset); }

Result<std::shared_ptr<PackFile>> PackFile::open(Folder& folder, const std::string& path, const PackId& id, const PackContext& context, bool lenient) {
    auto file = folder.open(path, Folder::Mode::read);
    if (!file) {
        if (file.error().code() == Code::not_found) return damage_error(Damage::missing, path + ": is not there");
        return std::move(file).error();
    }
    std::vector<std::uint8_t> head(pack_head_bytes);
    const std::size_t got = SYMPHONY_TRY((*file)->read_at(0, head));
    if (got < head.size()) return damage_error(Damage::torn, path + ": ends within its head");
    auto checked = check_head(head, path, id, context);
    if (!checked && !(lenient && damage_of(checked.error()) == Damage::bit_rot)) return std::move(checked).error();
    SecretBytes key;
    if (context.suite != Suite::none) key = SYMPHONY_TRY(data_key_of(head, path, id, context));
    return std::shared_ptr<PackFile>(new PackFile(std::move(*file), path, id, context, key));
}

Result<Blob> PackFile::read(std::uint64_t offset, std::uint32_t stored, const Digest* expected) const {
    return read_checked(offset, stored, expected, true);
}
Result<Blob> PackFile::read_packed(std::uint64_t offset, std::uint32_t stored, const Digest* expected) const {
    return read_checked(offset, stored, expected, false);
}

Result<Blob> PackFile::read_checked(std::uint64_t offset, std::uint32_t stored, const Digest* expected, bool unpack) const {
    if (stored > blob_bytes_max + tag_bytes) return damage_error(Damage::bit_rot, at(offset) + ": no blob has " + std::to_string(stored) + " bytes");
    thread_local std::vector<std::uint8_t> bytes;
    bytes.resize(frame_bytes + stored);
    const std::size_t got = SYMPHONY_TRY(file_->read_at(offset, bytes));
    if (got < bytes.size()) return damage_error(Damage::torn, at(offset) + ": the file ends within a blob");
    const auto frame = Frame::decode(Bytes(bytes).first(frame_bytes));
    const Bytes sealed = Bytes(bytes).subspan(frame_bytes);
    if (!frame && all_zero(bytes)) return damage_error(Damage::torn, at(offset) + ": there are only zeros where a blob should be");
    if (!frame || frame->stored != stored || frame->sum != frame->sum_of(sealed)) {
        return damage_error(Damage::bit_rot, at(offset) + ": a blob's checksum does not fit");
    }
    if (expected != nullptr && frame->id != *expected) return damage_error(Damage::tampered, at(offset) + ": another blob stands in this place");
    if (frame->stored < aead_.overhead()) return damage_error(Damage::tampered, at(offset) + ": a blob without a tag");
    auto bound = associated_;
    bound.insert(bound.end(), bytes.begin(), bytes.begin() + frame_bytes - 8);
    const bool packed = (frame->flags & flag_zstd) != 0;
    std::vector<std::uint8_t> inner(stored - aead_.overhead());
    if (!aead_.open(frame->counter, bound, sealed, inner)) return damage_error(Damage::tampered, at(offset) + ": a blob's tag does not fit its bytes");
    Blob blob{*frame, {}};
    if (!packed || !unpack) {
        if (!packed && inner.size() != frame->raw) return damage_error(Damage::tampered, at(offset) + ": a blob's size does not fit its frame");
        blob.content = std::move(inner);
        return blob;
    }
    blob.content.resize(frame->raw);
    if (!decompress(inner, blob.content)) return damage_error(Damage::tampered, at(offset) + ": a blob cannot be decompressed");
    return blob;
}

Result<Footer> PackFile::footer() const {
    const std::uint64_t size = SYMPHONY_TRY(file_->size());
    if (size < pack_head_bytes + frame_bytes + trailer_bytes) return damage_error(Damage::torn, path_ + ": is too short for a footer");
    std::vector<std::uint8_t> trailer(trailer_bytes), head(head_fixed_bytes);
    const std::size_t got = SYMPHONY_TRY(file_->read_at(size - trailer_bytes, trailer)) + SYMPHONY_TRY(file_->read_at(0, head));
    if (got != trailer_bytes + head_fixed_bytes) return damage_error(Damage::torn, path_ + ": ends within its trailer");
    ByteReader in(trailer);
    const bool magic = text_of(in.raw(8)) == trailer_magic;
    const std::uint64_t offset = in.u64();
    const std::uint32_t length = in.u32();
    const std::uint32_t records = in.u32();
    if (!magic) return damage_error(all_zero(trailer) ? Damage::torn : Damage::bit_rot, path_ + ": the trailer is damaged");
    if (length < frame_bytes || length > blob_bytes_max || offset < pack_head_bytes || offset + length + trailer_bytes != size) {
        return damage_error(Damage::bit_rot, path_ + ": the trailer does not fit the file's " + std::to_string(size) + " bytes");
    }
    std::vector<std::uint8_t> frame(length);
    if (SYMPHONY_TRY(file_->read_at(offset, frame)) != length) return damage_error(Damage::torn, path_ + ": ends within its footer");
    if (make_trailer(head, offset, frame, records) != trailer) return damage_error(Damage::bit_rot, path_ + ": the trailer's checksum does not fit");
    const Blob blob = SYMPHONY_TRY(read(offset, static_cast<std::uint32_t>(length - frame_bytes), nullptr));
    auto footer = Footer::decode(blob.content, offset);
    if (blob.frame.type != BlobType::footer || !footer || footer->entries.size() != records) {
        return damage_error(Damage::tampered, path_ + ": the footer is not one");
    }
    return *std::move(footer);
}

Result<PackFile::Walk> PackFile::walk(const std::function<bool(std::uint64_t, const Frame&)>& each) const {
    const std::uint64_t size = SYMPHONY_TRY(file_->size());
    Walk walk;
    std::vector<std::uint8_t> bytes;
    // A whole frame at `offset`, or nothing.
    const auto whole_at = [&](std::uint64_t offset) -> Result<std::optional<Frame>> {
        std::array<std::uint8_t, frame_bytes> head{};
        if (SYMPHONY_TRY(file_->read_at(offset, head)) < head.size()) return std::optional<Frame>();
        const auto frame = Frame::decode(head);
        if (!frame || frame->stored > size - offset - frame_bytes) return std::optional<Frame>();
        bytes.resize(frame->stored);
        if (SYMPHONY_TRY(file_->read_at(offset + frame_bytes, bytes)) < bytes.size() || frame->sum_of(bytes) != frame->sum) return std::optional<Frame>();
        return frame;
    };
    const auto next_magic = [&](std::uint64_t from) -> Result<std::uint64_t> {
        std::vector<std::uint8_t> window(256 * 1024);
        while (from < size) {
            const std::size_t got = SYMPHONY_TRY(file_->read_at(from, window));
            const auto found = text_of(Bytes(window).first(got)).find(frame_magic);
            if (found != std::string_view::npos) return from + found;
            if (got < window.size()) break;
            from += got - (frame_magic.size() - 1);
        }
        return size;
    };
    std::uint64_t offset = pack_head_bytes;
    std::uint64_t hole = 0; // begin of a damaged stretch; no frame begins at 0
    while (offset < size) {
        const auto frame = SYMPHONY_TRY(whole_at(offset));
        if (!frame) {
            if (hole == 0 && size - offset == trailer_bytes && walk.has_footer) break;
            if (hole == 0) hole = offset;
            offset = SYMPHONY_TRY(next_magic(offset + 1));
            continue;
        }
        if (hole != 0) {
            walk.holes.emplace_back(hole, offset);
            // A group begins after the one before was synced: two groups further, the damaged frame had been on the disk.
            if (frame->group >= walk.last_group + 2) walk.hole_in_synced = true;
            hole = 0;
        }
        walk.next_counter = std::max(walk.next_counter, frame->counter + 1);
        walk.last_group = std::max(walk.last_group, frame->group);
        if (frame->type == BlobType::footer) walk.has_footer = true;
        else if (!each(offset, *frame)) return walk;
        offset += frame_bytes + frame->stored;
        walk.end = offset;
    }
    walk.cut = hole != 0;
    return walk;
}

Result<std::unique_ptr<PackWriter>> PackWriter::create(Folder& folder, const PackContext& context, std::uint64_t now_ms) {
    std::unique_ptr<PackWriter> writer(new PackWriter(folder));
    fill_random(writer->id_);
    SecretBytes key;
    if (context.suite != Suite::none) key = random_secret(key_bytes);
    writer->aead_ = std::make_unique<Aead>(context.suite, key.bytes());
    writer->associated_ = associated_of(context, writer->id_);
    writer->head_ = make_head(context, writer->id_, now_ms, key.bytes());
    writer->file_ = SYMPHONY_TRY(folder.open(open_path(writer->id_), Folder::Mode::create_new));
    auto written = writer->file_->write_at(0, writer->head_);
    if (written) written = folder.sync_folder("open");
    if (!written) {
        static_cast<void>(folder.remove(open_path(writer->id_)));
        return std::move(written).error();
    }
    writer->written_ = writer->head_.size();
    writer->mark();
    return writer;
}

Result<Place> PackWriter::append(BlobType type, std::uint8_t flags, std::uint32_t raw, const Digest& id, Bytes packed) {
    if (poisoned_) return Error(Code::io, "write-failed", open_path(id_) + ": takes no more after a failed write");
    Frame frame;
    frame.type = type;
    frame.flags = flags;
    frame.raw = raw;
    frame.counter = counter_++; // also when sealing fails: a counter is never used again
    frame.group = group_;
    frame.id = id;
    const std::uint64_t offset = end();
    SYMPHONY_TRY(seal_blob(*aead_, associated_, frame, packed, buffer_));
    footer_.entries.push_back({offset, frame});
    return Place{offset, frame.stored, raw};
}

Status PackWriter::flush() {
    if (poisoned_) return Error(Code::io, "write-failed", open_path(id_) + ": takes no more after a failed write");
    if (buffer_.empty()) return {};
    SYMPHONY_TRY(file_->write_at(written_, buffer_));
    if (buffer_.size() >= begin_sync_bytes) file_->begin_sync(written_, buffer_.size());
    written_ += buffer_.size();
    buffer_.clear();
    return {};
}

Status PackWriter::sync() {
    SYMPHONY_TRY(flush());
    auto done = file_->sync();
    // The kernel may have dropped what it could not write and call the pages clean: a second try would lie.
    if (!done) poisoned_ = true;
    else ++group_;
    return done;
}

void PackWriter::mark() noexcept {
    marked_end_ = end();
    marked_entries_ = footer_.entries.size();
}

void PackWriter::roll_back() noexcept {
    buffer_.clear();
    footer_.entries.resize(marked_entries_);
    ++group_;
    if (!file_->truncate(marked_end_)) poisoned_ = true;
    written_ = marked_end_;
}

void PackWriter::note_sequence(std::uint64_t sequence) noexcept {
    if (footer_.first_sequence == 0 || sequence < footer_.first_sequence) footer_.first_sequence = sequence;
    footer_.last_sequence = std::max(footer_.last_sequence, sequence);
}

Status PackWriter::seal(std::uint32_t collections) {
    SYMPHONY_TRY(sync());
    footer_.collections = collections;
    const auto [frame, head] = SYMPHONY_TRY(make_footer(*aead_, associated_, footer_, counter_++, group_));
    const std::uint64_t offset = end();
    buffer_.insert(buffer_.end(), frame.begin(), frame.end());
    const auto trailer = make_trailer(head_, offset, frame, static_cast<std::uint32_t>(footer_.entries.size()));
    buffer_.insert(buffer_.end(), trailer.begin(), trailer.end());
    auto done = sync();
    if (!done) {
        poisoned_ = true;
        return done;
    }
    const std::string to = sealed_path(id_);
    SYMPHONY_TRY(folder_->rename(open_path(id_), to));
    SYMPHONY_TRY(folder_->sync_folder(to.substr(0, to.rfind('/'))));
    SYMPHONY_TRY(folder_->sync_folder("packs")); // the shard may be new
    return folder_->sync_folder("open");
}

Status seal_recovered(Folder& folder, const PackFile& pack, const Footer& footer, const PackFile::Walk& walk) {
    const std::string from = open_path(pack.id());
    const auto file = SYMPHONY_TRY(folder.open(from, Folder::Mode::write));
    std::vector<std::uint8_t> head(head_fixed_bytes);
    SYMPHONY_TRY(file->read_at(0, head));
    // A counter that the torn tail may have used is not used again: the tail held fewer frames than the pack may have.
    const std::uint32_t counter = walk.next_counter + static_cast<std::uint32_t>(pack_records_max);
    const auto [frame, unused] = SYMPHONY_TRY(make_footer(pack.aead_, pack.associated_, footer, counter, walk.last_group + 1));
    std::vector<std::uint8_t> tail = frame;
    const auto trailer = make_trailer(head, walk.end, frame, static_cast<std::uint32_t>(footer.entries.size()));
    tail.insert(tail.end(), trailer.begin(), trailer.end());
    SYMPHONY_TRY(file->truncate(walk.end));
    SYMPHONY_TRY(write_back(*file, walk.end)); // the process that wrote it may have ended because a sync failed
    SYMPHONY_TRY(file->write_at(walk.end, tail));
    SYMPHONY_TRY(file->sync());
    const std::string to = sealed_path(pack.id());
    SYMPHONY_TRY(folder.rename(from, to));
    SYMPHONY_TRY(folder.sync_folder(to.substr(0, to.rfind('/'))));
    SYMPHONY_TRY(folder.sync_folder("packs"));
    return folder.sync_folder("open");
}

Status rewrap_pack(Folder& folder, const std::string& path, const PackId& id, const PackContext& context) {
    const auto file = SYMPHONY_TRY(folder.open(path, Folder::Mode::write));
    std::vector<std::uint8_t> head(pack_head_bytes);
    if (SYMPHONY_TRY(file->read_at(0, head)) < head.size()) return damage_error(Damage::torn, path + ": ends within its head");
    SYMPHONY_TRY(check_head(head, path, id, context));
    const SecretBytes key = SYMPHONY_TRY(data_key_of(head, path, id, context));
    // One after the other: a torn write leaves the other copy whole, in the old wrapping or the new.
    for (std::size_t i = 0; i < area_count; ++i) {
        SYMPHONY_TRY(file->write_at(head_fixed_bytes + i * area_bytes, make_area(context, id, key.bytes())));
        SYMPHONY_TRY(file->sync());
    }
    return {};
}

} // namespace symphony::store
