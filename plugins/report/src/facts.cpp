// SPDX-License-Identifier: Apache-2.0
#include "facts.hpp"

#include "remedies.hpp"

#include <symphony/inputs.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace report {

using symphony::Inputs;
using symphony::Kind;
using symphony::Result;
using symphony::Status;
using symphony::ValueView;

Trust trust_of(double confidence) noexcept {
    return confidence >= trust_high_min ? Trust::high : confidence >= trust_fair_min ? Trust::fair : Trust::low;
}

std::string_view name_of(Trust trust) noexcept {
    switch (trust) {
    case Trust::high: return "high";
    case Trust::fair: return "fair";
    case Trust::low: return "low";
    }
    return "low";
}

std::string_view name_of(Severity severity) noexcept {
    switch (severity) {
    case Severity::error: return "error";
    case Severity::warning: return "warning";
    case Severity::note: return "note";
    }
    return "error";
}

std::uint64_t Page::words_of(Trust trust) const noexcept {
    return static_cast<std::uint64_t>(std::count_if(words.begin(), words.end(), [&](const Word& word) { return trust_of(word.confidence) == trust; }));
}

std::size_t Facts::count(Severity severity) const noexcept {
    return static_cast<std::size_t>(std::count_if(problems.begin(), problems.end(), [&](const Problem& problem) { return problem.severity == severity; }));
}

std::optional<double> Facts::mean_confidence() const noexcept {
    double sum = 0;
    double pages_with_words = 0;
    for (const Page& page : pages) {
        if (page.text.empty()) continue;
        sum += page.confidence;
        pages_with_words += 1;
    }
    if (pages_with_words == 0) return std::nullopt;
    return sum / pages_with_words;
}

