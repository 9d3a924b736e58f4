// SPDX-License-Identifier: Apache-2.0
#include "nearest.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace symphony::packaging {

std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) {
    const auto longer = std::max(left.size(), right.size());
    if (longer - std::min(left.size(), right.size()) > limit) return limit + 1;
    std::array<std::vector<std::size_t>, 3> rows; // of the table: two before, one before, this
    for (auto& row : rows) row.resize(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j) rows[1][j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        rows[2][0] = i;
        auto least = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
            auto cost = std::min({rows[1][j] + 1, rows[2][j - 1] + 1, rows[1][j - 1] + change});
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) cost = std::min(cost, rows[0][j - 2] + 1);
            rows[2][j] = cost;
            least = std::min(least, cost);
        }
        if (least > limit) return limit + 1;
        std::rotate(rows.begin(), rows.begin() + 1, rows.end());
    }
    return std::min(rows[1][right.size()], limit + 1);
}

void Nearest::look_at(std::string_view text) {
    if (limit_ == 0 || text == to_) return;
    const auto distance = edit_distance(to_, text, limit_);
    if (distance > limit_) return;
    best_ = text;
    limit_ = distance - 1;
}

} // namespace symphony::packaging
