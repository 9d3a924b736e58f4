// SPDX-License-Identifier: Apache-2.0
#include "crash_disk.hpp"

#include <algorithm>
#include <iterator>

namespace symphony::test_support {
namespace {

constexpr std::uint64_t page_bytes = 4096;

/// The bytes of a file from `start` on, when of its changes the first `cut` writes and the first `size_cut` sizes are there.
///
/// A truncation goes with the size: it is whole or not there. What was written behind it lies in new blocks, which are not
/// the file's as long as the truncation is missing.
void fold(const DiskFile& file, std::uint64_t start, std::size_t cut, std::size_t size_cut, std::span<std::uint8_t> out) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    const Content& synced = *file.synced;
    if (start < synced.size()) std::copy_n(synced.begin() + static_cast<std::ptrdiff_t>(start), std::min<std::size_t>(out.size(), synced.size() - start), out.begin());
    std::uint64_t end = start + out.size(); // of what a write reaches
    for (std::size_t i = 0; i < std::max(cut, size_cut); ++i) {
        const Change& change = file.changes[i];
        if (change.truncates) {
            if (i >= size_cut) end = std::min(end, std::max(start, change.offset));
            else if (change.offset < start + out.size()) std::fill(out.begin() + static_cast<std::ptrdiff_t>(std::max(start, change.offset) - start), out.end(), std::uint8_t{0});
            continue;
        }
        if (i >= cut) continue;
        const std::uint64_t first = std::max(start, change.offset);
        const std::uint64_t last = std::min(end, change.offset + change.bytes->size());
        if (first < last) std::copy_n(change.bytes->begin() + static_cast<std::ptrdiff_t>(first - change.offset), last - first, out.begin() + static_cast<std::ptrdiff_t>(first - start));
    }
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

} // namespace

void DiskFile::sync() {
    std::set<std::uint64_t> pages; // that the kernel knows to be dirty
    for (const Change& change : changes) {
        if (change.doomed || change.truncates || change.bytes->empty()) continue;
        for (std::uint64_t page = change.offset / page_bytes; page * page_bytes < change.offset + change.bytes->size(); ++page) pages.insert(page);
    }
    const auto is_left = [&](const Change& change) { return change.doomed && !pages.contains(change.offset / page_bytes); };
    const std::uint64_t size = size_after(changes.size());
    std::vector<Change> left;
    std::copy_if(changes.begin(), changes.end(), std::back_inserter(left), is_left);
    std::erase_if(changes, is_left);
    auto content = std::make_shared<Content>(*after({changes.size(), {}, changes.size()}));
    content->resize(static_cast<std::size_t>(size));
    synced = std::move(content);
    changes = std::move(left);
}

void DiskFile::fail_sync() {
    std::vector<Change> split; // by pages, each of which may be written again by itself
    for (const Change& change : changes) {
        if (change.truncates || change.bytes->empty()) {
            split.push_back(change);
            continue;
        }
        const std::uint64_t end = change.offset + change.bytes->size();
        for (std::uint64_t at = change.offset; at < end; at = (at / page_bytes + 1) * page_bytes) {
            const auto first = change.bytes->begin() + static_cast<std::ptrdiff_t>(at - change.offset);
            const std::uint64_t size = std::min(end, (at / page_bytes + 1) * page_bytes) - at;
            split.push_back({false, at, std::make_shared<Content>(first, first + static_cast<std::ptrdiff_t>(size)), true});
        }
    }
    changes = std::move(split);
}

std::uint64_t DiskFile::size_after(std::size_t count) const {
    std::uint64_t size = synced->size();
    for (std::size_t i = 0; i < count; ++i) size = changes[i].truncates ? changes[i].offset : std::max(size, changes[i].offset + changes[i].bytes->size());
    return size;
}

std::set<std::uint64_t> DiskFile::blocks_of(std::size_t change) const {
    std::uint64_t first = changes[change].offset;
    std::uint64_t last = changes[change].truncates ? size_after(change) : first + changes[change].bytes->size();
    if (changes[change].truncates && first > last) std::swap(first, last);
    std::set<std::uint64_t> blocks;
    for (std::uint64_t block = first / block_bytes; block * block_bytes < last; ++block) blocks.insert(block);
    return blocks;
}

std::shared_ptr<const Content> DiskFile::after(const Kept& kept) const {
    if (kept.cut == 0 && kept.blocks.empty() && kept.size_cut == 0) return synced;
    auto content = std::make_shared<Content>(static_cast<std::size_t>(size_after(kept.size_cut)));
    fold(*this, 0, kept.cut, kept.size_cut, *content);
    for (const auto& [number, cut] : kept.blocks) {
        const std::uint64_t start = number * block_bytes;
        if (start >= content->size()) continue;
        fold(*this, start, cut, kept.size_cut, std::span(*content).subspan(static_cast<std::size_t>(start), std::min<std::size_t>(block_bytes, content->size() - static_cast<std::size_t>(start))));
    }
    return content;
}

void NameChange::apply(std::map<std::string, std::uint64_t>& names) const {
    if (kind != Kind::link) names.erase(path);
    if (kind == Kind::link) names[path] = file;
    if (kind == Kind::rename) names[to] = file;
}

CrashDisk::CrashDisk(const RecordingFolder::Recording& recording) : names(recording.files) {
    for (const auto& [path, number] : recording.files) files[number].synced = recording.begin.node(path)->content();
}

void CrashDisk::apply(const Operation& operation) {
    using Kind = Operation::Kind;
    switch (operation.kind) {
    case Kind::create:
        files.try_emplace(operation.file);
        name_changes.push_back({NameChange::Kind::link, operation.file, operation.path, ""});
        break;
    case Kind::write: files[operation.file].changes.push_back({false, operation.offset, operation.bytes, false}); break;
    case Kind::truncate: files[operation.file].changes.push_back({true, operation.offset, nullptr, false}); break;
    case Kind::sync: operation.failed ? files[operation.file].fail_sync() : files[operation.file].sync(); break;
    case Kind::rename: name_changes.push_back({NameChange::Kind::rename, operation.file, operation.path, operation.to}); break;
    case Kind::remove: name_changes.push_back({NameChange::Kind::unlink, 0, operation.path, ""}); break;
    case Kind::sync_folder: sync_names(operation.path); break;
    case Kind::note: break;
    }
}

void CrashDisk::sync_names(const std::string& folder) {
    std::vector<NameChange> waiting;
    for (NameChange& change : name_changes) {
        const bool here = folder_of(change.path) == folder || (change.kind == NameChange::Kind::rename && folder_of(change.to) == folder);
        if (!here) {
            waiting.push_back(std::move(change));
            continue;
        }
        // A file that was moved here from another folder was never there for a disk that hears of it now.
        if (change.kind != NameChange::Kind::link) std::erase_if(waiting, [&](const NameChange& one) { return one.kind == NameChange::Kind::link && one.path == change.path; });
        change.apply(names);
    }
    name_changes = std::move(waiting);
}

} // namespace symphony::test_support
