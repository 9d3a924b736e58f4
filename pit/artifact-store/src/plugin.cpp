// SPDX-License-Identifier: Apache-2.0
#include "artifact_store.hpp"

SYMPHONY_PLUGIN_WITH(symphony::store::ArtifactStorePlugin, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
