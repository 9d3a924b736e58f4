// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fd.hpp"

#include <symphony/sandbox/launcher.hpp>

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

/// Messages between host and launcher, and between launcher and a process that is being made. Both ends are the same build: each
/// message is one struct over one seqpacket, with its descriptors beside it. Nothing here is ever read from a plugin: a runner closes
/// its end before the library is mapped.
namespace symphony::sandbox::wire {

enum class Kind : std::uint32_t {
    hello = 1, launch, kill, quit, started, failed, died,  // host and launcher
    go, use, runner, ready, broken, ended,                 // launcher and child
};

struct Head {
    Kind kind{};
    std::uint32_t size = 0;
};

/// To the launcher; descriptors: image, control.
struct Launch {
    Head head{Kind::launch, sizeof(Launch)};
    std::uint64_t id = 0;
    Limits limits;
    std::uint32_t layers_off = 0;
    Grade minimum = Grade::none;
    bool jit = false, may_socketpair = false;
    char name[128] = {}, version[64] = {};
};
struct Kill {
    Head head{Kind::kill, sizeof(Kill)};
    std::uint64_t id = 0;
};
struct Quit {
    Head head{Kind::quit, sizeof(Quit)};
};

struct Layer {
    char name[24] = {};
    std::uint32_t bit = 0;
    bool active = false;
    char detail[160] = {}, why_not[240] = {}, remedy[320] = {};
};
inline constexpr std::size_t layers_max = 8;

/// The launcher's greeting.
struct Hello {
    Head head{Kind::hello, sizeof(Hello)};
    std::uint32_t version = 0;
    Grade grade = Grade::none;
    char backend[64] = {};
    std::uint32_t layer_count = 0;
    std::array<Layer, layers_max> layers;
};

/// From the launcher; descriptors: pidfd, output, and violations when `has_violations`.
struct Ready {
    Head head{Kind::started, sizeof(Ready)};
    std::uint64_t id = 0;
    pid_t pid = -1;
    std::uint32_t active = 0;  ///< Layer bits
    Grade grade = Grade::none;
    bool has_violations = false, forgeable = false;
    Limits limits;
};
struct Failed {
    Head head{Kind::failed, sizeof(Failed)};
    std::uint64_t id = 0;
    std::int32_t code = 0;
    bool retryable = false;
    char reason[40] = {}, message[640] = {}, hint[400] = {};
};
struct Died {
    Head head{Kind::died, sizeof(Died)};
    std::uint64_t id = 0;
    pid_t pid = -1;
    Death::How how = Death::exited;
    std::int64_t number = 0;
};

/// On the set-up socket: go (to the child); runner (descriptor: its pidfd), ready (descriptor: violations), broken, ended (from the child).
struct Step {
    Head head{Kind::go, sizeof(Step)};
    std::int32_t stage = 0, error = 0;  ///< broken
    std::int32_t code = 0, status = 0;  ///< ended: as in siginfo_t
    bool change_identity = false, may_drop_groups = false;  ///< go: who to be
    std::uint32_t uid = 0, gid = 0;                         ///< go: inside of its user namespace, if it has one
};

/// Changes when a message does.
inline constexpr std::uint32_t version =
    0x53590001u + static_cast<std::uint32_t>(sizeof(Launch) * 31 + sizeof(Hello) * 17 + sizeof(Ready) * 7 + sizeof(Failed) * 3 + sizeof(Died));

inline constexpr std::size_t message_max = sizeof(Hello) > 4096 ? sizeof(Hello) : 4096;
inline constexpr std::size_t fds_max = 4;

/// One message whole, or false with errno. No allocation.
bool send(int socket, const void* message, std::size_t size, const int* fds = nullptr, std::size_t fd_count = 0) noexcept;

struct Received {
    alignas(8) std::array<std::byte, message_max> bytes;
    std::size_t size = 0;
    std::array<Fd, fds_max> fds;
    std::size_t fd_count = 0;

    Kind kind() const noexcept;
    /// The message as T; null when it is another kind's or size.
    template <class T>
    const T* as() const noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        return size == sizeof(T) ? reinterpret_cast<const T*>(bytes.data()) : nullptr;
    }
};

enum class Got { message, nothing, end };
/// Waits for one message unless `flags` has MSG_DONTWAIT. No allocation.
Got receive(int socket, Received& into, int flags = 0) noexcept;

} // namespace symphony::sandbox::wire
