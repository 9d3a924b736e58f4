// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "steps.hpp"

#include <map>
#include <string>
#include <vector>

namespace symphony::tracker {

/// What of a run is not done but known, or not wanted.
struct KnownSteps {
    std::map<Id, StepEnd> ends;   ///< of nodes that are not run, because this is what they gave
    std::vector<bool> left_out;   ///< nodes that are skipped; empty: none
};

/// What a person asks of a partial run.
struct PartialRun {
    std::string only;                        ///< this node and nothing else, of a sub-workflow or loop all that is in it; "": all
    std::string from;                        ///< this node, what is in it and those behind it anew; "": none in particular
    std::map<std::string, StepEnd> pinned;   ///< nodes whose outputs are given
    std::map<std::string, StepEnd> earlier;  ///< ends of the run that `only` and `from` take the rest from
};

/// Which steps are run and which are known. `workflow` is expanded and compiled. What is in a sub-workflow or loop whose outputs are known is left
/// out; so are the attempts before the one that the asked node is in, which then begins at once.
/// @return `not_found` "no-such-node"; `invalid_argument` "not-known" when what `only` reads is neither pinned nor in the earlier run, "usage".
Result<KnownSteps> partial_run(const Workflow& workflow, const PartialRun& asked);

} // namespace symphony::tracker
