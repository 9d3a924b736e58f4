// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace text {

namespace {

// Word_Break classes of ASCII. ICU's root rules leave ':' out of MidLetter.
enum Class : std::uint8_t { other, letter, digit, join, mid_both, mid_number, blank, high };

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> classes{};
    for (std::size_t c = 0; c < 256; ++c) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) classes[c] = letter;
        else if (c >= '0' && c <= '9') classes[c] = digit;
        else if (c == '_') classes[c] = join;
        else if (c == '.' || c == '\'') classes[c] = mid_both;
        else if (c == ',' || c == ';') classes[c] = mid_number;
        else if (c == ' ' || (c >= 9 && c <= 13)) classes[c] = blank;
        else if (c >= 0x80) classes[c] = high;
    }
    return classes;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

std::uint8_t class_of(char c) noexcept { return classes[static_cast<unsigned char>(c)]; }

bool continues(std::uint8_t c) noexcept { return c == letter || c == digit || c == join; }

/// UAX #29, WB5 to WB13b, for text that is ASCII throughout.
bool each_ascii(std::string_view text, const WordSink& sink) {
    const std::size_t size = text.size();
    std::size_t i = 0;
    while (i < size) {
        if (!continues(class_of(text[i]))) {
            ++i;
            continue;
        }
        const std::size_t start = i;
        bool letters = false;
        bool digits = false;
        for (; i < size; ++i) {
            const std::uint8_t now = class_of(text[i]);
            if (continues(now)) {
                letters = letters || now == letter;
                digits = digits || now == digit;
                continue;
            }
            if ((now != mid_both && now != mid_number) || i + 1 >= size) break;
            const std::uint8_t before = class_of(text[i - 1]);
            const std::uint8_t after = class_of(text[i + 1]);
            const bool inside_word = now == mid_both && before == letter && after == letter;
            const bool inside_number = before == digit && after == digit;
            if (!inside_word && !inside_number) break;
        }
        if ((letters || digits) && !sink({text.substr(start, i - start), true, letters})) return false;
    }
    return true;
}

std::size_t ascii_prefix(std::string_view text, std::size_t from) noexcept {
    std::size_t i = from;
    std::uint64_t block = 0;
    while (i + 8 <= text.size() && (std::memcpy(&block, text.data() + i, 8), (block & 0x8080808080808080u) == 0)) i += 8;
    while (i < text.size() && class_of(text[i]) != high) ++i;
    return i;
}

// Switching to ICU costs about as much as breaking 100 bytes with it, so a run goes on over short ASCII gaps.
constexpr std::size_t gap_bytes = 128;
constexpr std::size_t run_bytes_max = 64 << 10;
// A run without any blank, as in Chinese, is cut between characters here.
constexpr std::size_t unbroken_bytes_max = 1 << 20;

/// The end of a run that begins with a chunk holding non-ASCII text; a blank, where words never go on.
std::size_t run_end(std::string_view text, std::size_t from, std::size_t first_high) noexcept {
    std::size_t last_high = first_high;
    for (std::size_t i = first_high; i < text.size(); ++i) {
        const std::uint8_t now = class_of(text[i]);
        if (now == high) last_high = i;
        if (now == blank && (i - last_high > gap_bytes || i - from > run_bytes_max)) return i;
        const bool starts_character = (static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u;
        if (i - from > unbroken_bytes_max && starts_character) return i;
    }
    return text.size();
}

bool is_ascii(std::string_view text) noexcept { return ascii_prefix(text, 0) == text.size(); }

/// ICU's own word status calls "page3" a number, because it ends like one.
bool has_letter(std::string_view word) noexcept {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(word.data());
    const auto size = static_cast<std::int32_t>(word.size());
    for (std::int32_t i = 0; i < size;) {
        UChar32 c = 0;
        U8_NEXT_OR_FFFD(bytes, i, size, c);
        if (u_isalpha(c)) return true;
    }
    return false;
}

void check(UErrorCode status, const char* what) {
    if (U_FAILURE(status)) throw std::runtime_error(std::string(what) + ": ICU answers " + u_errorName(status));
}

} // namespace

struct Words::Icu {
    Icu() {
        UErrorCode status = U_ZERO_ERROR;
        breaks.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
        check(status, "word breaking");
    }
    ~Icu() { utext_close(&utext); }
    Icu(const Icu&) = delete;
    Icu& operator=(const Icu&) = delete;

    bool each(std::string_view run, const WordSink& sink) {
        UErrorCode status = U_ZERO_ERROR;
        utext_openUTF8(&utext, run.data(), static_cast<std::int64_t>(run.size()), &status);
        breaks->setText(&utext, status);
        check(status, "word breaking");
        std::int32_t start = breaks->first();
        for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; start = end, end = breaks->next()) {
            if (breaks->getRuleStatus() < UBRK_WORD_NUMBER) continue;
            std::string_view found = run.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
            // ICU 72 alone takes '@' for a letter (CLDR 42); before and after it ends a word.
            while (!found.empty()) {
                const std::size_t at = found.find('@');
                const std::string_view part = found.substr(0, at);
                found.remove_prefix(at == std::string_view::npos ? found.size() : at + 1);
                if (part.find_first_not_of('_') == std::string_view::npos) continue;
                if (!sink({part, is_ascii(part), has_letter(part)})) return false;
            }
        }
        return true;
    }

    std::unique_ptr<icu::BreakIterator> breaks;
    UText utext = UTEXT_INITIALIZER;
};

Words::Words() = default;
Words::~Words() = default;

bool Words::each(std::string_view text, const WordSink& sink) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t first_high = ascii_prefix(text, at);
        std::size_t run = first_high;
        if (run < text.size()) {
            while (run > at && class_of(text[run - 1]) != blank) --run;
        }
        if (!each_ascii(text.substr(at, run - at), sink)) return false;
        if (run == text.size()) break;
        at = run_end(text, run, first_high);
        if (!icu_) icu_ = std::make_unique<Icu>();
        if (!icu_->each(text.substr(run, at - run), sink)) return false;
    }
    return true;
}

struct TermForm::Icu {
    Icu() {
        UErrorCode status = U_ZERO_ERROR;
        nfc = icu::Normalizer2::getNFCInstance(status);
        check(status, "normal form");
    }
    const icu::Normalizer2* nfc = nullptr;
    std::string lower;
};

TermForm::TermForm() = default;
TermForm::~TermForm() = default;

std::string_view TermForm::of(const Word& word) {
    if (word.ascii) {
        term_.assign(word.text);
        for (char& c : term_) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        }
        return term_;
    }
    if (!icu_) icu_ = std::make_unique<Icu>();
    UErrorCode status = U_ZERO_ERROR;
    icu_->lower.clear();
    icu::StringByteSink<std::string> lower(&icu_->lower);
    icu::CaseMap::utf8ToLower("", 0, icu::StringPiece(word.text.data(), static_cast<std::int32_t>(word.text.size())), lower, nullptr, status);
    term_.clear();
    icu::StringByteSink<std::string> composed(&term_);
    icu_->nfc->normalizeUTF8(0, icu::StringPiece(icu_->lower.data(), static_cast<std::int32_t>(icu_->lower.size())), composed, nullptr, status);
    check(status, "lower case");
    return term_;
}

std::size_t characters(std::string_view text) noexcept {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u ? 1u : 0u;
    return count;
}

} // namespace text
