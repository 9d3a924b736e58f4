// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "composer.hpp"

#include "../../packaging/tests/command_rig.hpp"

namespace symphony::composer::rig {

namespace fs = std::filesystem;
using packaging::rig::Done;
using packaging::rig::Plugin;
using packaging::rig::read;
using packaging::rig::write;

/// A symphony with a composer in it, a user's home, and a folder to work in. Its programs are some of this machine that need little.
class Machine : public packaging::rig::Home {
public:
    Machine() : Home(SYMPHONY_TEST_MANIFEST) {
        add<Composer>();
        fs::create_directories(prefix() / "bin");
        for (const auto* name : {"symphony", "symphony-runner"}) fs::copy_file("/bin/true", prefix() / "bin" / name);
    }

    /// A plugin that this symphony came with.
    void core(const Plugin& plugin) const { plugin.put(prefix() / "plugins" / plugin.name()); }
    /// distribution.toml with these plugins lines, and more.
    void distribution(const std::string& plugins, const std::string& more = {}, const std::string& about = {}) const {
        write(work() / "distribution.toml", "[distribution]\nname = \"acme\"\nversion = \"1.0.0\"\n" + about + "[plugins]\n" + plugins + more);
    }
    Done lock(Words words = {}) const { return words["file"] = {"distribution.toml"}, run("compose lock", words); }
    Done build(Words words = {}) const { return words["file"] = {"distribution.toml"}, words.try_emplace("output", std::vector<std::string>{"out"}), run("compose build", words); }
};

} // namespace symphony::composer::rig
