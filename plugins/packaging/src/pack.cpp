// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/package.hpp>

#include "package_check.hpp"
#include "sbom.hpp"
#include "tar_writer.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <sys/stat.h>

namespace symphony::packaging {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view sbom_name = "sbom.cdx.json";
// What is taken where it is there, besides what the manifest names.
constexpr std::array<std::string_view, 5> licences{"LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING", "NOTICE"};
constexpr std::array<std::string_view, 3> readmes{"README", "README.md", "README.txt"};

class Collector {
public:
    explicit Collector(const fs::path& folder) : folder_(folder) {}

    bool has(std::string_view path) const {
        std::error_code error;
        return fs::symlink_status(folder_ / path, error).type() != fs::file_type::not_found && !error;
    }

    /// A file, or a folder with all that is in it.
    Status take(const std::string& path) {
        std::error_code error;
        const auto state = fs::symlink_status(folder_ / path, error);
        if (state.type() == fs::file_type::directory) return take_folder(path);
        if (state.type() == fs::file_type::symlink) {
            return Error(Code::invalid_argument, "link-in-package", "\"" + path + "\" is a link, and a package has none", "put the file itself there");
        }
        if (state.type() == fs::file_type::not_found) {
            return Error(Code::not_found, "missing", "\"" + path + "\" is not in " + folder_.string(), "make it, or take it from [package] include of manifest.toml");
        }
        return add(path, SYMPHONY_TRY(read_file(folder_ / path, payload_bytes_max)), executable(path));
    }

    Status add(const std::string& path, std::string bytes, bool runs = false) {
        if (files_.contains(path)) return {};
        SYMPHONY_TRY(check_path(path));
        if (files_.size() == entries_max) return Error(Code::exhausted, "too-many-files", "there are more than 10,000 files to pack", "take less into [package] include");
        entries_.push_back({runs ? 0755u : 0644u, bytes.size(), sha256_of(bytes), path});
        files_.emplace(path, std::move(bytes));
        return {};
    }

    const std::vector<FileEntry>& entries() const noexcept { return entries_; }
    const std::map<std::string, std::string>& files() const noexcept { return files_; }

    /// What lies beside the manifest and was not taken.
    std::vector<std::string> left_out() const {
        std::vector<std::string> names;
        std::error_code error;
        for (fs::directory_iterator item(folder_, error), end; !error && item != end && names.size() < 100; item.increment(error)) {
            const std::string name = item->path().filename().string();
            const auto first = files_.lower_bound(name);
            const bool taken = first != files_.end() && (first->first == name || first->first.starts_with(name + "/"));
            const auto beneath = files_.lower_bound(name + "/");
            if (!taken && (beneath == files_.end() || !beneath->first.starts_with(name + "/"))) names.push_back(name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    /// The owner's bit, which no umask of a sane build takes away. A library is mapped and never run.
    bool executable(const std::string& path) const {
        struct stat info{};
        return ::lstat((folder_ / path).c_str(), &info) == 0 && (info.st_mode & S_IXUSR) != 0 && path.find(".so") == std::string::npos;
    }

    Status take_folder(const std::string& path) {
        std::error_code error;
        std::vector<std::string> names; // before the depth, so that nothing stays open on the way down
        for (fs::directory_iterator item(folder_ / path, error), end; !error && item != end; item.increment(error)) names.push_back(path + "/" + item->path().filename().string());
        if (error) return disk_error("cannot read the folder", folder_ / path, error.value());
        std::sort(names.begin(), names.end());
        for (const auto& name : names) {
            SYMPHONY_TRY(check_path(name)); // which bounds the depth, too
            SYMPHONY_TRY(take(name));
        }
        return {};
    }

    const fs::path& folder_;
    std::map<std::string, std::string> files_;
    std::vector<FileEntry> entries_;
};

/// The libraries of the platform; of the only one that is there, when none was named.
Result<std::set<std::string>> libraries_of(const manifests::Manifest& manifest, const Collector& collector, std::string_view triple) {
    std::set<std::string> paths, there, known;
    for (const auto& artifact : manifest.artifacts) {
        known.insert(artifact.triple);
        if (!collector.has(artifact.path)) continue;
        there.insert(artifact.triple);
        if (triple.empty() || artifact.triple == triple) paths.insert(artifact.path);
    }
    if (triple.empty() && there.size() > 1) {
        return Error(Code::invalid_argument, "several-libraries", "there are libraries of several platforms, and a package is for one", "name it: --triple " + *there.begin());
    }
    if (!paths.empty()) return paths;
    if (manifest.artifacts.empty()) {
        return Error(Code::invalid_argument, "no-library", "manifest.toml has no [[artifact]]", "pack the folder that the build made (build/plugins/NAME), not the one with the sources");
    }
    return Error(Code::invalid_argument, "no-library", "the library " + (triple.empty() ? std::string("that manifest.toml names") : "for " + std::string(triple)) + " is not there", "build the plugin first");
}

Status take_all(Collector& collector, const manifests::Manifest& manifest, std::string_view triple, Packed& out) {
    for (const auto& path : SYMPHONY_TRY(libraries_of(manifest, collector, triple))) SYMPHONY_TRY(collector.take(path));
    bool licence = false;
    for (const auto name : licences) {
        if (!collector.has(name)) continue;
        SYMPHONY_TRY(collector.take(std::string(name)));
        licence = true;
    }
    for (const auto name : readmes) {
        if (collector.has(name)) SYMPHONY_TRY(collector.take(std::string(name)));
    }
    if (collector.has("workflows")) SYMPHONY_TRY(collector.take("workflows"));
    for (const auto& path : manifest.package.include) SYMPHONY_TRY(collector.take(path));
    if (!licence) out.notes.emplace_back("there is no LICENSE beside the manifest; a registry asks for one");
    if (manifest.extension.license.empty()) out.notes.emplace_back("manifest.toml names no license");
    if (collector.has(sbom_name)) return collector.take(std::string(sbom_name));
    auto entries = collector.entries();
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return collector.add(std::string(sbom_name), sbom_of(manifest, entries));
}

Result<std::string> tar_of(const Collector& collector, const FileList& list) {
    TarWriter tar;
    SYMPHONY_TRY(tar.add("manifest.toml", 0644, collector.files().at("manifest.toml")));
    SYMPHONY_TRY(tar.add("FILES", 0644, list.text()));
    for (const auto& file : list.files()) {
        if (file.path != "manifest.toml") SYMPHONY_TRY(tar.add(file.path, file.mode, collector.files().at(file.path)));
    }
    return tar.end();
}

} // namespace

Result<Packed> pack(const fs::path& folder, std::string_view triple) {
    Packed out;
    Collector collector(folder);
    if (!collector.has("manifest.toml")) {
        return Error(Code::not_found, "no-manifest", folder.string() + " has no manifest.toml", "name the folder of a built plugin, such as build/plugins/NAME");
    }
    auto text = SYMPHONY_TRY(read_file(folder / "manifest.toml", manifests::manifest_bytes_max));
    const auto manifest = SYMPHONY_TRY(parsed_manifest(text));
    SYMPHONY_TRY(collector.add("manifest.toml", std::move(text)));
    SYMPHONY_TRY(take_all(collector, manifest, triple, out));
    const auto list = SYMPHONY_TRY(FileList::of(collector.entries()));
    out.bytes = SYMPHONY_TRY(compressed(SYMPHONY_TRY(tar_of(collector, list))));
    out.left_out = collector.left_out();
    // Read as whoever installs it will: what cannot be read must not be published.
    out.info = SYMPHONY_TRY(read_package(out.bytes));
    return out;
}

} // namespace symphony::packaging
