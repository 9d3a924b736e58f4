// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/files.hpp>

#include <optional>
#include <string>

namespace symphony::store {

/// A typed file that is written in parts and takes the old one's place at the end; without finish() the old one stays. As
/// Files::write_atomic does for a content in one piece. Where nothing can be made beside it, it is written in place.
class AtomicFile {
public:
    static Result<AtomicFile> open(Files files, std::string path);
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&&) = delete;
    ~AtomicFile();

    Status write(Bytes part) const { return file_->write(part); }
    Status finish();

private:
    AtomicFile(Files files, std::string path, std::string beside, symphony::File file)
        : files_(files), path_(std::move(path)), beside_(std::move(beside)), file_(std::move(file)) {}

    Files files_;
    std::string path_;
    std::string beside_; ///< empty: written in place, or finished
    std::optional<symphony::File> file_;
};

} // namespace symphony::store
