// SPDX-License-Identifier: Apache-2.0
#include "catalog_index.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host {
namespace {

// File: Header | rows | slots of the four tables | lists of row numbers | keys | blob of texts and entries.
// Keys lie close together, apart from the entries, so that a look-up touches few pages.
// Numbers are in the machine's order: the file is a cache and never travels; `order` refuses a foreign one.
constexpr std::array<char, 8> magic{'S', 'Y', 'M', 'C', 'A', 'T', '0', '2'};
constexpr std::uint32_t byte_order = 0x01020304;

struct Range {
    std::uint64_t offset = 0;
    std::uint64_t count = 0; // items, not bytes
};

struct Header {
    std::array<char, 8> magic{};
    std::uint32_t order = 0;
    std::uint32_t header_size = 0;
    std::uint64_t checksum = 0; // of everything after this member
    std::uint64_t file_size = 0;
    Stamp root_stamp;
    std::uint64_t root_text = 0; // offset in the blob
    Range rows;
    Range slots[CatalogIndex::tables];
    Range lists;
    Range keys;
    Range blob;
};
constexpr std::size_t checked_from = offsetof(Header, file_size);

struct Row {
    Stamp stamp;
    std::array<std::uint8_t, 32> digest;
    std::uint32_t folder; // blob offset of a length-prefixed text
    std::uint32_t entry;  // blob offset of the encoded rest
};

struct Slot {
    std::uint32_t tag;  // upper half of the hash
    std::uint32_t text; // offset in keys, of a length-prefixed text
    std::uint32_t list; // first item in lists; the row itself when there is one
    std::uint32_t count; // 0 = empty slot
};

constexpr std::uint64_t mix_factor = 0x9E3779B97F4A7C15u;

std::uint64_t load64(const char* from) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

std::uint64_t mixed(std::uint64_t state, std::uint64_t word) noexcept {
    state = (state ^ word) * mix_factor;
    return state ^ (state >> 29);
}

std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t state = text.size() * mix_factor;
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, at += 8) state = mixed(state, load64(at));
    std::uint64_t tail = 0;
    if (left > 0) std::memcpy(&tail, at, left);
    state = mixed(state, tail);
    return mixed(state, 0);
}

// Four independent lanes: a single chain of multiplications would bound the start of the program.
std::uint64_t checksum_of(std::string_view bytes) noexcept {
    std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 32; left -= 32, at += 32) {
        for (std::size_t i = 0; i < 4; ++i) lanes[i] = mixed(lanes[i], load64(at + 8 * i));
    }
    std::uint64_t state = hash_of({at, left});
    for (const auto lane : lanes) state = mixed(state, lane);
    return state;
}

template <class T>
T load(std::string_view data, std::uint64_t offset) noexcept {
    T value{};
    if (offset <= data.size() && data.size() - offset >= sizeof value) {
        std::memcpy(static_cast<void*>(&value), data.data() + offset, sizeof value);
    }
    return value;
}

Header header_of(std::string_view data) noexcept { return load<Header>(data, 0); }

bool inside(const Range& range, std::size_t item, std::size_t size) noexcept {
    return range.offset <= size && range.count <= (size - range.offset) / item && range.offset % 4 == 0;
}

// Reads encoded values; after the first one that does not fit everything is empty and `ok` is false.
struct Reader {
    std::string_view blob;
    std::uint64_t at;
    bool ok = true;

    template <class T>
    T number() noexcept {
        if (!ok || at > blob.size() || blob.size() - at < sizeof(T)) {
            ok = false;
            return T{};
        }
        const T value = load<T>(blob, at);
        at += sizeof(T);
        return value;
    }
    std::string_view text() noexcept {
        const auto length = number<std::uint32_t>();
        if (!ok || blob.size() - at < length) {
            ok = false;
            return {};
        }
        const auto result = blob.substr(at, length);
        at += length;
        return result;
    }
    // Every encoded item takes at least four bytes, which bounds what a hostile count can make us reserve.
    std::uint32_t count() noexcept {
        const auto value = number<std::uint32_t>();
        if (!ok || value > (blob.size() - at) / 4) ok = false;
        return ok ? value : 0;
    }
};

