// SPDX-License-Identifier: Apache-2.0
#include "recording_folder.hpp"

namespace symphony::test_support {

using sqlite_files::File;
using Kind = Operation::Kind;

std::string Operation::text() const {
    switch (kind) {
    case Kind::create: return "create " + path;
    case Kind::write: return "write " + std::to_string(offset) + "+" + std::to_string(bytes->size()) + " of " + path;
    case Kind::truncate: return "truncate " + path + " to " + std::to_string(offset);
    case Kind::sync: return (failed ? "failed sync " : "sync ") + path;
    case Kind::rename: return "rename " + path + " to " + to;
    case Kind::remove: return "remove " + path;
    case Kind::sync_folder: return "sync folder \"" + path + "\"";
    case Kind::note: return "note \"" + path + "\"";
    }
    return "unknown";
}

/// Does to the folder's file what it is told, and writes it down under one lock, so that the order is the true one.
class RecordingFile final : public File {
public:
    RecordingFile(RecordingFolder& folder, std::string path, std::uint64_t number, std::unique_ptr<File> file)
        : folder_(folder), path_(std::move(path)), number_(number), file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> to) override { return file_->read_at(offset, to); }
    Status write_at(std::uint64_t offset, Bytes from) override {
        return record({Kind::write, number_, path_, "", offset, std::make_shared<Content>(from.begin(), from.end()), false}, [&] { return file_->write_at(offset, from); });
    }
    Status truncate(std::uint64_t size) override {
        return record({Kind::truncate, number_, path_, "", size, nullptr, false}, [&] { return file_->truncate(size); });
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    Status sync() override {
        const std::lock_guard lock(folder_.mutex_);
        if (poisoned_) return poison();
        poisoned_ = folder_.syncs_to_failure_ == 1;
        if (folder_.syncs_to_failure_ > 0) --folder_.syncs_to_failure_;
        folder_.sync_failed_ = folder_.sync_failed_ || poisoned_;
        folder_.operations_.push_back({Kind::sync, number_, path_, "", 0, nullptr, poisoned_});
        if (poisoned_) return Error(Code::io, "io", "cannot write \"" + path_ + "\" to the disk, as the test wants it");
        return {};
    }
    int fd() const noexcept override { return -1; }

private:
    template <class Function>
    Status record(Operation operation, Function function) {
        const std::lock_guard lock(folder_.mutex_);
        if (poisoned_) return poison();
        SYMPHONY_TRY(function());
        folder_.operations_.push_back(std::move(operation));
        return {};
    }
    Error poison() const { return {Code::io, "sync-failed", "cannot use \"" + path_ + "\" any more: an earlier sync failed"}; }

    RecordingFolder& folder_;
    const std::string path_;
    const std::uint64_t number_;
    const std::unique_ptr<File> file_;
    bool poisoned_ = false;
};

RecordingFolder::RecordingFolder(const MemoryFolder& begin) : begin_(begin), now_(begin) {
    for (const std::string& path : now_.paths()) files_at_begin_[path] = number_of(now_.node(path));
}

std::uint64_t RecordingFolder::number_of(const std::shared_ptr<MemoryNode>& node) { return numbers_.try_emplace(node, numbers_.size()).first->second; }

void RecordingFolder::note(std::string text) {
    const std::lock_guard lock(mutex_);
    operations_.push_back({Kind::note, 0, std::move(text), "", 0, nullptr, false});
}

void RecordingFolder::fail_sync(std::uint64_t nth) {
    const std::lock_guard lock(mutex_);
    syncs_to_failure_ = nth;
    sync_failed_ = false;
}

bool RecordingFolder::sync_failed() const {
    const std::lock_guard lock(mutex_);
    return sync_failed_;
}

Result<std::unique_ptr<File>> RecordingFolder::open(std::string_view path, Mode mode) {
    const std::lock_guard lock(mutex_);
    const bool was_there = now_.node(path) != nullptr;
    auto file = SYMPHONY_TRY(now_.open(path, mode));
    const std::uint64_t number = number_of(now_.node(path));
    if (!was_there) operations_.push_back({Kind::create, number, std::string(path), "", 0, nullptr, false});
    return std::unique_ptr<File>(std::make_unique<RecordingFile>(*this, std::string(path), number, std::move(file)));
}

Status RecordingFolder::rename(std::string_view from, std::string_view to) {
    const std::lock_guard lock(mutex_);
    SYMPHONY_TRY(now_.rename(from, to));
    operations_.push_back({Kind::rename, number_of(now_.node(to)), std::string(from), std::string(to), 0, nullptr, false});
    return {};
}

Status RecordingFolder::remove(std::string_view path) {
    const std::lock_guard lock(mutex_);
    SYMPHONY_TRY(now_.remove(path));
    operations_.push_back({Kind::remove, 0, std::string(path), "", 0, nullptr, false});
    return {};
}

Status RecordingFolder::sync_folder(std::string_view path) {
    const std::lock_guard lock(mutex_);
    SYMPHONY_TRY(now_.sync_folder(path));
    operations_.push_back({Kind::sync_folder, 0, std::string(path), "", 0, nullptr, false});
    return {};
}

RecordingFolder::Recording RecordingFolder::recording() const {
    const std::lock_guard lock(mutex_);
    return {MemoryFolder(begin_), files_at_begin_, operations_};
}

} // namespace symphony::test_support
