// SPDX-License-Identifier: Apache-2.0
#include "bench_plugin.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::ipc_bench::Plugin, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
