// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace text {

using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

// NFKC makes 18 characters out of U+FDFA, so the output has a limit of its own.
constexpr std::size_t output_bytes_max = std::size_t{1} << 30;
// Work is cut here so that a cancel is seen and lengths fit ICU's 32 bits.
constexpr std::size_t piece_bytes = 1 << 20;

void check(UErrorCode status) {
    if (U_FAILURE(status)) throw std::runtime_error(std::string("normalising: ICU answers ") + u_errorName(status));
}

/// The end of a piece: before a character that never joins with what stands before it.
std::size_t piece_end(const icu::Normalizer2& form, std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    const auto size = static_cast<std::int32_t>(text.size());
    std::int32_t i = static_cast<std::int32_t>(std::min(text.size(), piece_bytes));
    if (i < size) U8_SET_CP_START(bytes, 0, i);
    while (i < size) {
        const std::int32_t start = i;
        UChar32 c = 0;
        U8_NEXT_OR_FFFD(bytes, i, size, c);
        if (form.hasBoundaryBefore(c)) return static_cast<std::size_t>(start);
    }
    return text.size();
}

Result<const icu::Normalizer2*> normaliser(const Inputs& inputs) {
    const std::string_view form = SYMPHONY_TRY(inputs.text_or("form", "NFC"));
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* found = nullptr;
    if (form == "NFC") found = icu::Normalizer2::getNFCInstance(status);
    else if (form == "NFD") found = icu::Normalizer2::getNFDInstance(status);
    else if (form == "NFKC") found = icu::Normalizer2::getNFKCInstance(status);
    else if (form == "NFKD") found = icu::Normalizer2::getNFKDInstance(status);
    else return inputs.error("bad-choice", "input \"form\" is " + Inputs::quoted(form.substr(0, 40)) + ", not NFC, NFD, NFKC or NFKD");
    check(status);
    return found;
}

std::string normal_form(const icu::Normalizer2& form, std::string_view text) {
    std::string out;
    icu::StringByteSink<std::string> sink(&out, static_cast<std::int32_t>(text.size()));
    UErrorCode status = U_ZERO_ERROR;
    form.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, status);
    check(status);
    return out;
}

std::string case_folded(std::string_view text) {
    std::string out;
    icu::StringByteSink<std::string> sink(&out, static_cast<std::int32_t>(text.size()));
    UErrorCode status = U_ZERO_ERROR;
    icu::CaseMap::utf8Fold(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, status);
    check(status);
    return out;
}

/// Each run of white space becomes one blank; none at the edges. Carries the open run from piece to piece.
class Blanks {
public:
    void append(std::string& out, std::string_view text) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
        const auto size = static_cast<std::int32_t>(text.size());
        std::int32_t i = 0;
        while (i < size) {
            const std::int32_t start = i;
            UChar32 c = 0;
            U8_NEXT_OR_FFFD(bytes, i, size, c);
            if (u_isUWhiteSpace(c)) {
                pending_ = !out.empty();
                continue;
            }
            if (pending_) out += ' ';
            pending_ = false;
            out.append(text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(i - start)));
        }
    }

private:
    bool pending_ = false;
};

} // namespace

Result<Value> normalise(ValueView input, const Cancelled& cancelled) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("normalise", input, {"text", "form", "fold_case", "collapse_blanks"}));
    std::string_view rest = SYMPHONY_TRY(bounded_text(inputs, "text"));
    const icu::Normalizer2* form = SYMPHONY_TRY(normaliser(inputs));
    const bool fold = SYMPHONY_TRY(inputs.boolean_or("fold_case", false));
    const bool collapse = SYMPHONY_TRY(inputs.boolean_or("collapse_blanks", false));

    std::string out;
    Blanks blanks;
    while (!rest.empty()) {
        if (cancelled()) return cancelled_error("normalise");
        const std::size_t end = piece_end(*form, rest);
        std::string piece = normal_form(*form, rest.substr(0, end));
        // Folding can undo a composition, so the form is made again.
        if (fold) piece = normal_form(*form, case_folded(piece));
        rest.remove_prefix(end);
        if (collapse) blanks.append(out, piece);
        else out += piece;
        if (out.size() > output_bytes_max) {
            return inputs.error("too-large", "the result has more than " + std::to_string(output_bytes_max) + " bytes");
        }
    }
    return ValueBuilder().map(1).add("text", std::string_view(out)).end().build();
}

} // namespace text
