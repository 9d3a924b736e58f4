// SPDX-License-Identifier: Apache-2.0
#include "memory_folder.hpp"

#include <symphony/sqlite_files/fd_file.hpp>

#include <algorithm>

namespace symphony::test_support {
namespace {

using sqlite_files::Entry;
using sqlite_files::File;
using sqlite_files::Folder;

class MemoryFile final : public File {
public:
    MemoryFile(std::shared_ptr<MemoryNode> node, bool writable) : node_(std::move(node)), writable_(writable) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> to) override { return node_->read(offset, to); }
    Status write_at(std::uint64_t offset, Bytes from) override {
        if (!writable_) return Error(Code::io, "read-only", "the file was opened to read");
        node_->write(offset, from);
        return {};
    }
    Status truncate(std::uint64_t size) override {
        if (!writable_) return Error(Code::io, "read-only", "the file was opened to read");
        node_->truncate(size);
        return {};
    }
    Result<std::uint64_t> size() override { return node_->size(); }
    Status sync() override { return {}; }
    int fd() const noexcept override { return -1; }

private:
    const std::shared_ptr<MemoryNode> node_;
    const bool writable_;
};

} // namespace

std::shared_ptr<const Content> MemoryNode::content() const {
    const std::lock_guard lock(mutex_);
    return content_;
}

Content& MemoryNode::own() {
    if (content_.use_count() != 1) content_ = std::make_shared<Content>(*content_);
    return const_cast<Content&>(*content_); // made as one, here or in the constructor, and nobody else sees it
}

std::size_t MemoryNode::read(std::uint64_t offset, std::span<std::uint8_t> to) const {
    const std::lock_guard lock(mutex_);
    if (offset >= content_->size()) return 0;
    const std::size_t size = std::min<std::size_t>(to.size(), content_->size() - static_cast<std::size_t>(offset));
    std::copy_n(content_->begin() + static_cast<std::ptrdiff_t>(offset), size, to.begin());
    return size;
}

void MemoryNode::write(std::uint64_t offset, Bytes from) {
    const std::lock_guard lock(mutex_);
    Content& content = own();
    if (from.empty()) return;
    if (content.size() < offset + from.size()) content.resize(static_cast<std::size_t>(offset) + from.size());
    std::copy(from.begin(), from.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
}

void MemoryNode::truncate(std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    own().resize(static_cast<std::size_t>(size));
}

std::uint64_t MemoryNode::size() const {
    const std::lock_guard lock(mutex_);
    return content_->size();
}

MemoryFolder::MemoryFolder(const MemoryFolder& other) : Folder() {
    const std::lock_guard lock(other.mutex_);
    for (const auto& [path, node] : other.files_) files_[path] = std::make_shared<MemoryNode>(node->content());
}

Result<std::unique_ptr<MemoryFolder>> MemoryFolder::copy_of(Folder& folder) {
    auto copy = std::make_unique<MemoryFolder>();
    std::vector<std::string> waiting{""};
    while (!waiting.empty()) {
        const std::string at = waiting.back();
        waiting.pop_back();
        for (const Entry& entry : SYMPHONY_TRY(folder.list(at))) {
            const std::string path = at.empty() ? entry.name : at + "/" + entry.name;
            if (entry.folder) {
                waiting.push_back(path);
                continue;
            }
            const auto file = SYMPHONY_TRY(folder.open(path, Mode::read));
            Content content(static_cast<std::size_t>(SYMPHONY_TRY(file->size())));
            content.resize(SYMPHONY_TRY(file->read_at(0, content)));
            copy->put(path, std::make_shared<MemoryNode>(std::make_shared<Content>(std::move(content))));
        }
    }
    return copy;
}

Status MemoryFolder::copy_to(Folder& folder) const {
    for (const std::string& path : paths()) {
        const auto file = SYMPHONY_TRY(folder.open(path, Mode::create));
        const auto content = node(path)->content();
        SYMPHONY_TRY(file->truncate(0));
        SYMPHONY_TRY(file->write_at(0, *content));
    }
    return {};
}

Result<std::unique_ptr<File>> MemoryFolder::open(std::string_view path, Mode mode) {
    const auto names = SYMPHONY_TRY(sqlite_files::path_names(path));
    if (names.empty()) return sqlite_files::file_error("cannot open", path, EISDIR);
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    if (found != files_.end() && mode == Mode::create_new) return sqlite_files::file_error("cannot open", path, EEXIST);
    if (found != files_.end()) return std::unique_ptr<File>(std::make_unique<MemoryFile>(found->second, mode != Mode::read));
    if (mode == Mode::read || mode == Mode::write) return sqlite_files::file_error("cannot open", path, ENOENT);
    auto node = std::make_shared<MemoryNode>();
    files_.emplace(path, node);
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(std::move(node), true));
}

Result<std::vector<Entry>> MemoryFolder::list(std::string_view path) {
    SYMPHONY_TRY(sqlite_files::path_names(path));
    const std::string begin = path.empty() ? "" : std::string(path) + "/";
    const std::lock_guard lock(mutex_);
    std::vector<Entry> entries;
    for (const auto& [name, node] : files_) {
        if (!name.starts_with(begin)) continue;
        const std::string rest = name.substr(begin.size());
        const std::size_t slash = rest.find('/');
        if (slash == std::string::npos) entries.push_back({rest, false, node->size(), clock_});
        else if (entries.empty() || entries.back().name != rest.substr(0, slash)) entries.push_back({rest.substr(0, slash), true, 0, clock_});
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
}

Status MemoryFolder::rename(std::string_view from, std::string_view to) {
    SYMPHONY_TRY(sqlite_files::path_names(from));
    if (SYMPHONY_TRY(sqlite_files::path_names(to)).empty()) return sqlite_files::file_error("cannot rename to", to, EISDIR);
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(from);
    if (found == files_.end()) return sqlite_files::file_error("cannot rename", from, ENOENT);
    const auto node = found->second;
    files_.erase(found);
    files_.insert_or_assign(std::string(to), node);
    return {};
}

Status MemoryFolder::remove(std::string_view path) {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    if (found == files_.end()) return sqlite_files::file_error("cannot remove", path, ENOENT);
    files_.erase(found);
    return {};
}

Status MemoryFolder::sync_folder(std::string_view path) {
    SYMPHONY_TRY(sqlite_files::path_names(path));
    return {};
}

std::shared_ptr<MemoryNode> MemoryFolder::node(std::string_view path) const {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    return found == files_.end() ? nullptr : found->second;
}

void MemoryFolder::put(std::string_view path, std::shared_ptr<MemoryNode> node) {
    const std::lock_guard lock(mutex_);
    files_.insert_or_assign(std::string(path), std::move(node));
}

std::vector<std::string> MemoryFolder::paths() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [path, node] : files_) all.push_back(path);
    return all;
}

std::string MemoryFolder::text(std::string_view path) const {
    const auto found = node(path);
    return found ? std::string(text_of(*found->content())) : "(none)";
}

} // namespace symphony::test_support
