/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    symphony_status status;
    symphony_error error;
    const int fd = broker_open(a, "workspace", str_of("big.txt"), SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE, &status, &error);
    if (fd < 0) {
        stopped(a, "broker: %s", error.reason);
        return;
    }
    (void)signal(SIGXFSZ, SIG_IGN);
    attempt(a, "grow", ftruncate(fd, 1l << 30));
    attempt(a, "write far away", pwrite(fd, "x", 1, 1l << 30));
    attempt(a, "fallocate", fallocate(fd, 0, 0, 64 << 20));
    static char block[1 << 20];
    long written = 0, more = 0;
    while (written < 16l << 20 && (more = write(fd, block, sizeof block)) > 0) written += more;
    if (written >= 16l << 20) escaped(a, "16 MiB");
    else stopped(a, "%ld KiB, then %s", written >> 10, errno_name(errno));
    (void)ftruncate(fd, 0);
}
ATTACK_PLUGIN
