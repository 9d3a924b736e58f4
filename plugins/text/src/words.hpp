// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace text {

struct Word {
    std::string_view text; // bytes of the text searched
    bool ascii = false;
    bool letters = false; // false: a number
};
using WordSink = std::function<bool(const Word&)>; // false = stop

/// Finds words as Unicode does (UAX #29, ICU's root rules: dictionaries for Chinese, Japanese, Thai and
/// their like). A word has at least one letter, digit or ideograph. One object serves one thread.
class Words {
public:
    Words();
    ~Words();
    Words(const Words&) = delete;
    Words& operator=(const Words&) = delete;

    /// Calls `sink` for each word in order until it answers false.
    /// @return false when it was stopped.
    bool each(std::string_view text, const WordSink& sink);

private:
    struct Icu;
    std::unique_ptr<Icu> icu_; // made when the first character outside ASCII comes
};

/// The term a word counts as: composed (NFC) and lower case, so that forms of writing meet.
class TermForm {
public:
    TermForm();
    ~TermForm();
    TermForm(const TermForm&) = delete;
    TermForm& operator=(const TermForm&) = delete;

    /// Valid until the next call.
    std::string_view of(const Word& word);

private:
    struct Icu;
    std::unique_ptr<Icu> icu_;
    std::string term_;
};

/// Code points of valid UTF-8.
std::size_t characters(std::string_view text) noexcept;

} // namespace text
