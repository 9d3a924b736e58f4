// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/resolver.hpp>

#include <cstddef>
#include <vector>

namespace symphony::bench {

/// libsolv on the same universe, told of each range as a name that the versions in it provide. Making the pool and solving are measured apart.
/// @return How many packages it would install; 0: it sees a problem.
std::size_t solve_with_libsolv(const std::vector<std::vector<packaging::IndexLine>>& universe, const packaging::ResolveRequest& request, double& solve_ms);

} // namespace symphony::bench
