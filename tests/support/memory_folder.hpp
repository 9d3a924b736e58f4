// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sqlite_files/folder.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace symphony::test_support {

using Content = std::vector<std::uint8_t>;

/// What a file name leads to. Contents are shared between folders until one of them writes.
class MemoryNode {
public:
    MemoryNode() : content_(std::make_shared<Content>()) {}
    explicit MemoryNode(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

    std::shared_ptr<const Content> content() const;
    std::size_t read(std::uint64_t offset, std::span<std::uint8_t> to) const;
    void write(std::uint64_t offset, Bytes from);
    void truncate(std::uint64_t size);
    std::uint64_t size() const;

private:
    Content& own();
    mutable std::mutex mutex_;
    std::shared_ptr<const Content> content_;
};

/// A store's folder in memory, without descriptors: cheap to copy, so every crash state and every flipped bit gets its own.
/// Folders are there when something is in them. [any thread]
class MemoryFolder final : public sqlite_files::Folder {
public:
    MemoryFolder() = default;
    MemoryFolder& operator=(const MemoryFolder&) = delete;
    /// Contents are shared until written.
    MemoryFolder(const MemoryFolder& other);

    /// All files of `folder` and the folders in it. @return Its first error.
    static Result<std::unique_ptr<MemoryFolder>> copy_of(sqlite_files::Folder& folder);
    /// Writes all files into `folder`, such as a real one.
    Status copy_to(sqlite_files::Folder& folder) const;

    Result<std::unique_ptr<sqlite_files::File>> open(std::string_view path, Mode mode) override;
    Result<std::vector<sqlite_files::Entry>> list(std::string_view path) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;
    Status sync_folder(std::string_view path) override;
    std::string name() const override { return "memory"; }

    // --- for the harness ---
    std::shared_ptr<MemoryNode> node(std::string_view path) const; ///< null when it is not there
    void put(std::string_view path, std::shared_ptr<MemoryNode> node);
    /// Every file's path, sorted.
    std::vector<std::string> paths() const;
    /// A file's content as text; "(none)" when it is not there.
    std::string text(std::string_view path) const;

private:
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<MemoryNode>, std::less<>> files_;
    std::uint64_t clock_ = 1;
};

} // namespace symphony::test_support
