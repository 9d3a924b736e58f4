// SPDX-License-Identifier: Apache-2.0
#include <symphony/ipc/channel.hpp>

#include "memory.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace symphony::ipc {

ChannelEnd::~ChannelEnd() {
    if (control_ >= 0) ::close(control_);
}

Status ChannelEnd::take_memory() {
    if (memory_ == nullptr) memory_ = SYMPHONY_TRY(Memory::receive(control_));
    return {};
}

Result<ChannelPair> ChannelPair::make(const ChannelOptions& options) {
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        return Error(Code::io, "no-socket", std::string("cannot make a channel's control socket: ") + std::strerror(errno), "check the limit on open files");
    }
    ChannelPair pair{ChannelEnd(sockets[0]), ChannelEnd(sockets[1])};
    std::array<int, memory_files> files{};
    pair.host.memory_ = SYMPHONY_TRY(Memory::make(options, files));
    Greeting greeting;
    greeting.ring_bytes = options.ring_bytes;
    greeting.slab_bytes = options.slab_bytes;
    const bool sent = send_with_descriptors(sockets[0], &greeting, sizeof greeting, files.data(), files.size());
    const int why = errno;
    for (const int fd : files) ::close(fd);
    if (!sent) return Error(Code::io, "no-socket", std::string("cannot send a channel's memory files: ") + std::strerror(why));
    return pair;
}

} // namespace symphony::ipc
