// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#include <stdexcept>

static symphony_status invoke(symphony_instance*, const symphony_call*) { throw std::runtime_error("the sky fell"); }
FAULT_PLUGIN
