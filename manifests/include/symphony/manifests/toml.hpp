// SPDX-License-Identifier: Apache-2.0
#pragma once

// toml++ 3.3 made safe for input that nobody vouches for. For .cpp files only: it costs seconds to compile.
// Check the text with `toml_trouble` (toml_guard.hpp) before `toml::parse`.
//
// - Its assertions abort on five malformed inputs, and under NDEBUG they become promises to the optimiser, which is
//   worse: so they are off, and NDEBUG too while its header is read.
// - Its namespace is renamed: another file of the same program that includes toml++ plainly must not be merged with this.

#ifdef TOMLPLUSPLUS_H
#error "include <symphony/manifests/toml.hpp> instead of <toml++/toml.h>"
#endif

#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 32
#define toml symphony_toml
#include <toml++/toml.h>
#undef toml
#pragma pop_macro("NDEBUG")

namespace toml = symphony_toml;
