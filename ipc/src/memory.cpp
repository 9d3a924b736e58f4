// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::ipc {
namespace {

namespace bip = boost::interprocess;

constexpr unsigned memfd_noexec_seal = 0x8; // MFD_NOEXEC_SEAL of Linux 6.3, not in Debian 12's headers
constexpr int seals_all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::uint64_t slab_bytes_max = std::uint64_t{1} << 40;

Error failed(std::string_view reason, const std::string& what) {
    return Error(Code::io, reason, what + ": " + std::strerror(errno), "check the limits on memory and open files");
}

/// What Boost.Interprocess maps.
class Mappable {
public:
    explicit Mappable(int fd) : fd_(fd) {}
    bip::mapping_handle_t get_mapping_handle() const { return bip::ipcdetail::mapping_handle_from_file_handle(fd_); }

private:
    int fd_;
};

Status map(bip::mapped_region& to, int fd, bip::mode_t mode, std::uint64_t size) {
    try {
        to = bip::mapped_region(Mappable(fd), mode, 0, static_cast<std::size_t>(size));
        return {};
    } catch (const bip::interprocess_exception& thrown) {
        errno = thrown.get_native_error();
        return failed("no-memory-map", "cannot map " + std::to_string(size) + " bytes of a channel's memory");
    }
}

Result<int> make_file(const char* name, std::uint64_t size) {
    int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | memfd_noexec_seal);
    if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return failed("no-memory-file", "cannot make a memory file for a channel");
    if (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
        const Error error = failed("no-memory-file", "cannot make a memory file of " + std::to_string(size) + " bytes");
        ::close(fd);
        return error;
    }
    return fd;
}

/// A second description of a memory file that cannot write, also not when it is opened again by its name in procfs.
int open_read_only(int fd) {
    if (::fchmod(fd, 0400) != 0) return -1;
    char path[40];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return ::open(path, O_RDONLY | O_CLOEXEC);
}

bool sizes_allowed(std::uint64_t ring_bytes, std::uint64_t slab_bytes) {
    return std::has_single_bit(ring_bytes) && ring_bytes >= 16 * 1024 && ring_bytes <= 16 * 1024 * 1024 &&
           slab_bytes >= 64 * 1024 && slab_bytes <= slab_bytes_max && slab_bytes % 4096 == 0;
}

struct Descriptors {
    std::array<int, memory_files> fd{-1, -1, -1, -1};
    Descriptors() = default;
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    ~Descriptors() {
        for (const int one : fd) {
            if (one >= 0) ::close(one);
        }
    }
    int& operator[](MemoryFile file) { return fd[static_cast<std::size_t>(file)]; }
};

} // namespace

Result<std::shared_ptr<Memory>> Memory::make(const ChannelOptions& options, std::array<int, memory_files>& to_send) {
    if (!sizes_allowed(options.ring_bytes, options.slab_bytes)) {
        return Error(Code::invalid_argument, "a channel's ring has " + std::to_string(options.ring_bytes) + " bytes and its slab " +
                                                 std::to_string(options.slab_bytes) + "; see ChannelOptions for what is allowed");
    }
    const std::uint64_t ring_file = ring_data_offset + options.ring_bytes;
    Descriptors files;
    files[MemoryFile::host_ring] = SYMPHONY_TRY(make_file("symphony:host-ring", ring_file));
    files[MemoryFile::host_slab] = SYMPHONY_TRY(make_file("symphony:host-slab", options.slab_bytes));
    files[MemoryFile::runner_ring] = SYMPHONY_TRY(make_file("symphony:runner-ring", ring_file));
    files[MemoryFile::runner_slab] = SYMPHONY_TRY(make_file("symphony:runner-slab", options.slab_bytes));

    std::shared_ptr<Memory> memory(new Memory);
    memory->ring_bytes_ = options.ring_bytes;
    memory->slab_bytes_ = options.slab_bytes;
    SYMPHONY_TRY(map(memory->own_ring_, files[MemoryFile::host_ring], bip::read_write, ring_file));
    SYMPHONY_TRY(map(memory->own_slab_, files[MemoryFile::host_slab], bip::read_write, options.slab_bytes));
    SYMPHONY_TRY(map(memory->peer_ring_, files[MemoryFile::runner_ring], bip::read_only, ring_file));
    SYMPHONY_TRY(map(memory->peer_slab_, files[MemoryFile::runner_slab], bip::read_only, options.slab_bytes));

    // Only after the host has mapped them for writing. The host's slab gets a read-only descriptor instead of the seal
    // against writing where that can be had, because the seal forbids to give freed pages back.
    const int read_only = open_read_only(files[MemoryFile::host_slab]);
    const int slab_seals = read_only >= 0 ? seals_all : seals_all | F_SEAL_FUTURE_WRITE;
    const std::array<int, memory_files> seals{seals_all | F_SEAL_FUTURE_WRITE, slab_seals, seals_all, seals_all};
    bool sealed = true;
    for (std::size_t i = 0; i < memory_files; ++i) sealed = sealed && ::fcntl(files.fd[i], F_ADD_SEALS, seals[i]) == 0;
    if (read_only >= 0) ::close(std::exchange(files[MemoryFile::host_slab], read_only));
    if (!sealed) return failed("no-memory-file", "cannot seal a channel's memory file");
    to_send = std::exchange(files.fd, {-1, -1, -1, -1});
    return memory;
}

