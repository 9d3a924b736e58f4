// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layout.hpp"

#include <symphony/ipc/channel.hpp>

#include <boost/interprocess/mapped_region.hpp>

#include <array>

namespace symphony::ipc {

/// The four memory files of a channel, in the order in which they are sent.
enum class MemoryFile : std::uint8_t { host_ring, host_slab, runner_ring, runner_slab };
inline constexpr std::size_t memory_files = 4;

/// What the runner needs to know before it maps them; the first message in the control socket.
struct Greeting {
    std::uint32_t magic = head_magic;
    std::uint32_t version = layout_version;
    std::uint64_t ring_bytes = 0;
    std::uint64_t slab_bytes = 0;
};

/// A channel's memory as one side sees it: its own files writable, the peer's read-only. [any]
class Memory {
public:
    /// The host's side. Makes the files; `to_send` are their descriptors for the runner, owned by the caller.
    static Result<std::shared_ptr<Memory>> make(const ChannelOptions& options, std::array<int, memory_files>& to_send);
    /// The runner's side, out of what the control socket brings. Checks sizes and seals.
    static Result<std::shared_ptr<Memory>> receive(int control);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    RingPage& own_page() const noexcept { return *static_cast<RingPage*>(own_ring_.get_address()); }
    const RingPage& peer_page() const noexcept { return *static_cast<const RingPage*>(peer_ring_.get_address()); }
    std::uint8_t* own_ring() const noexcept { return static_cast<std::uint8_t*>(own_ring_.get_address()) + ring_data_offset; }
    const std::uint8_t* peer_ring() const noexcept { return static_cast<const std::uint8_t*>(peer_ring_.get_address()) + ring_data_offset; }
    std::uint8_t* own_slab() const noexcept { return static_cast<std::uint8_t*>(own_slab_.get_address()); }
    const std::uint8_t* peer_slab() const noexcept { return static_cast<const std::uint8_t*>(peer_slab_.get_address()); }
    std::uint64_t ring_bytes() const noexcept { return ring_bytes_; }
    std::uint64_t slab_bytes() const noexcept { return slab_bytes_; }

private:
    Memory() = default;
    boost::interprocess::mapped_region own_ring_, own_slab_, peer_ring_, peer_slab_;
    std::uint64_t ring_bytes_ = 0, slab_bytes_ = 0;
};

/// The most that one message of the control socket may carry.
inline constexpr std::size_t descriptors_max = memory_files;

/// Sends one message with descriptors, without waiting. @return False: errno says why.
bool send_with_descriptors(int control, const void* bytes, std::size_t size, const int* descriptors, std::size_t count) noexcept;
/// Receives one message, without waiting unless `wait`. Descriptors come close-on-exec. @return Its size; 0 at the end, < 0 with errno.
std::ptrdiff_t receive_with_descriptors(int control, void* bytes, std::size_t room, int* descriptors, std::size_t& count, bool wait) noexcept;

} // namespace symphony::ipc
