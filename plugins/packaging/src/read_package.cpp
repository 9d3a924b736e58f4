// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/package.hpp>

#include "package_check.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/packaging/digest.hpp>

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <optional>

namespace symphony::packaging {
namespace {

constexpr std::string_view again = "fetch the package again; if it stays so, tell its publisher";
constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";

Error damaged(std::string_view reason, std::string what) { return {Code::data_corrupt, reason, std::move(what), std::string(again)}; }

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

/// Tar in zstd, and nothing else that libarchive can read.
Result<Archive> open_archive(std::string_view bytes) {
    if (!bytes.starts_with(zstd_magic)) return damaged("not-a-package", "is no package: it does not begin as zstd does");
    if (bytes.size() > package_bytes_max) return Error(Code::exhausted, "too-large", "the package is larger than 256 MiB", "ask its publisher for a smaller one");
    Archive opened(archive_read_new(), &archive_read_free);
    if (!opened) return Error(Code::exhausted, "out-of-memory", "there is no memory to read the package");
    // A warning would mean that it wants to start a program for zstd.
    if (archive_read_support_filter_zstd(opened.get()) != ARCHIVE_OK || archive_read_support_format_tar(opened.get()) != ARCHIVE_OK) {
        return Error(Code::internal, "no-zstd", "libarchive was built without zstd");
    }
    if (archive_read_open_memory(opened.get(), bytes.data(), bytes.size()) != ARCHIVE_OK || archive_filter_count(opened.get()) != 2) {
        return damaged("not-a-package", "is no package: it is not one tar in zstd");
    }
    return opened;
}

std::string shown(const char* text) {
    std::string out(text == nullptr ? "" : text);
    if (out.size() > 80) out.resize(80);
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
    }
    return out;
}

/// The name of an entry that is a regular file; nothing for a folder, which is made when a file needs it.
Result<std::optional<std::string>> name_of(archive_entry* entry) {
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) return damaged("bad-path", "an entry's name is not UTF-8");
    std::string path(name);
    const bool folder = archive_entry_filetype(entry) == AE_IFDIR;
    if (folder && path.ends_with('/')) path.pop_back();
    SYMPHONY_TRY(check_path(path));
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) == AE_IFLNK) return damaged("bad-entry", "\"" + shown(name) + "\" is a link; a package has only files and folders");
    if (folder) return std::optional<std::string>();
    if (archive_entry_filetype(entry) != AE_IFREG) return damaged("bad-entry", "\"" + shown(name) + "\" is neither file nor folder");
    return std::optional<std::string>(std::move(path));
}

class Reader {
public:
    Reader(Archive opened, std::size_t package_bytes, PackageSink* sink, const Progress& progress)
        : archive_(std::move(opened)), package_bytes_(package_bytes), sink_(sink), progress_(progress) {}

    Result<PackageInfo> run() {
        SYMPHONY_TRY(head());
        SYMPHONY_TRY(pass_on("manifest.toml", info_.manifest_text));
        while (SYMPHONY_TRY(next())) {
            const auto path = SYMPHONY_TRY(name_of(entry_));
            if (!path) continue;
            SYMPHONY_TRY(file(*path));
        }
        for (std::size_t i = 0; i < seen_.size(); ++i) {
            if (!seen_[i]) return damaged("file-mismatch", "the file \"" + info_.files.files()[i].path + "\" that FILES lists is not there");
        }
        return std::move(info_);
    }

private:
    Result<bool> next() {
        const int status = archive_read_next_header(archive_.get(), &entry_);
        if (status == ARCHIVE_EOF) return false;
        if (status != ARCHIVE_OK) return damaged("damaged-package", "the package cannot be read: " + shown(archive_error_string(archive_.get())));
        if (++entries_ > entries_max + 2) return Error(Code::exhausted, "too-many-files", "the package has more than 10,000 entries", std::string(again));
        return true;
    }

    /// The manifest and FILES: whole, in this order, before anything else.
    Status head() {
        info_.manifest_text = SYMPHONY_TRY(whole("manifest.toml", manifests::manifest_bytes_max));
        const std::string list = SYMPHONY_TRY(whole("FILES", file_list_bytes_max));
        info_.files = SYMPHONY_TRY(FileList::parse(list));
        info_.digest = sha256_of(list);
        seen_.assign(info_.files.files().size(), false);
        if (info_.files.payload_bytes() > ratio_free_bytes && info_.files.payload_bytes() / ratio_max > package_bytes_) {
            return Error(Code::exhausted, "too-compressed", "the package says that it grows by more than 200 times", std::string(again));
        }
        info_.manifest = SYMPHONY_TRY(parsed_manifest(info_.manifest_text));
        info_.triples = SYMPHONY_TRY(checked_libraries(info_.manifest, info_.files));
        if (sink_ != nullptr) SYMPHONY_TRY(sink_->begin(info_));
        return {};
    }

