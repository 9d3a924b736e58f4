// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <vector>

namespace symphony::ipc {

/// The allocator of a slab that this side writes. All of it is in private memory; the peer only ever names a block to give it
/// back, which is checked. Blocks are whole pages; freed pages go back to the system once many are free. [any]
class Slab {
public:
    Slab(std::uint8_t* base, std::uint64_t bytes);

    /// A block with one reference. @return Its number, or 0 when there is no room.
    std::uint32_t allocate(std::uint64_t size);
    std::uint8_t* data(std::uint32_t block) const;
    std::uint64_t offset(std::uint32_t block) const;
    std::uint64_t capacity() const noexcept { return bytes_; }
    void retain(std::uint32_t block);
    void release(std::uint32_t block);
    /// One more reference, held by the peer until it gives the block back.
    void lend(std::uint32_t block);
    /// The peer gives a block back. @return False: it does not hold that block.
    bool take_back(std::uint64_t block);
    /// Bytes in blocks.
    std::uint64_t used() const;

private:
    struct Block {
        std::uint64_t offset = 0, size = 0;
        std::uint32_t references = 0, lent = 0;
    };
    static constexpr std::uint64_t page = 4096;
    static constexpr std::uint64_t warm_bytes_max = std::uint64_t{64} << 20;  // free pages that stay with us

    void drop(std::uint32_t block);
    void add_free(std::uint64_t offset, std::uint64_t size);
    void remove_free(std::uint64_t offset, std::uint64_t size);

    std::uint8_t* const base_;
    const std::uint64_t bytes_;
    mutable std::mutex mutex_;
    std::vector<Block> blocks_;             // by number - 1
    std::vector<std::uint32_t> numbers_;    // that are not in use
    std::map<std::uint64_t, std::uint64_t> free_;                     // offset to size
    std::set<std::pair<std::uint64_t, std::uint64_t>> free_by_size_;  // size, offset
    std::uint64_t used_ = 0;
    std::uint64_t warm_ = 0;  // an upper bound of the touched bytes that are free
};

} // namespace symphony::ipc
