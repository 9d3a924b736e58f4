// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sqlite_files/folder.hpp>

namespace symphony::store {

/// The store's way to its disk, under the store's own names.
using namespace sqlite_files;

} // namespace symphony::store
