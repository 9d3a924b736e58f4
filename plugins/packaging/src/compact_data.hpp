// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/compact_index.hpp>

#include <array>
#include <cstring>
#include <string>
#include <type_traits>

namespace symphony::packaging {

// The block of a compact index: magic, checksum (XXH3) of what follows, digest of the snapshot, the numbers of rows of the tables, the tables,
// the texts. All numbers are of this machine's order; a text is a row of the first table. Rows of lists end where those of the next row begin.

struct PackageRow {
    std::uint32_t id, name, description, words; // texts; `words` in lower case: id, name, keywords and description, a line each
    std::uint32_t first_release, releases;
};
struct ReleaseRow {
    std::uint32_t version, abi, host, signer; // texts; 0 is the empty one
    std::uint32_t first_need, first_offer, first_use, first_triple;
    std::uint32_t yanked;
};
struct NeedRow {
    std::uint32_t id, range, optional;
};
struct OfferRow {
    std::uint32_t port, exclusive;
};
struct UseRow {
    std::uint32_t port, provider;
};
using TextRow = std::uint32_t; // where it begins

struct CompactIndex::Data {
    enum Table : std::uint8_t { texts, packages, releases, needs, offers, uses, triples, tables };
    struct Header {
        char magic[8];
        std::uint64_t checksum;
        char snapshot[64];
        std::array<std::uint32_t, tables> rows;
        std::uint32_t text_bytes;
    };
    static constexpr char magic[] = "SYMIDX01";
    static constexpr std::array<std::uint32_t, tables> row_bytes{sizeof(TextRow), sizeof(PackageRow), sizeof(ReleaseRow), sizeof(NeedRow),
                                                                 sizeof(OfferRow), sizeof(UseRow), sizeof(TextRow)};

    std::string bytes;
    Header header{};
    std::array<std::size_t, tables> begin{}; // of each table in `bytes`
    std::size_t text_begin = 0;

    std::uint32_t rows(Table table) const noexcept { return header.rows[table]; }
    /// A row; of one that is not there, nothing but zeros.
    template <class Row>
    Row row(Table table, std::uint32_t at) const noexcept {
        static_assert(std::is_trivially_copyable_v<Row>);
        Row out{};
        if (at < rows(table)) std::memcpy(&out, bytes.data() + begin[table] + std::size_t{at} * sizeof out, sizeof out);
        return out;
    }
    std::string_view text(std::uint32_t at) const noexcept {
        if (at >= rows(texts)) return {};
        const auto first = row<TextRow>(texts, at);
        const auto last = at + 1 < rows(texts) ? row<TextRow>(texts, at + 1) : header.text_bytes;
        if (first > last || last > header.text_bytes) return {};
        return {bytes.data() + text_begin + first, last - first};
    }
    /// Calls `visit` for each row of a list, which begins at `first` and ends at `last`.
    template <class Row, class Visit>
    void each(Table table, std::uint32_t first, std::uint32_t last, Visit&& visit) const {
        for (auto at = first; at < last && at < rows(table); ++at) visit(row<Row>(table, at));
    }
    bool is_in_order() const noexcept;
    /// The row of the package, or nothing.
    std::optional<PackageRow> find(std::string_view id) const noexcept;
};

} // namespace symphony::packaging
