// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "composer.hpp"

#include "../../packaging/tests/rig.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace symphony::composer::rig {

namespace fs = std::filesystem;
using packaging::rig::Plugin;
using packaging::rig::read;
using packaging::rig::write;

/// What a command said, and how it ended.
struct Done {
    std::int32_t status = 0;
    std::string reason, message, hint; ///< of an error
    std::string out, err;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
    bool good() const { return reason.empty() && status == 0; }
    std::string all() const { return message + "\n" + hint + "\n" + err + out; }
};

/// A symphony with a composer in it, a user's home, and a folder to work in. Its programs are some of this machine that need little.
class Machine {
public:
    Machine() {
        about_.version = "1.0.0";
        about_.triple = "x86_64-linux-gnu";
        about_.prefix = (home_.path() / "prefix").string();
        about_.program = (home_.path() / "prefix/bin/symphony").string();
        about_.config = (home_.path() / "config/symphony").string();
        about_.data = (home_.path() / "data/symphony").string();
        about_.state = (home_.path() / "state/symphony").string();
        about_.cache = (home_.path() / "cache/symphony").string();
        host_.set_about(about_);
        static_cast<void>(host_.add<Composer>("composer"));
        fs::create_directories(prefix() / "bin");
        for (const auto* name : {"symphony", "symphony-runner"}) fs::copy_file("/bin/true", prefix() / "bin" / name);
    }

    using Words = std::map<std::string, std::vector<std::string>>; ///< flag or argument to its words; a switch has none
    Done run(std::string_view command, const Words& words, bool json = false) const {
        ValueBuilder arguments;
        arguments.map();
        for (const auto& [name, values] : words) {
            arguments.key(name);
            if (name == "format") arguments.list();
            if (values.empty()) arguments.boolean(true);
            for (const auto& value : values) arguments.text(value);
            if (name == "format") arguments.end();
        }
        ports::CommandContext context;
        context.cwd = work_.path().string();
        context.json = json;
        Done done;
        CallOptions<ports::CommandOutput> options;
        options.on_part = [&done](const ports::CommandOutput& output) { (output.stream == ports::CommandStream::out ? done.out : done.err) += output.text.text(); };
        const auto client = ports::CommandClient::acquire(host_.host(), "composer");
        const auto status = client->run(command, arguments.end().build(), context, options);
        if (status) done.status = *status;
        else done.reason = status.error().reason(), done.message = status.error().message(), done.hint = status.error().hint();
        return done;
    }

    /// A plugin that this symphony came with.
    void core(const Plugin& plugin) const { plugin.put(prefix() / "plugins" / plugin.name()); }
    /// distribution.toml with these plugins lines, and more.
    void distribution(const std::string& plugins, const std::string& more = {}, const std::string& about = {}) const {
        write(work() / "distribution.toml", "[distribution]\nname = \"acme\"\nversion = \"1.0.0\"\n" + about + "[plugins]\n" + plugins + more);
    }
    Done lock(Words words = {}) const { return words["file"] = {"distribution.toml"}, run("compose lock", words, false); }
    Done build(Words words = {}) const { return words["file"] = {"distribution.toml"}, words.try_emplace("output", std::vector<std::string>{"out"}), run("compose build", words, false); }

    fs::path work() const { return work_.path(); }
    fs::path home() const { return home_.path(); }
    fs::path prefix() const { return home_.path() / "prefix"; }

private:
    packaging::rig::TempFolder home_, work_;
    About about_;
    mutable testing::FakeHost host_;
};

} // namespace symphony::composer::rig
