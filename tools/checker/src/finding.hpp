// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace symphony::checker {

/// One breach of a rule.
struct Finding {
    std::string rule;     ///< id of rules.hpp
    std::string message;  ///< lower case, no full stop; what was done and what came of it
    std::string hint;     ///< "" = that of the rule
    friend bool operator==(const Finding&, const Finding&) = default;
};

/// What one part of a check came to.
struct Outcome {
    std::vector<Finding> findings;
    std::vector<std::string> not_tried;  ///< reasons, for people
    std::string output;                  ///< what the plugin wrote to stdout and stderr
    bool stopped = false;                ///< what builds on it has no ground
};

} // namespace symphony::checker
