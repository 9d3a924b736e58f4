// SPDX-License-Identifier: Apache-2.0
// The bytes of a package; and of a tar, which is compressed here, because no fuzzer finds the way through zstd.
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/package.hpp>

#include <zstd.h>

#include <cstdlib>
#include <map>

namespace {

using namespace symphony;
using namespace symphony::packaging;

void must(bool holds) {
    if (!holds) std::abort();
}

/// Holds what it is given to the promises of the reader.
class Memory final : public PackageSink {
public:
    Status begin(const PackageInfo& info) override {
        must(!began_ && !info.triples.empty() && FileList::parse(info.files.text()));
        began_ = true;
        return {};
    }
    Status file(const FileEntry& entry) override {
        must(began_ && check_path(entry.path) && files_.emplace(entry.path, "").second);
        entry_ = &entry;
        return {};
    }
    Status write(std::string_view bytes) override {
        auto& file = files_[entry_->path];
        file += bytes;
        must(file.size() <= entry_->size_bytes);
        return {};
    }
    Status file_end() override {
        must(sha256_of(files_[entry_->path]) == entry_->sha256);
        return {};
    }
    std::size_t files() const noexcept { return files_.size(); }

private:
    bool began_ = false;
    const FileEntry* entry_ = nullptr;
    std::map<std::string, std::string> files_;
};

void read(std::string_view bytes) {
    Memory memory;
    const auto info = read_package(bytes, &memory);
    if (!info) return must(!info.error().message().empty());
    must(memory.files() == info->files.files().size() && info->digest == info->files.digest());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    read({reinterpret_cast<const char*>(data), size});
    std::string package(ZSTD_compressBound(size), '\0');
    package.resize(ZSTD_compress(package.data(), package.size(), data, size, 1));
    read(package);
    return 0;
}
