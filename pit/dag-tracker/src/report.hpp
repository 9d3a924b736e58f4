// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/diagnostic.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

using manifests::Diagnostic;
using manifests::Place;
using manifests::Severity;

/// Collects what is wrong with one file. Beyond `findings_max` it only counts.
class Findings {
public:
    static constexpr std::size_t findings_max = 200;
    explicit Findings(std::string file) : file_(std::move(file)) {}

    void error(std::string_view reason, std::string message, Place place, std::string hint = {});
    void warning(std::string_view reason, std::string message, Place place, std::string hint = {});
    void add(Diagnostic diagnostic);

    bool has_errors() const noexcept { return errors_ > 0; }
    /// Whether another finding would be listed and not only counted.
    bool room() const noexcept { return found_.size() < findings_max; }
    bool empty() const noexcept { return found_.empty(); }
    std::size_t errors() const noexcept { return errors_; }
    const std::string& file() const noexcept { return file_; }
    /// In the order of the file, with one note at the end when some were left out.
    std::vector<Diagnostic> take();

private:
    std::string file_;
    std::vector<Diagnostic> found_;
    std::size_t errors_ = 0;
    std::size_t left_out_ = 0;
};

/// The candidate that a person most likely meant, or "" when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
/// "did you mean \"walk\"?", or else "known: a, b, c" (at most twelve), or "".
std::string meant(std::string_view word, std::span<const std::string_view> candidates, std::string_view what = "known");
/// In double quotes, control characters escaped, cut to sixty characters.
std::string shown(std::string_view text);

} // namespace symphony::tracker
