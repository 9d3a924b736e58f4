/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const int fd = granted_file(a, SYMPHONY_FS_READ);
    char name[64];
    static const char *const links[] = {"/proc/self/fd/%d", "/proc/thread-self/fd/%d", "/dev/fd/%d", "/proc/1/fd/%d"};
    for (size_t i = 0; i < 4; ++i) {
        (void)snprintf(name, sizeof name, links[i], fd);
        attempt_fd(a, links[i], open(name, O_RDWR));
    }
    attempt_fd(a, "openat of nothing", openat(fd, "", O_RDWR));
    attempt(a, "ftruncate", ftruncate(fd, 0));
    attempt(a, "pwrite", pwrite(fd, "attack", 6, 0));
    attempt(a, "fallocate", fallocate(fd, 0, 0, 1 << 20));
    void *const at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    attempt(a, "mmap to write", at == MAP_FAILED ? -1 : 0);
    void *const only = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (only != MAP_FAILED) attempt(a, "mprotect to write", mprotect(only, 4096, PROT_READ | PROT_WRITE));
}
ATTACK_PLUGIN
