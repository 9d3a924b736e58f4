// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/resolver.hpp>

#include "explain.hpp"
#include "propose.hpp"

#include <utility>

namespace symphony::packaging {
namespace {

constexpr std::uint64_t cut_steps_max = 5'000'000; // some hundred milliseconds

} // namespace

Result<Resolution> resolve(Provider& provider, const ResolveRequest& request) {
    Solver solver(provider, request);
    const bool fits = SYMPHONY_TRY(solver.run());
    if (!fits) {
        auto conflict = explain(solver, cut_steps_max);
        conflict.proposals = SYMPHONY_TRY(proposals_for(provider, request, conflict));
        return Resolution(std::move(conflict));
    }
    if (const auto missing = solver.missing_port()) {
        auto conflict = explain_port(solver, *missing);
        conflict.proposals = SYMPHONY_TRY(providers_for(provider, request, conflict.facts.front()));
        return Resolution(std::move(conflict));
    }
    return Resolution(solver.solution());
}

} // namespace symphony::packaging
