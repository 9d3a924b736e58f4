// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace symphony::tracker {

/// Of nodes, inputs and outputs: [A-Za-z0-9_][A-Za-z0-9_-]{0,63}.
bool is_id(std::string_view text) noexcept;
/// [a-z0-9][a-z0-9.-]{0,99}.
bool is_workflow_id(std::string_view text) noexcept;
/// An id or short name in [plugins]: [A-Za-z0-9_][A-Za-z0-9_.-]{0,254}.
bool is_plugin_name(std::string_view text) noexcept;
/// A relative path that stays beneath its folder.
bool is_inner_path(std::string_view path) noexcept;

} // namespace symphony::tracker
