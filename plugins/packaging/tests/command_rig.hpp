// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests of plugins whose commands are about packages: what a person does with them.

#include "rig.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/ports/command.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace symphony::packaging::rig {

/// What a command said, and how it ended.
struct Done {
    std::int32_t status = 0; ///< 0 and 1 are the command's own; an error is below
    std::string reason, message, hint; ///< of an error
    std::string out, err;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
    bool good() const { return reason.empty() && status == 0; }
    std::string all() const { return message + "\n" + hint + "\n" + err + out; }
};

inline void expect_done(const Done& done) { EXPECT_EQ(done.reason, "") << done.all(); }
/// @param words  Somewhere in what people read.
inline void expect_refused(const Done& done, const std::string& reason, const std::string& words = {}) {
    EXPECT_EQ(done.reason, reason) << done.all();
    EXPECT_NE(done.all().find(words), std::string::npos) << done.all();
    EXPECT_FALSE(done.hint.empty()) << "what to do next: " << done.message;
}

/// Somebody's home with one plugin in a host, and a folder to work in.
class Home {
public:
    using Words = std::map<std::string, std::vector<std::string>>; ///< flag or argument to its words; a switch has none

    /// @param manifest  The plugin's manifest.toml: it says what becomes of words.
    explicit Home(const fs::path& manifest) {
        About about;
        about.version = "1.0.0";
        about.triple = "x86_64-linux-gnu";
        about.prefix = prefix().string();
        about.program = (prefix() / "bin/symphony").string();
        about.config = config().string();
        about.data = (home() / "data/symphony").string();
        about.state = (home() / "state/symphony").string();
        about.cache = (home() / "cache/symphony").string();
        host_.set_about(about);
        auto parsed = manifests::parse(read(manifest), manifest.string(), manifests::Strictness::load);
        EXPECT_TRUE(parsed.manifest) << manifest;
        manifest_ = *std::move(parsed.manifest);
    }

    Done run(std::string_view command, const Words& words = {}, bool json = false) const {
        ports::CommandContext context;
        context.cwd = work().string();
        context.json = json;
        Done done;
        CallOptions<ports::CommandOutput> options;
        options.on_part = [&done](const ports::CommandOutput& output) { (output.stream == ports::CommandStream::out ? done.out : done.err) += output.text.text(); };
        const auto client = ports::CommandClient::acquire(host_.host(), manifest_.name());
        const auto status = client->run(command, arguments_of(command, words), context, options);
        if (status) done.status = *status;
        else done.reason = status.error().reason(), done.message = status.error().message(), done.hint = status.error().hint();
        return done;
    }

    fs::path work() const { return work_.path(); }
    fs::path home() const { return home_.path(); }
    fs::path prefix() const { return home() / "prefix"; }
    fs::path config() const { return home() / "config/symphony"; }

protected:
    template <class Class>
    void add() {
        const Status added = host_.add<Class>(manifest_.name());
        EXPECT_TRUE(added) << added.error().message();
    }

private:
    /// As the host makes them.
    Value arguments_of(std::string_view command, Words words) const {
        const auto found = std::find_if(manifest_.commands.begin(), manifest_.commands.end(), [&](const auto& one) { return one.name == command; });
        ValueBuilder out;
        out.map();
        const auto add = [&](const std::string& name, bool repeat, bool is_switch) {
            const auto typed = words.extract(name);
            if (typed.empty()) return;
            out.key(name);
            if (repeat) out.list();
            if (is_switch) out.boolean(true);
            for (const auto& word : typed.mapped()) out.text(word);
            if (repeat) out.end();
        };
        if (found != manifest_.commands.end()) {
            for (const auto& argument : found->arguments) add(argument.name, argument.repeat, false);
            for (const auto& flag : found->flags) {
                if (!flag.default_value.empty()) words.try_emplace(flag.name, std::vector{flag.default_value});
                add(flag.name, flag.repeat, flag.value.empty());
            }
        }
        for (const auto& [name, ignored] : words) ADD_FAILURE() << command << " has no \"" << name << "\" in the manifest";
        return out.end().build();
    }

    TempFolder home_, work_;
    manifests::Manifest manifest_;
    mutable testing::FakeHost host_;
};

} // namespace symphony::packaging::rig
