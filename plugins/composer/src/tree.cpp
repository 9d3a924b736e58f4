// SPDX-License-Identifier: Apache-2.0
#include "tree.hpp"

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/store.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::composer {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t digest_digits = 64;
constexpr std::string_view end_mark = "# sealed ";

Error damaged(std::size_t line, const std::string& what) {
    return {Code::data_corrupt, "damaged-seal", std::string(seal_name) + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + what, "take the distribution from where it came from again"};
}

/// A temporary name beside something, removed with all in it unless it was kept.
class Beside {
public:
    explicit Beside(const fs::path& target) : path_(target.parent_path() / (".new-" + target.filename().string() + "-" + std::to_string(::getpid()))) {}
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;
    ~Beside() { static_cast<void>(packaging::Disk().remove(path_)); }
    const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

/// Times are constant, so that a copy of two outputs cannot be told apart by them either.
Status write_one(const fs::path& path, std::string_view bytes, std::uint32_t mode) {
    const packaging::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return packaging::disk_error("cannot write", path, errno);
    while (!bytes.empty()) {
        const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return packaging::disk_error("cannot write", path, errno);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    constexpr timespec epoch[2]{};
    if (::fchmod(file.get(), mode) != 0 || ::futimens(file.get(), epoch) != 0) return packaging::disk_error("cannot write", path, errno);
    return {};
}

/// Not synced: of what a power cut leaves half written, the seal tells.
Status fill(const Tree& tree, const fs::path& folder, const packaging::Progress& progress) {
    constexpr mode_t open_to_all = 0755;
    const packaging::Disk disk;
    std::set<fs::path> made{folder};
    SYMPHONY_TRY(disk.make_folders(folder));
    std::uint64_t done = 0;
    for (const auto& [path, file] : tree.files()) {
        if (progress && !progress(done, tree.bytes())) return Error(Code::cancelled, "cancelled", "composing was cancelled");
        std::vector<fs::path> above;
        for (fs::path at = (folder / path).parent_path(); !made.contains(at); at = at.parent_path()) above.push_back(at);
        for (auto at = above.rbegin(); at != above.rend(); ++at) {
            if (::mkdir(at->c_str(), 0700) != 0) return packaging::disk_error("cannot make", *at, errno);
            made.insert(*at);
        }
        SYMPHONY_TRY(write_one(folder / path, file.bytes, file.mode));
        done += file.bytes.size();
    }
    for (auto at = made.rbegin(); at != made.rend(); ++at) {
        constexpr timespec epoch[2]{};
        if (::chmod(at->c_str(), open_to_all) != 0 || ::utimensat(AT_FDCWD, at->c_str(), epoch, 0) != 0) return packaging::disk_error("cannot write", *at, errno);
    }
    return {};
}

} // namespace

Status Tree::add(const std::string& path, std::uint32_t mode, std::string bytes) {
    SYMPHONY_TRY(packaging::check_path(path));
    if (files_.size() >= packaging::entries_max) return Error(Code::exhausted, "too-many-files", "the distribution has more than 10,000 files", "make several distributions");
    if (bytes.size() > packaging::payload_bytes_max - bytes_) return Error(Code::exhausted, "too-large", "the distribution has more than 1 GiB", "make several distributions");
    bytes_ += bytes.size();
    if (!files_.try_emplace(path, File{mode, std::move(bytes)}).second) return Error(Code::conflict, "duplicate-entry", "two things would be \"" + path + "\" of the distribution");
    return {};
}

const Tree::File* Tree::find(std::string_view path) const noexcept {
    const auto found = files_.find(std::string(path));
    return found == files_.end() ? nullptr : &found->second;
}

std::string Tree::lines() const {
    std::string out;
    for (const auto& [path, file] : files_) {
        if (path != seal_name) out += packaging::sha256_of(file.bytes) + "  " + path + "\n";
    }
    return out;
}

std::string Tree::digest() const { return packaging::sha256_of(lines()); }

Status Tree::seal(const std::string& title) {
    std::string text = "# " + title + ", composed with symphony. Check it with: sha256sum --quiet -c " + std::string(seal_name) + "\n" + lines();
    text += std::string(end_mark) + packaging::sha256_of(text) + "\n";
    return add(std::string(seal_name), 0644, std::move(text));
}

Result<std::map<std::string, std::string>> read_seal(std::string_view text) {
    const auto end = text.rfind(end_mark);
    if (end == std::string_view::npos || text.substr(end + end_mark.size()) != packaging::sha256_of(text.substr(0, end)) + "\n") return damaged(0, "it is not as it was written");
    std::map<std::string, std::string> out;
    std::size_t line = 0;
    for (std::size_t at = 0; at < end; ++line) {
        const auto stop = std::min(text.find('\n', at), end);
        const auto one = text.substr(at, stop - at);
        at = stop + 1;
        if (one.starts_with('#')) continue;
        if (one.size() <= digest_digits + 2 || !packaging::is_sha256(one.substr(0, digest_digits)) || one.substr(digest_digits, 2) != "  ") return damaged(line + 1, "this is no digest and path");
        const std::string path(one.substr(digest_digits + 2));
        if (!packaging::check_path(path) || !out.emplace(path, one.substr(0, digest_digits)).second) return damaged(line + 1, "a path that cannot be, or that is there twice");
    }
    return out;
}

std::vector<Damage> check_seal(const Tree& tree) {
    const auto* seal = tree.find(seal_name);
    if (seal == nullptr) return {{"missing", std::string(seal_name)}};
    const auto listed = read_seal(seal->bytes);
    if (!listed) return {{"damaged-seal", std::string(seal_name)}};
    std::vector<Damage> out;
    for (const auto& [path, sha256] : *listed) {
        const auto* file = tree.find(path);
        if (file == nullptr) out.push_back({"missing", path});
        else if (packaging::sha256_of(file->bytes) != sha256) out.push_back({"altered", path});
        else if (file->mode != 0755 && (file->mode != 0644 || path.starts_with("bin/"))) out.push_back({"mode", path});
    }
    for (const auto& [path, file] : tree.files()) {
        if (path != seal_name && !listed->contains(path)) out.push_back({"foreign", path});
    }
    return out;
}

Result<Tree> read_tree(const fs::path& folder, const packaging::Progress& progress) {
    Tree out;
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::recursive_directory_iterator item(folder, error), end; !error && item != end; item.increment(error)) {
        if (item->is_symlink(error)) continue;
        if (item->is_regular_file(error)) files.push_back(item->path());
        if (files.size() > packaging::entries_max) break; // add() says so
    }
    if (error) return packaging::disk_error("cannot read the folder", folder, error.value());
    std::sort(files.begin(), files.end());
    std::uint64_t done = 0;
    for (const auto& path : files) {
        if (progress && !progress(done++, files.size())) return Error(Code::cancelled, "cancelled", "reading was cancelled");
        struct stat info{};
        if (::lstat(path.c_str(), &info) != 0) return packaging::disk_error("cannot read", path, errno);
        SYMPHONY_TRY(out.add(path.lexically_relative(folder).string(), info.st_mode & 0777u, SYMPHONY_TRY(packaging::read_file(path, packaging::payload_bytes_max))));
    }
    return out;
}

Status write_tree(const Tree& tree, const fs::path& target, const packaging::Progress& progress) {
    const fs::path folder = target.filename().empty() ? target.parent_path() : target;
    std::error_code error;
    const bool there = fs::exists(fs::symlink_status(folder, error));
    if (there && (!fs::is_directory(fs::symlink_status(folder, error)) || (!fs::is_empty(folder, error) && !fs::exists(folder / seal_name, error)))) {
        return Error(Code::conflict, "output-exists", folder.string() + " is there and is no distribution", "name another folder, or remove it");
    }
    const packaging::Disk disk;
    SYMPHONY_TRY(disk.make_folders(folder.parent_path().empty() ? fs::path(".") : folder.parent_path()));
    const Beside beside(folder);
    SYMPHONY_TRY(disk.remove(beside.path()));
    SYMPHONY_TRY(fill(tree, beside.path(), progress));
    if (there) SYMPHONY_TRY(packaging::retire(folder, disk));
    return disk.rename(beside.path(), folder);
}

Status write_output(const fs::path& file, std::string_view bytes, std::uint32_t mode) {
    const packaging::Disk disk;
    SYMPHONY_TRY(disk.make_folders(file.parent_path()));
    const Beside beside(file);
    SYMPHONY_TRY(disk.remove(beside.path()));
    SYMPHONY_TRY(write_one(beside.path(), bytes, mode));
    return disk.rename(beside.path(), file);
}

} // namespace symphony::composer
