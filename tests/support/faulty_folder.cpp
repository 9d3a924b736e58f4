// SPDX-License-Identifier: Apache-2.0
#include "faulty_folder.hpp"

#include <array>
#include <atomic>

namespace symphony::test_support {

using sqlite_files::Entry;
using sqlite_files::File;

const char* name_of(FaultKind kind) {
    switch (kind) {
    case FaultKind::io: return "input/output error";
    case FaultKind::disk_full: return "full disk";
    case FaultKind::sync: return "failed sync";
    }
    return "fault";
}

class FaultyFile final : public File {
public:
    using Call = FaultyFolder::Call;
    FaultyFile(FaultyFolder& folder, std::string path, std::shared_ptr<FaultyFolder::Undo> undo, std::unique_ptr<File> file)
        : folder_(folder), path_(std::move(path)), undo_(std::move(undo)), file_(std::move(file)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> to) override {
        SYMPHONY_TRY(folder_.check(Call::read, path_));
        return file_->read_at(offset, to);
    }
    Status write_at(std::uint64_t offset, Bytes from) override {
        SYMPHONY_TRY(check_poison());
        const bool fails = folder_.fails(Call::write, path_);
        SYMPHONY_TRY(remember(offset, from.size()));
        SYMPHONY_TRY(file_->write_at(offset, fails ? from.first(from.size() / 2) : from));
        if (fails) return folder_.error(Call::write, path_);
        return {};
    }
    Status truncate(std::uint64_t size) override {
        SYMPHONY_TRY(check_poison());
        SYMPHONY_TRY(folder_.check(Call::truncate, path_));
        const std::uint64_t old = SYMPHONY_TRY(file_->size());
        SYMPHONY_TRY(remember(size, old > size ? static_cast<std::size_t>(old - size) : 0));
        return file_->truncate(size);
    }
    Result<std::uint64_t> size() override {
        SYMPHONY_TRY(folder_.check(Call::size, path_));
        return file_->size();
    }
    Status sync() override {
        SYMPHONY_TRY(check_poison());
        const std::lock_guard lock(undo_->mutex);
        if (folder_.fails(Call::sync, path_)) {
            poisoned_ = true;
            if (folder_.fault_.kind == FaultKind::sync) SYMPHONY_TRY(lose_unsynced());
            return folder_.error(Call::sync, path_);
        }
        SYMPHONY_TRY(file_->sync());
        undo_->steps.clear();
        return {};
    }
    int fd() const noexcept override { return -1; }

private:
    Status check_poison() const {
        if (poisoned_) return Error(Code::io, "sync-failed", "cannot use \"" + path_ + "\" any more: an earlier sync failed");
        return {};
    }
    Status remember(std::uint64_t offset, std::size_t size) {
        const std::lock_guard lock(undo_->mutex);
        Content before(size);
        before.resize(SYMPHONY_TRY(file_->read_at(offset, before)));
        const std::uint64_t size_before = SYMPHONY_TRY(file_->size());
        undo_->steps.push_back({offset, size_before, std::move(before)});
        return {};
    }
    Status lose_unsynced() {
        while (!undo_->steps.empty()) {
            const auto& step = undo_->steps.back();
            SYMPHONY_TRY(file_->write_at(step.offset, step.before));
            SYMPHONY_TRY(file_->truncate(step.size_before));
            undo_->steps.pop_back();
        }
        return {};
    }

