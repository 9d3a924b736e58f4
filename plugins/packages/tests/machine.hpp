// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "packages.hpp"

#include "../../packaging/tests/rig.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace symphony::packages::rig {

namespace fs = std::filesystem;
using packaging::PublicKey;
using packaging::SecretKey;
using packaging::rig::Plugin;

/// What a command said, and how it ended.
struct Done {
    std::int32_t status = 0; ///< 0 and 1 are the command's own; an error is below
    std::string reason, message, hint; ///< of an error
    std::string out, err;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// A user's home with the plugin in a host, and a folder to work in.
class Machine {
public:
    Machine() {
        About about;
        about.version = "1.0.0";
        about.triple = "x86_64-linux-gnu";
        about.prefix = (home_.path() / "prefix").string();
        about.config = (home_.path() / "config/symphony").string();
        about.data = (home_.path() / "data/symphony").string();
        about.state = (home_.path() / "state/symphony").string();
        about.cache = (home_.path() / "cache/symphony").string();
        host_.set_about(about);
        static_cast<void>(host_.add<Packages>("packages"));
    }

    using Words = std::map<std::string, std::vector<std::string>>; ///< flag or argument to its words; a switch has none
    Done run(std::string_view command, const Words& words = {}, bool json = false) const {
        ValueBuilder arguments;
        arguments.map();
        for (const auto& [name, values] : words) {
            const bool repeats = name == "what" || name == "words" || name == "root-key" || (name == "plugin" && (command == "remove" || command == "verify"));
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
        const auto client = ports::CommandClient::acquire(host_.host(), "packages");
        const auto status = client->run(command, arguments.end().build(), context, options);
        if (status) done.status = *status;
        else done.reason = status.error().reason(), done.message = status.error().message(), done.hint = status.error().hint();
        return done;
    }

    /// Makes a package file, signed when a key is given, and returns its name.
    std::string package(const Plugin& plugin, const SecretKey* key = nullptr) const {
        const auto packed = plugin.packed();
        packaging::rig::write(work_.path() / packed.info.file_name(), packed.bytes);
        if (key != nullptr) packaging::rig::write(work_.path() / (packed.info.file_name() + ".minisig"), key->sign(packed.bytes, packed.info.claim().comment())->text());
        return packed.info.file_name();
    }

    fs::path work() const { return work_.path(); }
    fs::path packages() const { return home_.path() / "data/symphony/packages"; }
    fs::path prefix() const { return home_.path() / "prefix"; }
    packaging::Publishers publishers() const { return *packaging::Publishers::load(home_.path() / "config/symphony/publishers.toml"); }
    /// "" when it is not there.
    std::string version_of(const std::string& id) const {
        const packaging::Generations generations(packages());
        const auto profile = *generations.read(*generations.current());
        const auto* found = profile.find(id);
        return found == nullptr ? std::string() : found->version;
    }

private:
    packaging::rig::TempFolder home_, work_;
    mutable testing::FakeHost host_;
};

} // namespace symphony::packages::rig
