// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/store.hpp>

#include "package_check.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::packaging {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view half_made = ".new-", half_removed = ".gone-";

Error damaged_entry(std::string_view digest, std::string_view what) {
    return {Code::data_corrupt, "damaged-entry", "the package " + std::string(digest.substr(0, 12)) + " of the store is damaged: " + std::string(what),
            "symphony verify names the damaged files; install the package again, or go back with: symphony rollback"};
}

/// Hashes without holding the file. @return An empty text when it cannot be read, and is no regular file.
std::string hash_of_file(const fs::path& path, std::string& buffer) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    Sha256 hash;
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return {};
        if (got == 0) return hash.end();
        hash.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    }
}

class Verifier {
public:
    Verifier(const fs::path& entry, const FileList& list, const Progress& progress) : entry_(entry), list_(list), progress_(progress) {}

    Result<std::vector<Damage>> run() {
        std::uint64_t done = 0;
        for (const auto& file : list_.files()) {
            check(file);
            done += file.size_bytes;
            if (progress_ && !progress_(done, list_.payload_bytes())) return Error(Code::cancelled, "stopped while files were verified");
        }
        look_for_others();
        return std::move(found_);
    }

private:
    void check(const FileEntry& file) {
        struct stat info{};
        const fs::path path = entry_ / file.path;
        if (::lstat(path.c_str(), &info) != 0) return found("missing", file.path);
        if (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_size) != file.size_bytes || hash_of_file(path, buffer_) != file.sha256) return found("altered", file.path);
        if ((info.st_mode & 07777u) != (file.mode & 0555u)) found("mode", file.path);
    }

    /// Files and links only; an empty folder does no harm.
    void look_for_others() {
        std::error_code error;
        for (fs::recursive_directory_iterator item(entry_, error), end; !error && item != end; item.increment(error)) {
            if (item->symlink_status(error).type() == fs::file_type::directory) continue;
            const std::string path = item->path().lexically_relative(entry_).string();
            if (path != "FILES" && list_.find(path) == nullptr) found("foreign", path);
            if (found_.size() > entries_max) return;
        }
    }

    void found(std::string_view reason, const std::string& path) { found_.push_back({std::string(reason), path}); }

    const fs::path& entry_;
    const FileList& list_;
    const Progress& progress_;
    std::vector<Damage> found_;
    // As much as stays in the nearer caches; a larger one costs more to be made than it saves.
    std::string buffer_ = std::string(128u << 10u, '\0');
};

} // namespace

Status retire(const fs::path& path, const Disk& disk) {
    const fs::path gone = path.parent_path() / (std::string(half_removed) + path.filename().string());
    SYMPHONY_TRY(disk.remove(gone));
    SYMPHONY_TRY(disk.rename(path, gone));
    SYMPHONY_TRY(disk.sync_folder(path.parent_path()));
    return disk.remove(gone);
}

Status sweep_folder(const fs::path& folder, const Disk& disk) {
    std::error_code error;
    std::vector<fs::path> left;
    for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error)) {
        const std::string name = item->path().filename().string();
        if (name.starts_with(half_made) || name.starts_with(half_removed)) left.push_back(item->path());
    }
    for (const auto& path : left) SYMPHONY_TRY(disk.remove(path));
    return {};
}

bool Store::contains(std::string_view digest) const {
    std::error_code error;
    return is_sha256(digest) && fs::is_directory(path_of(digest), error);
}

Result<std::vector<std::string>> Store::digests() const {
    std::vector<std::string> out;
    std::error_code error;
    for (fs::directory_iterator item(folder_ / "store", error), end; !error && item != end; item.increment(error)) {
        if (auto name = item->path().filename().string(); is_sha256(name)) out.push_back(std::move(name));
    }
    if (error && error != std::errc::no_such_file_or_directory) return disk_error("cannot read the folder", folder_ / "store", error.value());
    std::sort(out.begin(), out.end());
    return out;
}

Result<PackageInfo> Store::read(std::string_view digest) const {
    if (!contains(digest)) return Error(Code::not_found, "not-in-store", "the store has no package " + std::string(digest.substr(0, 12)), "install it again");
    const auto list = read_file(path_of(digest) / "FILES", file_list_bytes_max);
    if (!list || sha256_of(*list) != digest) return damaged_entry(digest, "FILES is not the one that it is named after");
    PackageInfo info;
    info.digest = digest;
    info.files = SYMPHONY_TRY(FileList::parse(*list));
    auto manifest = read_file(path_of(digest) / "manifest.toml", manifests::manifest_bytes_max);
    if (!manifest || sha256_of(*manifest) != info.files.find("manifest.toml")->sha256) return damaged_entry(digest, "manifest.toml is missing or altered");
    info.manifest_text = *std::move(manifest);
    info.manifest = SYMPHONY_TRY(parsed_manifest(info.manifest_text));
    info.triples = SYMPHONY_TRY(checked_libraries(info.manifest, info.files));
    return info;
}

Result<std::vector<Damage>> Store::verify(std::string_view digest, const Progress& progress) const {
    if (!contains(digest)) return Error(Code::not_found, "not-in-store", "the store has no package " + std::string(digest.substr(0, 12)), "install it again");
    const auto text = read_file(path_of(digest) / "FILES", file_list_bytes_max);
    if (!text) return std::vector<Damage>{{"missing", "FILES"}};
    if (sha256_of(*text) != digest) return std::vector<Damage>{{"altered", "FILES"}};
    const auto list = SYMPHONY_TRY(FileList::parse(*text));
    return Verifier(path_of(digest), list, progress).run();
}

Status Store::put(std::string_view package, const std::string& digest, const Progress& progress) const {
    const fs::path made = folder_ / "store" / (std::string(half_made) + digest);
    SYMPHONY_TRY(disk_.remove(made));
    SYMPHONY_TRY(disk_.make_folder(made));
    auto done = unpack(package, made, Access::read_only, disk_, progress);
    Status status = done ? Status() : Status(std::move(done).error());
    if (status) status = disk_.rename(made, path_of(digest));
    if (!status) { // a full disk is not left fuller
        static_cast<void>(Disk().remove(made));
        return status;
    }
    return disk_.sync_folder(folder_ / "store");
}

Result<PackageInfo> Store::add(std::string_view package, const Progress& progress) const {
    auto info = SYMPHONY_TRY(read_package(package));
    SYMPHONY_TRY(disk_.make_folders(folder_ / "store"));
    if (contains(info.digest)) {
        if (SYMPHONY_TRY(verify(info.digest, progress)).empty()) return info;
        SYMPHONY_TRY(retire(path_of(info.digest), disk_));
    }
    SYMPHONY_TRY(put(package, info.digest, progress));
    return info;
}

Status Store::remove(std::string_view digest) const { return retire(path_of(digest), disk_); }

Status Store::sweep() const { return sweep_folder(folder_ / "store", disk_); }

} // namespace symphony::packaging
