// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace symphony::ipc {

struct ChannelOptions {
    std::uint64_t ring_bytes = 64 * 1024;          ///< of each direction; a power of two, 16 KiB to 16 MiB
    std::uint64_t slab_bytes = std::uint64_t{1} << 30;  ///< of each direction, virtual: pages exist once touched; whole pages
};

class Memory;

/// One end of a channel: its control socket, which is close-on-exec and closed with it, and the memory.
///
/// The runner's end is the control socket alone at first. The memory files already wait in it, so one descriptor is all that
/// has to reach the runner.
class ChannelEnd {
public:
    ChannelEnd() = default;
    /// Takes the runner's control socket over, for serve().
    explicit ChannelEnd(int control) : control_(control) {}
    ChannelEnd(ChannelEnd&& other) noexcept : control_(std::exchange(other.control_, -1)), memory_(std::move(other.memory_)) {}
    ChannelEnd& operator=(ChannelEnd&& other) noexcept {
        std::swap(control_, other.control_);
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~ChannelEnd();

    int control() const noexcept { return control_; }
    /// Gives the control socket away, for example to the launcher.
    int release_control() noexcept { return std::exchange(control_, -1); }
    /// The runner's end: takes the memory files out of the control socket and maps them. To be called before there is any untrusted
    /// code, which could take the files otherwise, and map as code what it writes; serve() does it for who has not.
    /// @return `abi_mismatch` with reason `bad-greeting`, or `io`.
    Status take_memory();
    /// Null in the runner's end until take_memory().
    const std::shared_ptr<Memory>& memory() const noexcept { return memory_; }

private:
    friend struct ChannelPair;
    int control_ = -1;
    std::shared_ptr<Memory> memory_;
};

/// Both ends of a new channel, made by the host: a pair of connected AF_UNIX seqpacket sockets, close-on-exec, and four
/// memory files sealed against shrinking and growing. What only the host writes the runner cannot map for writing.
struct ChannelPair {
    ChannelEnd host;    ///< for RemoteInstance::connect()
    ChannelEnd runner;  ///< its control socket goes to the runner

    /// @return `invalid_argument`, or `io` with reason `no-memory-file` or `no-socket`.
    static Result<ChannelPair> make(const ChannelOptions& options = {});
};

} // namespace symphony::ipc
