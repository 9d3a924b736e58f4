// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/resolver.hpp>

#include <vector>

namespace symphony::packaging {

/// Edits of what is wanted, or of the host, that were tried and resolve the conflict, the smallest first. Bounded: a dozen attempts.
Result<std::vector<Conflict::Proposal>> proposals_for(Provider& provider, const ResolveRequest& request, const Conflict& conflict);

/// Packages that offer a missing port and fit to the rest.
Result<std::vector<Conflict::Proposal>> providers_for(Provider& provider, const ResolveRequest& request, const Conflict::Fact& missing);

} // namespace symphony::packaging
