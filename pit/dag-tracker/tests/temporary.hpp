// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sqlite_files/posix_folder.hpp>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <unistd.h>

namespace symphony::tracker::test {

/// A folder that goes with this object.
struct Temporary {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("symphony-tracker-" + std::to_string(::getpid()) + "-" + std::to_string(std::random_device{}()));
    Temporary() { std::filesystem::create_directories(path); }
    ~Temporary() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    std::unique_ptr<sqlite_files::Folder> folder() const { return *sqlite_files::PosixFolder::open(path); }
};

} // namespace symphony::tracker::test
