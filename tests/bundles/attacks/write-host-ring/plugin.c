/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "ring.h"

static void attack(struct attack *a) {
    struct rings rings = find_rings(a);
    if (rings.peer == NULL) return;
    void *const page = (void *)(uintptr_t)rings.peer;
    attempt(a, "mprotect", mprotect(page, 4096, PROT_READ | PROT_WRITE));
    attempt(a, "reading into it", pipe(rings.probe) == 0 && write(rings.probe[1], "x", 1) == 1 ? read(rings.probe[0], page, 1) : -1);
    void *const again = mremap(page, 0, 4096, MREMAP_MAYMOVE); /* a second mapping of shared memory */
    if (again != MAP_FAILED) attempt(a, "mprotect of a second mapping", mprotect(again, 4096, PROT_READ | PROT_WRITE));
    for (int fd = 0; fd < 256; ++fd) {
        if (fcntl(fd, F_GET_SEALS) < 0) continue;
        void *const at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        stopped(a, "%d %s", fd, at == MAP_FAILED ? errno_name(errno) : "is its own");
    }
}
ATTACK_PLUGIN
