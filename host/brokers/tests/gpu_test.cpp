// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/gpu.hpp>

#include <gtest/gtest.h>

#include <fstream>

using namespace symphony::brokers;
namespace fs = std::filesystem;

namespace {

class GpuTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "symphony-gpu-XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        fs::create_directories(root_ / "dev/dri");
        options_ = {root_, true, true};
    }
    void TearDown() override { fs::remove_all(root_); }
    void node(const char* name) { std::ofstream(root_ / "dev" / name) << ""; }
    std::string reason() {
        const auto nodes = gpu_for("infer", options_);
        return nodes ? "" : std::string(nodes.error().reason());
    }
    fs::path root_;
    GpuOptions options_;
};

} // namespace

TEST_F(GpuTest, FindsTheNodesOfEveryMakerAndNoScreen) {
    for (const char* name : {"nvidia0", "nvidiactl", "nvidia-uvm", "kfd", "dri/renderD128", "dri/card0", "null", "sda"}) node(name);
    fs::create_symlink("../../etc/passwd", root_ / "dev/nvidia9");
    std::string found;
    const auto nodes = gpu_for("infer", options_);
    ASSERT_TRUE(nodes);
    for (const fs::path& path : *nodes) found += fs::relative(path, root_ / "dev").string() + " ";
    EXPECT_EQ(found, "dri/renderD128 kfd nvidia-uvm nvidia0 nvidiactl ");
}

TEST_F(GpuTest, SaysWhatIsMissing) {
    EXPECT_EQ(reason(), "resource-unavailable");
    EXPECT_FALSE(gpu_for("infer", options_).error().hint().empty());
    node("nvidia0");
    EXPECT_EQ(reason(), "");
    options_.allowed = false;
    EXPECT_EQ(reason(), "gpu-not-allowed");
}

TEST_F(GpuTest, TakesNoPlainFileForADevice) {
    node("nvidia0");
    options_.any_file = false;
    EXPECT_EQ(reason(), "resource-unavailable");
}
