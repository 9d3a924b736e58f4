// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"
#include "header.hpp"

/// Packs: files of sealed blobs. A pack grows in open/, is readable up to its last whole frame at any time, and never
/// changes once a footer has closed it and it stands in packs/. docs/format.md has every byte.
namespace symphony::store {

using PackId = Id128;

constexpr std::size_t pack_head_bytes = 512;
constexpr std::size_t frame_bytes = 64;
constexpr std::size_t trailer_bytes = 64;
constexpr std::size_t blob_bytes_max = 16 << 20;  ///< of one blob, before sealing
constexpr std::size_t pack_bytes_goal = 32 << 20; ///< a pack is sealed when it is larger
constexpr std::size_t pack_records_max = 65'536;

enum class BlobType : std::uint8_t { data = 1, list = 2, meta = 3, footer = 4 };
constexpr std::uint8_t flag_zstd = 1;

/// What stands before every blob.
struct Frame {
    BlobType type = BlobType::data;
    std::uint8_t flags = 0;
    std::uint32_t raw = 0;     ///< bytes of the content
    std::uint32_t stored = 0;  ///< bytes behind the frame
    std::uint32_t counter = 0; ///< of the nonce: never twice in a pack
    std::uint32_t group = 0;   ///< grows with each sync: what is in an earlier group than a good frame was once on the disk
    Digest id;
    std::uint64_t sum = 0;     ///< XXH3 of the stored bytes, seeded with that of the frame before it

    std::array<std::uint8_t, frame_bytes> encode() const;
    static std::optional<Frame> decode(Bytes bytes); ///< 64 bytes; sizes are within their limits
    std::uint64_t sum_of(Bytes stored) const;        ///< what `sum` must be
};

struct FooterEntry {
    std::uint64_t offset = 0; ///< of the frame
    Frame frame;
};
struct Footer {
    std::uint32_t collections = 0;  ///< finished when the pack was sealed: an index that knows of fewer is an old one
    std::uint64_t first_sequence = 0, last_sequence = 0; ///< of the records in it; 0 = none
    std::vector<FooterEntry> entries;

    std::vector<std::uint8_t> encode() const;
    /// @param end Where the footer's own frame begins: entries end before it.
    static std::optional<Footer> decode(Bytes bytes, std::uint64_t end);
};

/// What all packs of one store share. [any thread]
struct PackContext {
    Suite suite = Suite::none;
    Id128 repository{};
    Keys keys;
};

std::string open_path(const PackId& id);   ///< open/ID.pack
std::string sealed_path(const PackId& id); ///< packs/XX/ID.pack
std::string trash_path(const PackId& id, std::uint64_t now_ms);
std::optional<PackId> pack_named(std::string_view file_name);

/// Where a blob is.
struct Place {
    std::uint64_t offset = 0;
    std::uint32_t stored = 0;
    std::uint32_t raw = 0;
};

/// A blob as it was put in, compression undone.
struct Blob {
    Frame frame;
    std::vector<std::uint8_t> content;
};

/// One pack being read. [any thread]
class PackFile {
public:
    /// Checks the head and unwraps the data key. Errors are classed; `missing` when the file is not there.
    /// @param lenient For salvage: a damaged head is passed over as long as the data key can be had.
    static Result<std::shared_ptr<PackFile>> open(Folder& folder, const std::string& path, const PackId& id, const PackContext& context, bool lenient = false);
    /// Checks checksum and tag; `expected`, when given, must be the blob's id. The id itself is proven by the caller.
    Result<Blob> read(std::uint64_t offset, std::uint32_t stored, const Digest* expected) const;
    /// The same without undoing the compression, for writing a blob anew.
    Result<Blob> read_packed(std::uint64_t offset, std::uint32_t stored, const Digest* expected) const;
    Result<Footer> footer() const;
    Result<std::uint64_t> size() const { return file_->size(); }
    const PackId& id() const noexcept { return id_; }
    const std::string& path() const noexcept { return path_; }

