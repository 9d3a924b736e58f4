// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"

#include <cstdint>

/// What writer and reader of the compact form agree on; docs/workflow-binary.md says it in words.
namespace symphony::tracker::binary {

inline constexpr std::uint8_t schema_version = 1;
inline constexpr std::size_t varint_bytes_max = 10;
inline constexpr std::uint64_t ns_per_ms = 1'000'000;

// Of the workflow.
inline constexpr unsigned fail_fast_bit = 1, metadata_bit = 2, grace_bit = 4, limits_bit = 8;
// Of an input.
inline constexpr unsigned required_bit = 1, default_bit = 2;
// Of a node: what follows.
inline constexpr std::uint32_t description_field = 1, each_field = 2, policy_field = 4, on_error_field = 8, mode_field = 16, constants_field = 32, extras_field = 64, cache_field = 128;
inline constexpr std::uint32_t known_fields = 255;
// Of what few nodes have.
inline constexpr std::uint32_t fallback_extra = 1, fallback_outputs_extra = 2, default_extra = 4, compensate_extra = 8, quorum_extra = 16, finally_extra = 32, retry_extra = 64,
                               delay_extra = 128, expects_extra = 256, file_extra = 512, body_extra = 1024, loop_extra = 2048,
                               priority_extra = 4096, uses_extra = 8192, elements_extra = 16384;
// Of a loop.
inline constexpr unsigned until_bit = 1, takes_bound_bit = 2;
inline constexpr std::uint32_t known_extras = 32767;
// Of an edge: two bits of its kind, then these.
inline constexpr unsigned edge_from_input = 4, edge_carries = 8, edge_bits = 4;

// A member that is new in the model has to be written, read and described (docs/workflow-binary.md, write_document.cpp) too.
static_assert(sizeof(Node) == 48 && sizeof(Edge) == 36 && sizeof(CallPolicy) == 40 && sizeof(NodeExtras) == 200, "tell the writers and readers of workflows what is new");

} // namespace symphony::tracker::binary
