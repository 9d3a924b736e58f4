// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "story.hpp"

#include <string>
#include <string_view>

/// What the pages about a run have in common: one file, light or dark as the reader's screen, and nothing that is loaded from anywhere.
namespace symphony::tracker {

std::string page_begin(std::string_view title);
/// The run's name, state and figures.
std::string page_head(const Story& story);
std::string page_end();

} // namespace symphony::tracker
