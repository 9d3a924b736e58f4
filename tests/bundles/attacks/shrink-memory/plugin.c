/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "ring.h"

static void attack(struct attack *a) {
    struct rings rings = find_rings(a);
    for (int fd = 0; fd < 256; ++fd) {
        if (fcntl(fd, F_GET_SEALS) < 0) continue;
        attempt(a, "shrink", ftruncate(fd, 0));
        attempt(a, "grow", ftruncate(fd, 1l << 40));
        attempt(a, "fallocate", fallocate(fd, 0, 0, 1l << 40));
        attempt(a, "more seals", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 16);
    }
    if (rings.own != NULL) {
        (void)madvise(rings.own, RING_DATA + RING_BYTES, MADV_REMOVE);
        (void)madvise((void *)(uintptr_t)rings.peer, RING_DATA + RING_BYTES, MADV_REMOVE);
        attempt(a, "poison", madvise(rings.own, 4096, MADV_HWPOISON));
        attempt(a, "offline", madvise(rings.own, 4096, 101 /* MADV_SOFT_OFFLINE */));
    }
    stopped(a, "the host goes on");
}
ATTACK_PLUGIN
