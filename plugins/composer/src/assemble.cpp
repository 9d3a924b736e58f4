// SPDX-License-Identifier: Apache-2.0
#include "assemble.hpp"

#include "libraries.hpp"
#include "reports.hpp"
#include "rules.hpp"

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/disk.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace symphony::composer {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t program_bytes_max = 512ull * 1024 * 1024;
constexpr std::uint64_t workflow_bytes_max = 16ull * 1024 * 1024;

Result<std::string> read_following(const fs::path& path, std::uint64_t bytes_max) {
    std::error_code error;
    const auto real = fs::canonical(path, error);
    return packaging::read_file(error ? path : real, bytes_max);
}

class Assembler {
public:
    Assembler(const Composition& all, const HostFiles& host, std::string_view text, const fs::path& base) : all_(all), host_(host), text_(text), base_(base) {}

    Result<Tree> run() {
        SYMPHONY_TRY(programs());
        for (const auto* input : all_.inputs) SYMPHONY_TRY(plugin(*input));
        SYMPHONY_TRY(workflows());
        const auto rules = rules_of(all_.distribution);
        SYMPHONY_TRY(tree_.add("plugins.lock", plain, trust_of(all_)));
        SYMPHONY_TRY(tree_.add("etc/symphony/policy.toml", plain, rules.policy));
        SYMPHONY_TRY(tree_.add("etc/symphony/config.toml", plain, rules.defaults));
        SYMPHONY_TRY(tree_.add("etc/symphony/locked.toml", plain, rules.locked));
        SYMPHONY_TRY(tree_.add("distribution.toml", plain, std::string(text_)));
        SYMPHONY_TRY(tree_.add("distribution.lock", plain, print(all_.lock)));
        SYMPHONY_TRY(tree_.add("share/capabilities.json", plain, to_pretty_json(capabilities_data(all_)) + "\n"));
        SYMPHONY_TRY(tree_.add("share/capabilities.txt", plain, capabilities_text(all_)));
        SYMPHONY_TRY(tree_.add("share/sbom.cdx.json", plain, sbom_of(all_)));
        SYMPHONY_TRY(tree_.add("share/provenance.json", plain, provenance_of(all_, tree_.digest(), text_)));
        SYMPHONY_TRY(tree_.seal(all_.distribution.name + " " + all_.distribution.version.text() + " for " + all_.triple));
        return std::move(tree_);
    }

private:
    static constexpr std::uint32_t plain = 0644, program = 0755;

    Status programs() {
        for (const auto& [path, bytes] : host_.programs) SYMPHONY_TRY(tree_.add(path, program, bytes));
        if (!host_.licence.empty()) SYMPHONY_TRY(tree_.add("licenses/symphony/LICENSE", plain, host_.licence));
        std::set<std::string> licensed;
        for (const auto& library : host_.locked.libraries) {
            if (all_.distribution.libraries != Libraries::bundled) break;
            auto bytes = SYMPHONY_TRY(read_following(host_.library_paths.at(library.name), program_bytes_max));
            SYMPHONY_TRY(tree_.add("lib/" + library.name, plain, std::move(bytes)));
            if (!library.package.empty() && licensed.insert(library.package).second) SYMPHONY_TRY(licence_of_package(library.package));
        }
        return {};
    }

    /// Debian's copyright file; a package without one is no reason to stop, its component in the bill has the package's name.
    Status licence_of_package(const std::string& package) {
        constexpr std::uint64_t licence_bytes_max = 4ull * 1024 * 1024;
        for (const auto& place : {host_.prefix / "licenses", fs::path("/usr/share/doc")}) {
            auto text = read_following(place / package / "copyright", licence_bytes_max);
            if (text) return tree_.add("licenses/" + package + "/copyright", plain, *std::move(text));
        }
        return {};
    }

    Status plugin(const Input& input) {
        const std::string folder = "plugins/" + input.id() + "/";
        for (const auto& file : input.info.files.files()) {
            SYMPHONY_TRY(tree_.add(folder + file.path, file.mode, input.files.at(file.path)));
            const bool licence = file.path.starts_with("LICENSE") || file.path.starts_with("COPYING") || file.path.starts_with("NOTICE");
            if (licence && file.path.find('/') == std::string::npos) SYMPHONY_TRY(tree_.add("licenses/" + input.id() + "/" + file.path, plain, input.files.at(file.path)));
        }
        return {};
    }

    Status workflows() {
        for (const auto& path : all_.distribution.workflows) {
            auto bytes = read_following((base_ / path).lexically_normal(), workflow_bytes_max);
            if (!bytes) return std::move(bytes).error().in(all_.file + ":" + std::to_string(all_.distribution.workflows_place.line) + ": workflow");
            SYMPHONY_TRY(tree_.add("workflows/" + fs::path(path).filename().string(), plain, *std::move(bytes)));
        }
        return {};
    }

    const Composition& all_;
    const HostFiles& host_;
    const std::string_view text_;
    const fs::path& base_;
    Tree tree_;
};

/// The host of the distribution that composes, if it is one: it knows who brought the libraries that came along.
std::optional<Lock::Host> host_of_prefix(const fs::path& prefix, const std::string& triple) {
    const auto text = packaging::read_file(prefix / "distribution.lock", packaging::lock_bytes_max);
    const auto lock = text ? packaging::parse_lock(*text, "distribution.lock") : Result<Lock>(text.error());
    if (!lock) return std::nullopt;
    for (const auto& host : lock->hosts) {
        if (host.triple == triple) return host;
    }
    return std::nullopt;
}

/// Takes package and version over where name and bytes are known; of what stays on the machine the name counts, its bytes are each machine's own.
/// @return Whether all were known.
bool take_over(std::vector<Lock::Host::Library>& libraries, const Lock::Host& known, Libraries which) {
    bool all = true;
    for (auto& library : libraries) {
        const auto before = std::find_if(known.libraries.begin(), known.libraries.end(), [&](const auto& one) { return one.name == library.name && (which == Libraries::system || one.sha256 == library.sha256); });
        if (before != known.libraries.end()) library = *before;
        all = all && before != known.libraries.end();
    }
    return all;
}

} // namespace

