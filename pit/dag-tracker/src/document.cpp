// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <unordered_set>

namespace symphony::tracker {

const DocEntry* second_key(const DocEntries& entries) {
    constexpr std::size_t few = 16;
    if (entries.size() <= few) {
        for (std::size_t i = 1; i < entries.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                if (entries[i].tag == entries[k].tag && entries[i].key == entries[k].key) return &entries[i];
            }
        }
        return nullptr;
    }
    std::unordered_set<std::string_view> seen;
    seen.reserve(entries.size());
    for (const auto& entry : entries) {
        if (!seen.insert(entry.key).second) return &entry;
    }
    return nullptr;
}

std::string_view Doc::kind_name() const noexcept {
    switch (kind) {
    case Kind::null: return "nothing";
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::number: return "a number";
    case Kind::text: return "text";
    case Kind::bytes: return "bytes";
    case Kind::list: return "a list";
    case Kind::table: return "a table";
    }
    return "nothing";
}

void report_too_large(Findings& findings, std::size_t bytes, std::size_t bytes_max) {
    findings.error("too-large", "the file has " + std::to_string(bytes) + " bytes, at most " + std::to_string(bytes_max) + " are read", {},
                   "split the workflow, or raise file_size_max of dag-tracker");
}

void report_too_many(Findings& findings, bool nodes, std::size_t max, Place place) {
    const std::string count = std::to_string(max);
    findings.error(nodes ? "too-many-nodes" : "too-many-edges",
                   "the workflow has more than " + count + (nodes ? " nodes" : " edges"), place,
                   nodes ? "use `each` for work on many items, or raise nodes_max of dag-tracker" : "split the workflow, or raise edges_max of dag-tracker");
}

void report_too_many_items(Findings& findings, std::size_t max, Place place) {
    findings.error("too-large", "the file has more than " + std::to_string(max) + " values", place, "split the workflow, or raise nodes_max of dag-tracker");
}

} // namespace symphony::tracker