// A forged file must not lead outside the root.
std::string_view folder_name(std::string_view stored) noexcept {
    const bool inside_root = !stored.empty() && stored != ".." && stored.find('/') == std::string_view::npos &&
                             stored.find('\0') == std::string_view::npos;
    return inside_root ? stored : std::string_view(".");
}

template <class T>
void append(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

} // namespace

std::optional<CatalogIndex> CatalogIndex::open(const std::string& file, std::string_view root) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return std::nullopt;
    struct stat status {};
    void* mapped = MAP_FAILED;
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= static_cast<off_t>(sizeof(Header))) {
        mapped = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    }
    ::close(fd);
    if (mapped == MAP_FAILED) return std::nullopt;
    CatalogIndex index({static_cast<const char*>(mapped), static_cast<std::size_t>(status.st_size)});
    if (!accept(index, root)) return std::nullopt;
    return index;
}

std::optional<CatalogIndex> CatalogIndex::adopt(std::string bytes, std::string_view root) {
    auto owned = std::make_unique<std::string>(std::move(bytes));
    CatalogIndex index(*owned);
    index.owned_ = std::move(owned);
    if (!accept(index, root)) return std::nullopt;
    return index;
}

bool CatalogIndex::accept(CatalogIndex& index, std::string_view root) {
    const auto data = index.data_;
    if (data.size() < sizeof(Header)) return false;
    const auto header = header_of(data);
    if (header.magic != magic || header.order != byte_order || header.header_size != sizeof(Header) ||
        header.file_size != data.size() || header.checksum != checksum_of(data.substr(checked_from))) {
        return false;
    }
    bool fits = inside(header.rows, sizeof(Row), data.size()) && inside(header.lists, 4, data.size()) &&
                inside(header.keys, 1, data.size()) && inside(header.blob, 1, data.size()) && header.rows.count <= UINT32_MAX;
    for (const auto& slots : header.slots) {
        fits = fits && inside(slots, sizeof(Slot), data.size()) && (slots.count == 0 || std::has_single_bit(slots.count));
    }
    if (!fits) return false;
    Reader reader{data.substr(header.blob.offset, header.blob.count), header.root_text};
    if (reader.text() != root || !reader.ok) return false;
    index.rows_ = static_cast<std::uint32_t>(header.rows.count);
    return true;
}

void CatalogIndex::seal(std::string& bytes) noexcept {
    const auto checksum = checksum_of(std::string_view(bytes).substr(checked_from));
    std::memcpy(bytes.data() + offsetof(Header, checksum), &checksum, sizeof checksum);
}

CatalogIndex::CatalogIndex(CatalogIndex&& other) noexcept
    : data_(std::exchange(other.data_, {})), owned_(std::move(other.owned_)), rows_(std::exchange(other.rows_, 0)) {}

CatalogIndex& CatalogIndex::operator=(CatalogIndex&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(owned_, other.owned_);
    std::swap(rows_, other.rows_);
    return *this;
}

CatalogIndex::~CatalogIndex() {
    if (!owned_ && !data_.empty()) ::munmap(const_cast<char*>(data_.data()), data_.size());
}

Stamp CatalogIndex::root_stamp() const noexcept { return header_of(data_).root_stamp; }

std::span<const std::uint32_t> CatalogIndex::find(Table table, std::string_view key) const noexcept {
    const auto slots = load<Range>(data_, offsetof(Header, slots) + sizeof(Range) * static_cast<std::size_t>(table));
    const auto keys = load<Range>(data_, offsetof(Header, keys));
    const auto hash = hash_of(key);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::uint64_t probe = 0; probe < slots.count; ++probe) {
        const auto at = slots.offset + sizeof(Slot) * ((hash + probe) & (slots.count - 1));
        const auto slot = load<Slot>(data_, at);
        if (slot.count == 0) return {};
        if (slot.tag != tag) continue;
        Reader reader{data_.substr(keys.offset, keys.count), slot.text};
        if (reader.text() != key || !reader.ok) continue;
        auto first = at + offsetof(Slot, list);
        if (slot.count > 1) {
            const auto lists = load<Range>(data_, offsetof(Header, lists));
            if (slot.list > lists.count || slot.count > lists.count - slot.list) return {};
            first = lists.offset + 4 * std::uint64_t{slot.list};
        }
        return {reinterpret_cast<const std::uint32_t*>(data_.data() + first), slot.count};
    }
    return {};
}

