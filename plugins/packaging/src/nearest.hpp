// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace symphony::packaging {

/// Optimal string alignment distance of texts; what is above `limit` is told as `limit` + 1. O(length * length).
std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit);

/// Picks from many texts the one that looks most like a given one; at most a third of it may differ. Of equals the first.
class Nearest {
public:
    explicit Nearest(std::string_view to) : to_(to), limit_(to.size() / 3) {}
    void look_at(std::string_view text);
    std::string_view best() const noexcept { return best_; } ///< empty: nothing looks like it

private:
    std::string_view to_;
    std::string_view best_;
    std::size_t limit_; // one better than the best so far
};

} // namespace symphony::packaging