    /// Goes through the frames without the help of a footer. A damaged stretch is jumped over to the next whole frame.
    struct Walk {
        std::uint64_t end = pack_head_bytes;    ///< behind the last whole frame
        std::uint32_t next_counter = 0;         ///< greater than any seen
        std::uint32_t last_group = 0;
        bool cut = false;                       ///< something that is no whole frame follows the end
        bool hole_in_synced = false;            ///< a frame that had been synced is damaged: rot, not a torn write
        std::vector<std::pair<std::uint64_t, std::uint64_t>> holes; ///< begin, end
        bool has_footer = false;
    };
    /// @param each false ends the walk.
    Result<Walk> walk(const std::function<bool(std::uint64_t offset, const Frame&)>& each) const;

private:
    PackFile(std::unique_ptr<File> file, std::string path, const PackId& id, const PackContext& context, const SecretBytes& key);
    Result<Blob> read_checked(std::uint64_t offset, std::uint32_t stored, const Digest* expected, bool unpack) const;
    std::string at(std::uint64_t offset) const;
    friend Status seal_recovered(Folder& folder, const PackFile& pack, const Footer& footer, const PackFile::Walk& walk);

    std::unique_ptr<File> file_;
    std::string path_;
    PackId id_;
    std::vector<std::uint8_t> associated_;
    Aead aead_;
};

/// One pack being written; the caller serialises. Nothing is on the disk before flush(), nothing is safe before sync().
class PackWriter {
public:
    static Result<std::unique_ptr<PackWriter>> create(Folder& folder, const PackContext& context, std::uint64_t now_ms);

    /// Seals a blob into the buffer. @param packed The content or, with flag_zstd, its compressed form.
    Result<Place> append(BlobType type, std::uint8_t flags, std::uint32_t raw, const Digest& id, Bytes packed);
    Status flush();
    /// Flushes first. After a failure the pack is poisoned(): nothing more may be written to it.
    Status sync();
    /// Forgets what was appended since the last mark() and cuts the file there; poisoned when that fails.
    void roll_back() noexcept;
    void mark() noexcept;
    void note_sequence(std::uint64_t sequence) noexcept;
    /// Footer, sync, rename to packs/, sync of the folder. The writer is done afterwards.
    Status seal(std::uint32_t collections);

    bool poisoned() const noexcept { return poisoned_; }
    /// Something was appended since mark().
    bool changed() const noexcept { return end() != marked_end_; }
    bool full() const noexcept { return end() >= pack_bytes_goal || footer_.entries.size() >= pack_records_max - 64; }
    std::size_t buffered() const noexcept { return buffer_.size(); }
    std::uint64_t end() const noexcept { return written_ + buffer_.size(); }
    std::size_t records() const noexcept { return footer_.entries.size(); }
    const PackId& id() const noexcept { return id_; }
    std::uint64_t first_sequence() const noexcept { return footer_.first_sequence; }

private:
    explicit PackWriter(Folder& folder) : folder_(&folder) {}

    Folder* folder_;
    std::unique_ptr<File> file_;
    PackId id_{};
    std::vector<std::uint8_t> head_;
    std::vector<std::uint8_t> associated_;
    std::unique_ptr<Aead> aead_;
    std::vector<std::uint8_t> buffer_;
    std::uint64_t written_ = 0;
    std::uint32_t counter_ = 0;
    std::uint32_t group_ = 1;
    Footer footer_;
    std::uint64_t marked_end_ = 0;
    std::size_t marked_entries_ = 0;
    bool poisoned_ = false;

};

/// Closes a pack that a crash left open: what follows the last whole frame is cut off, a footer is written, and the pack
/// moves to packs/.
Status seal_recovered(Folder& folder, const PackFile& pack, const Footer& footer, const PackFile::Walk& walk);

/// Wraps the data key of a sealed pack by the newest master key; both copies, one after the other. May be done again.
Status rewrap_pack(Folder& folder, const std::string& path, const PackId& id, const PackContext& context);

} // namespace symphony::store