Stamp CatalogIndex::stamp(std::uint32_t row) const noexcept {
    const auto rows = load<Range>(data_, offsetof(Header, rows));
    return row < rows.count ? load<Stamp>(data_, rows.offset + sizeof(Row) * row) : Stamp{};
}

std::string_view CatalogIndex::folder(std::uint32_t row) const noexcept {
    const auto header = header_of(data_);
    if (row >= header.rows.count) return {};
    const auto stored = load<Row>(data_, header.rows.offset + sizeof(Row) * row);
    return folder_name(Reader{data_.substr(header.blob.offset, header.blob.count), stored.folder}.text());
}

bool CatalogIndex::read(std::uint32_t row, Entry& out) const {
    const auto header = header_of(data_);
    if (row >= header.rows.count) return false;
    const auto stored = load<Row>(data_, header.rows.offset + sizeof(Row) * row);
    const auto blob = data_.substr(header.blob.offset, header.blob.count);
    out.stamp = stored.stamp;
    out.digest = stored.digest;
    out.folder = folder_name(Reader{blob, stored.folder}.text());
    Reader in{blob, stored.entry};
    const auto kind = in.number<std::uint8_t>();
    if (kind > static_cast<std::uint8_t>(Entry::Kind::bad)) return false;
    out.kind = static_cast<Entry::Kind>(kind);
    out.startup = in.number<std::uint8_t>() != 0;
    out.abi_major = in.number<std::uint16_t>();
    out.abi_minor = in.number<std::uint16_t>();
    for (auto* text : {&out.id, &out.name, &out.version, &out.type, &out.description, &out.host_range}) *text = in.text();
    out.host_range_line = in.number<std::uint32_t>();
    out.abi_line = in.number<std::uint32_t>();
    out.provides.resize(in.count());
    for (auto& item : out.provides) {
        item.port = in.text();
        item.priority = in.number<std::int32_t>();
        item.exclusive = in.number<std::uint8_t>() != 0;
    }
    out.requires_.resize(in.count());
    for (auto& item : out.requires_) {
        item.port = in.text();
        item.provider = in.text();
        item.line = in.number<std::uint32_t>();
        item.optional = in.number<std::uint8_t>() != 0;
        item.many = in.number<std::uint8_t>() != 0;
    }
    out.dependencies.resize(in.count());
    for (auto& item : out.dependencies) {
        item.id = in.text();
        item.range = in.text();
        item.line = in.number<std::uint32_t>();
        item.optional = in.number<std::uint8_t>() != 0;
    }
    out.commands.resize(in.count());
    for (auto& item : out.commands) {
        item.name = in.text();
        item.summary = in.text();
    }
    out.findings.resize(in.count());
    for (auto& item : out.findings) {
        item.reason = in.text();
        item.message = in.text();
        item.hint = in.text();
        item.line = in.number<std::uint32_t>();
        item.column = in.number<std::uint32_t>();
        item.fatal = in.number<std::uint8_t>() != 0;
    }
    return in.ok;
}

std::uint32_t CatalogIndexBuilder::put(std::string_view text) {
    const auto offset = static_cast<std::uint32_t>(blob_.size());
    append(blob_, static_cast<std::uint32_t>(text.size()));
    blob_.append(text);
    return offset;
}

void CatalogIndexBuilder::key(CatalogIndex::Table table, std::uint32_t text) {
    const auto word = Reader{blob_, text}.text();
    if (!word.empty()) keys_[static_cast<std::size_t>(table)].push_back({hash_of(word), text, count_});
}

