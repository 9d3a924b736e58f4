// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host::test {

/// A folder that goes away with the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-test-XXXXXX").string();
        path_ = ::mkdtemp(name.data()) != nullptr ? std::filesystem::canonical(name) : std::filesystem::path();
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }
    std::string operator/(std::string_view name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& file, std::string_view text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

/// Manifest of `name` with more lines behind the [extension] table.
inline std::string manifest(std::string_view name, std::string_view version = "1.0.0", std::string_view rest = {}) {
    return "[extension]\nid = \"org." + std::string(name) + "\"\nname = \"" + std::string(name) + "\"\nversion = \"" +
           std::string(version) + "\"\ntype = \"operator\"\n" + std::string(rest);
}

/// Puts a manifest into `root/folder`, with times old enough that the catalog takes them for settled.
inline void put(const TemporaryFolder& root, std::string_view folder, std::string_view text) {
    write_file(root.path() / folder / "manifest.toml", text);
}

} // namespace symphony::host::test
