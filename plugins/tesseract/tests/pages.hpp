// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "watch.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tess::test {

using Blob = std::vector<std::uint8_t>;

inline Blob read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
/// One of the sample pages that ship with the workflows.
inline Blob sample(const std::string& name) { return read_file(std::string(SYMPHONY_SAMPLES) + "/" + name); }

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-tesseract-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// A call that is cancelled after so many questions; never, unless asked.
class TestWatch final : public Watch {
public:
    bool cancelled() override { return cancel_after > 0 && ++asked >= cancel_after; }
    std::uint64_t deadline_ns() const override { return deadline; }
    void progress(std::uint32_t permille, std::string_view) override { progressed.push_back(permille); }

    int cancel_after = 0;
    int asked = 0;
    std::uint64_t deadline = 0;
    std::vector<std::uint32_t> progressed;
};

} // namespace tess::test
