// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/plugin.h>
#include <symphony/ipc/channel.hpp>

#include <functional>
#include <string>

namespace symphony::ipc {

/// What the runner mapped, or why it could not.
struct Loaded {
    symphony_plugin_entry entry = nullptr;  ///< null: not exported, or not mapped
    std::string load_error;                 ///< of dlopen; "" = mapped
};

struct ServeOptions {
    unsigned threads_max = 64;             ///< at most so many threads run plugin code; at least one more reads
    std::function<void()> on_thread;       ///< runs first in every thread that serve() makes, for example for a signal stack
};

/// The channel is closed: the host is gone or said goodbye.
inline constexpr int serve_closed = 0;
/// The host sent what cannot be read; or the memory could not be mapped.
inline constexpr int serve_broken = 70;

/// Serves one plugin in this process until the host closes the channel: tells what `loaded` is (this calls the plugin's entry
/// function), then runs what the host asks for. The calling thread works too; others are made as needed. Returns when no
/// thread of it runs any more.
///
/// System calls it needs: futex, mmap, munmap, madvise, fallocate, recvmsg, sendmsg, poll, close, clone (threads),
/// sched_getaffinity, clock_gettime, clock_nanosleep, and what the C library's malloc and threads need. Address space: 2 GiB.
/// @return serve_closed or serve_broken, the exit status of the runner.
int serve(ChannelEnd end, Loaded loaded, const ServeOptions& options = {});

} // namespace symphony::ipc
