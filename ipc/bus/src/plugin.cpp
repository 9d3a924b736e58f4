// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::bus::Plugin, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
