// SPDX-License-Identifier: Apache-2.0
#include "composer.hpp"

SYMPHONY_PLUGIN_WITH(symphony::composer::Composer, SYMPHONY_INSTANCE_BLOCKING)
