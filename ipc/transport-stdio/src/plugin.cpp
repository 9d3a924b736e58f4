// SPDX-License-Identifier: Apache-2.0
#include "stdio_driver.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::transport::TransportStdio, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
