// SPDX-License-Identifier: Apache-2.0
#include "codec_compact.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::ipc::CodecCompact, SYMPHONY_INSTANCE_CONCURRENT)
