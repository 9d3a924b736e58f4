// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include "../../packaging/tests/rig.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace symphony::kit::rig {

namespace fs = std::filesystem;
using packaging::rig::Plugin;

/// What a command said, and how it ended.
struct Done {
    std::int32_t status = 0;
    std::string reason, message, hint; ///< of an error
    std::string out, err;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
};

inline void expect_done(const Done& done) { EXPECT_EQ(done.reason, "") << done.message << "\n" << done.hint << "\n" << done.err; }
inline void expect_refused(const Done& done, const std::string& reason) {
    EXPECT_EQ(done.reason, reason) << done.message << "\n" << done.out << done.err;
    EXPECT_FALSE(done.hint.empty()) << done.message;
}

/// Somebody's home with the kit in a host, and a folder to work in. Beside the host lies a checker that writes down its words and answers as it is told.
class Author {
public:
    Author() {
        About about;
        about.version = "1.0.0";
        about.triple = "x86_64-linux-gnu";
        about.program = (home_.path() / "bin/symphony").string();
        about.prefix = (home_.path() / "prefix").string();
        about.config = (home_.path() / "config/symphony").string();
        host_.set_about(about);
        check_with(0);
        static_cast<void>(host_.add<Kit>("kit"));
    }

    /// @param status  What the checker ends with from now on.
    void check_with(int status) const {
        const fs::path checker = home_.path() / "bin/symphony-checker";
        packaging::rig::write(checker, "#!/bin/sh\necho \"$@\" >> " + said().string() + "\necho 'error: some rule'\nexit " + std::to_string(status) + "\n");
        fs::permissions(checker, fs::perms::owner_all);
    }
    std::string checked() const { return packaging::rig::read(said()); }

    using Words = std::map<std::string, std::vector<std::string>>; ///< flag or argument to its words; a switch has none
    Done run(std::string_view command, const Words& words = {}, bool json = false) const {
        ValueBuilder arguments;
        arguments.map();
        for (const auto& [name, values] : words) {
            const bool repeats = name == "root-key" || name == "root-public" || name == "snapshot-key" || name == "affects";
            arguments.key(name);
            if (repeats) arguments.list();
            if (values.empty()) arguments.boolean(true);
            for (const auto& value : values) arguments.text(value);
            if (repeats) arguments.end();
        }
        ports::CommandContext context;
        context.cwd = work_.path().string();
        context.json = json;
        Done done;
        CallOptions<ports::CommandOutput> options;
        options.on_part = [&done](const ports::CommandOutput& output) { (output.stream == ports::CommandStream::out ? done.out : done.err) += output.text.text(); };
        const auto client = ports::CommandClient::acquire(host_.host(), "kit");
        const auto status = client->run(command, arguments.end().build(), context, options);
        if (status) done.status = *status;
        else done.reason = status.error().reason(), done.message = status.error().message(), done.hint = status.error().hint();
        return done;
    }

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

    fs::path work() const { return work_.path(); }
    fs::path config() const { return home_.path() / "config/symphony"; }

private:
    fs::path said() const { return home_.path() / "checked"; }
    packaging::rig::TempFolder home_, work_;
    mutable testing::FakeHost host_;
};

} // namespace symphony::kit::rig
