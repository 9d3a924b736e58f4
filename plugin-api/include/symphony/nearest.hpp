// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace symphony {

/// How many bytes have to be put in, taken out, changed, or swapped with their neighbour (optimal string alignment distance, which is
/// Damerau-Levenshtein without overlapping edits). O(length * length), without memory of its own.
/// @return What is above `limit`, or of a text of more than 128 bytes, is told as `limit` + 1.
inline std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) noexcept {
    constexpr std::size_t length_max = 128;
    const auto [shorter, longer] = std::minmax({left.size(), right.size()});
    if (longer > length_max || longer - shorter > limit) return limit + 1;
    std::array<std::array<std::size_t, length_max + 1>, 3> rows{}; // of the table: two before, one before, this
    auto *before = rows[0].data(), *last = rows[1].data(), *now = rows[2].data();
    for (std::size_t j = 0; j <= right.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        now[0] = i;
        std::size_t least = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (left[i - 1] == right[j - 1] ? 0u : 1u)});
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
            least = std::min(least, now[j]);
        }
        if (least > limit) return limit + 1;
        std::swap(before, last);
        std::swap(last, now);
    }
    return std::min(last[right.size()], limit + 1);
}

/// Picks from known words the one that was meant: the nearest to what was typed, of equally near ones the first. At most a third of it
/// may differ, or one byte of a short word. Views must live as long as this.
class Nearest {
public:
    explicit Nearest(std::string_view to) noexcept : to_(to), below_(to.size() < 2 ? 1 : std::max<std::size_t>(1, to.size() / 3) + 1) {}
    void look_at(std::string_view known) noexcept {
        if (below_ == 0) return;
        const auto distance = edit_distance(to_, known, below_ - 1);
        if (distance >= below_) return;
        best_ = known;
        below_ = distance;
    }
    std::string_view best() const noexcept { return best_; } ///< empty: nothing looks like it

private:
    std::string_view to_, best_;
    std::size_t below_; // a better one is nearer than this
};

/// The nearest of a list of words; empty: none is near.
template <class Words>
std::string_view nearest(std::string_view to, const Words& known) noexcept {
    Nearest best(to);
    for (const auto& word : known) best.look_at(word);
    return best.best();
}

/// A hint for who typed a word that is none of the known ones: `did you mean WORD?`, or else all of them.
template <class Words>
std::string meant(std::string_view typed, const Words& known) {
    if (const auto near = nearest(typed, known); !near.empty()) return "did you mean " + std::string(near) + "?";
    std::string all;
    for (const auto& word : known) all += (all.empty() ? "known: " : ", ") + std::string(word);
    return all;
}

} // namespace symphony
