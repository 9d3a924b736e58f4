// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/host.h>

namespace symphony::host {

class Instance;

/// What a plugin sees of the host: `ctx` is the instance, every service comes from one table that names what grants it.
symphony_host host_for(Instance& instance);

} // namespace symphony::host