    FaultyFolder& folder_;
    const std::string path_;
    const std::shared_ptr<FaultyFolder::Undo> undo_;
    const std::unique_ptr<File> file_;
    std::atomic<bool> poisoned_{false};
};

void FaultyFolder::arm(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    armed_ = true;
    calls_ = 0;
    fired_at_.clear();
}

void FaultyFolder::heal() {
    const std::lock_guard lock(mutex_);
    armed_ = false;
}

bool FaultyFolder::fired() const { return !fired_at().empty(); }

std::string FaultyFolder::fired_at() const {
    const std::lock_guard lock(mutex_);
    return fired_at_;
}

bool FaultyFolder::fails(Call call, std::string_view path) {
    constexpr std::array<const char*, 11> words{"open", "make", "list", "rename", "remove", "sync the folder", "read", "write", "resize", "look at", "sync"};
    const std::lock_guard lock(mutex_);
    if (!armed_) return false;
    if (fault_.kind == FaultKind::sync && call != Call::sync) return false;
    const bool needs_room = call == Call::make || call == Call::rename || call == Call::sync_folder || call == Call::write || call == Call::truncate || call == Call::sync;
    if (fault_.kind == FaultKind::disk_full && !needs_room) return false;
    ++calls_;
    if (fault_.sticky ? calls_ < fault_.at_call : calls_ != fault_.at_call) return false;
    if (fired_at_.empty()) fired_at_ = std::string(words[static_cast<std::size_t>(call)]) + " \"" + std::string(path) + "\"";
    return true;
}

Error FaultyFolder::error(Call, std::string_view path) const {
    const std::string what = "\"" + std::string(path) + "\": " + name_of(fault_.kind) + ", as the test wants it";
    return fault_.kind == FaultKind::disk_full ? Error(Code::exhausted, "disk-full", what, "make room on the disk") : Error(Code::io, "io", what);
}

Status FaultyFolder::check(Call call, std::string_view path) {
    if (fails(call, path)) return error(call, path);
    return {};
}

std::shared_ptr<FaultyFolder::Undo> FaultyFolder::undo_of(std::string_view path) {
    const std::lock_guard lock(mutex_);
    auto& found = undo_[std::string(path)];
    if (!found) found = std::make_shared<Undo>();
    return found;
}

Result<std::unique_ptr<File>> FaultyFolder::open(std::string_view path, Mode mode) {
    const bool makes = mode == Mode::create_new || (mode == Mode::create && !inner_.open(path, Mode::read));
    SYMPHONY_TRY(check(makes ? Call::make : Call::open, path));
    auto file = SYMPHONY_TRY(inner_.open(path, mode));
    return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, std::string(path), undo_of(path), std::move(file)));
}

Result<std::vector<Entry>> FaultyFolder::list(std::string_view path) {
    SYMPHONY_TRY(check(Call::list, path));
    return inner_.list(path);
}

Status FaultyFolder::rename(std::string_view from, std::string_view to) {
    SYMPHONY_TRY(check(Call::rename, from));
    SYMPHONY_TRY(inner_.rename(from, to));
    const std::lock_guard lock(mutex_);
    const auto found = undo_.find(from);
    if (found == undo_.end()) {
        undo_.erase(std::string(to));
        return {};
    }
    auto undo = std::move(found->second);
    undo_.erase(found);
    undo_[std::string(to)] = std::move(undo);
    return {};
}

Status FaultyFolder::remove(std::string_view path) {
    SYMPHONY_TRY(check(Call::remove, path));
    SYMPHONY_TRY(inner_.remove(path));
    const std::lock_guard lock(mutex_);
    undo_.erase(std::string(path));
    return {};
}

Status FaultyFolder::sync_folder(std::string_view path) {
    SYMPHONY_TRY(check(Call::sync_folder, path));
    return inner_.sync_folder(path);
}

std::string FaultReport::text() const {
    std::string out = std::to_string(runs) + " runs reached their fault";
    for (const std::string& failure : failures) out += "\n  " + failure;
    return out;
}

FaultReport try_fault_at_every_call(FaultKind kind, bool sticky, const MemoryFolder& begin, const FaultWork& work, std::size_t runs_max) {
    constexpr std::size_t failures_max = 3;
    FaultReport report;
    for (std::uint64_t call = 1; report.failures.size() < failures_max; ++call) {
        const std::string which = std::string(name_of(kind)) + (sticky ? " from call " : " at call ") + std::to_string(call);
        if (report.runs >= runs_max) {
            report.failures.push_back("stopped before " + which + ": more than " + std::to_string(runs_max) + " runs");
            break;
        }
        MemoryFolder inner(begin);
        FaultyFolder folder(inner);
        folder.arm({kind, call, sticky});
        const std::string problem = work(folder);
        if (!problem.empty()) report.failures.push_back(which + ", " + folder.fired_at() + ": " + problem);
        if (!folder.fired()) break;
        ++report.runs;
    }
    return report;
}

} // namespace symphony::test_support
