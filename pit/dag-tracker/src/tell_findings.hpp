// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report.hpp"

#include <symphony/call.hpp>
#include <symphony/ports/command.hpp>

#include <string_view>
#include <vector>

namespace symphony::tracker {

/// Wrong usage of a command: the program ends with status 2.
Error usage(std::string message, std::string hint);

void put_out(Call& call, std::string_view text);
void put_err(Call& call, std::string_view text);

/// Each error with its place and hint, warnings and notes as lines, on the stream for people.
void tell_findings(Call& call, const std::vector<Diagnostic>& findings);

/// The list of them, as --json shows it.
void add_findings(ValueBuilder& to, const std::vector<Diagnostic>& findings);

} // namespace symphony::tracker
