// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/rights.hpp>

#include <string>
#include <vector>

namespace symphony::packages {

/// What a package asks for, beside what the installed version of it asks for.
struct RightsChange {
    std::vector<manifests::Asked> asked; ///< point into the new manifest
    manifests::RightsDiff diff;          ///< from the installed version; of a first one, everything is added
    bool first = true;                   ///< none is installed
    bool widens = false;                 ///< it asks for more, and does not work without
    bool risky = false;                  ///< a right of high risk is new

    /// @param from  Null: none is installed, or nobody knows any more what it asked for. @param first  None is installed.
    static RightsChange of(const manifests::Manifest* from, const manifests::Manifest& to, bool first);
    /// For people, each with two blanks in front.
    std::vector<std::string> lines() const;
    manifests::Data data() const;
};

} // namespace symphony::packages
