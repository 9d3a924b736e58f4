// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include <optional>
#include <string>

namespace symphony::kit {

/// What `dev` asks after each reload: an operation of the plugin (`--call`), a workflow (`--run`), or nothing.
class Question {
public:
    /// Reads what was typed, the workflow's file too. @return `invalid_argument`, "usage" or what is wrong with the JSON of `--with`; errors of files.
    static Result<Question> typed(const Typed& typed);

    bool empty() const noexcept { return operation_.empty() && workflow_.empty(); }
    /// Asks the plugin in this host. A workflow is read again each time: it is a source like the others.
    /// @return The answer in JSON; what the plugin or the run failed with.
    Result<std::string> ask(const Typed& typed, const std::string& plugin, bool instrument) const;

private:
    std::string operation_;
    std::filesystem::path workflow_;
    Value input_;
};

} // namespace symphony::kit
