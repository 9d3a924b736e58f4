// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rig.hpp"

#include <archive.h>
#include <archive_entry.h>

namespace symphony::packaging::rig {

/// One entry of an archive that no packer of ours would make.
struct Entry {
    std::string path;
    std::string bytes;
    std::uint32_t mode = 0644;
    unsigned type = AE_IFREG;
    std::string target = {}; ///< of links
    bool hard = false;
};

inline std::string archive_of(const std::vector<Entry>& entries, int filter = ARCHIVE_FILTER_ZSTD, int format = ARCHIVE_FORMAT_TAR_PAX_RESTRICTED) {
    std::string out(4u << 20u, '\0');
    std::size_t used = 0;
    archive* a = archive_write_new();
    archive_write_set_format(a, format);
    archive_write_add_filter(a, filter);
    archive_write_set_bytes_in_last_block(a, 1);
    archive_write_open_memory(a, out.data(), out.size(), &used);
    for (const auto& entry : entries) {
        archive_entry* header = archive_entry_new();
        archive_entry_set_pathname(header, entry.path.c_str());
        archive_entry_set_filetype(header, entry.type);
        archive_entry_set_perm(header, static_cast<mode_t>(entry.mode));
        archive_entry_set_size(header, static_cast<la_int64_t>(entry.bytes.size()));
        if (entry.hard) archive_entry_set_hardlink(header, entry.target.c_str());
        else if (!entry.target.empty()) archive_entry_set_symlink(header, entry.target.c_str());
        archive_write_header(a, header);
        archive_write_data(a, entry.bytes.data(), entry.bytes.size());
        archive_entry_free(header);
    }
    archive_write_close(a);
    archive_write_free(a);
    out.resize(used);
    return out;
}

/// The entries that a good package has.
inline std::vector<Entry> entries_of(const Plugin& plugin) {
    const std::string library = "lib" + plugin.name() + ".so";
    const auto entry = [](std::string path, const std::string& bytes) { return FileEntry{0644, bytes.size(), sha256_of(bytes), std::move(path)}; };
    std::vector<FileEntry> files{entry("manifest.toml", plugin.manifest()), entry(library, plugin.library)};
    for (const auto& [path, bytes] : plugin.files) files.push_back(entry(path, bytes));
    std::vector<Entry> entries{{"manifest.toml", plugin.manifest()}, {"FILES", FileList::of(files)->text()}, {library, plugin.library}};
    for (const auto& [path, bytes] : plugin.files) entries.push_back({path, bytes});
    return entries;
}

} // namespace symphony::packaging::rig
