// SPDX-License-Identifier: Apache-2.0
#include "codec_msgpack.hpp"

#include <symphony/plugin.hpp>

SYMPHONY_PLUGIN_WITH(symphony::ipc::CodecMsgpack, SYMPHONY_INSTANCE_CONCURRENT)
