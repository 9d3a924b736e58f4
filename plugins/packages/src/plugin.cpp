// SPDX-License-Identifier: Apache-2.0
#include "packages.hpp"

SYMPHONY_PLUGIN_WITH(symphony::packages::Packages, SYMPHONY_INSTANCE_BLOCKING)
