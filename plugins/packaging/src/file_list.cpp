// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/file_list.hpp>

#include <symphony/packaging/digest.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <charconv>

namespace symphony::packaging {
namespace {

Error bad_list(std::size_t line, std::string_view what, std::string_view reason = "bad-file-list") {
    return {Code::data_corrupt, reason, "FILES:" + std::to_string(line) + ": " + std::string(what), "fetch the package again, or have it packed again: symphony pack"};
}

/// The word up to the next blank, which is taken off.
std::string_view word_of(std::string_view& line) {
    const auto end = line.find(' ');
    if (end == std::string_view::npos) return {};
    const auto word = line.substr(0, end);
    line.remove_prefix(end + 1);
    return word;
}

Result<FileEntry> entry_of(std::string_view line, std::size_t number) {
    FileEntry entry;
    const auto mode = word_of(line), size = word_of(line), sha256 = word_of(line);
    if (mode != "0644" && mode != "0755") return bad_list(number, "the mode is neither 0644 nor 0755");
    entry.mode = mode == "0755" ? 0755 : 0644;
    const auto [end, fault] = std::from_chars(size.data(), size.data() + size.size(), entry.size_bytes);
    if (fault != std::errc() || end != size.data() + size.size() || (size.size() > 1 && size[0] == '0')) return bad_list(number, "the size is no number");
    if (!is_sha256(sha256)) return bad_list(number, "the digest is not 64 hexadecimal digits");
    entry.sha256 = sha256;
    if (auto fine = check_path(line); !fine) return std::move(fine).error().in("FILES:" + std::to_string(number));
    entry.path = line;
    return entry;
}

bool by_path(const FileEntry& a, const FileEntry& b) noexcept { return a.path < b.path; }

/// What goes beyond one line. The files are sorted.
Status check_whole(const FileList& list) {
    const auto& files = list.files();
    if (list.find("manifest.toml") == nullptr) return bad_list(1, "there is no manifest.toml");
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto& path = files[i].path;
        if (path == "FILES") return bad_list(i + 1, "FILES lists itself");
        if (i > 0 && files[i - 1].path == path) return bad_list(i + 1, "\"" + path + "\" is listed twice");
        for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            if (list.find(std::string_view(path).substr(0, slash)) != nullptr) return bad_list(i + 1, "\"" + path + "\" lies in what is a file");
        }
        if (files[i].size_bytes > payload_bytes_max || (bytes += files[i].size_bytes) > payload_bytes_max) {
            return bad_list(i + 1, "the files have more than 1 GiB together", "too-large");
        }
    }
    return {};
}

} // namespace

Status check_path(std::string_view path) {
    const auto bad = [&](std::string_view what) {
        std::string shown(path.substr(0, 80));
        for (char& c : shown) {
            if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
        }
        return Error(Code::data_corrupt, "bad-path", "the path \"" + shown + "\" " + std::string(what), "whoever made the package has to pack it again: symphony pack");
    };
    if (path.empty() || path.size() > path_bytes_max) return bad("is empty or longer than 240 bytes");
    if (valid_utf8_prefix(path) != path.size()) return bad("is not UTF-8");
    if (path.find('\\') != std::string_view::npos) return bad("has a backslash");
    if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) return bad("has a control character");
    for (std::size_t start = 0; start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        const auto part = path.substr(start, end - start);
        if (part.empty() || part == "." || part == "..") return bad("leaves the plugin's folder or has an empty part");
        start = end + 1;
    }
    return {};
}

Result<FileList> FileList::of(std::vector<FileEntry> files) {
    FileList list;
    list.files_ = std::move(files);
    std::sort(list.files_.begin(), list.files_.end(), by_path);
    if (list.files_.size() > entries_max) return bad_list(entries_max, "there are more than 10,000 files", "too-many-files");
    for (const auto& file : list.files_) SYMPHONY_TRY(check_path(file.path));
    SYMPHONY_TRY(check_whole(list));
    return list;
}

Result<FileList> FileList::parse(std::string_view text) {
    FileList list;
    if (text.size() > file_list_bytes_max) return bad_list(1, "it is larger than 4 MiB", "too-large");
    if (!text.ends_with('\n')) return bad_list(1, "it does not end with a line end");
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (list.files_.size() == entries_max) return bad_list(entries_max + 1, "there are more than 10,000 files", "too-many-files");
        list.files_.push_back(SYMPHONY_TRY(entry_of(text.substr(0, end), list.files_.size() + 1)));
        text.remove_prefix(end + 1);
    }
    for (std::size_t i = 1; i < list.files_.size(); ++i) {
        if (by_path(list.files_[i], list.files_[i - 1])) return bad_list(i + 1, "the paths are not sorted");
    }
    SYMPHONY_TRY(check_whole(list));
    return list;
}

std::string FileList::text() const {
    std::string text;
    for (const auto& file : files_) text += (file.mode == 0755 ? "0755 " : "0644 ") + std::to_string(file.size_bytes) + " " + file.sha256 + " " + file.path + "\n";
    return text;
}

std::string FileList::digest() const { return sha256_of(text()); }

const FileEntry* FileList::find(std::string_view path) const noexcept {
    const auto found = std::lower_bound(files_.begin(), files_.end(), path, [](const FileEntry& file, std::string_view wanted) { return file.path < wanted; });
    return found != files_.end() && found->path == path ? &*found : nullptr;
}

std::uint64_t FileList::payload_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const auto& file : files_) bytes += file.size_bytes;
    return bytes;
}

} // namespace symphony::packaging
