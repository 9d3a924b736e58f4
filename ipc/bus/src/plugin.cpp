// SPDX-License-Identifier: Apache-2.0
#include "bus_plugin.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::bus::BusPlugin, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
