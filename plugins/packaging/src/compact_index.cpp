// SPDX-License-Identifier: Apache-2.0
#include "compact_data.hpp"
#include "words.hpp"

#include <symphony/manifests/semver.hpp>

#include <xxhash.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace symphony::packaging {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

template <class Row>
void append(std::string& out, const std::vector<Row>& rows) {
    if (!rows.empty()) out.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row));
}

} // namespace

// ---- making

struct CompactIndex::Builder::State {
    std::uint32_t text(std::string_view of) {
        if (const auto found = numbers.find(of); found != numbers.end()) return found->second;
        const auto number = static_cast<std::uint32_t>(starts.size());
        const auto& kept = texts.emplace_back(of);
        starts.push_back(static_cast<std::uint32_t>(blob_bytes));
        blob_bytes += kept.size();
        numbers.emplace(kept, number);
        return number;
    }

    std::deque<std::string> texts;
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    std::vector<TextRow> starts;
    std::uint64_t blob_bytes = 0;
    std::vector<PackageRow> packages;
    std::vector<ReleaseRow> releases;
    std::vector<NeedRow> needs;
    std::vector<OfferRow> offers;
    std::vector<UseRow> uses;
    std::vector<TextRow> triples;
};

CompactIndex::Builder::Builder() : state_(std::make_unique<State>()) { state_->text(""); }
CompactIndex::Builder::~Builder() = default;

Status CompactIndex::Builder::add(std::string_view id, const std::vector<IndexLine>& versions) {
    auto& state = *state_;
    if (versions.empty()) return {};
    const auto& newest = versions.back();
    std::string words = lower(id) + "\n" + lower(newest.name) + "\n";
    for (const auto& keyword : newest.keywords) words += lower(keyword) + " ";
    words += "\n" + lower(newest.description) + "\n";
    state.packages.push_back({state.text(id), state.text(newest.name), state.text(newest.description), state.text(words),
                              static_cast<std::uint32_t>(state.releases.size()), static_cast<std::uint32_t>(versions.size())});
    for (const auto& line : versions) {
        state.releases.push_back({state.text(line.version), state.text(line.abi), state.text(line.host), state.text(line.signer),
                                  static_cast<std::uint32_t>(state.needs.size()), static_cast<std::uint32_t>(state.offers.size()),
                                  static_cast<std::uint32_t>(state.uses.size()), static_cast<std::uint32_t>(state.triples.size()), line.yanked ? 1u : 0u});
        for (const auto& need : line.needs) state.needs.push_back({state.text(need.id), state.text(need.range), need.optional ? 1u : 0u});
        for (const auto& offer : line.provides) state.offers.push_back({state.text(offer.port), offer.exclusive ? 1u : 0u});
        for (const auto& use : line.uses) state.uses.push_back({state.text(use.port), state.text(use.provider)});
        for (const auto& artifact : line.artifacts) state.triples.push_back(state.text(artifact.triple));
    }
    if (state.blob_bytes > bytes_max / 2) return Error(Code::exhausted, "too-large", "the index has more text than a compact index takes");
    return {};
}

Result<std::string> CompactIndex::Builder::finish(std::string_view snapshot) {
    auto& state = *state_;
    if (snapshot.size() != sizeof(Data::Header::snapshot)) return Error(Code::misuse, "bad-snapshot", "the digest of a snapshot has 64 digits");
    std::sort(state.packages.begin(), state.packages.end(), [&](const PackageRow& a, const PackageRow& b) { return state.texts[a.id] < state.texts[b.id]; });
    state.releases.push_back({0, 0, 0, 0, static_cast<std::uint32_t>(state.needs.size()), static_cast<std::uint32_t>(state.offers.size()),
                              static_cast<std::uint32_t>(state.uses.size()), static_cast<std::uint32_t>(state.triples.size()), 0}); // ends the lists of the last
    Data::Header header{};
    std::memcpy(header.magic, Data::magic, sizeof header.magic);
    std::memcpy(header.snapshot, snapshot.data(), sizeof header.snapshot);
    header.rows = {static_cast<std::uint32_t>(state.starts.size()), static_cast<std::uint32_t>(state.packages.size()), static_cast<std::uint32_t>(state.releases.size()),
                   static_cast<std::uint32_t>(state.needs.size()), static_cast<std::uint32_t>(state.offers.size()), static_cast<std::uint32_t>(state.uses.size()),
                   static_cast<std::uint32_t>(state.triples.size())};
    header.text_bytes = static_cast<std::uint32_t>(state.blob_bytes);
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    append(out, state.starts);
    append(out, state.packages);
    append(out, state.releases);
    append(out, state.needs);
    append(out, state.offers);
    append(out, state.uses);
    append(out, state.triples);
    for (const auto& text : state.texts) out += text;
    header.checksum = ::XXH3_64bits(out.data() + 16, out.size() - 16);
    std::memcpy(out.data(), &header, sizeof header);
    return out;
}

// ---- reading

CompactIndex::CompactIndex(std::unique_ptr<const Data> data) : data_(std::move(data)) {}
CompactIndex::CompactIndex(CompactIndex&&) noexcept = default;
CompactIndex& CompactIndex::operator=(CompactIndex&&) noexcept = default;
CompactIndex::~CompactIndex() = default;

