// SPDX-License-Identifier: Apache-2.0
#include "search_fts.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::search::SearchFts, SYMPHONY_INSTANCE_BLOCKING)
