// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include "library.hpp"

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;

namespace {

/// The reason why a library is not loaded, "" when it is.
std::string refusal(const std::string& library, const std::function<void(manifests::Manifest&, const std::filesystem::path&)>& change = {}) {
    Rig rig;
    manifests::Manifest& manifest = rig.add(library);
    if (change) change(manifest, rig.last().folder);
    auto image = VerifiedImage::open(manifest, rig.last().folder, "x86_64-linux-gnu");
    if (!image) return std::string(image.error().reason());
    const auto loaded = Library::load(std::move(*image), manifest);
    return loaded ? "" : std::string(loaded.error().reason());
}

void replace_library(manifests::Manifest& manifest, const std::filesystem::path& folder, const std::string& bytes) {
    write_file(folder / "plugin.so", bytes);
    manifest.artifacts[0].size_bytes = bytes.size();
    manifest.artifacts[0].sha256 = hex(sha256(bytes));
}

} // namespace

TEST(Library, LoadsWhatAgreesWithItsManifest) {
    EXPECT_EQ(refusal("probe"), "");
    EXPECT_EQ(refusal("probe-long-struct"), "") << "a descriptor of a later minor is longer";
}

TEST(Library, RefusesEachWrongIdentityWithItsOwnReason) {
    EXPECT_EQ(refusal("probe-no-note"), "no-note");
    EXPECT_EQ(refusal("probe-note-major"), "abi-major");
    EXPECT_EQ(refusal("probe-note-minor"), "abi-minor");
    EXPECT_EQ(refusal("probe-major"), "abi-major");
    EXPECT_EQ(refusal("probe-minor"), "abi-minor");
    EXPECT_EQ(refusal("probe-other-id"), "identity-mismatch");
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { m.extension.version.patch = 4; }), "identity-mismatch");
    EXPECT_EQ(refusal("probe-null"), "null-descriptor");
    EXPECT_EQ(refusal("probe-magic"), "bad-magic");
    EXPECT_EQ(refusal("probe-short-struct"), "struct-size");
    EXPECT_EQ(refusal("probe-extra"), "extra-export");
    EXPECT_EQ(refusal("probe-no-entry"), "no-entry");
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { m.abi.minor = 9; }), "abi-minor");
}

TEST(Library, RefusesBytesThatTheManifestDoesNotName) {
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { m.artifacts.clear(); }), "no-artifact");
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { m.artifacts[0].triple = "riscv64-linux-gnu"; }), "no-artifact");
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { m.artifacts[0].sha256[0] ^= 1; }), "digest-mismatch");
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { ++m.artifacts[0].size_bytes; }), "size-mismatch");
    EXPECT_EQ(refusal("probe", [](auto&, auto& folder) { std::filesystem::remove(folder / "plugin.so"); }), "missing-library");
}

TEST(Library, RefusesWhatIsNotALibraryOfThisMachine) {
    EXPECT_EQ(refusal("probe", [](auto& m, auto& folder) { replace_library(m, folder, "#!/bin/sh\n"); }), "not-elf");
    EXPECT_EQ(refusal("probe", [](auto& m, auto& folder) {
                  std::string bytes = read_file(folder / "plugin.so");
                  bytes[18] = '\xF3'; // e_machine: RISC-V
                  bytes[19] = '\0';
                  replace_library(m, folder, bytes);
              }), "wrong-architecture");
    EXPECT_EQ(refusal("probe", [](auto& m, auto& folder) { replace_library(m, folder, read_file(folder / "plugin.so").substr(0, 300)); }), "elf-corrupt");
}

TEST(Library, IsOpenedBeneathItsFolderAndThroughNoLink) {
    EXPECT_EQ(refusal("probe", [](auto& m, auto& folder) {
                  std::filesystem::rename(folder / "plugin.so", folder.parent_path() / "elsewhere.so");
                  std::filesystem::create_symlink("../elsewhere.so", folder / "plugin.so");
                  static_cast<void>(m);
              }), "path-escape");
    EXPECT_EQ(refusal("probe", [](auto& m, auto&) { m.artifacts[0].path = "../elsewhere.so"; }), "path-escape");
    EXPECT_EQ(refusal("probe", [](auto&, auto& folder) {
                  std::filesystem::remove(folder / "plugin.so");
                  ASSERT_EQ(::mkfifo((folder / "plugin.so").c_str(), 0600), 0);
              }), "not-a-file");
}

TEST(Library, IsMappedFromSealedBytesUnderThePluginsName) {
    Rig rig;
    const manifests::Manifest& manifest = rig.add("probe");
    auto image = VerifiedImage::open(manifest, rig.last().folder, "x86_64-linux-gnu");
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(::write(image->fd(), "x", 1), -1) << "the seal lets nobody write";
    EXPECT_EQ(::ftruncate(image->fd(), 1), -1);
    write_file(rig.last().folder / "plugin.so", "overwritten after the check");
    const auto loaded = Library::load(std::move(*image), manifest);
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_NE(read_file("/proc/self/maps").find("symphony:probe-1.2.3"), std::string::npos);
    EXPECT_LT(loaded->begin(), loaded->end());
}
