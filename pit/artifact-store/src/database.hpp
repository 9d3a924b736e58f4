// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"
#include "types.hpp"

#include <symphony/sqlite_files/database.hpp>

namespace symphony::store {

/// What the store's database is called in errors: "index-corrupt" and the like.
inline constexpr sqlite_files::DatabaseWords index_words{"index", "index", "run `symphony artifact repair`: the index is made anew from the packs"};

} // namespace symphony::store
