// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts.hpp"

#include <cstddef>
#include <string>

namespace report {

struct MarkdownLimits {
    std::size_t terms = 40;
    std::size_t files = 200;
    std::size_t matches_per_pattern = 10;
    std::size_t patterns = 30;
    std::size_t pages = 60;
    std::size_t page_characters = 4000;
    std::size_t problems = 200;
};

/// The report as GitHub-flavoured Markdown; says what it leaves out.
std::string to_markdown(const Facts& facts, const MarkdownLimits& limits = {});

} // namespace report