Result<CompactIndex> CompactIndex::open(std::string bytes) {
    const auto bad = [] { return Error(Code::data_corrupt, "bad-index-cache", "the cached index is damaged or of another symphony", "it is made anew by itself"); };
    auto data = std::make_unique<Data>();
    auto& header = data->header;
    if (bytes.size() < sizeof header || bytes.size() > bytes_max) return bad();
    std::memcpy(&header, bytes.data(), sizeof header);
    if (std::memcmp(header.magic, Data::magic, sizeof header.magic) != 0) return bad();
    if (header.checksum != ::XXH3_64bits(bytes.data() + 16, bytes.size() - 16)) return bad();
    std::size_t at = sizeof header;
    for (std::size_t table = 0; table < Data::tables; ++table) {
        data->begin[table] = at;
        at += std::size_t{header.rows[table]} * Data::row_bytes[table];
    }
    data->text_begin = at;
    if (at + header.text_bytes != bytes.size()) return bad();
    data->bytes = std::move(bytes);
    if (!data->is_in_order()) return bad();
    return CompactIndex(std::move(data));
}

/// Texts and lists follow one another: none overlaps another one, so that reading all of them is one pass over the tables.
bool CompactIndex::Data::is_in_order() const noexcept {
    for (std::uint32_t i = 0; i + 1 < rows(texts); ++i) {
        if (row<TextRow>(texts, i) > row<TextRow>(texts, i + 1)) return false;
    }
    for (std::uint32_t i = 0; i + 1 < rows(releases); ++i) {
        const auto one = row<ReleaseRow>(releases, i), next = row<ReleaseRow>(releases, i + 1);
        if (one.first_need > next.first_need || one.first_offer > next.first_offer || one.first_use > next.first_use || one.first_triple > next.first_triple) return false;
    }
    std::uint64_t count = 0;
    for (std::uint32_t i = 0; i < rows(packages); ++i) count += row<PackageRow>(packages, i).releases;
    return count <= rows(releases);
}

std::optional<PackageRow> CompactIndex::Data::find(std::string_view id) const noexcept {
    std::uint32_t low = 0, high = rows(packages);
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        const auto found = row<PackageRow>(packages, middle);
        const auto order = text(found.id).compare(id);
        if (order == 0) return found;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return std::nullopt;
}

std::string_view CompactIndex::snapshot() const noexcept { return {data_->header.snapshot, sizeof data_->header.snapshot}; }
std::size_t CompactIndex::packages() const noexcept { return data_->rows(Data::packages); }

namespace {

template <class Data>
CompactIndex::Summary summary_of(const Data& data, const PackageRow& row) {
    CompactIndex::Summary out{data.text(row.id), data.text(row.name), data.text(row.description), {}, row.releases};
    // From the highest down; most often the first is the one.
    for (auto left = row.releases; left-- > 0;) {
        const auto release = data.template row<ReleaseRow>(Data::releases, row.first_release + left);
        const auto version = data.text(release.version);
        if (out.version.empty()) out.version = version;
        const auto pre = version.find_first_of("-+");
        if (release.yanked != 0 || (pre != std::string_view::npos && version[pre] == '-')) continue;
        out.version = version;
        break;
    }
    return out;
}

bool is_word_char(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80; }

/// How well a word fits: by the line it is in, and whether it is a whole word there. 0: it is not there.
std::uint32_t score_of(std::string_view text, std::string_view word) {
    constexpr std::uint32_t whole[] = {400, 300, 120, 40}; // id, name, keywords, description
    constexpr std::uint32_t begins[] = {200, 150, 60, 20};
    constexpr std::uint32_t inside[] = {100, 80, 30, 5};
    std::uint32_t best = 0;
    std::size_t line = 0, line_start = 0;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        for (auto end = text.find('\n', line_start); end != std::string_view::npos && end < at && line < 3; end = text.find('\n', line_start)) {
            line_start = end + 1;
            ++line;
        }
        const bool left = at == 0 || !is_word_char(text[at - 1]);
        const bool right = at + word.size() >= text.size() || !is_word_char(text[at + word.size()]);
        best = std::max(best, left && right ? whole[line] : left ? begins[line] : inside[line]);
        if (line == 3 && best > 0) break;
    }
    return best;
}

std::vector<std::string> words_of(std::string_view text) {
    constexpr std::size_t words_max = 16;
    std::vector<std::string> out;
    const auto all = lower(text);
    std::string_view rest = all;
    while (!rest.empty() && out.size() < words_max) {
        const auto start = rest.find_first_not_of(" \t\n\r");
        if (start == std::string_view::npos) break;
        rest.remove_prefix(start);
        const auto end = std::min(rest.find_first_of(" \t\n\r"), rest.size());
        out.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    return out;
}

} // namespace

std::optional<CompactIndex::Summary> CompactIndex::find(std::string_view id) const {
    const auto row = data_->find(id);
    return row ? std::optional(summary_of(*data_, *row)) : std::nullopt;
}

std::vector<CompactIndex::Hit> CompactIndex::search(std::string_view words, std::size_t count_max, std::size_t* total) const {
    const auto wanted = words_of(words);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> found; // score, row
    for (std::uint32_t i = 0; i < data_->rows(Data::packages); ++i) {
        const auto row = data_->row<PackageRow>(Data::packages, i);
        const auto text = data_->text(row.words);
        std::uint32_t score = 1;
        for (const auto& word : wanted) {
            const auto one = score_of(text, word);
            score = one == 0 ? 0 : score + one;
            if (one == 0) break;
        }
        // Who types the whole id or name means that one.
        if (score != 0 && wanted.size() == 1 && (data_->text(row.id) == wanted[0] || data_->text(row.name) == wanted[0])) score += 1000;
        if (score != 0) found.emplace_back(score, i);
    }
    if (total != nullptr) *total = found.size();
    const auto count = std::min(count_max, found.size());
    // Rows are in the order of ids.
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                      [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
    std::vector<Hit> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back({summary_of(*data_, data_->row<PackageRow>(Data::packages, found[i].second)), found[i].first});
    return out;
}

} // namespace symphony::packaging
