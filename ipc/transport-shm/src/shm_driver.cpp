// SPDX-License-Identifier: Apache-2.0
#include "shm_driver.hpp"

#include <symphony/transport/unix_socket.hpp>

#include "ring_carrier.hpp"

#include <bit>
#include <sys/socket.h>

namespace symphony::transport {
namespace {

constexpr std::uint64_t slab_bytes = 64 * 1024;  // a channel's memory has one; it is not touched here

class ShmAcceptor final : public Acceptor {
public:
    ShmAcceptor(UnixListener listener, std::uint64_t ring_bytes) : listener_(std::move(listener)), ring_bytes_(ring_bytes) {}
    int descriptor() const noexcept override { return listener_.descriptor(); }
    Result<std::optional<Dialed>> accept() override {
        for (;;) {
            auto came = SYMPHONY_TRY(listener_.accept());
            if (!came) return std::optional<Dialed>();
            auto memory = hand_over(came->socket.get());
            if (!memory) return Error(Code::exhausted, memory.error().reason(), memory.error().message(), memory.error().hint());
            if (*memory == nullptr) continue; // it is gone again
            return std::optional<Dialed>(Dialed{std::make_unique<RingCarrier>(std::move(came->socket), *std::move(memory)), came->peer});
        }
    }

private:
    /// @return Null: the other side did not take it.
    Result<std::shared_ptr<ipc::Memory>> hand_over(int socket) const {
        std::array<int, ipc::memory_files> files{-1, -1, -1, -1};
        auto memory = SYMPHONY_TRY(ipc::Memory::make({ring_bytes_, slab_bytes}, files));
        const std::array<Fd, ipc::memory_files> owned{Fd(files[0]), Fd(files[1]), Fd(files[2]), Fd(files[3])};
        const ipc::Greeting greeting{ipc::head_magic, ipc::layout_version, ring_bytes_, slab_bytes};
        if (!ipc::send_with_descriptors(socket, &greeting, sizeof greeting, files.data(), files.size())) return std::shared_ptr<ipc::Memory>();
        return memory;
    }
    UnixListener listener_;
    const std::uint64_t ring_bytes_;
};

} // namespace

ShmDriver::ShmDriver(std::uint64_t ring_bytes) : ring_bytes_(std::bit_ceil(std::clamp<std::uint64_t>(ring_bytes, 16 * 1024, 16 * 1024 * 1024))) {}

Status ShmDriver::check(const ports::Address& address) const {
    SYMPHONY_TRY(check_options(address, {}));
    return check_socket_path(address);
}

Result<Dialed> ShmDriver::dial(const ports::Address& address) {
    auto peer = SYMPHONY_TRY(dial_unix(address, SOCK_SEQPACKET));
    return Dialed{std::make_unique<RingCarrier>(std::move(peer.socket), nullptr), peer.peer};
}

Result<std::unique_ptr<Acceptor>> ShmDriver::listen(const ports::Address& address) {
    auto listener = SYMPHONY_TRY(UnixListener::listen(address, SOCK_SEQPACKET));
    return std::unique_ptr<Acceptor>(std::make_unique<ShmAcceptor>(std::move(listener), ring_bytes_));
}

} // namespace symphony::transport