namespace {

/// The maps of an optional list; anything else in it is an error with its index.
Result<std::vector<ValueView>> maps(const Inputs& inputs, std::string_view name) {
    std::vector<ValueView> out;
    if (!inputs.given(name)) return out;
    const ValueView list = SYMPHONY_TRY(inputs.need(name, Kind::list));
    out.reserve(list.size());
    for (const ValueView item : list.items()) {
        if (!item.is_map()) return inputs.wrong_item(name, out.size(), "map", item);
        out.push_back(item);
    }
    return out;
}

Result<std::vector<std::pair<std::string_view, std::uint64_t>>> counts(const Inputs& inputs, std::string_view name) {
    std::vector<std::pair<std::string_view, std::uint64_t>> out;
    if (!inputs.given(name)) return out;
    const ValueView map = SYMPHONY_TRY(inputs.need(name, Kind::map));
    for (const auto [key, value] : map.entries()) out.emplace_back(key, value.as_uint());
    return out;
}

Result<std::optional<std::uint64_t>> number(const Inputs& inputs, std::string_view name) {
    if (!inputs.given(name)) return std::optional<std::uint64_t>();
    return std::optional(SYMPHONY_TRY(inputs.need(name, Kind::integer)).as_uint());
}

Page page_of(ValueView value) {
    Page page;
    page.value = value;
    page.path = value["path"].as_text();
    page.text = value["text"].as_text();
    page.language = value["language"].as_text();
    page.confidence = std::clamp(value["confidence"].as_double(), 0.0, 100.0);
    page.width = value["width"].as_uint();
    page.height = value["height"].as_uint();
    for (const ValueView word : value["words"].items()) {
        page.words.push_back({word["text"].as_text(), std::clamp(word["confidence"].as_double(), 0.0, 100.0)});
    }
    return page;
}

Match match_of(ValueView value) {
    Match match{value["path"].as_text(), value["excerpt"].as_text(), value["line"].as_uint(), value["column"].as_uint(), 0, 0};
    const std::size_t begin = value["begin"].as_uint();
    const std::size_t length = value["length"].as_uint();
    const auto is_edge = [&](std::size_t at) { return at >= match.excerpt.size() || (static_cast<unsigned char>(match.excerpt[at]) & 0xC0u) != 0x80u; };
    if (begin <= match.excerpt.size() && length <= match.excerpt.size() - begin && is_edge(begin) && is_edge(begin + length)) {
        match.begin = begin;
        match.length = length;
    }
    return match;
}

/// `walk: "a/b": cannot...` and `a/b: cannot...` say the path a second time.
std::string without_path(std::string_view message, std::string_view path) {
    if (path.empty()) return std::string(message);
    const std::size_t at = message.substr(0, path.size() + 40).find(path);
    if (at == std::string_view::npos) return std::string(message);
    std::string_view rest = message.substr(at + path.size());
    if (rest.starts_with('"')) rest.remove_prefix(1);
    if (!rest.starts_with(": ")) return std::string(message);
    return std::string(rest.substr(2));
}

Problem problem_of(ValueView value) {
    Problem problem;
    const std::string_view severity = value["severity"].as_text("error");
    problem.severity = severity == "note" ? Severity::note : severity == "warning" ? Severity::warning : Severity::error;
    problem.path = value["path"].as_text();
    problem.node = value["node"].as_text();
    problem.reason = value["reason"].as_text();
    if (problem.reason.empty()) problem.reason = "unknown";
    problem.message = without_path(value["message"].as_text(), problem.path);
    problem.remedy = value["hint"].as_text();
    if (problem.remedy.empty()) problem.remedy = remedy_for(problem.reason);
    return problem;
}

/// A list of problems, or of lists of problems: whoever merges may do it either way.
Result<std::vector<Problem>> read_problems(const Inputs& inputs) {
    std::vector<Problem> out;
    if (!inputs.given("problems")) return out;
    std::size_t index = 0;
    for (const ValueView item : SYMPHONY_TRY(inputs.need("problems", Kind::list)).items()) {
        if (item.is_map()) {
            out.push_back(problem_of(item));
        } else if (item.is_list()) {
            for (const ValueView inner : item.items()) {
                if (!inner.is_map()) return inputs.wrong_item("problems", index, "list of maps", item);
                out.push_back(problem_of(inner));
            }
        } else {
            return inputs.wrong_item("problems", index, "map", item);
        }
        ++index;
    }
    std::stable_sort(out.begin(), out.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.severity, a.reason, a.path) < std::tie(b.severity, b.reason, b.path);
    });
    return out;
}

Result<std::vector<Pattern>> read_patterns(const Inputs& inputs, std::uint64_t& total) {
    std::vector<Pattern> out;
    std::unordered_map<std::string_view, std::size_t> index;
    const auto entry = [&](std::string_view pattern) -> Pattern& {
        const auto [at, added] = index.emplace(pattern, out.size());
        if (added) out.push_back({pattern, 0, {}});
        return out[at->second];
    };
    for (const auto& [pattern, count] : SYMPHONY_TRY(counts(inputs, "counts"))) entry(pattern).count = count;
    for (const ValueView match : SYMPHONY_TRY(maps(inputs, "matches"))) entry(match["pattern"].as_text()).matches.push_back(match_of(match));
    for (Pattern& pattern : out) {
        pattern.count = std::max<std::uint64_t>(pattern.count, pattern.matches.size());
        total += pattern.count;
    }
    std::stable_sort(out.begin(), out.end(), [](const Pattern& a, const Pattern& b) {
        return a.count != b.count ? a.count > b.count : a.pattern < b.pattern;
    });
    return out;
}

using LinesOfTexts = std::unordered_map<std::string_view, std::optional<std::uint64_t>>;

/// The texts that were read: maps {path, lines}, or paths beside a list of line counts, which spares their content a journey.
Result<LinesOfTexts> read_texts(const Inputs& inputs) {
    LinesOfTexts out;
    if (!inputs.given("texts")) return out;
    std::vector<std::optional<std::uint64_t>> lines;
    if (inputs.given("lines")) {
        for (const ValueView count : SYMPHONY_TRY(inputs.need("lines", Kind::list)).items()) lines.push_back(count.to_uint());
    }
    std::size_t index = 0;
    for (const ValueView text : SYMPHONY_TRY(inputs.need("texts", Kind::list)).items()) {
        if (text.is_map()) out.emplace(text["path"].as_text(), text["lines"].to_uint());
        else if (text.is_text()) out.emplace(text.as_text(), index < lines.size() ? lines[index] : std::nullopt);
        else return inputs.wrong_item("texts", index, "map or path", text);
        ++index;
    }
    return out;
}

