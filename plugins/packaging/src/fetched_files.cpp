// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/fetched_files.hpp>

#include <algorithm>
#include <chrono>
#include <tuple>
#include <vector>

namespace symphony::packaging {
namespace fs = std::filesystem;

Result<std::string> FetchedFiles::find(const std::string& name, std::uint64_t bytes_max) const {
    constexpr std::chrono::hours fresh{24}; // so often its use is noted
    auto bytes = read_file(folder_ / name, bytes_max);
    std::error_code error;
    const auto now = fs::file_time_type::clock::now();
    if (bytes && now - fs::last_write_time(folder_ / name, error) > fresh && !error) fs::last_write_time(folder_ / name, now, error);
    return bytes;
}

void FetchedFiles::keep(const std::string& name, std::string_view bytes) {
    if (bytes.size() > bytes_max_ || !disk_.make_folders(folder_) || !disk_.replace_file(folder_ / name, bytes)) return;
    if (bytes_) *bytes_ += bytes.size();
    if (!bytes_ || *bytes_ > bytes_max_) make_room(name);
}

/// Counts what is there; when that is too much, lets go a quarter more than it has to, so that this is rare.
void FetchedFiles::make_room(const std::string& but) {
    struct File {
        fs::file_time_type used;
        fs::path path;
        std::uint64_t bytes;
    };
    std::vector<File> files;
    std::uint64_t all = 0;
    std::error_code error;
    for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
        std::error_code gone; // somebody else made room
        const auto bytes = at->is_regular_file(gone) ? at->file_size(gone) : 0;
        const auto used = at->last_write_time(gone);
        if (gone) continue;
        all += bytes;
        if (at->path().filename() != but) files.push_back({used, at->path(), bytes});
    }
    if (all > bytes_max_) {
        std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return std::tie(a.used, a.path) < std::tie(b.used, b.path); });
        for (const auto& file : files) {
            if (all <= bytes_max_ / 4 * 3) break;
            if (disk_.remove(file.path)) all -= file.bytes;
        }
    }
    bytes_ = all;
}

} // namespace symphony::packaging
