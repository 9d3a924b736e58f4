// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"
#include "stop_words.hpp"
#include "term_table.hpp"
#include "words.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace text {

using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

constexpr std::uint64_t top_default = 1000;
constexpr std::uint64_t top_max = 1'000'000;
constexpr std::size_t terms_max = 4'000'000;
// Longer words are data (base64, hashes), not terms; they count as words only.
constexpr std::size_t term_bytes_max = 128;
constexpr std::uint64_t words_between_checks = 1 << 16;

struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};
using StopWords = std::unordered_set<std::string, Hash, std::equal_to<>>;

/// Stop words in the form that terms have. "@english" stands for the built-in list.
Result<StopWords> stop_words(const Inputs& inputs) {
    StopWords stops;
    TermForm form;
    const auto add = [&](std::string_view word) { stops.emplace(form.of({word, false, true})); };
    for (const std::string_view word : SYMPHONY_TRY(inputs.texts("stop_words", false))) {
        if (!word.starts_with('@')) {
            if (word.size() <= term_bytes_max) add(word);
            continue;
        }
        if (word != "@english") {
            return inputs.error("bad-choice", "input \"stop_words\" names the list " + Inputs::quoted(word.substr(0, 40)) + "; there is only @english");
        }
        for (const std::string_view known : english_stop_words()) add(known);
    }
    return stops;
}

} // namespace

Result<Value> count(ValueView input, const Cancelled& cancelled) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("count", input, {"text", "texts", "stop_words", "min_length", "top"}));
    const std::vector<Document> texts = SYMPHONY_TRY(documents(inputs));
    const StopWords stops = SYMPHONY_TRY(stop_words(inputs));
    const std::uint64_t min_length = SYMPHONY_TRY(inputs.integer_or("min_length", 1, 1, term_bytes_max));
    const std::uint64_t top = SYMPHONY_TRY(inputs.integer_or("top", top_default, 1, top_max));

    Words words;
    TermForm form;
    TermTable table(terms_max);
    std::uint64_t total = 0;
    ValueBuilder files;
    files.list(texts.size());
    for (std::size_t file = 0; file < texts.size(); ++file) {
        const std::uint64_t before = total;
        const bool whole = words.each(texts[file].text, [&](const Word& word) {
            if (++total % words_between_checks == 0 && cancelled()) return false;
            if (!word.letters || word.text.size() < min_length || word.text.size() > term_bytes_max) return true;
            const std::string_view term = form.of(word);
            if (min_length > 1 && (word.ascii ? term.size() : characters(term)) < min_length) return true;
            if (!stops.empty() && stops.contains(term)) return true;
            table.add(term, file);
            return true;
        });
        if (!whole || cancelled()) return cancelled_error("count");
        files.map(2).add("path", texts[file].path).add("words", total - before).end();
    }
    const Value file_list = files.end().build();

    std::vector<const Term*> ranked;
    ranked.reserve(table.terms().size());
    for (const Term& term : table.terms()) ranked.push_back(&term);
    const auto shown = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(top, ranked.size()));
    std::partial_sort(ranked.begin(), ranked.begin() + shown, ranked.end(), [](const Term* a, const Term* b) {
        return a->count != b->count ? a->count > b->count : a->text < b->text;
    });
    ValueBuilder out;
    out.map(5).key("terms").list(static_cast<std::size_t>(shown));
    for (std::ptrdiff_t i = 0; i < shown; ++i) {
        const Term& term = *ranked[static_cast<std::size_t>(i)];
        out.map(3).add("term", term.text).add("count", term.count).add("files", term.files).end();
    }
    out.end().add("total_words", total).add("distinct", ranked.size()).add("files", file_list);
    return out.add("truncated", table.full() || static_cast<std::size_t>(shown) < ranked.size()).end().build();
}

} // namespace text
