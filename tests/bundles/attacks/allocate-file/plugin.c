/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#define ALLOWED (256l << 20) /* memory_limit of the manifest */

static void attack(struct attack *a) {
    static char block[1 << 20];
    memset(block, 1, sizeof block);
    const int fds[] = {(int)syscall(SYS_memfd_create, "attack", 0), open("/dev/shm/attack", O_RDWR | O_CREAT, 0600),
                       open("/tmp/attack", O_RDWR | O_CREAT, 0600)};
    static const char *const names[] = {"memfd", "/dev/shm", "/tmp"};
    for (size_t i = 0; i < 3; ++i) {
        if (fds[i] < 0) {
            stopped(a, "%s %s", names[i], errno_name(errno));
            continue;
        }
        long used = 0;
        while (used <= 2 * ALLOWED && write(fds[i], block, sizeof block) > 0) used += (long)sizeof block;
        if (used > 2 * ALLOWED) escaped(a, "%s: %ld MiB", names[i], used >> 20);
        else stopped(a, "%s: %ld MiB, then %s", names[i], used >> 20, errno_name(errno));
        (void)ftruncate(fds[i], 0);
    }
    (void)unlink("/dev/shm/attack");
    (void)unlink("/tmp/attack");
}
ATTACK_PLUGIN
