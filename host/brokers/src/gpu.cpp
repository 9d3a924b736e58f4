// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/gpu.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <string>

namespace symphony::brokers {
namespace fs = std::filesystem;
namespace {

void add_node(std::vector<fs::path>& nodes, const fs::path& path, bool any_file) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return;
    if (S_ISCHR(info.st_mode) || (any_file && S_ISREG(info.st_mode))) nodes.push_back(path);
}

template <class Wanted>
void add_nodes(std::vector<fs::path>& nodes, const fs::path& folder, bool any_file, Wanted wanted) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (wanted(at->path().filename().native())) add_node(nodes, at->path(), any_file);
    }
}

} // namespace

std::vector<fs::path> gpu_nodes(const GpuOptions& options) {
    std::vector<fs::path> nodes;
    const fs::path dev = options.root / "dev";
    add_nodes(nodes, dev, options.any_file, [](const std::string& name) { return name.starts_with("nvidia") || name == "kfd"; });
    add_nodes(nodes, dev / "nvidia-caps", options.any_file, [](const std::string& name) { return name.starts_with("nvidia-cap"); });
    add_nodes(nodes, dev / "dri", options.any_file, [](const std::string& name) { return name.starts_with("renderD"); });
    std::sort(nodes.begin(), nodes.end());
    return nodes;
}

Result<std::vector<fs::path>> gpu_for(std::string_view plugin, const GpuOptions& options) {
    const std::string who = "plugin \"" + std::string(plugin) + "\": ";
    if (!options.allowed) {
        return Error(Code::refused, "gpu-not-allowed", who + "needs a GPU, and the policy does not allow it one",
                     "symphony permission grant " + std::string(plugin) + " system:gpu");
    }
    auto nodes = gpu_nodes(options);
    if (nodes.empty()) {
        return Error(Code::refused, "resource-unavailable", who + "needs a GPU, and this machine has no /dev/nvidia*, /dev/dri/renderD* or /dev/kfd",
                     "install the driver of the GPU, or run it on a machine that has one; symphony doctor shows what is found");
    }
    return nodes;
}

} // namespace symphony::brokers
