// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <string_view>
#include <vector>

/// What the commands about runs have in common.
namespace symphony::tracker {

/// A run, a step and one attempt of a call, as --json shows them. @param kind  What a line of its own says that it is; empty: nothing does.
void add_run(ValueBuilder& out, const RunSummary& run, std::string_view kind = {});
/// @param answers  Of the step, as `output`; null: they are not wanted.
void add_step(ValueBuilder& out, const StepRow& step, std::string_view kind = {}, const Value* answers = nullptr);
void add_attempt(ValueBuilder& out, const AttemptRow& row, std::string_view kind = {});
/// What went wrong with a step.
void add_problems(ValueBuilder& out, const std::vector<Problem>& problems);

/// What the calls of one step have answered; of an `each` step a list by element, with null where there is no answer.
Value answers_of(std::vector<const CallRow*> calls);

/// A flag that is a number. @return Wrong usage, which names the flag.
Result<std::size_t> count_given(const Value& arguments, std::string_view flag, std::size_t otherwise);

} // namespace symphony::tracker
