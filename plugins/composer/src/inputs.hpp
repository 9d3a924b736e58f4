// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "distribution.hpp"

#include <symphony/packaging/fetch.hpp>
#include <symphony/packaging/package.hpp>
#include <symphony/packaging/plan.hpp>
#include <symphony/packaging/publishers.hpp>
#include <symphony/packaging/registry_source.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace symphony::composer {

/// A plugin of the distribution: its package, read and verified.
struct Input {
    enum class Origin : std::uint8_t {
        core,     ///< the symphony that composes came with it
        local,    ///< a folder or package file that distribution.toml names
        registry,
    };
    Origin origin = Origin::local;
    std::string where;  ///< for people: as written, or the registry's name
    packaging::PackageInfo info;
    std::map<std::string, std::string> files; ///< without FILES; modes are in info.files
    std::uint64_t size_bytes = 0;             ///< of the package file
    std::string sha256;                       ///< of the package file
    std::string signer;                       ///< "RW...", verified; or empty

    const std::string& id() const noexcept { return info.id(); }
    manifests::Version version() const { return info.manifest.extension.version; }
};
std::string_view name_of(Input::Origin origin) noexcept;

/// Where plugins come from, and what is known before any is read.
struct Surroundings {
    std::filesystem::path base;   ///< paths of distribution.toml begin here
    std::filesystem::path prefix; ///< of the symphony that composes
    std::string triple;
    const packaging::Publishers* publishers = nullptr; ///< the user's
    /// Opens the user's registries, when one is needed. Null inside: none is configured.
    std::function<Result<std::vector<packaging::Registry*>>()> registries;
    std::function<std::string(const packaging::Registry&)> name_of_registry;
    packaging::Progress progress;
};

/// Plugins of the core, of folders and files, and of registries as one source for a plan. An id that distribution.toml gives a path belongs to that; one that the core has
/// in the range that is asked for belongs to the core; every other to the registries. One thread.
class Inputs final : public packaging::Source {
public:
    Inputs(const Distribution& distribution, Surroundings surroundings) : distribution_(distribution), around_(std::move(surroundings)) {}

    /// Reads local plugins and the core's manifests, and opens registries if any plugin is left for them. @param findings  What is wrong with paths, by place.
    Status open(std::vector<Diagnostic>& findings, const std::string& file);

    Result<const packaging::Package*> find(std::string_view id) override;
    std::vector<std::string> offering(std::string_view port) override;
    std::string similar(std::string_view id) override;
    std::vector<packaging::Lock::Registry> registries() const override;
    Result<packaging::Lock::Package> describe(std::string_view id, const manifests::Version& version) override;

    /// What is to be asked of make_plan.
    std::vector<packaging::Wanted> wanted(const std::string& file) const;
    /// The package of a plan, fetched and verified when that was not done yet. @return `refused` "digest-changed" and what packages and registries say.
    Result<const Input*> take(const packaging::Lock::Package& package);

private:
    struct Core {
        std::filesystem::path folder;
        manifests::Manifest manifest;
    };
    void read_core();
    Status read_local(const WantedPlugin& plugin);
    Result<std::optional<packaging::PublicKey>> signer_of(const std::filesystem::path& file, const std::string& bytes, const packaging::PackageInfo& info) const;
    Status add_release(const manifests::Manifest& manifest);
    bool needs_registries() const;
    Result<Input*> read_core_package(const std::string& id);
    Result<Input*> fetch(const packaging::Lock::Package& package);

    const Distribution& distribution_;
    const Surroundings around_;
    std::map<std::string, Core> core_;      // those that are used
    std::map<std::string, Input> inputs_;   // by id
    packaging::PackageTable table_;         // versions of core and local ones
    std::unique_ptr<packaging::RegistrySource> far_;
};

/// Reads a package into memory. @param where  For messages.
Result<Input> read_input(std::string_view package, Input::Origin origin, std::string where, const packaging::Progress& progress = {});

} // namespace symphony::composer
