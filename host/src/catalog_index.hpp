// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::host {

/// What tells whether a file is still the one that was read. All zero: there was no file.
struct Stamp {
    std::uint64_t size = 0;      // bytes
    std::uint64_t mtime_ns = 0;
    std::uint64_t ctime_ns = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

struct ProvidedPort {
    std::string_view port;
    std::int32_t priority = 0;
    bool exclusive = false;
};

struct RequiredPort {
    std::string_view port;
    std::string_view provider; // plugin id, empty = any
    std::uint32_t line = 0;
    bool optional = false;
    bool many = false;         // wants every provider, not the best one
};

struct NeededPlugin {
    std::string_view id;
    std::string_view range;
    std::uint32_t line = 0;
    bool optional = false;
};

struct CommandName {
    std::string_view name;
    std::string_view summary;
};

/// One thing that is wrong with a manifest.
struct Finding {
    std::string_view reason; // stable kebab-case
    std::string_view message;
    std::string_view hint;
    std::uint32_t line = 0;   // 1-based, 0 = none
    std::uint32_t column = 0; // 1-based, 0 = none
    bool fatal = true;
};

/// What the catalog knows of one folder. Texts belong to the index it was read from.
struct Entry {
    enum class Kind : std::uint8_t { bare, good, bad }; // bare: a folder without a manifest
    Kind kind = Kind::bare;
    bool startup = false;          // wants to be activated at start
    std::uint16_t abi_major = 1;
    std::uint16_t abi_minor = 0;   // lowest host minor it runs in
    std::string_view folder;       // name beneath the root; "." = the root itself
    Stamp stamp;
    std::array<std::uint8_t, 32> digest{}; // SHA-256 of the manifest's bytes
    std::string_view id, name, version, type, description;
    std::string_view host_range;   // the "symphony-core" dependency; empty = any
    std::uint32_t host_range_line = 0;
    std::uint32_t abi_line = 0;
    std::vector<ProvidedPort> provides;
    std::vector<RequiredPort> requires_;
    std::vector<NeededPlugin> dependencies;
    std::vector<CommandName> commands;
    std::vector<Finding> findings;
};

/// A read-only, memory-mapped summary of one plugin root. Nothing in the file is trusted: its checksum is
/// compared once, and every offset is checked again whenever it is followed.
class CatalogIndex {
public:
    enum class Table : std::uint32_t { id, name, port, command };
    static constexpr std::size_t tables = 4;

    /// @return Nothing when the file is absent, torn, foreign, of another version or about another root.
    static std::optional<CatalogIndex> open(const std::string& file, std::string_view root);
    /// Takes bytes made by CatalogIndexBuilder.
    static std::optional<CatalogIndex> adopt(std::string bytes, std::string_view root);

    /// Writes the checksum of a file's bytes into them.
    static void seal(std::string& bytes) noexcept;

    CatalogIndex(CatalogIndex&&) noexcept;
    CatalogIndex& operator=(CatalogIndex&&) noexcept;
    ~CatalogIndex();

    std::uint32_t size() const noexcept { return rows_; }
    std::size_t bytes() const noexcept { return data_.size(); }
    Stamp root_stamp() const noexcept;
    /// Rows with that key, in folder order; the view lives as long as the index.
    std::span<const std::uint32_t> find(Table table, std::string_view key) const noexcept;
    Stamp stamp(std::uint32_t row) const noexcept;
    std::string_view folder(std::uint32_t row) const noexcept;
    /// Fills `out`, reusing its memory. @return False for a row that does not decode.
    bool read(std::uint32_t row, Entry& out) const;

private:
    explicit CatalogIndex(std::string_view data) : data_(data) {}
    static bool accept(CatalogIndex& index, std::string_view root);

    std::string_view data_;
    std::unique_ptr<std::string> owned_; // data_ lies here when adopted; else it is mapped
    std::uint32_t rows_ = 0;
};

/// Collects entries and lays them out as one file. Keeps the encoded bytes only, so memory stays near the file's size.
class CatalogIndexBuilder {
public:
    /// Entries come in folder order; texts are copied.
    void add(const Entry& entry);
    std::string finish(std::string_view root, const Stamp& root_stamp);

private:
    struct Key {
        std::uint64_t hash;
        std::uint32_t text; // offset of the length-prefixed key
        std::uint32_t row;
    };
    std::uint32_t put(std::string_view text);
    void key(CatalogIndex::Table table, std::uint32_t text);

    std::string rows_;
    std::string blob_;
    std::uint32_t count_ = 0;
    std::array<std::vector<Key>, CatalogIndex::tables> keys_;
};

} // namespace symphony::host
