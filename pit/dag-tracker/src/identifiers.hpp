// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/workflow_words.hpp>

namespace symphony::tracker {

using workflow_words::is_id;
using workflow_words::is_inner_path;
using workflow_words::is_plugin_name;
using workflow_words::is_workflow_id;

} // namespace symphony::tracker
