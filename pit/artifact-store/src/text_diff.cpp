// SPDX-License-Identifier: Apache-2.0
#include "text_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace symphony::store {
namespace {

using Lines = std::vector<std::string_view>; // each with its line break, the last one perhaps without

Lines lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

enum class Kind : std::uint8_t { same, removed, added };
struct Edit {
    Kind kind;
    std::size_t a = 0, b = 0; ///< number of the line in each
};

/// The furthest reaching paths of each number of edits, and back along them.
class Middle {
public:
    Middle(const Lines& a, const Lines& b, std::size_t begin, std::size_t end_a, std::size_t end_b)
        : a_(a), b_(b), begin_(begin), n_(static_cast<long>(end_a - begin)), m_(static_cast<long>(end_b - begin)) {}

    std::vector<Edit> edits(std::size_t edits_max) {
        const long most = std::min<long>(n_ + m_, static_cast<long>(edits_max));
        std::vector<long> furthest(static_cast<std::size_t>(2 * most + 3), 0);
        const auto at = [&](std::vector<long>& row, long k) -> long& { return row[static_cast<std::size_t>(k + most + 1)]; };
        std::vector<std::vector<long>> rows;
        for (long d = 0; d <= most; ++d) {
            rows.push_back({});
            std::vector<long>& row = rows.back();
            row.reserve(static_cast<std::size_t>(d + 1));
            for (long k = -d; k <= d; k += 2) {
                const bool down = k == -d || (k != d && at(furthest, k - 1) < at(furthest, k + 1));
                long x = down ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
                if (d == 0) x = 0;
                long y = x - k;
                while (x < n_ && y < m_ && same(x, y)) ++x, ++y;
                at(furthest, k) = x;
                row.push_back(x);
                if (x >= n_ && y >= m_) return back(rows, k);
            }
        }
        return replaced();
    }

private:
    bool same(long x, long y) const { return a_[begin_ + static_cast<std::size_t>(x)] == b_[begin_ + static_cast<std::size_t>(y)]; }
    Edit edit(Kind kind, long x, long y) const { return {kind, begin_ + static_cast<std::size_t>(x), begin_ + static_cast<std::size_t>(y)}; }

    std::vector<Edit> replaced() const {
        std::vector<Edit> out;
        for (long x = 0; x < n_; ++x) out.push_back(edit(Kind::removed, x, 0));
        for (long y = 0; y < m_; ++y) out.push_back(edit(Kind::added, n_, y));
        return out;
    }
    /// Row d holds k = -d, -d+2, ... d.
    static long value(const std::vector<std::vector<long>>& rows, long d, long k) {
        if (d < 0 || k < -d || k > d) return -1;
        return rows[static_cast<std::size_t>(d)][static_cast<std::size_t>((k + d) / 2)];
    }
    std::vector<Edit> back(const std::vector<std::vector<long>>& rows, long k) const {
        std::vector<Edit> out;
        long x = n_, y = m_;
        for (long d = static_cast<long>(rows.size()) - 1; d > 0; --d) {
            const bool down = k == -d || (k != d && value(rows, d - 1, k - 1) < value(rows, d - 1, k + 1));
            const long from_k = down ? k + 1 : k - 1;
            const long from_x = value(rows, d - 1, from_k), from_y = from_x - from_k;
            const long turn_x = down ? from_x : from_x + 1;
            while (x > turn_x) out.push_back(edit(Kind::same, --x, --y));
            if (down) out.push_back(edit(Kind::added, x, --y));
            else out.push_back(edit(Kind::removed, --x, y));
            k = from_k;
            static_cast<void>(from_y);
        }
        while (x > 0) out.push_back(edit(Kind::same, --x, --y));
        std::reverse(out.begin(), out.end());
        return out;
    }

    const Lines& a_;
    const Lines& b_;
    const std::size_t begin_;
    const long n_, m_;
};

std::string range_text(std::size_t begin, std::size_t count) {
    // An empty range is named by the line before it.
    return std::to_string(count == 0 ? begin : begin + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

/// One change with the lines around it.
struct Hunk {
    std::size_t begin = 0, end = 0; ///< of the edits
};

std::vector<Hunk> hunks_of(const std::vector<Edit>& edits, std::size_t context) {
    std::vector<Hunk> hunks;
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (edits[i].kind == Kind::same) continue;
        const std::size_t begin = i - std::min(i, context), end = std::min(edits.size(), i + 1 + context);
        if (!hunks.empty() && begin <= hunks.back().end) hunks.back().end = end;
        else hunks.push_back({begin, end});
    }
    return hunks;
}

} // namespace

TextDiff text_diff(std::string_view a, std::string_view b, const TextDiffLimits& limits) {
    const Lines old_lines = lines_of(a), new_lines = lines_of(b);
    std::size_t begin = 0, end_a = old_lines.size(), end_b = new_lines.size();
    while (begin < end_a && begin < end_b && old_lines[begin] == new_lines[begin]) ++begin;
    while (end_a > begin && end_b > begin && old_lines[end_a - 1] == new_lines[end_b - 1]) --end_a, --end_b;
    TextDiff out;
    if (begin == end_a && begin == end_b) return out;
    std::vector<Edit> edits;
    for (std::size_t i = begin - std::min(begin, limits.context); i < begin; ++i) edits.push_back({Kind::same, i, i});
    for (const Edit& edit : Middle(old_lines, new_lines, begin, end_a, end_b).edits(limits.edits_max)) edits.push_back(edit);
    for (std::size_t i = 0; i < limits.context && end_a + i < old_lines.size(); ++i) edits.push_back({Kind::same, end_a + i, end_b + i});
    for (const Edit& edit : edits) {
        out.added += edit.kind == Kind::added ? 1 : 0;
        out.removed += edit.kind == Kind::removed ? 1 : 0;
    }
    for (const Hunk& hunk : hunks_of(edits, limits.context)) {
        std::string body;
        std::size_t count_a = 0, count_b = 0;
        for (std::size_t i = hunk.begin; i < hunk.end; ++i) {
            const Edit& edit = edits[i];
            const std::string_view text = edit.kind == Kind::added ? new_lines[edit.b] : old_lines[edit.a];
            count_a += edit.kind != Kind::added ? 1 : 0;
            count_b += edit.kind != Kind::removed ? 1 : 0;
            body += edit.kind == Kind::same ? ' ' : edit.kind == Kind::added ? '+' : '-';
            body += text;
            if (!text.ends_with('\n')) body += "\n\\ No newline at end of file\n";
        }
        const Edit& first = edits[hunk.begin];
        const std::string head = "@@ -" + range_text(first.a, count_a) + " +" + range_text(first.b, count_b) + " @@\n";
        if (out.text.size() + head.size() + body.size() > limits.output_bytes_max) {
            out.cut = true;
            break;
        }
        out.text += head + body;
    }
    return out;
}

} // namespace symphony::store
