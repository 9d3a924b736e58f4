// SPDX-License-Identifier: Apache-2.0
#include "slab.hpp"

#include <algorithm>
#include <iterator>
#include <sys/mman.h>

namespace symphony::ipc {

Slab::Slab(std::uint8_t* base, std::uint64_t bytes) : base_(base), bytes_(bytes) { add_free(0, bytes); }

void Slab::add_free(std::uint64_t offset, std::uint64_t size) {
    auto after = free_.lower_bound(offset);
    if (after != free_.end() && offset + size == after->first) {
        size += after->second;
        free_by_size_.erase({after->second, after->first});
        after = free_.erase(after);
    }
    if (after != free_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == offset) {
            offset = before->first;
            size += before->second;
            free_by_size_.erase({before->second, before->first});
            free_.erase(before);
        }
    }
    free_.emplace(offset, size);
    free_by_size_.emplace(size, offset);
}

void Slab::remove_free(std::uint64_t offset, std::uint64_t size) {
    free_.erase(offset);
    free_by_size_.erase({size, offset});
}

std::uint32_t Slab::allocate(std::uint64_t size) {
    if (size > bytes_) return 0;
    size = std::max(page, (size + page - 1) & ~(page - 1));
    const std::lock_guard lock(mutex_);
    const auto fit = free_by_size_.lower_bound({size, 0}); // best fit, lowest address: what was used last is used again
    if (fit == free_by_size_.end()) return 0;
    const auto [room, offset] = *fit;
    if (numbers_.empty()) {
        blocks_.emplace_back();
        numbers_.push_back(static_cast<std::uint32_t>(blocks_.size()));
    }
    remove_free(offset, room);
    if (room > size) add_free(offset + size, room - size);
    const std::uint32_t number = numbers_.back();
    numbers_.pop_back();
    blocks_[number - 1] = {offset, size, 1, 0};
    used_ += size;
    warm_ -= std::min(warm_, size);
    return number;
}

std::uint8_t* Slab::data(std::uint32_t block) const { return base_ + offset(block); }

std::uint64_t Slab::offset(std::uint32_t block) const {
    const std::lock_guard lock(mutex_);
    return blocks_[block - 1].offset;
}

void Slab::retain(std::uint32_t block) {
    const std::lock_guard lock(mutex_);
    ++blocks_[block - 1].references;
}

void Slab::release(std::uint32_t block) {
    const std::lock_guard lock(mutex_);
    drop(block);
}

void Slab::drop(std::uint32_t block) {
    Block& it = blocks_[block - 1];
    if (--it.references != 0) return;
    if (it.size >= 16 * page && warm_ + it.size > warm_bytes_max) {
        static_cast<void>(::madvise(base_ + it.offset, it.size, MADV_REMOVE)); // where it cannot, the pages stay
    } else {
        warm_ += it.size;
    }
    used_ -= it.size;
    add_free(it.offset, it.size);
    numbers_.push_back(block);
}

void Slab::lend(std::uint32_t block) {
    const std::lock_guard lock(mutex_);
    ++blocks_[block - 1].references;
    ++blocks_[block - 1].lent;
}

bool Slab::take_back(std::uint64_t block) {
    const std::lock_guard lock(mutex_);
    if (block == 0 || block > blocks_.size()) return false;
    Block& it = blocks_[static_cast<std::size_t>(block) - 1];
    if (it.references == 0 || it.lent == 0) return false;
    --it.lent;
    drop(static_cast<std::uint32_t>(block));
    return true;
}

std::uint64_t Slab::used() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

} // namespace symphony::ipc