/// What became of every file, from the lists that name it.
Status tell_outcomes(Facts& facts, const Inputs& inputs) {
    const LinesOfTexts texts = SYMPHONY_TRY(read_texts(inputs));
    facts.texts = texts.size();
    std::unordered_map<std::string_view, std::uint64_t> words;
    for (const ValueView entry : SYMPHONY_TRY(maps(inputs, "words"))) words.emplace(entry["path"].as_text(), entry["words"].as_uint());
    std::unordered_map<std::string_view, const Page*> pages;
    for (const Page& page : facts.pages) pages.emplace(page.path, &page);
    std::unordered_map<std::string_view, std::string_view> troubles;
    for (const Problem& problem : facts.problems) {
        if (problem.severity != Severity::note) troubles.emplace(problem.path, problem.reason);
    }
    for (File& file : facts.files) {
        if (const auto found = words.find(file.path); found != words.end()) file.words = found->second;
        if (const auto found = texts.find(file.path); found != texts.end()) {
            file.lines = found->second;
            file.outcome = "read";
        } else if (pages.contains(file.path)) {
            file.outcome = "recognised";
        } else if (const auto trouble = troubles.find(file.path); trouble != troubles.end()) {
            file.outcome = trouble->second;
        } else {
            file.outcome = file.kind == "empty" ? "empty" : "not read";
        }
    }
    return {};
}

} // namespace

Result<Facts> Facts::of(ValueView input) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("survey", input, {"title", "folder", "generated", "files", "texts", "lines", "pages", "terms", "words", "total_words",
                                                                    "distinct", "matches", "counts", "problems", "skipped", "timings"}));
    Facts facts;
    facts.title = SYMPHONY_TRY(inputs.text_or("title", "Survey"));
    facts.folder = SYMPHONY_TRY(inputs.text_or("folder", ""));
    facts.generated = SYMPHONY_TRY(inputs.text_or("generated", ""));
    facts.total_words = SYMPHONY_TRY(number(inputs, "total_words"));
    facts.distinct = SYMPHONY_TRY(number(inputs, "distinct"));
    for (const ValueView file : SYMPHONY_TRY(maps(inputs, "files"))) {
        facts.files.push_back({file["path"].as_text(), file["kind"].as_text("unknown"), file["mime"].as_text(), file["size"].as_uint(), {}, {}, {}});
        facts.total_bytes += facts.files.back().size;
    }
    for (const ValueView page : SYMPHONY_TRY(maps(inputs, "pages"))) facts.pages.push_back(page_of(page));
    for (const ValueView term : SYMPHONY_TRY(maps(inputs, "terms"))) {
        facts.terms.push_back({term["term"].as_text(), term["count"].as_uint(), term["files"].as_uint()});
    }
    std::stable_sort(facts.terms.begin(), facts.terms.end(), [](const Term& a, const Term& b) { return a.count > b.count; });
    facts.patterns = SYMPHONY_TRY(read_patterns(inputs, facts.match_count));
    facts.problems = SYMPHONY_TRY(read_problems(inputs));
    for (const auto& [what, count] : SYMPHONY_TRY(counts(inputs, "skipped"))) {
        if (count > 0) facts.skipped.push_back({what, count});
    }
    for (const ValueView timing : SYMPHONY_TRY(maps(inputs, "timings"))) {
        facts.timings.push_back({timing["name"].as_text(), timing["milliseconds"].as_double()});
    }
    SYMPHONY_TRY(tell_outcomes(facts, inputs));
    return facts;
}

} // namespace report
