// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts.hpp"

#include <string>

namespace report {

/// How much of each part the page shows; the JSON has all of it, and the page says what it left out.
struct PageLimits {
    std::size_t chart_terms = 20;
    std::size_t terms = 60;
    std::size_t files = 300;
    std::size_t patterns = 30;
    std::size_t matches_per_pattern = 12;
    std::size_t pages = 60;
    std::size_t page_characters = 6000;
    std::size_t problem_groups = 40;
    std::size_t problems_per_group = 40;
    std::size_t timings = 100;
};

/// One file without scripts and without anything from outside, for screens of any width and for paper.
std::string to_html(const Facts& facts, const PageLimits& limits = {});

namespace detail {
std::string matches_section(const Facts& facts, const PageLimits& limits);
std::string pages_section(const Facts& facts, const PageLimits& limits);
std::string problems_section(const Facts& facts, const PageLimits& limits);
/// "12 of 340 files shown; report.json has all of them." or nothing.
std::string cut_note(std::size_t shown, std::uint64_t all, std::string_view things);
/// A path that may break behind its slashes and never reorders the text around it.
std::string path_html(std::string_view path);
} // namespace detail

} // namespace report
