// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <array>
#include <cstdio>

namespace symphony::store::test {
namespace {

/// Output of the documented script, which shares no code with the store.
std::string inspect(const Rig& rig, const std::string& more) {
    const std::string command = "python3 " SYMPHONY_STORE_DIR "/docs/inspect_store.py '" + rig.path().string() + "' " + more + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return "(cannot start)";
    std::string out;
    std::array<char, 65536> part{};
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) out.append(part.data(), got);
    ::pclose(pipe);
    return out;
}

TEST(Format, AStoreIsReadWithPublicToolsOnly) {
    for (const Suite suite : {Suite::none, Suite::aes256_gcm, Suite::xchacha20_poly1305}) {
        SCOPED_TRACE(name_of(suite));
        Rig rig(suite, Profile::text);
        const std::string key = suite == Suite::none ? "" : "--passphrase 'correct horse'";
        const ContentId small = rig.put_named("a name", prose(2000, 1)), large = rig.put(noise(3'000'000, 2)), gone = rig.put("gone");
        rig.put_named("a name", "second");
        ASSERT_TRUE(rig.store->remove(gone));
        rig.close();
        const std::string listed = inspect(rig, key);
        EXPECT_NE(listed.find("artifact " + small.hex() + " 2000\n"), std::string::npos) << listed;
        EXPECT_NE(listed.find("artifact " + large.hex() + " 3000000\n"), std::string::npos);
        EXPECT_NE(listed.find("version a name@1 " + small.hex() + "\n"), std::string::npos);
        EXPECT_NE(listed.find("version a name@2 "), std::string::npos);
        EXPECT_EQ(listed.find(gone.hex()), std::string::npos);
        EXPECT_TRUE(inspect(rig, key + " --get " + large.hex()) == noise(3'000'000, 2));
        if (suite != Suite::none) {
            EXPECT_EQ(inspect(rig, "--passphrase wrong"), "error: wrong passphrase\n");
        }
    }
}

} // namespace
} // namespace symphony::store::test
