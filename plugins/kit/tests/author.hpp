// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include "../../packaging/tests/command_rig.hpp"

namespace symphony::kit::rig {

namespace fs = std::filesystem;
using packaging::rig::Done;
using packaging::rig::expect_done;
using packaging::rig::expect_refused;
using packaging::rig::Plugin;

/// Somebody's home with the kit in a host, and a folder to work in. Beside the host lies a checker that writes down its words and answers as it is told.
class Author : public packaging::rig::Home {
public:
    Author() : Home(SYMPHONY_TEST_MANIFEST) {
        check_with(0);
        add<Kit>();
    }

    /// @param status  What the checker ends with from now on.
    void check_with(int status) const {
        const fs::path checker = prefix() / "bin/symphony-checker";
        packaging::rig::write(checker, "#!/bin/sh\necho \"$@\" >> " + said().string() + "\necho 'error: some rule'\nexit " + std::to_string(status) + "\n");
        fs::permissions(checker, fs::perms::owner_all);
    }
    std::string checked() const { return packaging::rig::read(said()); }

    /// Puts a built plugin into the folder `name`, packs and signs it, and returns the package's file.
    std::string package(const Plugin& plugin, const std::string& name = "built", const Words& sign = {}) const {
        plugin.put(work() / name);
        expect_done(run("pack", {{"folder", {name}}}));
        const std::string file = plugin.id + "-" + plugin.version + "-" + plugin.triple + ".sympkg";
        Words words = sign;
        words["file"] = {file};
        expect_done(run("sign", words));
        return file;
    }

private:
    fs::path said() const { return home() / "checked"; }
};

} // namespace symphony::kit::rig