    Result<std::string> whole(std::string_view name, std::uint64_t bytes_max) {
        std::optional<std::string> path;
        if (SYMPHONY_TRY(next())) path = SYMPHONY_TRY(name_of(entry_));
        if (!path || *path != name) return damaged("not-a-package", "is no package: " + std::string(name) + " is not where it has to be, manifest.toml first and then FILES");
        std::string bytes;
        SYMPHONY_TRY(read([&](std::string_view part) -> Status {
            if (bytes.size() + part.size() > bytes_max) return Error(Code::exhausted, "too-large", std::string(name) + " is larger than " + std::to_string(bytes_max) + " bytes", std::string(again));
            bytes += part;
            return {};
        }));
        return bytes;
    }

    template <class Take>
    Status read(Take take) {
        for (;;) {
            const auto got = archive_read_data(archive_.get(), buffer_.data(), buffer_.size());
            if (got < 0) return damaged("damaged-package", "the package cannot be read: " + shown(archive_error_string(archive_.get())));
            if (got == 0) return {};
            SYMPHONY_TRY(take(std::string_view(buffer_.data(), static_cast<std::size_t>(got))));
        }
    }

    /// The entry of the list, which no other entry of the archive had before.
    Result<const FileEntry*> listed(std::string_view path) {
        const FileEntry* entry = info_.files.find(path);
        if (entry == nullptr) return damaged("file-mismatch", "the file \"" + std::string(path) + "\" is not listed in FILES");
        auto seen = seen_[static_cast<std::size_t>(entry - info_.files.files().data())];
        if (seen) return damaged("bad-path", "the file \"" + std::string(path) + "\" is there twice");
        seen_[static_cast<std::size_t>(entry - info_.files.files().data())] = true;
        return entry;
    }

    static Error differs(const FileEntry& entry) { return damaged("file-mismatch", "the file \"" + entry.path + "\" is not the one that FILES lists"); }

    Status finish(const FileEntry& entry, std::uint64_t size, const std::string& sha256) {
        if (size != entry.size_bytes || sha256 != entry.sha256) return differs(entry);
        if (sink_ != nullptr) SYMPHONY_TRY(sink_->file_end());
        done_ += size;
        if (progress_ && !progress_(done_, info_.files.payload_bytes())) return Error(Code::cancelled, "stopped while the package was read");
        return {};
    }

    Status file(const std::string& path) {
        const FileEntry& entry = *SYMPHONY_TRY(listed(path));
        if ((archive_entry_perm(entry_) & 07777u) != entry.mode) return differs(entry);
        if (sink_ != nullptr) SYMPHONY_TRY(sink_->file(entry));
        Sha256 hash;
        std::uint64_t size = 0;
        SYMPHONY_TRY(read([&](std::string_view part) -> Status {
            size += part.size();
            if (size > entry.size_bytes) return differs(entry);
            hash.add(part);
            return sink_ != nullptr ? sink_->write(part) : Status();
        }));
        return finish(entry, size, hash.end());
    }

    Status pass_on(std::string_view path, const std::string& bytes) {
        const FileEntry& entry = *SYMPHONY_TRY(listed(path));
        if (sink_ != nullptr) {
            SYMPHONY_TRY(sink_->file(entry));
            SYMPHONY_TRY(sink_->write(bytes));
        }
        return finish(entry, bytes.size(), sha256_of(bytes));
    }

    Archive archive_;
    archive_entry* entry_ = nullptr;
    const std::size_t package_bytes_;
    PackageSink* const sink_;
    const Progress& progress_;
    PackageInfo info_;
    std::vector<bool> seen_;
    std::size_t entries_ = 0;
    std::uint64_t done_ = 0;
    std::string buffer_ = std::string(256 * 1024, '\0');
};

} // namespace

Result<manifests::Manifest> parsed_manifest(const std::string& text) {
    auto parsed = manifests::parse(text, "manifest.toml", manifests::Strictness::load);
    if (parsed.manifest) return *std::move(parsed.manifest);
    std::string what = "the manifest cannot be used";
    for (const auto& item : parsed.diagnostics) {
        if (item.severity != manifests::Severity::error) continue;
        what = "manifest.toml:" + std::to_string(item.line) + ": " + item.message;
        break;
    }
    return Error(Code::data_corrupt, "bad-manifest", what, "its author sees all that is wrong with: symphony check FOLDER");
}

Result<std::vector<std::string>> checked_libraries(const manifests::Manifest& manifest, const FileList& files) {
    std::vector<std::string> triples;
    for (const auto& artifact : manifest.artifacts) {
        const FileEntry* file = files.find(artifact.path);
        if (file == nullptr) continue; // of a platform whose package this is not
        if (file->sha256 != artifact.sha256 || file->size_bytes != artifact.size_bytes) {
            return damaged("library-mismatch", "the library \"" + artifact.path + "\" is not the one that the manifest means");
        }
        triples.push_back(artifact.triple);
    }
    if (triples.empty()) return damaged("no-library", "there is no library in it that the manifest names under [[artifact]]");
    return triples;
}

std::string PackageInfo::file_name() const {
    return id() + "-" + version() + "-" + (triples.empty() ? std::string("any") : triples.front()) + ".sympkg";
}

Result<PackageInfo> read_package(std::string_view bytes, PackageSink* sink, const Progress& progress) {
    return Reader(SYMPHONY_TRY(open_archive(bytes)), bytes.size(), sink, progress).run();
}

} // namespace symphony::packaging
