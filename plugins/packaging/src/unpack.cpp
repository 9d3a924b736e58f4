// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/package.hpp>

#include <set>

namespace symphony::packaging {
namespace fs = std::filesystem;
namespace {

/// Writes the files beneath one folder. Paths were checked: none leaves it, and no link is ever made in it.
class FolderSink final : public PackageSink {
public:
    FolderSink(const fs::path& folder, Access access, const Disk& disk) : folder_(folder), disk_(disk), mask_(access == Access::read_only ? 0555 : 0755) {}

    Status begin(const PackageInfo& info) override {
        folders_.insert(folder_);
        return disk_.write_file(folder_ / "FILES", info.files.text(), 0644 & mask_);
    }

    Status file(const FileEntry& entry) override {
        entry_ = &entry;
        bytes_.clear();
        return make_above(folder_ / entry.path);
    }

    Status write(std::string_view bytes) override {
        bytes_ += bytes;
        return {};
    }

    Status file_end() override { return disk_.write_file(folder_ / entry_->path, bytes_, entry_->mode & mask_); }

    /// Modes and names of all folders.
    Status finish() const {
        for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
            SYMPHONY_TRY(disk_.set_mode(*folder, mask_));
            SYMPHONY_TRY(disk_.sync_folder(*folder));
        }
        return {};
    }

private:
    Status make_above(const fs::path& path) {
        const fs::path above = path.parent_path();
        if (folders_.contains(above)) return {};
        SYMPHONY_TRY(make_above(above));
        SYMPHONY_TRY(disk_.make_folder(above));
        folders_.insert(above);
        return {};
    }

    const fs::path& folder_;
    const Disk& disk_;
    const std::uint32_t mask_;
    const FileEntry* entry_ = nullptr;
    std::string bytes_; // one file; as much as the list says, which the reader holds it to
    std::set<fs::path> folders_;
};

} // namespace

Result<PackageInfo> unpack(std::string_view bytes, const fs::path& folder, Access access, const Disk& disk, const Progress& progress) {
    FolderSink sink(folder, access, disk);
    auto info = SYMPHONY_TRY(read_package(bytes, &sink, progress));
    SYMPHONY_TRY(sink.finish());
    return info;
}

} // namespace symphony::packaging
