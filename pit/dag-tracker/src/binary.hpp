// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <optional>
#include <string>

namespace symphony::tracker {

/// Not UTF-8 and no MessagePack, so that no other format begins like it.
inline constexpr std::string_view binary_magic = "\xC1SWF";

/// The compact form; docs/workflow-binary.md has its layout. Equal workflows have equal bytes.
std::string write_binary(const Workflow& workflow);

/// Reads what write_binary() wrote, or what somebody says it did: every length is compared with what is left before
/// anything is made of it, and the workflow is held to the same rules as one from text. The first fault ends it
/// ("bad-binary" with the byte, "too-many-nodes", "too-many-edges", "newer-schema"). Places are unknown.
std::optional<Workflow> read_binary(Bytes bytes, const Limits& limits, Findings& findings);

} // namespace symphony::tracker
