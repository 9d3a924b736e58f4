// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What we sent comes back, as an answer or as memory that is free again: that orders our own threads. The thread sanitizer does
/// not see the other process, or sees the same memory at another address, and has to be told.
#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

namespace symphony::ipc {

inline void left_for_the_peer([[maybe_unused]] void* link) noexcept {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(link);
#endif
}
inline void came_from_the_peer([[maybe_unused]] void* link) noexcept {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(link);
#endif
}

} // namespace symphony::ipc
