// SPDX-License-Identifier: Apache-2.0
#include "catalog_scan.hpp"

#include "digest.hpp"

#include <symphony/manifests/parse.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host {
namespace {

constexpr std::size_t text_bytes_max = 400;    // of one text in the index; `show` reads the manifest itself
constexpr std::size_t findings_max = 32;       // of one manifest
constexpr std::uint64_t settle_ns = 50'000'000; // well above the tick of file times

std::uint64_t nanoseconds(const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

Stamp stamp_of(const struct stat& status) {
    return {static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim), nanoseconds(status.st_ctim),
            static_cast<std::uint64_t>(status.st_ino)};
}

std::string manifest_path(const std::string& folder) { return folder + "/manifest.toml"; }

std::string_view cut(std::string_view text) {
    if (text.size() <= text_bytes_max) return text;
    std::size_t length = text_bytes_max;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0u) == 0x80u) --length;
    return text.substr(0, length);
}

void fill_from(const manifests::Manifest& manifest, std::deque<std::string>& made, Entry& entry) {
    const auto keep = [&made](std::string text) -> std::string_view { return made.emplace_back(std::move(text)); };
    entry.kind = Entry::Kind::good;
    entry.type = name_of(manifest.extension.type);
    entry.description = cut(manifest.extension.description);
    entry.abi_major = static_cast<std::uint16_t>(std::min<std::uint32_t>(manifest.abi.major, UINT16_MAX));
    entry.abi_minor = static_cast<std::uint16_t>(std::min<std::uint32_t>(manifest.abi.minor, UINT16_MAX));
    entry.startup = manifest.activation.startup;
    entry.abi_line = manifest.abi.version_place.line;
    if (manifest.host) {
        entry.host_range = keep(manifest.host->range.text());
        entry.host_range_line = manifest.host->place.line;
    }
    for (const auto& item : manifest.provides) entry.provides.push_back({item.port, item.priority, item.exclusive});
    for (const auto& item : manifest.needs) {
        entry.requires_.push_back({item.port, item.provider, item.place.line, item.optional,
                                   item.cardinality == manifests::Cardinality::many});
    }
    for (const auto& item : manifest.dependencies) {
        entry.dependencies.push_back({item.id, keep(item.range.text()), item.place.line, item.optional});
    }
    for (const auto& item : manifest.commands) entry.commands.push_back({item.name, cut(item.summary)});
}

} // namespace

Result<std::string> read_manifest(int root_fd, const std::string& folder) {
    // Not blocking: a pipe named manifest.toml must not hold the host.
    const int fd = ::openat(root_fd, manifest_path(folder).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return Error(Code::io, "unreadable", std::string("cannot be read: ") + std::strerror(errno));
    struct stat status {};
    std::string bytes;
    Result<std::string> result = Error(Code::io, "unreadable", "is not a regular file");
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        const auto room = std::min(static_cast<std::size_t>(status.st_size), manifests::manifest_bytes_max) + 1;
        bytes.resize(room);
        std::size_t filled = 0;
        ssize_t got = 0;
        while (filled < room && (got = ::read(fd, bytes.data() + filled, room - filled)) > 0) {
            filled += static_cast<std::size_t>(got);
        }
        if (got < 0) {
            result = Error(Code::io, "unreadable", std::string("cannot be read: ") + std::strerror(errno));
        } else {
            bytes.resize(filled);
            result = std::move(bytes);
        }
    }
    ::close(fd);
    return result;
}

Stamp stamp_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? stamp_of(status) : Stamp{};
}

Stamp manifest_stamp(int root_fd, const std::string& folder) {
    struct stat status {};
    return ::fstatat(root_fd, manifest_path(folder).c_str(), &status, 0) == 0 ? stamp_of(status) : Stamp{};
}

bool settled(const Stamp& stamp) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return stamp.ctime_ns + settle_ns < nanoseconds(now);
}

Result<std::vector<std::string>> plugin_folders(int root_fd) {
    const int fd = ::openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(fd < 0 ? nullptr : ::fdopendir(fd), &::closedir);
    if (!folder) {
        const int reason = errno;
        if (fd >= 0) ::close(fd);
        return Error(Code::io, std::string("cannot be read: ") + std::strerror(reason));
    }
    std::vector<std::string> names{"."};
    while (const dirent* item = ::readdir(folder.get())) {
        const bool maybe = item->d_type == DT_DIR || item->d_type == DT_LNK || item->d_type == DT_UNKNOWN;
        if (maybe && item->d_name[0] != '.') names.emplace_back(item->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

void scan_manifest(int root_fd, const std::string& folder, const Stamp& stamp, CatalogIndexBuilder& builder) {
    Entry entry;
    entry.folder = folder;
    entry.stamp = stamp;
    if (!settled(stamp)) entry.stamp.mtime_ns = 0; // equals no file: read again next time
    entry.kind = Entry::Kind::bad;
    entry.name = folder; // until it says otherwise
    const auto bytes = read_manifest(root_fd, folder);
    if (!bytes) {
        entry.findings.push_back({bytes.error().reason(), bytes.error().message(), {}});
        builder.add(entry);
        return;
    }
    entry.digest = sha256(*bytes);
    const auto parsed = manifests::parse(*bytes, "manifest.toml", manifests::Strictness::load);
    entry.version = parsed.version;
    if (!parsed.name.empty()) entry.name = parsed.name;
    entry.id = parsed.id.empty() ? entry.name : std::string_view(parsed.id);
    std::deque<std::string> made;
    if (parsed.manifest) fill_from(*parsed.manifest, made, entry);
    for (const auto& item : parsed.diagnostics) {
        if (entry.findings.size() == findings_max) break;
        const bool fatal = item.severity == manifests::Severity::error;
        entry.findings.push_back({item.reason, cut(item.message), cut(item.hint), item.line, item.column, fatal});
    }
    builder.add(entry);
}

} // namespace symphony::host
