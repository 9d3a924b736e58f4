// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace symphony::ipc_bench {

/// Of some times, in their own unit.
struct Quantiles {
    double p50 = 0, p99 = 0, p999 = 0;
};

/// Sorts `times`.
inline Quantiles quantiles_of(std::vector<double>& times) {
    if (times.empty()) return {};
    std::sort(times.begin(), times.end());
    const auto at = [&](double quantile) { return times[static_cast<std::size_t>(quantile * static_cast<double>(times.size() - 1))]; };
    return {at(0.5), at(0.99), at(0.999)};
}

} // namespace symphony::ipc_bench