Result<HostFiles> host_files(const fs::path& program, const fs::path& prefix, const std::string& triple, const std::string& version, const std::vector<const Input*>& inputs, Libraries libraries, const Lock::Host* known) {
    HostFiles out;
    out.prefix = prefix;
    out.locked.triple = triple;
    out.locked.version = version;
    fs::path runner = program.parent_path() / "symphony-runner";
    std::error_code error;
    if (!fs::exists(runner, error)) runner = program.parent_path().parent_path() / "libexec/symphony/symphony-runner";
    LibraryFinder finder(LibraryFinder::folders_of(prefix, triple));
    for (const auto& [path, from] : {std::pair<std::string, fs::path>{"bin/symphony", program}, {"bin/symphony-runner", runner}}) {
        auto bytes = read_following(from, program_bytes_max);
        if (!bytes) return Error(Code::not_found, "no-host", bytes.error().message(), "compose with an installed symphony: its programs go into the distribution");
        SYMPHONY_TRY(finder.add(path, *bytes));
        out.locked.files.push_back({path, bytes->size(), packaging::sha256_of(*bytes)});
        out.programs.emplace(path, *std::move(bytes));
    }
    for (const auto* place : {"plugins/composer", "plugins/org.symphony.composer", "lib/symphony/plugins/composer"}) {
        if (auto licence = read_following(prefix / place / "LICENSE", workflow_bytes_max); licence && out.licence.empty()) out.licence = *std::move(licence);
    }
    for (const auto* input : inputs) {
        for (const auto& artifact : input->info.manifest.artifacts) {
            const auto library = input->files.find(artifact.path);
            if (artifact.triple != triple || library == input->files.end()) continue;
            // What cannot be read as a library needs nothing: loading it is refused with the cause.
            static_cast<void>(finder.add("plugin \"" + input->id() + "\"", library->second));
        }
    }
    auto found = SYMPHONY_TRY(finder.find(libraries == Libraries::bundled));
    if (!found.missing.empty()) {
        const auto& [name, who] = *found.missing.begin();
        return Error(Code::not_found, "missing-library", who + " needs " + name + ", which is not on this machine", "install the package that has it");
    }
    if (known == nullptr || !take_over(found.all, *known, libraries)) {
        DebianPackages().identify(found.all, found.paths);
        if (const auto own = host_of_prefix(prefix, triple)) take_over(found.all, *own, Libraries::bundled);
    }
    out.locked.libraries = std::move(found.all);
    out.library_paths = std::move(found.paths);
    out.base = std::move(found.newest);
    return out;
}

Result<Tree> assemble(const Composition& all, const HostFiles& host, std::string_view text, const fs::path& base) { return Assembler(all, host, text, base).run(); }

} // namespace symphony::composer
