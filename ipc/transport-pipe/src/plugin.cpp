// SPDX-License-Identifier: Apache-2.0
#include "pipe_driver.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::transport::TransportPipe, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
