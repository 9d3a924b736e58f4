// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

/// Messages over a blocking descriptor, with nothing but their length in front: the least that a transport over it has to do.
namespace symphony::ipc_bench {

/// A write to who is gone fails in this thread as an error, and not as SIGPIPE. Ends on the thread on which it began.
class NoSigpipe {
public:
    NoSigpipe() noexcept;
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;
    ~NoSigpipe();

private:
    sigset_t before_;
};

inline constexpr std::size_t length_bytes = sizeof(std::uint64_t);

/// @return False: the other side is gone, or the descriptor's own time-out has passed.
bool write_all(int fd, const char* from, std::size_t size) noexcept;
bool read_all(int fd, char* to, std::size_t size) noexcept;

/// A message of `size` bytes there and back. @param scratch  Of at least that and `length_bytes`.
bool round_trip(int in, int out, std::span<char> scratch, std::size_t size) noexcept;
/// Sends everything back, until the other side is gone or sends more than fits into `scratch`.
void echo_until_end(int in, int out, std::span<char> scratch) noexcept;

} // namespace symphony::ipc_bench