void CatalogIndexBuilder::add(const Entry& entry) {
    using Table = CatalogIndex::Table;
    const auto flag = [this](bool value) { append(blob_, static_cast<std::uint8_t>(value)); };
    const auto count = [this](std::size_t value) { append(blob_, static_cast<std::uint32_t>(value)); };
    Row row{entry.stamp, entry.digest, put(entry.folder), static_cast<std::uint32_t>(blob_.size())};
    append(rows_, row);
    append(blob_, static_cast<std::uint8_t>(entry.kind));
    flag(entry.startup);
    append(blob_, entry.abi_major);
    append(blob_, entry.abi_minor);
    key(Table::id, put(entry.id));
    key(Table::name, put(entry.name));
    for (const auto text : {entry.version, entry.type, entry.description, entry.host_range}) put(text);
    append(blob_, entry.host_range_line);
    append(blob_, entry.abi_line);
    count(entry.provides.size());
    for (const auto& item : entry.provides) {
        key(Table::port, put(item.port));
        append(blob_, item.priority);
        flag(item.exclusive);
    }
    count(entry.requires_.size());
    for (const auto& item : entry.requires_) {
        put(item.port);
        put(item.provider);
        append(blob_, item.line);
        flag(item.optional);
        flag(item.many);
    }
    count(entry.dependencies.size());
    for (const auto& item : entry.dependencies) {
        put(item.id);
        put(item.range);
        append(blob_, item.line);
        flag(item.optional);
    }
    count(entry.commands.size());
    for (const auto& item : entry.commands) {
        key(Table::command, put(item.name));
        put(item.summary);
    }
    count(entry.findings.size());
    for (const auto& item : entry.findings) {
        put(item.reason);
        put(item.message);
        put(item.hint);
        append(blob_, item.line);
        append(blob_, item.column);
        flag(item.fatal);
    }
    ++count_;
}

std::string CatalogIndexBuilder::finish(std::string_view root, const Stamp& root_stamp) {
    Header header;
    header.magic = magic;
    header.order = byte_order;
    header.header_size = sizeof header;
    header.root_stamp = root_stamp;
    header.root_text = put(root);
    std::vector<Slot> slots;
    std::vector<std::uint32_t> lists;
    std::string key_texts;
    header.rows = {sizeof header, count_};
    const auto slots_offset = sizeof header + rows_.size();
    for (std::size_t table = 0; table < CatalogIndex::tables; ++table) {
        auto& keys = keys_[table];
        std::stable_sort(keys.begin(), keys.end(), [this](const Key& a, const Key& b) {
            if (a.hash != b.hash) return a.hash < b.hash;
            return Reader{blob_, a.text}.text() < Reader{blob_, b.text}.text();
        });
        const auto first = slots.size();
        const auto room = keys.empty() ? std::size_t{0} : std::bit_ceil(keys.size() + keys.size() / 2);
        slots.resize(first + room);
        for (std::size_t i = 0; i < keys.size();) {
            const auto word = Reader{blob_, keys[i].text}.text();
            const auto list = static_cast<std::uint32_t>(lists.size());
            const auto start = i;
            for (; i < keys.size() && keys[i].hash == keys[start].hash && Reader{blob_, keys[i].text}.text() == word; ++i) {
                if (lists.size() == list || lists.back() != keys[i].row) lists.push_back(keys[i].row);
            }
            auto at = keys[start].hash & (room - 1);
            while (slots[first + at].count != 0) at = (at + 1) & (room - 1);
            const auto count = static_cast<std::uint32_t>(lists.size()) - list;
            slots[first + at] = {static_cast<std::uint32_t>(keys[start].hash >> 32), static_cast<std::uint32_t>(key_texts.size()),
                                 count == 1 ? lists.back() : list, count};
            if (count == 1) lists.pop_back();
            append(key_texts, static_cast<std::uint32_t>(word.size()));
            key_texts += word;
        }
        header.slots[table] = {slots_offset + sizeof(Slot) * first, room};
        keys.clear();
        keys.shrink_to_fit();
    }
    header.lists = {slots_offset + sizeof(Slot) * slots.size(), lists.size()};
    header.keys = {header.lists.offset + 4 * lists.size(), key_texts.size()};
    header.blob = {header.keys.offset + (key_texts.size() + 3) / 4 * 4, blob_.size()};
    header.file_size = header.blob.offset + blob_.size();
    std::string file;
    file.reserve(header.file_size);
    append(file, header);
    file += rows_;
    file.append(reinterpret_cast<const char*>(slots.data()), sizeof(Slot) * slots.size());
    file.append(reinterpret_cast<const char*>(lists.data()), 4 * lists.size());
    file += key_texts;
    file.resize(header.blob.offset); // keeps every part aligned
    file += blob_;
    CatalogIndex::seal(file);
    return file;
}

} // namespace symphony::host
