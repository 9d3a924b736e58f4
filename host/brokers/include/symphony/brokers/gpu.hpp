// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <filesystem>
#include <string_view>
#include <vector>

namespace symphony::brokers {

struct GpuOptions {
    std::filesystem::path root = "/";  ///< beneath which dev/ is looked at
    bool allowed = false;              ///< the host's policy lets this plugin use a GPU
    bool any_file = false;             ///< tests: nodes need not be character devices
};

/// Device nodes of GPUs: dev/nvidia*, dev/nvidia-caps/*, dev/dri/renderD* and dev/kfd, sorted. Never card nodes, which
/// drive screens. Symbolic links are no nodes.
std::vector<std::filesystem::path> gpu_nodes(const GpuOptions& options);

/// What a plugin whose manifest says `gpu_required` gets into its sandbox.
/// @return `refused` with reason "gpu-not-allowed", or "resource-unavailable" when this machine has none.
Result<std::vector<std::filesystem::path>> gpu_for(std::string_view plugin, const GpuOptions& options);

} // namespace symphony::brokers
