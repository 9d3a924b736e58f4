// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include "../../packaging/tests/rig.hpp"

#include <gtest/gtest.h>

namespace symphony::kit {
namespace {

using packaging::rig::write;
using std::chrono::milliseconds;

/// A project with a build folder, watched.
class Watching : public ::testing::Test {
protected:
    Watching() {
        write(folder.path() / "src/one.cpp", "1");
        write(folder.path() / "build/object.o", "1");
        write(folder.path() / ".git/index", "1");
        auto opened = Watch::open(folder.path(), {folder.path() / "build"});
        EXPECT_TRUE(opened) << opened.error().message();
        watch.emplace(*std::move(opened));
    }
    /// What was done before is told at once; that nothing is told needs no waiting either.
    void expect_changed(bool expected, const char* what) {
        SCOPED_TRACE(what);
        EXPECT_EQ(watch->changed(milliseconds(0), milliseconds(0)), expected);
        EXPECT_FALSE(watch->changed(milliseconds(0), milliseconds(0))) << "told once";
    }

    testing::TempFolder folder;
    std::optional<Watch> watch;
};

TEST_F(Watching, TellsOfWhatIsSaved) {
    expect_changed(false, "nothing");
    write(folder.path() / "src/one.cpp", "2");
    expect_changed(true, "written");
    std::filesystem::rename(folder.path() / "src/one.cpp", folder.path() / "src/two.cpp");
    expect_changed(true, "renamed, as editors save");
    std::filesystem::remove(folder.path() / "src/two.cpp");
    expect_changed(true, "removed");
}

TEST_F(Watching, LooksIntoFoldersThatCome) {
    std::filesystem::create_directories(folder.path() / "src/new");
    expect_changed(true, "made");
    write(folder.path() / "src/new/deep.cpp", "1");
    expect_changed(true, "written in it");
}

TEST_F(Watching, LeavesOutWhatABuildAndVersionControlWrite) {
    write(folder.path() / "build/object.o", "2");
    expect_changed(false, "built");
    write(folder.path() / ".git/index", "2");
    expect_changed(false, "committed");
    write(folder.path() / "src/.one.cpp.swp", "2");
    expect_changed(false, "an editor's own file");
}

TEST(Watch, RefusesMoreFoldersThanItCanWatch) {
    const testing::TempFolder folder;
    for (std::size_t i = 0; i < Watch::folders_max; ++i) std::filesystem::create_directory(folder.path() / std::to_string(i));
    const auto watch = Watch::open(folder.path(), {});
    ASSERT_FALSE(watch);
    EXPECT_EQ(watch.error().reason(), "too-many-folders");
    EXPECT_FALSE(watch.error().hint().empty());
    EXPECT_FALSE(Watch::open(folder.path() / "nothing", {}));
}

} // namespace
} // namespace symphony::kit
