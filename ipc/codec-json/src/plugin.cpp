// SPDX-License-Identifier: Apache-2.0
#include "codec_json.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::ipc::CodecJson, SYMPHONY_INSTANCE_CONCURRENT)
