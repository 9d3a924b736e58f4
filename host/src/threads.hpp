// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace symphony::host {

/// How many sleeping threads of this process are in code between `begin` and `end`: their innermost frame outside the C
/// and C++ run-times lies there. Tells whether a plugin that said it is quiet left a thread behind. [any, slow]
std::size_t threads_inside(std::uintptr_t begin, std::uintptr_t end);

} // namespace symphony::host
