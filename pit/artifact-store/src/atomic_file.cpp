// SPDX-License-Identifier: Apache-2.0
#include "atomic_file.hpp"

#include <atomic>

namespace symphony::store {

Result<AtomicFile> AtomicFile::open(Files files, std::string path) {
    static std::atomic<std::uint64_t> counter{0};
    const std::size_t leaf = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    std::string beside = path.substr(0, leaf) + "." + path.substr(leaf) + "." + std::to_string(now) + "-" + std::to_string(counter.fetch_add(1)) + ".new";
    constexpr std::uint32_t flags = Files::write_flag | Files::create_flag | Files::truncate_flag;
    auto file = files.open("selected", beside, flags);
    if (!file && file.error().code() == Code::not_granted) {
        beside.clear();
        file = files.open("selected", path, flags);
    }
    if (!file) return std::move(file).error();
    return AtomicFile(files, std::move(path), std::move(beside), *std::move(file));
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : files_(other.files_), path_(std::move(other.path_)), beside_(std::exchange(other.beside_, {})), file_(std::exchange(other.file_, std::nullopt)) {}

AtomicFile::~AtomicFile() {
    if (!beside_.empty()) static_cast<void>(files_.remove("selected", beside_));
}

Status AtomicFile::finish() {
    SYMPHONY_TRY(file_->sync());
    file_.reset();
    if (beside_.empty()) return {};
    SYMPHONY_TRY(files_.rename("selected", beside_, path_));
    beside_.clear();
    return {};
}

} // namespace symphony::store
