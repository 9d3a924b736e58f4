// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/package.hpp>

#include <symphony/testing.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace symphony::packaging::rig {

namespace fs = std::filesystem;

inline void write(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

/// A temporary folder that takes the store's read-only folders with it, whoever runs the tests.
class TempFolder {
public:
    TempFolder() = default;
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::vector<fs::path> inside;
        for (fs::directory_iterator item(path(), ignored), end; !ignored && item != end; item.increment(ignored)) inside.push_back(item->path());
        for (const auto& item : inside) static_cast<void>(Disk().remove(item));
    }
    const fs::path& path() const noexcept { return folder_.path(); }

private:
    testing::TempFolder folder_;
};

/// A plugin as a build leaves it, with a library that nobody can map.
struct Plugin {
    std::string id = "org.example.greet";
    std::string version = "1.0.0";
    std::string library = "the library's bytes";
    std::string triple = "x86_64-linux-gnu";
    std::string more; ///< of the manifest
    std::map<std::string, std::string> files; ///< besides manifest and library

    std::string name() const { return id.substr(id.rfind('.') + 1); }
    std::string manifest() const {
        return "[extension]\nid = \"" + id + "\"\nname = \"" + name() + "\"\nversion = \"" + version + "\"\ntype = \"operator\"\nlicense = \"MIT\"\n" + more +
               "\n[[artifact]]\ntriple = \"" + triple + "\"\npath = \"lib" + name() + ".so\"\nsize = " + std::to_string(library.size()) + "\nsha256 = \"" + sha256_of(library) + "\"\n";
    }
    void put(const fs::path& folder) const {
        write(folder / "manifest.toml", manifest());
        write(folder / ("lib" + name() + ".so"), library);
        write(folder / "LICENSE", "MIT\n");
        for (const auto& [path, bytes] : files) write(folder / path, bytes);
    }
    /// Packed; the test ends when it cannot be.
    Packed packed() const {
        const testing::TempFolder folder;
        put(folder.path());
        return *pack(folder.path());
    }
};

} // namespace symphony::packaging::rig
