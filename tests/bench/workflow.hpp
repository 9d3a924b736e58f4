// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench.hpp"

#include <array>

namespace symphony::bench {

void measure_formats(Report& report);
void measure_checks(Report& report);

} // namespace symphony::bench
