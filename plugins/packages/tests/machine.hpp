// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "packages.hpp"

#include "../../packaging/tests/command_rig.hpp"

namespace symphony::packages::rig {

namespace fs = std::filesystem;
using packaging::PublicKey;
using packaging::SecretKey;
using packaging::rig::Done;
using packaging::rig::Plugin;

/// A user's home with the plugin in a host, and a folder to work in.
class Machine : public packaging::rig::Home {
public:
    Machine() : Home(SYMPHONY_TEST_MANIFEST) { add<Packages>(); }

    /// Makes a package file, signed when a key is given, and returns its name.
    std::string package(const Plugin& plugin, const SecretKey* key = nullptr) const {
        const auto packed = plugin.packed();
        packaging::rig::write(work() / packed.info.file_name(), packed.bytes);
        if (key != nullptr) packaging::rig::write(work() / (packed.info.file_name() + ".minisig"), key->sign(packed.bytes, packed.info.claim().comment())->text());
        return packed.info.file_name();
    }

    fs::path packages() const { return home() / "data/symphony/packages"; }
    packaging::Publishers publishers() const { return *packaging::Publishers::load(config() / "publishers.toml"); }
    /// "" when it is not there.
    std::string version_of(const std::string& id) const {
        const packaging::Generations generations(packages());
        const auto profile = *generations.read(*generations.current());
        const auto* found = profile.find(id);
        return found == nullptr ? std::string() : found->version;
    }
};

} // namespace symphony::packages::rig
