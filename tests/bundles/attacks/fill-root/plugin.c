/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    static const char *const places[] = {"/", "/tmp", "/dev", "/dev/shm", "/run", "/var/tmp", "/etc", "/usr", "/plugin", "."};
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s/attack-fill", places[i]);
        const int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0) {
            stopped(a, "%s %s", places[i], errno_name(errno));
            continue;
        }
        long written = 0, more = 0;
        while (written < 96l << 20 && (more = write(fd, block, sizeof block)) > 0) written += more;
        if (written >= 96l << 20) escaped(a, "%s takes 96 MiB", places[i]);
        else stopped(a, "%s takes %ld KiB, then %s", places[i], written >> 10, errno_name(errno));
        (void)close(fd);
        (void)unlink(name);
    }
}
ATTACK_PLUGIN
