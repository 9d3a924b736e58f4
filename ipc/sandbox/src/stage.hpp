// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

namespace symphony::sandbox {

/// Steps on the way into the sandbox, so that a failure says where.
enum class Stage : std::int32_t {
    none, make_process, map_identity, standard_streams, new_session, descriptors, take_identity, host_name, private_mounts, root_folder, system_folders, own_libraries,
    devices, system_files, library_copy, root_read_only, enter_root, make_runner, resource_limits, capabilities, no_new_privileges,
    parent_death, landlock, seccomp, hand_over, lock_init, cgroup,
};

std::string_view name_of(Stage stage) noexcept;

/// Where it went wrong and errno; good when `error` is 0. Trivial: made in processes that may not allocate.
struct Outcome {
    Stage stage = Stage::none;
    int error = 0;
    bool failed() const noexcept { return error != 0; }
};

inline Outcome fail(Stage stage, int error = errno) noexcept { return {stage, error != 0 ? error : EIO}; }

} // namespace symphony::sandbox
