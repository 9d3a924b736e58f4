// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report.hpp"

#include <symphony/value.hpp>

#include <cstdint>
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
};

struct DocEntry;

/// What TOML and JSON have in common, with places. Entries keep the order of the file; a key can be there twice.
struct Doc {
    enum class Kind : std::uint8_t { null, boolean, integer, number, text, list, table };
    Kind kind = Kind::null;
    bool truth = false;
    Place place;
    std::int64_t integer = 0;
    double number = 0;
    std::string text;
    std::vector<DocEntry> entries;  // of a list (keys empty) or a table

    /// The first entry of that key, or null.
    const DocEntry* find(std::string_view key) const noexcept;
    /// "a table", "text", ...
    std::string_view kind_name() const noexcept;
};

struct DocEntry {
    std::string key;
    Place place;  // of the key
    Doc value;
};

/// Reads TOML or JSON, told apart by the extension ".json" or a first character '{'. Nothing when it cannot be read; then
/// `findings` says why.
std::optional<Doc> read_document(std::string_view path, std::string_view text, const Limits& limits, Findings& findings);

std::optional<Doc> read_toml(std::string_view text, const Limits& limits, Findings& findings);
std::optional<Doc> read_json(std::string_view text, const Limits& limits, Findings& findings);

/// Finds second definitions of a node, input or output, which TOML readers stop at. Each is reported, and its copy in the
/// result is renamed so that the rest of the file can be checked too. Counts nodes and edges on the way: more than the
/// limits give nothing.
std::optional<std::string> mark_duplicates(std::string_view text, const Limits& limits, Findings& findings);
/// The key as the file has it.
std::string_view without_mark(std::string_view key) noexcept;

void report_too_many(Findings& findings, bool nodes, std::size_t max, Place place);

Value to_value(const Doc& doc);

} // namespace symphony::tracker
