// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"
#include "words.hpp"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace text {

using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

constexpr std::uint64_t parts_default = 1'000'000;
constexpr std::uint64_t parts_max = 10'000'000;
constexpr std::uint64_t parts_between_checks = 4096;

/// Collects parts up to the limit, and asks now and then whether to stop.
class Parts {
public:
    Parts(std::uint64_t most, const Cancelled& cancelled) : most_(most), cancelled_(cancelled) {
        out_.map(3).key("parts").list();
    }
    /// False = stop.
    bool add(std::string_view part) {
        if (count_ == most_) {
            truncated_ = true;
            return false;
        }
        if (count_ % parts_between_checks == 0 && cancelled_()) {
            stopped_ = true;
            return false;
        }
        out_.text(part);
        ++count_;
        return true;
    }
    Result<Value> finish() {
        if (stopped_) return cancelled_error("split");
        return out_.end().add("count", count_).add("truncated", truncated_).end().build();
    }

private:
    ValueBuilder out_;
    std::uint64_t most_;
    const Cancelled& cancelled_;
    std::uint64_t count_ = 0;
    bool truncated_ = false;
    bool stopped_ = false;
};

/// The first line, without its end, which is \n, \r\n or \r; `rest` is what follows.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find_first_of("\r\n");
    const std::string_view line = rest.substr(0, end);
    if (end == std::string_view::npos) rest = {};
    else rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
    return line;
}

void split_lines(std::string_view text, Parts& parts) {
    while (!text.empty() && parts.add(take_line(text))) {}
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\v\f") == std::string_view::npos; }

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n\v\f");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

/// Sentences of UAX #29, except that a single line break inside a paragraph is a blank: most text is
/// wrapped, and a wrapped line is no sentence. An empty line ends one.
class Sentences {
public:
    Sentences() {
        UErrorCode status = U_ZERO_ERROR;
        breaks_.reset(icu::BreakIterator::createSentenceInstance(icu::Locale::getRoot(), status));
        check(status);
    }
    ~Sentences() { utext_close(&utext_); }
    Sentences(const Sentences&) = delete;
    Sentences& operator=(const Sentences&) = delete;

    bool each(std::string_view paragraph, Parts& parts) {
        UErrorCode status = U_ZERO_ERROR;
        utext_openUTF8(&utext_, paragraph.data(), static_cast<std::int64_t>(paragraph.size()), &status);
        breaks_->setText(&utext_, status);
        check(status);
        std::int32_t start = breaks_->first();
        for (std::int32_t end = breaks_->next(); end != icu::BreakIterator::DONE; start = end, end = breaks_->next()) {
            const auto sentence = trimmed(paragraph.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)));
            if (!sentence.empty() && !parts.add(sentence)) return false;
        }
        return true;
    }

private:
    static void check(UErrorCode status) {
        if (U_FAILURE(status)) throw std::runtime_error(std::string("sentence breaking: ICU answers ") + u_errorName(status));
    }
    std::unique_ptr<icu::BreakIterator> breaks_;
    UText utext_ = UTEXT_INITIALIZER;
};

void split_sentences(std::string_view text, Parts& parts) {
    Sentences sentences;
    std::string paragraph;
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (!is_blank(line)) {
            if (!paragraph.empty()) paragraph += ' ';
            paragraph += trimmed(line);
        }
        if (is_blank(line) || text.empty()) {
            if (!paragraph.empty() && !sentences.each(paragraph, parts)) return;
            paragraph.clear();
        }
    }
}

} // namespace

Result<Value> split(ValueView input, const Cancelled& cancelled) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("split", input, {"text", "by", "max_parts"}));
    const std::string_view text = SYMPHONY_TRY(bounded_text(inputs, "text"));
    const std::string_view by = SYMPHONY_TRY(inputs.text("by"));
    Parts parts(SYMPHONY_TRY(inputs.integer_or("max_parts", parts_default, 1, parts_max)), cancelled);
    if (by == "lines") {
        split_lines(text, parts);
    } else if (by == "words") {
        Words().each(text, [&](const Word& word) { return parts.add(word.text); });
    } else if (by == "sentences") {
        split_sentences(text, parts);
    } else {
        return inputs.error("bad-choice", "input \"by\" is " + Inputs::quoted(by.substr(0, 40)) + ", not lines, words or sentences");
    }
    return parts.finish();
}

} // namespace text
