// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"

#include <span>
#include <string>

namespace symphony::tracker {

/// One value from the command line by its declared type: text as it is, numbers and booleans as written, lists and maps
/// as JSON, `list<text>` also as "a,b,c", bytes as base64; `any` is JSON when it reads as JSON, else text.
Result<Value> value_given(std::string_view text, Type type);

/// The map of a run's inputs from words NAME=VALUE. Every fault is wrong usage (reason "usage") and names what is
/// near: no such input, given twice, a value of another type.
Result<Value> inputs_given(const Workflow& workflow, std::span<const std::string> words);

/// Whether a map is what the workflow wants: every required input there, nothing unknown, types right.
/// @return `invalid_argument` "missing-input", "unknown-input" or "wrong-kind".
Status check_inputs(const Workflow& workflow, ValueView inputs);

/// "--input folder=…" of every required input that has no default.
std::string required_inputs(const Workflow& workflow);

} // namespace symphony::tracker
