// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <string_view>

/// What the commands about runs have in common.
namespace symphony::tracker {

/// A run and a step as --json shows them, and what went wrong with it.
void add_run(ValueBuilder& out, const RunSummary& run);
/// @param answers  Of the step, as `output`; null: they are not wanted.
void add_step(ValueBuilder& out, const StepRow& step, const Value* answers = nullptr);
/// One attempt of a call, as a map.
void add_attempt(ValueBuilder& out, const AttemptRow& row);
void add_problems(ValueBuilder& out, const std::vector<Problem>& problems);

/// What a step has answered; of an `each` step a list by element, with null where there is no answer.
Value answers_of(const RunRecord& record, std::string_view node);

/// A flag that is a number. @return Wrong usage, which names the flag.
Result<std::size_t> count_given(const Value& arguments, std::string_view flag, std::size_t otherwise);

} // namespace symphony::tracker
