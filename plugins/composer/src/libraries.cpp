// SPDX-License-Identifier: Apache-2.0
#include "libraries.hpp"

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/disk.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <set>

namespace symphony::composer {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 14> base{"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2", "libutil.so.1", "libanl.so.1", "libmvec.so.1",
                                                "libnss_dns.so.2", "libnss_files.so.2", "libgcc_s.so.1", "libstdc++.so.6", "libBrokenLocale.so.1"};
constexpr std::uint64_t library_bytes_max = 512ull * 1024 * 1024;

/// Both names that a file has where /lib is a link to /usr/lib.
std::array<std::string, 2> names_of(const fs::path& path) {
    const std::string text = path.string();
    return {text, text.starts_with("/usr/") ? text.substr(4) : "/usr" + text};
}

} // namespace

bool is_base_library(std::string_view name) noexcept { return name.starts_with("ld-linux") || name.starts_with("ld64.so") || std::find(base.begin(), base.end(), name) != base.end(); }

bool is_newer(std::string_view version, std::string_view than) noexcept {
    while (!version.empty() && !than.empty()) {
        unsigned left = 0, right = 0;
        const auto a = std::from_chars(version.data(), version.data() + version.size(), left);
        const auto b = std::from_chars(than.data(), than.data() + than.size(), right);
        if (a.ec != std::errc() || b.ec != std::errc()) return version > than;
        if (left != right) return left > right;
        version.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(a.ptr - version.data()) + 1, version.size()));
        than.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(b.ptr - than.data()) + 1, than.size()));
    }
    return !version.empty();
}

void DebianPackages::identify(std::vector<Lock::Host::Library>& found, const std::map<std::string, fs::path>& paths) const {
    std::map<std::string, Lock::Host::Library*> wanted; // both paths of each
    for (auto& library : found) {
        const auto at = paths.find(library.name);
        if (at == paths.end()) continue;
        for (const auto& name : names_of(at->second)) wanted[name] = &library;
    }
    std::set<std::string> packages;
    std::error_code error;
    for (fs::directory_iterator item(folder_ / "info", error), end; !error && item != end; item.increment(error)) {
        if (item->path().extension() != ".list") continue;
        std::string package = item->path().stem().string();
        package.resize(std::min(package.find(':'), package.size())); // "libssl3:amd64"
        std::ifstream list(item->path());
        for (std::string line; std::getline(list, line);) {
            const auto match = wanted.find(line);
            if (match == wanted.end()) continue;
            match->second->package = package;
            packages.insert(package);
        }
    }
    std::map<std::string, std::string> versions;
    std::ifstream status(folder_ / "status");
    std::string package;
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Package: ")) package = line.substr(9);
        if (line.starts_with("Version: ") && packages.contains(package)) versions[package] = line.substr(9);
    }
    for (auto& library : found) {
        const auto version = versions.find(library.package);
        if (version != versions.end()) library.version = version->second;
    }
}

std::vector<fs::path> LibraryFinder::folders_of(const fs::path& prefix, const std::string& triple) {
    return {prefix / "lib", "/lib/" + triple, "/usr/lib/" + triple, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"};
}

fs::path LibraryFinder::path_of(const std::string& name) const {
    if (name.find('/') != std::string::npos) return {};
    std::error_code error;
    for (const auto& folder : folders_) {
        if (fs::is_regular_file(folder / name, error)) return folder / name;
    }
    return {};
}

void LibraryFinder::note(const std::string& who, const ElfNeeds& needs) {
    for (const auto& name : needs.libraries) {
        if (!is_base_library(name)) wanted_.emplace_back(name, who);
    }
    for (const auto& [library, version] : needs.versions) {
        const auto under = version.find('_');
        if (!is_base_library(library) || under == std::string::npos || version.find_first_of("0123456789") != under + 1) continue; // GLIBC_PRIVATE
        auto& newest = out_.newest[version.substr(0, under)];
        if (is_newer(std::string_view(version).substr(under + 1), newest)) newest = version.substr(under + 1);
    }
}

Status LibraryFinder::add(const std::string& who, std::string_view elf) {
    auto needs = read_needs(elf);
    if (!needs) return std::move(needs).error().in(who);
    note(who, *needs);
    return {};
}

Result<SystemLibraries> LibraryFinder::find(bool with_theirs) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        const auto [name, who] = wanted_[i];
        if (out_.paths.contains(name) || out_.missing.contains(name)) continue;
        const auto path = path_of(name);
        if (path.empty()) {
            out_.missing.emplace(name, who);
            continue;
        }
        std::error_code error;
        const auto real = fs::canonical(path, error);
        auto bytes = packaging::read_file(error ? path : real, library_bytes_max);
        if (!bytes) return std::move(bytes).error().in(name);
        auto needs = read_needs(*bytes);
        if (!needs) return std::move(needs).error().in(path.string());
        if (with_theirs) note(name, *needs);
        out_.paths.emplace(name, path);
        out_.all.push_back({name, bytes->size(), packaging::sha256_of(*bytes), "", ""});
    }
    std::sort(out_.all.begin(), out_.all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return std::move(out_);
}

} // namespace symphony::composer