Result<std::shared_ptr<Memory>> Memory::receive(int control) {
    Greeting greeting;
    Descriptors files;
    std::size_t count = memory_files;
    const auto size = receive_with_descriptors(control, &greeting, sizeof greeting, files.fd.data(), count, true);
    if (size < 0) return failed("no-greeting", "cannot read the host's greeting");
    if (size != sizeof greeting || count != memory_files || greeting.magic != head_magic || greeting.version != layout_version ||
        !sizes_allowed(greeting.ring_bytes, greeting.slab_bytes)) {
        return Error(Code::abi_mismatch, "bad-greeting", "the host's greeting is not of channel layout " + std::to_string(layout_version),
                     "use a symphony-runner of the same version as symphony");
    }
    const std::uint64_t ring_file = ring_data_offset + greeting.ring_bytes;
    const std::array<std::uint64_t, memory_files> sizes{ring_file, greeting.slab_bytes, ring_file, greeting.slab_bytes};
    for (std::size_t i = 0; i < memory_files; ++i) {
        struct stat info{};
        const int seals = ::fcntl(files.fd[i], F_GET_SEALS);
        if (::fstat(files.fd[i], &info) != 0 || static_cast<std::uint64_t>(info.st_size) != sizes[i] || seals < 0 || (seals & seals_all) != seals_all) {
            return Error(Code::abi_mismatch, "bad-greeting", "a memory file of the channel has another size or is not sealed");
        }
    }
    std::shared_ptr<Memory> memory(new Memory);
    memory->ring_bytes_ = greeting.ring_bytes;
    memory->slab_bytes_ = greeting.slab_bytes;
    SYMPHONY_TRY(map(memory->peer_ring_, files[MemoryFile::host_ring], bip::read_only, ring_file));
    SYMPHONY_TRY(map(memory->peer_slab_, files[MemoryFile::host_slab], bip::read_only, greeting.slab_bytes));
    SYMPHONY_TRY(map(memory->own_ring_, files[MemoryFile::runner_ring], bip::read_write, ring_file));
    SYMPHONY_TRY(map(memory->own_slab_, files[MemoryFile::runner_slab], bip::read_write, greeting.slab_bytes));
    return memory;
}

bool send_with_descriptors(int control, const void* bytes, std::size_t size, const int* descriptors, std::size_t count) noexcept {
    iovec part{const_cast<void*>(bytes), size};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int) * descriptors_max)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count != 0) {
        message.msg_control = room;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        std::memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    ssize_t sent;
    do sent = ::sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(size);
}

std::ptrdiff_t receive_with_descriptors(int control, void* bytes, std::size_t room, int* descriptors, std::size_t& count, bool wait) noexcept {
    iovec part{bytes, room};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * descriptors_max)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    ssize_t got;
    do got = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (got < 0 && errno == EINTR);
    const std::size_t places = std::exchange(count, 0);
    if (got <= 0) return got;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            if (count < places) descriptors[count++] = fd;
            else ::close(fd);
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        for (std::size_t i = 0; i < count; ++i) ::close(std::exchange(descriptors[i], -1));
        count = 0;
        errno = EMSGSIZE;
        return -1;
    }
    return got;
}

} // namespace symphony::ipc
