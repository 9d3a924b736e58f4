// SPDX-License-Identifier: Apache-2.0
#include "excerpt.hpp"

#include "words.hpp"

#include <algorithm>

namespace symphony::search {

namespace {

/// Something asked for, where it stands in the text.
struct Match {
    std::size_t begin, end; ///< bytes
    std::size_t term;       ///< which of the terms
};

/// Follows one term through the words of a text; remembers where the last words stood, for strings.
class Follower {
public:
    Follower(const Node& term, std::size_t number) : term_(term), number_(number), begins_(term.words.size(), 0), matched_(term.words.size(), 0) {}

    /// Takes the next word. matched_[i] says whether the last i+1 words are the first i+1 of the term.
    void take(const Word& word, std::vector<Match>& to) {
        const std::size_t last = term_.words.size() - 1;
        for (std::size_t i = last + 1; i-- > 0;) {
            const std::string& wanted = term_.words[i];
            const bool same = i == last && term_.prefix ? word.folded.starts_with(wanted) : word.folded == wanted;
            matched_[i] = same && (i == 0 || matched_[i - 1] != 0) ? 1 : 0;
            if (matched_[i] != 0) begins_[i] = i == 0 ? word.offset : begins_[i - 1];
        }
        if (matched_[last] != 0) to.push_back({begins_[last], word.offset + word.size, number_});
    }

private:
    const Node& term_;
    std::size_t number_;
    std::vector<std::size_t> begins_;
    std::vector<char> matched_;
};

std::vector<Match> find_matches(std::string_view text, const std::vector<const Node*>& wanted) {
    std::vector<Follower> followers;
    for (const Node* node : wanted) {
        if (node->field != Field::name) followers.emplace_back(*node, followers.size());
    }
    std::vector<Match> matches;
    if (followers.empty()) return matches;
    constexpr std::size_t matches_max = 4096;
    WordReader reader(text);
    for (Word word; matches.size() < matches_max && reader.next(word);) {
        for (Follower& follower : followers) follower.take(word, matches);
    }
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
    return matches;
}

/// The match with which the best part begins: most different terms, then most matches, then the first.
std::size_t best_start(const std::vector<Match>& matches, std::size_t bytes_max, std::size_t terms) {
    std::size_t best = 0, best_different = 0, best_count = 0, end = 0, different = 0;
    std::vector<std::size_t> counts(terms, 0);
    for (std::size_t start = 0; start < matches.size(); ++start) {
        while (end < matches.size() && matches[end].end <= matches[start].begin + bytes_max) {
            different += counts[matches[end].term]++ == 0 ? 1 : 0;
            ++end;
        }
        const std::size_t count = end - std::min(end, start);
        if (different > best_different || (different == best_different && count > best_count)) {
            best = start;
            best_different = different;
            best_count = count;
        }
        if (end > start) different -= --counts[matches[start].term] == 0 ? 1 : 0;
        else end = start + 1; // longer than the whole excerpt: never in it
    }
    return best;
}

/// The greatest place at or before `at` where a code point begins.
std::size_t code_point_at(std::string_view text, std::size_t at) noexcept {
    while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return std::min(at, text.size());
}
bool blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The part of `text` around the bytes from `focus`: a quarter of it before, cut at blanks near its ends.
std::pair<std::size_t, std::size_t> cut(std::string_view text, std::size_t focus, std::size_t focus_end, std::size_t bytes_max) {
    std::size_t begin = focus - std::min(focus, std::min(bytes_max / 4, bytes_max - std::min(bytes_max, focus_end - focus)));
    if (text.size() - begin < bytes_max) begin = std::min(begin, text.size() - std::min(text.size(), bytes_max));
    begin = code_point_at(text, begin);
    if (begin > 0) {
        std::size_t next = begin;
        while (next < focus && !blank(text[next])) ++next;
        while (next < focus && blank(text[next])) ++next;
        begin = next < focus || blank(text[next == 0 ? 0 : next - 1]) ? next : begin;
    }
    std::size_t end = code_point_at(text, std::min(text.size(), begin + bytes_max));
    if (end < text.size()) {
        std::size_t last = end;
        while (last > focus_end && !blank(text[last])) --last;
        if (last > focus_end) end = last;
    }
    return {begin, std::max(begin, end)};
}

} // namespace

Excerpt make_excerpt(std::string_view text, const std::vector<const Node*>& wanted, std::size_t bytes_max) {
    text = text.substr(0, code_point_at(text, std::min(text.size(), excerpt_scan_bytes_max)));
    const std::vector<Match> matches = find_matches(text, wanted);
    std::size_t focus = 0, focus_end = 0;
    if (!matches.empty()) {
        const Match& first = matches[best_start(matches, bytes_max, wanted.size())];
        focus = first.begin;
        focus_end = std::min(first.end, focus + bytes_max);
    }
    const auto [begin, end] = cut(text, focus, focus_end, bytes_max);
    Excerpt excerpt{std::string(text.substr(begin, end - begin)), {}};
    std::size_t covered = begin;
    for (const Match& match : matches) {
        if (match.begin < covered || match.end > end) continue;
        excerpt.highlights.push_back(static_cast<std::uint32_t>(match.begin - begin));
        excerpt.highlights.push_back(static_cast<std::uint32_t>(match.end - match.begin));
        covered = match.end;
    }
    return excerpt;
}

} // namespace symphony::search
