// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::store {

/// What a plain query looks at: everything about an artifact but its content.
struct PlainDocument {
    std::string_view id;
    std::string_view name;
    std::string_view media_type;
    const std::vector<std::string>& tags;
    const std::vector<std::string>& inputs;
    std::uint64_t date_ms = 0; ///< since 1970
};

/// A query of search/1 answered without an index, for what no index has seen: the same grammar, held against name, tags, type,
/// inputs and date. Words are compared by ASCII case only and diacritics count; `text:` matches nothing.
class PlainQuery {
public:
    /// @return `invalid_argument` / "bad-query" with the place in bytes from 1, or "query-too-large".
    static Result<PlainQuery> parse(std::string_view text);
    bool matches(const PlainDocument& document) const;

    struct Node;

private:
    explicit PlainQuery(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
    std::shared_ptr<const Node> root_; ///< null matches everything
};

} // namespace symphony::store
