// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arena.hpp"
#include "report.hpp"

#include <symphony/bytes.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// What a file may cost. All configurable; a file above them is refused before it is read into memory.
struct Limits {
    std::size_t nodes_max = 10'000;
    std::size_t edges_max = 50'000;
    std::size_t file_bytes_max = 8u << 20;
    std::uint64_t check_ns_max = 100'000'000;

    /// Most values of one document, so that a file of small values does not become a thousand times its size in memory.
    std::size_t items_max() const noexcept { return 100'000 + 32 * (nodes_max + edges_max); }
};

/// Containers in containers of a document.
inline constexpr std::size_t document_depth_max = 48;

struct DocEntry;

/// The entries of a list or table; they live in the DocTree.
struct DocEntries {
    const DocEntry* first = nullptr;
    std::size_t count = 0;
    const DocEntry* begin() const noexcept { return first; }
    inline const DocEntry* end() const noexcept;
    std::size_t size() const noexcept { return count; }
    bool empty() const noexcept { return count == 0; }
    inline const DocEntry& operator[](std::size_t index) const noexcept;
};

/// What all formats have in common. Entries keep the order of the file; a key can be there twice. Texts and entries look
/// into the DocTree and the file's bytes. Small, because a document is made of tens of thousands.
struct Doc {
    enum class Kind : std::uint8_t { null, boolean, integer, number, text, bytes, list, table };
    Kind kind = Kind::null;
    bool truth = false;

private:
    std::uint32_t size_ = 0;  // of text or entries

public:
    Place place;
    union {
        std::int64_t integer = 0;
        double number;
        const char* chars;       // see text()
        const DocEntry* first;   // see entries()
    };

    /// Also the content of `bytes`; "" for what is neither.
    std::string_view text() const noexcept { return kind == Kind::text || kind == Kind::bytes ? std::string_view(chars, size_) : std::string_view(); }
    /// Of a list (keys empty) or a table; none for what is neither.
    DocEntries entries() const noexcept { return kind == Kind::list || kind == Kind::table ? DocEntries{first, size_} : DocEntries(); }
    /// The kind says what it is. A file has less than 4 GiB.
    void set_text(std::string_view text) noexcept {
        chars = text.data();
        size_ = static_cast<std::uint32_t>(text.size());
    }
    void set_entries(DocEntries entries) noexcept {
        first = entries.first;
        size_ = static_cast<std::uint32_t>(entries.count);
    }
    /// The first entry of that key, or null.
    inline const DocEntry* find(std::string_view key) const noexcept;
    /// "a table", "text", ...
    std::string_view kind_name() const noexcept;
};
static_assert(sizeof(Doc) == 24);

/// Most of what tells one key from another, in one number: its length and three of its characters.
constexpr std::uint32_t key_tag(std::string_view key) noexcept {
    if (key.empty()) return 0;
    const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i])); };
    return static_cast<std::uint32_t>(key.size()) << 24 | at(0) << 16 | at(key.size() / 2) << 8 | at(key.size() - 1);
}

struct DocEntry {
    DocEntry() = default;
    explicit DocEntry(std::string_view name, Place where = {}, const Doc& what = {}) noexcept : key(name), tag(key_tag(name)), place(where), value(what) {}

    std::string_view key;
    std::uint32_t tag = 0;  // key_tag(key)
    Place place;            // of the key
    Doc value;
};

inline const DocEntry* DocEntries::end() const noexcept { return first + count; }
inline const DocEntry& DocEntries::operator[](std::size_t index) const noexcept { return first[index]; }
inline const DocEntry* Doc::find(std::string_view key) const noexcept {
    if (kind != Kind::table) return nullptr;
    const std::uint32_t tag = key_tag(key);
    for (const auto& entry : entries()) {
        if (entry.tag == tag && entry.key == key) return &entry;
    }
    return nullptr;
}

/// A document and the memory it lives in.
struct DocTree {
    Doc root;
    Arena arena;
    bool ids_compared = true;           // second nodes of one id were reported by the reader
    std::shared_ptr<const void> keeps;  // what a reader's texts look into, beside arena and file
};

/// Collects the entries of open containers and moves each whole list into the arena when it closes.
class DocBuilder {
public:
    DocBuilder(DocTree& tree, std::size_t items_max) : tree_(tree), items_max_(items_max) {}

    /// @return False when there is no more room (`items_max`).
    bool add(const DocEntry& entry) {
        if (++items_ > items_max_) return false;
        waiting_.push_back(entry);
        return true;
    }
    /// Opens a container; what is added from now on is in it. close() gives its entries.
    std::size_t open() const noexcept { return waiting_.size(); }
    DocEntries close(std::size_t opened) {
        const std::size_t count = waiting_.size() - opened;
        auto* place = tree_.arena.make<DocEntry>(count);
        std::copy(waiting_.begin() + static_cast<std::ptrdiff_t>(opened), waiting_.end(), place);
        waiting_.resize(opened);
        return {place, count};
    }
    std::vector<DocEntry>& waiting() noexcept { return waiting_; }

private:
    DocTree& tree_;
    std::size_t items_max_;
    std::size_t items_ = 0;
    std::vector<DocEntry> waiting_;
};

/// The first entry whose key was there before, or null.
const DocEntry* second_key(const DocEntries& entries);

/// Each reader gives nothing when the text cannot be read; then `findings` says why. `text` outlives the tree.
std::optional<DocTree> read_toml(std::string_view text, const Limits& limits, Findings& findings);
/// With the places of everything, which takes its time.
std::optional<DocTree> read_json(std::string_view text, const Limits& limits, Findings& findings);
/// Without places, by simdjson. Nothing, and no word why, for what is not plain and right: read_json then decides.
std::optional<DocTree> read_json_fast(std::string_view text, const Limits& limits);
/// Text keys, no extension types, containers at most `document_depth_max` deep. Places are unknown.
std::optional<DocTree> read_msgpack(Bytes bytes, const Limits& limits, Findings& findings);

/// Finds second definitions of a node, input or output, which TOML readers stop at. Each is reported, and its copy in the
/// result is renamed so that the rest of the file can be checked too. Counts nodes and edges on the way: more than the
/// limits give nothing.
std::optional<std::string> mark_duplicates(std::string_view text, const Limits& limits, Findings& findings);
/// The key as the file has it.
std::string_view without_mark(std::string_view key) noexcept;

void report_too_many(Findings& findings, bool nodes, std::size_t max, Place place);
void report_too_large(Findings& findings, std::size_t bytes, std::size_t bytes_max);
void report_too_many_items(Findings& findings, std::size_t max, Place place);

} // namespace symphony::tracker
