// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// The bodies of instance operations and their answers.
namespace symphony::ipc {

/// Answer to facts; then the texts load_error, id, version.
struct FactsBody {
    std::uint32_t has_entry = 0, entry_threw = 0, has_descriptor = 0, has_create = 0;
    std::uint32_t struct_size = 0, magic = 0;
    std::uint16_t abi_major = 0, abi_built = 0, abi_required = 0, zero = 0;
};
static_assert(sizeof(FactsBody) == 32);
inline constexpr std::uint64_t facts_text_max = 1024;

/// Answer to create.
struct CreatedBody {
    std::uint32_t has_instance = 0, has_ops = 0;
    std::uint32_t struct_size = 0, flags = 0;
    std::uint32_t functions = 0;  ///< a bit for each that is there, in the order of symphony_instance_ops
    std::uint32_t zero = 0;
};
static_assert(sizeof(CreatedBody) == 24);

inline constexpr std::uint32_t has_init = 1, has_query = 2, has_activate = 4, has_invoke = 8, has_cancel = 16, has_quiesce = 32,
                               has_deactivate = 64, has_save_state = 128, has_load_state = 256, has_destroy = 512;

} // namespace symphony::ipc
